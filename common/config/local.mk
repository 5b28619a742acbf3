common_libpostern_a_SOURCES += \
	common/config/complain.c \
	common/config/complain.h \
	common/config/settings.c \
	common/config/settings.h \
	common/config/show.c \
	common/config/value.c \
	common/config/value.h

UNIT_TESTS += tests/unit/test_settings
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c tests/unit/unit.h
tests_unit_test_settings_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_settings
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz_settings.c $(FUZZ_MAIN)
tests_fuzz_fuzz_settings_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_settings_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
