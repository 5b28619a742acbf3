/*
 * cacheload - drives a cache from many threads, for tests and measurements.
 *
 *	cacheload --cache SPEC [--threads N] [--seconds S] [--count N]
 *	    [--keys N] [--batch N] [--work count|check|read] [--pause US]
 *	    [--slice S] [--secret TEXT] [--lossy] [--sum]
 *
 * Each thread asks again and again, for S seconds or until all threads together
 * have done N operations without trouble, about BATCH of KEYS things that it
 * picks at random:
 *	count	adds 1 to each counter
 *	check	reads each record, which has its own number and the key's as its
 *		value, and stores it where it is missing: any other is wrong.
 *		Adds to a counter of this thread alone, which never goes back
 *		(but for --lossy: servers lose what they have)
 *	read	reads each counter
 * Counters and records are the same for every process with one secret. A thread
 * pauses for US microseconds between two operations.
 *
 * Prints one JSON object: operations, items, troubles (items), wrong answers,
 * latencies in microseconds (mean, p50, p99, max), "added" (what is counted for
 * sure), what cache_count() says, and "slices": the same for every S seconds.
 * With --sum it adds nothing, but prints the sum of all counters of "count";
 * with --fill it adds 1 to each, in their order, and prints the same.
 */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/cache/cache.h"

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

enum {
	THREADS_MAX = 512,
	BUCKETS = 512,			/* of latencies: an eighth of an octave */
	SLICES_MAX = 600,
	TROUBLE_US = 1000,		/* pause after trouble, at least */
	OWN_STEP = 1000,		/* more than that is not one's own */
	TTL = 3600
};

enum work { COUNT, CHECK, READ };

static struct {
	const char *spec;
	unsigned threads, batch;
	double seconds, slice;
	uint64_t count, keys;
	enum work work;
	unsigned pause;
	bool is_sum, is_fill, is_lossy;
	const char *secret;
} opt = { .threads = 1, .batch = 1, .seconds = 1, .slice = 1, .keys = 1000,
    .secret = "cacheload" };

static struct cache *cache;
static int64_t began_us;
static atomic_uint_fast64_t done;	/* operations without trouble */

/* What came of the operations that ended in a slice of time. */
struct tally {
	uint64_t operations, items, troubles, wrong, misses, added, max, sum;
	unsigned buckets[BUCKETS];
};

struct worker {
	pthread_t thread;
	unsigned number;
	uint64_t random;
	int64_t own;			/* its own counter was at, at least */
	struct cache_item *items;
	struct tally *slices;
};

static void
die(const char *what)
{
	fprintf(stderr, "cacheload: %s\n", what);
	exit(2);
}

/* ---- latencies ---- */

static unsigned
bucket_of(uint64_t us)
{
	unsigned octave;

	if (us < 8)
		return (unsigned)us;
	octave = 63 - (unsigned)__builtin_clzll(us);
	return (octave - 2) * 8 + (unsigned)(us >> (octave - 3) & 7);
}

static uint64_t
bucket_top(unsigned bucket)
{
	if (bucket < 8)
		return bucket;
	return ((UINT64_C(9) + bucket % 8) << (bucket / 8 - 1)) - 1;
}

static uint64_t
percentile(const struct tally *tally, double share)
{
	double left = share * (double)tally->operations;
	unsigned i;

	for (i = 0; i + 1 < BUCKETS; i++)
		if ((left -= tally->buckets[i]) <= 0)
			break;
	return bucket_top(i) < tally->max ? bucket_top(i) : tally->max;
}

