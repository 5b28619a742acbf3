common_libpostern_a_SOURCES += \
	common/cache/backend.h \
	common/cache/cache.c \
	common/cache/cache.h \
	common/cache/cachekey.c \
	common/cache/cachekey.h \
	common/cache/decay.h \
	common/cache/local.c \
	common/cache/memcached.c \
	common/cache/store.c \
	common/cache/store.h \
	common/cache/storefile.c \
	common/cache/storefile.h \
	common/cache/window.h

# sliding windows
common_libpostern_a_SOURCES += \
	common/cache/window.c

UNIT_TESTS += tests/unit/test_window
tests_unit_test_window_SOURCES = tests/unit/test_window.c tests/unit/unit.h
tests_unit_test_window_LDADD = $(LIBS_UNIT)

# decaying counts
common_libpostern_a_SOURCES += \
	common/cache/decay.c \
	common/cache/octets.h

UNIT_TESTS += tests/unit/test_decay
tests_unit_test_decay_SOURCES = tests/unit/test_decay.c tests/unit/unit.h
tests_unit_test_decay_LDADD = $(LIBS_UNIT)

# what both backends must do, and the embedded one
UNIT_TESTS += \
	tests/unit/test_cache
tests_unit_test_cache_SOURCES = tests/unit/test_cache.c \
	tests/unit/cachecases.c tests/unit/cachecases.h tests/unit/tables.h \
	tests/unit/unit.h
tests_unit_test_cache_LDADD = $(LIBS_UNIT)
