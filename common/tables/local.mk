common_libpostern_a_SOURCES += \
	common/tables/dataset.h \
	common/tables/hostlist.h \
	common/tables/keytable.h \
	common/tables/namelist.h \
	common/tables/signtable.h
