common_libpostern_a_SOURCES += \
	common/milter/counters.h \
	common/milter/daemon.h \
	common/milter/file_driver.h \
	common/milter/filter.h \
	common/milter/libmilter_driver.h \
	common/milter/snapshot.h
