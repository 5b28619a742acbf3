# All but main() is a library: the command line tool runs the same filter.

noinst_LIBRARIES += milters/verify/libverify.a
milters_verify_libverify_a_SOURCES = \
	milters/verify/checks.c \
	milters/verify/checks.h \
	milters/verify/compose.c \
	milters/verify/compose.h \
	milters/verify/decide.c \
	milters/verify/decide.h \
	milters/verify/overrides.c \
	milters/verify/overrides.h \
	milters/verify/settings.c \
	milters/verify/settings.h \
	milters/verify/story.c \
	milters/verify/story.h \
	milters/verify/verify.c \
	milters/verify/verify.h
LIBVERIFY = milters/verify/libverify.a

UNIT_TESTS += tests/unit/test_verify_overrides
tests_unit_test_verify_overrides_SOURCES = \
	tests/unit/test_verify_overrides.c tests/unit/tables.h \
	tests/unit/unit.h
tests_unit_test_verify_overrides_LDADD = $(LIBVERIFY) $(LIBS_UNIT)
