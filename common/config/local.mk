common_libpostern_a_SOURCES += \
	common/config/settings.h
