# All but main() is a library: the command line tool runs the same filter.

noinst_LIBRARIES += milters/sign/libsign.a
milters_sign_libsign_a_SOURCES = \
	milters/sign/decide.c \
	milters/sign/decide.h \
	milters/sign/origin.c \
	milters/sign/origin.h \
	milters/sign/settings.c \
	milters/sign/settings.h \
	milters/sign/sign.c \
	milters/sign/sign.h
LIBSIGN = milters/sign/libsign.a

sbin_PROGRAMS += milters/sign/postern-sign
milters_sign_postern_sign_SOURCES = milters/sign/main.c
milters_sign_postern_sign_LDADD = $(LIBSIGN) $(LIBDAEMON) $(LIBPOSTERN) \
	$(LIBS_COMMON) $(MILTER_LIBS)

UNIT_TESTS += tests/unit/test_sign_docs
tests_unit_test_sign_docs_SOURCES = tests/unit/test_sign_docs.c \
	tests/unit/docs.h \
	tests/unit/unit.h
tests_unit_test_sign_docs_LDADD = $(LIBSIGN) $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_sign_filter
tests_unit_test_sign_filter_SOURCES = tests/unit/test_sign_filter.c \
	tests/unit/unit.h
tests_unit_test_sign_filter_LDADD = $(LIBSIGN) $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_message
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c $(FUZZ_MAIN)
tests_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_message_LDADD = $(LIBSIGN) $(LIBPOSTERN) $(LIBS_COMMON)
