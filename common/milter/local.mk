common_libpostern_a_SOURCES += \
	common/milter/counters.c \
	common/milter/counters.h \
	common/milter/daemon.h \
	common/milter/file_apply.c \
	common/milter/file_driver.c \
	common/milter/file_driver.h \
	common/milter/filter.c \
	common/milter/filter.h \
	common/milter/libmilter_driver.h \
	common/milter/snapshot.c \
	common/milter/snapshot.h

UNIT_TESTS += tests/unit/test_counters tests/unit/test_snapshot \
	tests/unit/test_file_driver
tests_unit_test_counters_SOURCES = tests/unit/test_counters.c tests/unit/unit.h
tests_unit_test_counters_LDADD = $(LIBS_UNIT)
tests_unit_test_snapshot_SOURCES = tests/unit/test_snapshot.c tests/unit/unit.h
tests_unit_test_snapshot_LDADD = $(LIBS_UNIT)
tests_unit_test_file_driver_SOURCES = tests/unit/test_file_driver.c \
	tests/unit/unit.h
tests_unit_test_file_driver_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_file_driver
tests_fuzz_fuzz_file_driver_SOURCES = tests/fuzz/fuzz_file_driver.c $(FUZZ_MAIN)
tests_fuzz_fuzz_file_driver_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_file_driver_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
