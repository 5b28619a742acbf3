common_libpostern_a_SOURCES += \
	common/arc/arc.h \
	common/arc/set.c \
	common/arc/set.h

UNIT_TESTS += tests/unit/test_arcset
tests_unit_test_arcset_SOURCES = tests/unit/test_arcset.c tests/unit/unit.h
tests_unit_test_arcset_LDADD = $(LIBS_UNIT)
