common_libpostern_a_SOURCES += \
	common/arc/arc.h \
	common/arc/set.h
