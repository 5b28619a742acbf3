common_libpostern_a_SOURCES += \
	common/cache/backend.h \
	common/cache/cache.c \
	common/cache/cache.h \
	common/cache/cachekey.c \
	common/cache/cachekey.h \
	common/cache/decay.h \
	common/cache/local.c \
	common/cache/memcached.c \
	common/cache/shard.c \
	common/cache/shard.h \
	common/cache/store.c \
	common/cache/store.h \
	common/cache/storefile.c \
	common/cache/storefile.h \
	common/cache/storeformat.c \
	common/cache/storeformat.h \
	common/cache/storeload.c \
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
	tests/unit/test_cache \
	tests/unit/test_cachekey \
	tests/unit/test_store \
	tests/unit/test_storefile
tests_unit_test_cache_SOURCES = tests/unit/test_cache.c \
	tests/unit/cachecases.c tests/unit/cachecases.h tests/unit/tables.h \
	tests/unit/unit.h
tests_unit_test_cache_LDADD = $(LIBS_UNIT)
tests_unit_test_cachekey_SOURCES = tests/unit/test_cachekey.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_cachekey_LDADD = $(LIBS_UNIT)
tests_unit_test_store_SOURCES = tests/unit/test_store.c \
	tests/unit/unit.h
tests_unit_test_store_LDADD = $(LIBS_UNIT)
tests_unit_test_storefile_SOURCES = tests/unit/test_storefile.c \
	tests/unit/tables.h tests/unit/unit.h
tests_unit_test_storefile_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_cachefile
tests_fuzz_fuzz_cachefile_SOURCES = tests/fuzz/fuzz_cachefile.c $(FUZZ_MAIN)
tests_fuzz_fuzz_cachefile_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_cachefile_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
# memcached
common_libpostern_a_SOURCES += \
	common/cache/breaker.c \
	common/cache/breaker.h \
	common/cache/cachevalue.c \
	common/cache/cachevalue.h \
	common/cache/mcexchange.c \
	common/cache/mcexchange.h \
	common/cache/mcitem.c \
	common/cache/mcitem.h \
	common/cache/mckeeper.c \
	common/cache/mckeeper.h \
	common/cache/mcname.c \
	common/cache/mcname.h \
	common/cache/mcring.c \
	common/cache/mcring.h \
	common/cache/mcserver.c \
	common/cache/mcserver.h \
	common/cache/mcwire.c \
	common/cache/mcwire.h

UNIT_TESTS += tests/unit/test_breaker
tests_unit_test_breaker_SOURCES = tests/unit/test_breaker.c \
	tests/unit/unit.h
tests_unit_test_breaker_LDADD = $(LIBS_UNIT)

UNIT_TESTS += tests/unit/test_memcached_value
tests_unit_test_memcached_value_SOURCES = \
	tests/unit/test_memcached_value.c tests/unit/unit.h
tests_unit_test_memcached_value_LDADD = $(LIBS_UNIT)

FUZZ_TARGETS += tests/fuzz/fuzz_cachevalue
tests_fuzz_fuzz_cachevalue_SOURCES = tests/fuzz/fuzz_cachevalue.c \
	$(FUZZ_MAIN)
tests_fuzz_fuzz_cachevalue_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_cachevalue_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

# Drives a cache from many threads, for tests and measurements.
check_PROGRAMS += tests/daemon/cacheload
tests_daemon_cacheload_SOURCES = tests/daemon/cacheload.c
tests_daemon_cacheload_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

LONE_TESTS += tests/unit/test_memcached
tests_unit_test_memcached_SOURCES = tests/unit/test_memcached.c \
	tests/unit/cachecases.c tests/unit/cachecases.h tests/unit/unit.h
tests_unit_test_memcached_LDADD = $(LIBS_UNIT)
