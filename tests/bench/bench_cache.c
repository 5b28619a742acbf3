/*
 * What the embedded cache costs: bench_cache [KEYS]. A line a measure:
 * memory for each key, nanoseconds of each call with one and with two threads,
 * and saving, loading, and how long a call waits meanwhile.
 */
#include "tests/bench/bench.h"

#include "common/base/mem.h"
#include "common/cache/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALLS = 1000000, THREADS_MAX = 2, BYTES_PER_KEY = 100, BATCH = 10 };

static const struct cache_secret secret = { "a secret of thirty-two octets.." };
static struct cache *cache;
static uint64_t key_count = 1000000;

/* Digests are as good as random: so are these, and cheaper. */
static uint64_t
mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static struct cache_key
key_of(uint64_t number)
{
	struct cache_key key = { .slot = 0 };
	size_t i;

	for (i = 0; i < CACHE_KEY_OCTETS; i += sizeof(number)) {
		number = mix(number);
		memcpy(key.digest + i, &number, sizeof(number));
	}
	return key;
}

static double
resident(void)
{
	FILE *fp = fopen("/proc/self/statm", "r");
	long pages = 0;

	if (fp == NULL || fscanf(fp, "%*d %ld", &pages) != 1)
		bench_die("bench_cache: /proc/self/statm cannot be read");
	fclose(fp);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static struct cache *
open_cache(const char *file)
{
	struct cache_options options = { .spec = "local", .file = file,
	    .secret = secret };
	struct strbuf err = STRBUF_INIT;
	struct cache *opened;

	options.size = (size_t)key_count * BYTES_PER_KEY;
	opened = cache_open(&options, &err);
	if (opened == NULL)
		bench_die("bench_cache: %s", strbuf_str(&err));
	return opened;
}

/* ---- calls ---- */

typedef void call_function(uint64_t number);

static void
call_nothing(uint64_t number)
{
	struct cache_item item = { .key = key_of(number), .ttl = 86400 };

	__asm__ volatile ("" : : "g" (&item) : "memory");
}

static void
call_get(uint64_t number)
{
	struct cache_item item = { .key = key_of(number),
	    .kind = CACHE_COUNTER };

	cache_get(cache, &item, 1);
	if (item.state != CACHE_HIT)
		bench_die("bench_cache: a key is missing");
}

static void
call_increment(uint64_t number)
{
	struct cache_item item = { .key = key_of(number), .add = 1,
	    .ttl = 86400 };

	cache_increment(cache, &item, 1);
}

static void
call_batch(uint64_t number)
{
	struct cache_item items[BATCH] = { { .ttl = 0 } };
	uint64_t i;

	for (i = 0; i < BATCH; i++) {
		items[i].kind = CACHE_COUNTER;
		items[i].key = key_of((number + i) % key_count);
	}
	cache_get(cache, items, BATCH);
}

static void
call_name(uint64_t number)
{
	struct span parts[3] = { SPAN_LIT("192.0.2.0/24"),
	    SPAN_LIT("somebody@example.org"), { NULL, 0 } };
	struct cache_key key;

	parts[2] = span_make(&number, sizeof(number));
	cache_name(cache, "greylist", parts, 3, &key);
	__asm__ volatile ("" : : "g" (&key) : "memory");
}

static const struct call {
	const char *name;
	call_function *function;
} calls[] = {
	{ "nothing", call_nothing },
	{ "get", call_get },
	{ "increment", call_increment },
	{ "get_10", call_batch },
	{ "name", call_name },
};

struct caller {
	pthread_t thread;
	const struct call *call;
	uint64_t state;
};

static void *
run_calls(void *arg)
{
	struct caller *caller = arg;
	size_t i;

	for (i = 0; i < CALLS; i++)
		caller->call->function(mix(caller->state + i) % key_count);
	return NULL;
}

static void
measure_call(const struct call *call, unsigned threads)
{
	struct caller callers[THREADS_MAX];
	double start = bench_now(), cpu = bench_cpu(), s;
	unsigned i;

	for (i = 0; i < threads; i++) {
		callers[i] = (struct caller){ .call = call,
		    .state = (uint64_t)i << 40 };
		if (pthread_create(&callers[i].thread, NULL, run_calls,
		    &callers[i]) != 0)
			bench_die("bench_cache: no thread");
	}
	for (i = 0; i < threads; i++)
		pthread_join(callers[i].thread, NULL);
	s = bench_now() - start;
	cpu = (bench_cpu() - cpu) / threads;
	printf("measure=call call=%s keys=%llu threads=%u ns=%.0f cpu_ns=%.0f "
	    "calls_s=%.0f\n", call->name, (unsigned long long)key_count,
	    threads, s * 1e9 / CALLS, cpu * 1e9 / CALLS, CALLS * threads / s);
}

/* ---- filling, saving, loading ---- */

static void
measure_fill(void)
{
	double before = resident(), start = bench_now(), s, worst = 0, each;
	struct cache_stats stats;
	uint64_t i;

	for (i = 0; i < key_count; i++) {
		each = bench_now();
		call_increment(i);
		each = bench_now() - each;
		worst = each > worst ? each : worst;
	}
	s = bench_now() - start;
	cache_count(cache, &stats);
	if (stats.entries != key_count)
		bench_die("bench_cache: %llu keys are left",
		    (unsigned long long)stats.entries);
	printf("measure=fill keys=%llu ns=%.0f worst_us=%.0f bytes_key=%.1f "
	    "resident_key=%.1f\n", (unsigned long long)key_count,
	    s * 1e9 / (double)key_count, worst * 1e6,
	    (double)stats.bytes / (double)key_count,
	    (resident() - before) / (double)key_count);
}

static _Atomic bool is_over;

static void *
save(void *arg)
{
	struct strbuf err = STRBUF_INIT;
	double *s = arg, start = bench_now();

	if (cache_save(cache, &err) != 0)
		bench_die("bench_cache: %s", err.s);
	*s = bench_now() - start;
	is_over = true;
	return NULL;
}

/* As much to do as saving has, and nothing to do with the cache's locks. */
static void *
keep_busy(void *arg)
{
	double until = bench_now() + *(double *)arg;

	while (bench_now() < until)
		call_name(1);
	is_over = true;
	return NULL;
}

/* Gets until it is over; their longest. A machine that has other things to do
 * interrupts them too: what counts is the difference. */
static void
watch(const char *what, void *function(void *), double *s)
{
	double start, each, worst = 0;
	uint64_t i, over_100us = 0, over_1ms = 0;
	pthread_t thread;

	is_over = false;
	if (pthread_create(&thread, NULL, function, s) != 0)
		bench_die("bench_cache: no thread");
	for (i = 0; !is_over; i++) {
		start = bench_now();
		call_get(mix(i) % key_count);
		each = bench_now() - start;
		worst = each > worst ? each : worst;
		over_100us += each > 0.0001;
		over_1ms += each > 0.001;
	}
	pthread_join(thread, NULL);
	printf("measure=wait during=%s gets=%llu worst_us=%.0f "
	    "over_100us=%llu over_1ms=%llu\n", what, (unsigned long long)i,
	    worst * 1e6, (unsigned long long)over_100us,
	    (unsigned long long)over_1ms);
}

static void
measure_save(const char *file)
{
	double s = 0;
	struct stat st;

	watch("save", save, &s);
	if (stat(file, &st) != 0)
		bench_die("bench_cache: nothing was saved");
	printf("measure=save keys=%llu s=%.3f mb=%.1f\n",
	    (unsigned long long)key_count, s,
	    (double)st.st_size / (1 << 20));
	watch("other_work", keep_busy, &s);
}

static void
measure_load(const char *file)
{
	struct cache_stats stats;
	double start;

	cache_close(cache);
	cache = open_cache(file);
	start = bench_now();
	cache_serve(cache);
	printf("measure=load keys=%llu s=%.3f\n", (unsigned long long)key_count,
	    bench_now() - start);
	cache_count(cache, &stats);
	if (stats.entries != key_count)
		bench_die("bench_cache: %llu keys came back",
		    (unsigned long long)stats.entries);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/postern-bench-XXXXXX";
	struct strbuf file = STRBUF_INIT;
	unsigned threads;
	size_t i;

	if (argc > 2 || (argc == 2 && !span_number(span_of(argv[1]), 100000000,
	    &key_count)) || key_count < 1000)
		bench_die("usage: bench_cache [KEYS]");
	if (mkdtemp(dir) == NULL)
		bench_die("bench_cache: no directory in /tmp");
	strbuf_addf(&file, "%s/cache", dir);
	cache = open_cache(file.s);
	cache_serve(cache);
	measure_fill();
	for (threads = 1; threads <= THREADS_MAX; threads++)
		for (i = 0; i < ARRAY_LEN(calls); i++)
			measure_call(&calls[i], threads);
	measure_save(file.s);
	measure_load(file.s);
	cache_close(cache);
	unlink(file.s);
	rmdir(dir);
	strbuf_clear(&file);
	return 0;
}
