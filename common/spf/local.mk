common_libpostern_a_SOURCES += \
	common/spf/check.c \
	common/spf/evaluation.c \
	common/spf/evaluation.h \
	common/spf/expand.c \
	common/spf/explain.c \
	common/spf/explain.h \
	common/spf/follow.c \
	common/spf/follow.h \
	common/spf/frame.c \
	common/spf/frame.h \
	common/spf/layer.c \
	common/spf/layer.h \
	common/spf/macro.c \
	common/spf/macro.h \
	common/spf/mechanism.c \
	common/spf/mechanism.h \
	common/spf/piece.c \
	common/spf/piece.h \
	common/spf/ptr.c \
	common/spf/ptr.h \
	common/spf/record.c \
	common/spf/record.h \
	common/spf/rewrite.c \
	common/spf/rewrite.h \
	common/spf/spf.h \
	common/spf/terms.c \
	common/spf/terms.h

UNIT_TESTS += tests/unit/test_spf_record
tests_unit_test_spf_record_SOURCES = tests/unit/test_spf_record.c \
	tests/unit/unit.h
tests_unit_test_spf_record_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_spf_check
tests_unit_test_spf_check_SOURCES = tests/unit/test_spf_check.c \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_spf_check_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_spf
tests_fuzz_fuzz_spf_SOURCES = tests/fuzz/fuzz_spf.c $(TEST_ZONE) $(FUZZ_MAIN)
tests_fuzz_fuzz_spf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_spf_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

FUZZ_TARGETS += tests/fuzz/fuzz_spf_record
tests_fuzz_fuzz_spf_record_SOURCES = tests/fuzz/fuzz_spf_record.c $(FUZZ_MAIN)
tests_fuzz_fuzz_spf_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_spf_record_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
