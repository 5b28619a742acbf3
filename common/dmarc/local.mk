common_libpostern_a_SOURCES += \
	common/dmarc/dmarc.h \
	common/dmarc/record.h \
	common/dmarc/walk.h
