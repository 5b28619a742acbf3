common_libpostern_a_SOURCES += \
	common/arc/arc.c \
	common/arc/arc.h \
	common/arc/sealhash.c \
	common/arc/sealhash.h \
	common/arc/set.c \
	common/arc/set.h

UNIT_TESTS += tests/unit/test_arc
tests_unit_test_arc_SOURCES = tests/unit/test_arc.c tests/unit/unit.h \
	tests/unit/dkim_keys.h $(TEST_ZONE)
tests_unit_test_arc_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_arcset
tests_unit_test_arcset_SOURCES = tests/unit/test_arcset.c tests/unit/unit.h
tests_unit_test_arcset_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_arc
tests_fuzz_fuzz_arc_SOURCES = tests/fuzz/fuzz_arc.c $(TEST_ZONE) $(FUZZ_MAIN)
tests_fuzz_fuzz_arc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_arc_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
