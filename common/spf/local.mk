common_libpostern_a_SOURCES += \
	common/spf/spf.h
