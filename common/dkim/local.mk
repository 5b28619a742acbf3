common_libpostern_a_SOURCES += \
	common/dkim/bodyhash.h \
	common/dkim/canon.h \
	common/dkim/key.h \
	common/dkim/record.h \
	common/dkim/sign.h \
	common/dkim/signature.h \
	common/dkim/signset.h
