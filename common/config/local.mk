common_libpostern_a_SOURCES += \
	common/config/settings.c \
	common/config/settings.h \
	common/config/value.c \
	common/config/value.h

UNIT_TESTS += tests/unit/test_settings
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c tests/unit/unit.h
tests_unit_test_settings_LDADD = $(LIBS_UNIT)
