common_libpostern_a_SOURCES += \
	common/cache/cache.h \
	common/cache/cachekey.h \
	common/cache/decay.h \
	common/cache/window.h
