common_libpostern_a_SOURCES += \
	common/base/arena.c \
	common/base/arena.h \
	common/base/base64.c \
	common/base/base64.h \
	common/base/clock.c \
	common/base/clock.h \
	common/base/diag.c \
	common/base/diag.h \
	common/base/escape.c \
	common/base/escape.h \
	common/base/file.c \
	common/base/file.h \
	common/base/ipaddr.c \
	common/base/ipaddr.h \
	common/base/json.c \
	common/base/json.h \
	common/base/log.c \
	common/base/log.h \
	common/base/map.c \
	common/base/map.h \
	common/base/mem.c \
	common/base/mem.h \
	common/base/nearest.c \
	common/base/nearest.h \
	common/base/notify.c \
	common/base/notify.h \
	common/base/span.c \
	common/base/span.h \
	common/base/strbuf.c \
	common/base/strbuf.h \
	common/base/units.c \
	common/base/units.h

UNIT_TESTS += tests/unit/test_base
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/unit/unit.h
tests_unit_test_base_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_escape
tests_fuzz_fuzz_escape_SOURCES = tests/fuzz/fuzz_escape.c $(FUZZ_MAIN)
tests_fuzz_fuzz_escape_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_escape_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