static void
tally_add(struct tally *to, const struct tally *from)
{
	unsigned i;

	to->operations += from->operations;
	to->items += from->items;
	to->troubles += from->troubles;
	to->wrong += from->wrong;
	to->misses += from->misses;
	to->added += from->added;
	to->sum += from->sum;
	if (from->max > to->max)
		to->max = from->max;
	for (i = 0; i < BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
}

/* ---- the work ---- */

static void
name_item(struct cache_item *item, const char *kind, uint64_t number)
{
	struct span part = span_make(&number, sizeof(number));

	cache_name(cache, kind, &part, 1, &item->key);
	item->ttl = TTL;
}

static uint64_t
pick(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random % opt.keys;
}

static void
note(const struct cache_item *item, struct tally *tally)
{
	tally->items++;
	tally->troubles += item->state == CACHE_TROUBLE;
	tally->misses += item->state == CACHE_MISS;
}

static void
count(struct worker *worker, struct tally *tally)
{
	unsigned i;

	for (i = 0; i < opt.batch; i++) {
		worker->items[i] = (struct cache_item){ .add =
		    opt.work == COUNT, .kind = CACHE_COUNTER };
		name_item(&worker->items[i], "count", pick(worker));
	}
	if (opt.work == COUNT)
		cache_increment(cache, worker->items, opt.batch);
	else
		cache_get(cache, worker->items, opt.batch);
	for (i = 0; i < opt.batch; i++) {
		note(&worker->items[i], tally);
		if (worker->items[i].state == CACHE_TROUBLE)
			continue;
		tally->added += opt.work == COUNT;
		tally->wrong += opt.work == COUNT &&
		    (worker->items[i].state != CACHE_HIT ||
		    worker->items[i].number < 1);
	}
}

/* A record's value is its number and some of its key. */
static void
fill(struct cache_item *item, uint64_t number)
{
	item->len = 8 + number % (CACHE_VALUE_MAX - 7);
	memcpy(item->value, &number, 8);
	memcpy(item->value + 8, item->key.digest, item->len - 8);
}

static bool
is_right(const struct cache_item *item, uint64_t number)
{
	struct cache_item want = *item;

	fill(&want, number);
	return item->len == want.len &&
	    memcmp(item->value, want.value, want.len) == 0;
}

static void
check_record(struct cache_item *item, uint64_t number, struct tally *tally)
{
	note(item, tally);
	if (item->state == CACHE_HIT) {
		tally->wrong += !is_right(item, number);
	} else if (item->state == CACHE_MISS) {
		fill(item, number);
		cache_add(cache, item);
	}
}

/* Nobody else has its own counter: it never goes back. */
static void
check_own(struct worker *worker, struct tally *tally)
{
	struct cache_item item = { .add = 1 };

	name_item(&item, "own", worker->number);
	item.key.slot = (uint64_t)getpid();
	cache_increment(cache, &item, 1);
	note(&item, tally);
	if (item.state == CACHE_TROUBLE)
		return;
	if (item.state == CACHE_HIT) {
		tally->wrong += !opt.is_lossy && (item.number <= worker->own ||
		    item.number > worker->own + OWN_STEP);
		worker->own = item.number;
	}
}

static void
check(struct worker *worker, struct tally *tally)
{
	uint64_t numbers[CACHE_BATCH_MAX];
	unsigned i;

	for (i = 0; i < opt.batch; i++) {
		worker->items[i] = (struct cache_item){ .ttl = 0 };
		numbers[i] = pick(worker);
		name_item(&worker->items[i], "record", numbers[i]);
	}
	cache_get(cache, worker->items, opt.batch);
	for (i = 0; i < opt.batch; i++)
		check_record(&worker->items[i], numbers[i], tally);
	check_own(worker, tally);
}

static bool
goes_on(void)
{
	if (opt.count > 0)
		return done < opt.count;
	return (double)(clock_monotonic_us() - began_us) < opt.seconds * 1e6;
}

static struct tally *
slice_at(struct worker *worker, int64_t us)
{
	int64_t slice = (int64_t)((double)(us - began_us) /
	    (opt.slice * 1e6));

	return &worker->slices[slice < SLICES_MAX ? slice : SLICES_MAX - 1];
}

static void *
work(void *arg)
{
	struct worker *worker = arg;
	struct tally one, *tally;
	int64_t from, to;

	while (goes_on()) {
		one = (struct tally){ .operations = 1 };
		from = clock_monotonic_us();
		if (opt.work == CHECK)
			check(worker, &one);
		else
			count(worker, &one);
		to = clock_monotonic_us();
		one.max = one.sum = (uint64_t)(to - from);
		one.buckets[bucket_of(one.max)] = 1;
		tally = slice_at(worker, to);
		tally_add(tally, &one);
		done += one.troubles == 0;
		if (opt.pause > 0 || one.troubles > 0)
			usleep(opt.pause > 0 ? opt.pause : TROUBLE_US);
	}
	return NULL;
}

/* ---- all counters, once ---- */

static void
print_sum(void)
{
	struct cache_item *items = xcalloc(CACHE_BATCH_MAX, sizeof(*items));
	uint64_t key, i, n, sum = 0, there = 0, troubles = 0;

	for (key = 0; key < opt.keys; key += n) {
		n = opt.keys - key < CACHE_BATCH_MAX ? opt.keys - key :
		    CACHE_BATCH_MAX;
		for (i = 0; i < n; i++) {
			items[i] = (struct cache_item){ .add = opt.is_fill,
			    .kind = CACHE_COUNTER };
			name_item(&items[i], "count", key + i);
		}
		(opt.is_fill ? cache_increment : cache_get)(cache, items, n);
		for (i = 0; i < n; i++) {
			there += items[i].state == CACHE_HIT;
			troubles += items[i].state == CACHE_TROUBLE;
			if (items[i].state == CACHE_HIT)
				sum += (uint64_t)items[i].number;
		}
	}
	printf("{\"sum\": %llu, \"there\": %llu, \"troubles\": %llu}\n",
	    (unsigned long long)sum, (unsigned long long)there,
	    (unsigned long long)troubles);
	free(items);
}

/* ---- the report ---- */

static void
print_tally(const struct tally *tally)
{
	printf("\"operations\": %llu, \"items\": %llu, \"troubles\": %llu, "
	    "\"misses\": %llu, \"wrong\": %llu, \"added\": %llu, "
	    "\"mean_us\": %.1f, \"p50_us\": %llu, \"p99_us\": %llu, "
	    "\"max_us\": %llu",
	    (unsigned long long)tally->operations,
	    (unsigned long long)tally->items,
	    (unsigned long long)tally->troubles,
	    (unsigned long long)tally->misses,
	    (unsigned long long)tally->wrong,
	    (unsigned long long)tally->added,
	    tally->operations > 0 ? (double)tally->sum /
	    (double)tally->operations : 0,
	    (unsigned long long)percentile(tally, 0.5),
	    (unsigned long long)percentile(tally, 0.99),
	    (unsigned long long)tally->max);
}

static void
print_slices(const struct worker *workers, size_t count)
{
	struct tally *tally = xmalloc(sizeof(*tally));
	size_t i, slice;

	printf(", \"slices\": [");
	for (slice = 0; slice < count; slice++) {
		*tally = (struct tally){ .operations = 0 };
		for (i = 0; i < opt.threads; i++)
			tally_add(tally, &workers[i].slices[slice]);
		printf("%s\n{", slice > 0 ? "," : "");
		print_tally(tally);
		printf("}");
	}
	printf("]");
	free(tally);
}

static void
report(const struct worker *workers, double seconds)
{
	struct tally *all = xcalloc(1, sizeof(*all));
	size_t i, slice, count = (size_t)(seconds / opt.slice) + 1;
	struct cache_stats stats;

	if (count > SLICES_MAX)
		count = SLICES_MAX;
	for (i = 0; i < opt.threads; i++)
		for (slice = 0; slice < SLICES_MAX; slice++)
			tally_add(all, &workers[i].slices[slice]);
	cache_count(cache, &stats);
	printf("{\"seconds\": %.3f, ", seconds);
	print_tally(all);
	printf(", \"failures\": %llu, \"servers\": %u, \"servers_away\": %u, "
	    "\"age\": %lld", (unsigned long long)stats.failures, stats.servers,
	    stats.servers_away, (long long)cache_age(cache));
	print_slices(workers, count);
	printf("}\n");
	free(all);
}

static void
run(void)
{
	struct worker *workers = xcalloc(opt.threads, sizeof(*workers));
	unsigned i;

	for (i = 0; i < opt.threads; i++) {
		workers[i].number = i;
		workers[i].random = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
		    (uint64_t)getpid();
		workers[i].items = xcalloc(opt.batch, sizeof(struct cache_item));
		workers[i].slices = xcalloc(SLICES_MAX, sizeof(struct tally));
	}
	began_us = clock_monotonic_us();
	for (i = 0; i < opt.threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work,
		    &workers[i]) != 0)
			die("no more threads");
	for (i = 0; i < opt.threads; i++)
		pthread_join(workers[i].thread, NULL);
	report(workers, (double)(clock_monotonic_us() - began_us) / 1e6);
	for (i = 0; i < opt.threads; i++) {
		free(workers[i].items);
		free(workers[i].slices);
	}
	free(workers);
}

