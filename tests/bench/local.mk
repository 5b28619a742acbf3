# Programs that measure and load; tests drive milterload too. None is
# installed.

check_PROGRAMS += \
	tests/bench/bench_tables \
	tests/bench/emptymilter \
	tests/bench/floor \
	tests/bench/milterload

tests_bench_milterload_SOURCES = \
	tests/bench/bench.c \
	tests/bench/bench.h \
	tests/bench/load_chain.c \
	tests/bench/load_chain.h \
	tests/bench/load_macros.c \
	tests/bench/load_macros.h \
	tests/bench/load_message.c \
	tests/bench/load_message.h \
	tests/bench/load_options.c \
	tests/bench/load_options.h \
	tests/bench/load_policy.c \
	tests/bench/load_policy.h \
	tests/bench/load_report.c \
	tests/bench/load_report.h \
	tests/bench/load_session.c \
	tests/bench/load_session.h \
	tests/bench/load_step.h \
	tests/bench/load_transact.c \
	tests/bench/load_wire.c \
	tests/bench/load_wire.h \
	tests/bench/milterload.c
tests_bench_milterload_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

tests_bench_emptymilter_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/emptymilter.c
tests_bench_emptymilter_LDADD = $(MILTER_LIBS)

tests_bench_floor_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/floor.c
tests_bench_floor_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

tests_bench_bench_tables_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/bench_tables.c
tests_bench_bench_tables_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)

EXTRA_DIST += \
	tests/bench/checkers.py \
	tests/bench/daemons.py \
	tests/bench/incoming.py \
	tests/bench/policies.py \
	tests/bench/relay.py \
	tests/bench/report.py \
	tests/bench/run \
	tests/bench/run_policy.py \
	tests/bench/run_sign.py \
	tests/bench/run_soak.py \
	tests/bench/run_tables.py \
	tests/bench/run_verify.py \
	tests/bench/slowrelay.py \
	tests/bench/test_bench.py

# the embedded cache
check_PROGRAMS += tests/bench/bench_cache
tests_bench_bench_cache_SOURCES = tests/bench/bench.c tests/bench/bench.h \
	tests/bench/bench_cache.c
tests_bench_bench_cache_LDADD = $(LIBPOSTERN) $(LIBS_COMMON)
