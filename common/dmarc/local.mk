common_libpostern_a_SOURCES += \
	common/dmarc/align.c \
	common/dmarc/align.h \
	common/dmarc/authors.c \
	common/dmarc/authors.h \
	common/dmarc/dmarc.c \
	common/dmarc/dmarc.h \
	common/dmarc/library.c \
	common/dmarc/library.h \
	common/dmarc/path.c \
	common/dmarc/path.h \
	common/dmarc/prefetch.c \
	common/dmarc/prefetch.h \
	common/dmarc/psl.c \
	common/dmarc/psl.h \
	common/dmarc/published.c \
	common/dmarc/published.h \
	common/dmarc/record.c \
	common/dmarc/record.h \
	common/dmarc/uri.c \
	common/dmarc/uri.h \
	common/dmarc/walk.c \
	common/dmarc/walk.h

UNIT_TESTS += tests/unit/test_dmarc
tests_unit_test_dmarc_SOURCES = tests/unit/test_dmarc.c \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_dmarc_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_dmarc_record
tests_unit_test_dmarc_record_SOURCES = tests/unit/test_dmarc_record.c \
	tests/unit/unit.h
tests_unit_test_dmarc_record_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_dmarc_walk
tests_unit_test_dmarc_walk_SOURCES = tests/unit/test_dmarc_walk.c \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_dmarc_walk_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_dmarc
tests_fuzz_fuzz_dmarc_SOURCES = tests/fuzz/fuzz_dmarc.c $(TEST_ZONE) \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_dmarc_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dmarc_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_dmarc_record
tests_fuzz_fuzz_dmarc_record_SOURCES = tests/fuzz/fuzz_dmarc_record.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_dmarc_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dmarc_record_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