/* ---- options ---- */

static enum work
work_of(const char *word)
{
	static const char *const words[] = { "count", "check", "read" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum work)i;
	die("--work is count, check or read");
	return COUNT;
}

static void
read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cache", required_argument, NULL, 'c' },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "keys", required_argument, NULL, 'k' },
		{ "batch", required_argument, NULL, 'b' },
		{ "work", required_argument, NULL, 'w' },
		{ "pause", required_argument, NULL, 'p' },
		{ "slice", required_argument, NULL, 'l' },
		{ "secret", required_argument, NULL, 'x' },
		{ "lossy", no_argument, NULL, 'y' },
		{ "sum", no_argument, NULL, 'S' },
		{ "fill", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'c': opt.spec = optarg; break;
		case 't': opt.threads = (unsigned)atoi(optarg); break;
		case 's': opt.seconds = atof(optarg); break;
		case 'n': opt.count = strtoull(optarg, NULL, 10); break;
		case 'k': opt.keys = strtoull(optarg, NULL, 10); break;
		case 'b': opt.batch = (unsigned)atoi(optarg); break;
		case 'w': opt.work = work_of(optarg); break;
		case 'p': opt.pause = (unsigned)atoi(optarg); break;
		case 'l': opt.slice = atof(optarg); break;
		case 'x': opt.secret = optarg; break;
		case 'y': opt.is_lossy = true; break;
		case 'S': opt.is_sum = true; break;
		case 'f': opt.is_fill = true; break;
		default: exit(2);
		}
	if (opt.spec == NULL || opt.threads < 1 || opt.threads > THREADS_MAX ||
	    opt.batch < 1 || opt.batch > CACHE_BATCH_MAX || opt.keys < 1 ||
	    opt.slice <= 0)
		die("what --cache, or a number out of its bounds");
}

int
main(int argc, char **argv)
{
	struct cache_options options = { .size = 256 << 20,
	    .is_logged = true };
	struct strbuf err = STRBUF_INIT;

	read_options(argc, argv);
	options.spec = opt.spec;
	snprintf((char *)options.secret.octets, sizeof(options.secret), "%s",
	    opt.secret);
	log_open("cacheload", LOG_TO_STDERR, NULL, LOG_LEVEL_INFO);
	if ((cache = cache_open(&options, &err)) == NULL)
		die(strbuf_str(&err));
	cache_serve(cache);
	if (opt.is_sum || opt.is_fill)
		print_sum();
	else
		run();
	cache_close(cache);
	strbuf_clear(&err);
	return 0;
}
