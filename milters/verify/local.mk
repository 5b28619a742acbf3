# All but main() is a library: the command line tool runs the same filter.

noinst_LIBRARIES += milters/verify/libverify.a
milters_verify_libverify_a_SOURCES = \
	milters/verify/answer.c \
	milters/verify/answer.h \
	milters/verify/checks.c \
	milters/verify/checks.h \
	milters/verify/compose.c \
	milters/verify/compose.h \
	milters/verify/decide.c \
	milters/verify/decide.h \
	milters/verify/explain.c \
	milters/verify/explain.h \
	milters/verify/overrides.c \
	milters/verify/overrides.h \
	milters/verify/settings.c \
	milters/verify/settings.h \
	milters/verify/story.c \
	milters/verify/story.h \
	milters/verify/verify.c \
	milters/verify/verify.h
LIBVERIFY = milters/verify/libverify.a

UNIT_TESTS += tests/unit/test_verify_docs
tests_unit_test_verify_docs_SOURCES = tests/unit/test_verify_docs.c \
	tests/unit/docs.h tests/unit/unit.h
tests_unit_test_verify_docs_LDADD = $(LIBVERIFY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_verify_overrides
tests_unit_test_verify_overrides_SOURCES = \
	tests/unit/test_verify_overrides.c tests/unit/tables.h \
	tests/unit/unit.h
tests_unit_test_verify_overrides_LDADD = $(LIBVERIFY) $(LIBS_UNIT)

sbin_PROGRAMS += milters/verify/postern-verify
milters_verify_postern_verify_SOURCES = milters/verify/main.c
milters_verify_postern_verify_LDADD = $(LIBVERIFY) $(LIBDAEMON) \
	$(LIBPOSTERN) $(LIBS_COMMON) $(MILTER_LIBS)

UNIT_TESTS += tests/unit/test_verify_decide
tests_unit_test_verify_decide_SOURCES = tests/unit/test_verify_decide.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_verify_decide_LDADD = $(LIBVERIFY) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_verify_filter
tests_unit_test_verify_filter_SOURCES = tests/unit/test_verify_filter.c \
	tests/unit/unit.h $(TEST_ZONE)
tests_unit_test_verify_filter_LDADD = $(LIBVERIFY) $(LIBSIGN) $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_verify_message
tests_fuzz_fuzz_verify_message_SOURCES = tests/fuzz/fuzz_verify_message.c \
	$(TEST_ZONE) $(FUZZ_MAIN)
tests_fuzz_fuzz_verify_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_verify_message_LDADD = $(LIBVERIFY) $(LIBPOSTERN) \
	$(LIBS_COMMON)
