/*
 * The memcached backend against real servers, which this starts on sockets in
 * a directory of its own. Skipped where memcached is not installed.
 */
#include "common/base/clock.h"
#include "common/cache/cache.h"
#include "tests/unit/cachecases.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVERS = 3, SKIPPED = 77 };

static char directory[] = "/tmp/postern-test-XXXXXX";
static pid_t servers[SERVERS];
static const struct cache_secret secret = { "a secret of thirty-two octets.." };

static const char *
socket_path(size_t i)
{
	static char paths[SERVERS][64];

	snprintf(paths[i], sizeof(paths[i]), "%s/%zu", directory, i);
	return paths[i];
}

/* ---- servers ---- */

static void
start(size_t i)
{
	pid_t pid = fork();
	int tries;

	if (pid == 0) {
		execlp("memcached", "memcached", "-u", "nobody", "-t", "1",
		    "-m", "8", "-s", socket_path(i), "-a", "0777",
		    (char *)NULL);
		_exit(SKIPPED);
	}
	servers[i] = pid;
	for (tries = 0; access(socket_path(i), W_OK) != 0 && tries < 2000;
	    tries++)
		usleep(2500);
}

static void
stop(size_t i)
{
	kill(servers[i], SIGCONT);
	kill(servers[i], SIGKILL);
	waitpid(servers[i], NULL, 0);
	unlink(socket_path(i));
}

static bool
has_memcached(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("memcached", "memcached", "-V", (char *)NULL);
		_exit(SKIPPED);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static int
set_up(void **state)
{
	size_t i;

	(void)state;
	if (mkdtemp(directory) == NULL || chmod(directory, 0777) != 0)
		return -1;
	for (i = 0; i < SERVERS; i++)
		start(i);
	return 0;
}

static int
tear_down(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SERVERS; i++)
		stop(i);
	return rmdir(directory);
}

/* ---- caches ---- */

/* With the first count servers; letter tells apart what the tests store. */
static struct cache *
open_cache(size_t count, char letter)
{
	struct cache_options options = { .secret = secret };
	struct strbuf spec = STRBUF_INIT, err = STRBUF_INIT;
	struct cache *cache;
	size_t i;

	strbuf_adds(&spec, "memcached ");
	for (i = 0; i < count; i++) {
		strbuf_adds(&spec, i > 0 ? ", " : "");
		strbuf_adds(&spec, socket_path(i));
	}
	options.spec = spec.s;
	options.secret.octets[0] = (unsigned char)letter;
	if ((cache = cache_open(&options, &err)) == NULL)
		fail_msg("%s", strbuf_str(&err));
	strbuf_clear(&spec);
	return cache;
}

static struct cache_item
counter_of(const struct cache *cache, size_t number)
{
	struct cache_item item = { .kind = CACHE_COUNTER, .add = 1,
		.ttl = 3600 };
	struct span part = span_make(&number, sizeof(number));

	cache_name(cache, "test", &part, 1, &item.key);
	return item;
}

static void
test_cases(void **state)
{
	struct cache *one = open_cache(1, 'a'), *all = open_cache(SERVERS, 'b');

	(void)state;
	cachecases_run(one, NULL);
	cachecases_run(all, NULL);
	cache_close(one);
	cache_close(all);
}

/* Times to live are real here: a second is the shortest. */
static void
test_expiry(void **state)
{
	struct cache *cache = open_cache(SERVERS, 'c');
	struct cache_item items[3], *month = &items[1], *longest = &items[2];
	size_t i, tries = 0;

	(void)state;
	for (i = 0; i < 3; i++)
		items[i] = counter_of(cache, i);
	items[0].ttl = 1;
	month->ttl = 31 * 86400;
	longest->ttl = INT64_MAX;
	assert_true(cache_increment(cache, items, 3));
	do {
		usleep(50000);
		assert_true(cache_get(cache, items, 3));
	} while (items[0].state == CACHE_HIT && ++tries < 100);
	assert_int_equal(items[0].state, CACHE_MISS);
	assert_int_equal(month->state, CACHE_HIT);
	assert_int_equal(longest->state, CACHE_HIT);
	assert_true(cache_increment(cache, items, 3));
	assert_int_equal(items[0].number, 1);
	assert_int_equal(month->number, 2);
	cache_close(cache);
}

/* ---- what is lost with a server ---- */

enum { KEYS = 900 };

static size_t
count_state(const struct cache_item *items, enum cache_state state)
{
	size_t i, n = 0;

	for (i = 0; i < KEYS; i++)
		n += items[i].state == state;
	return n;
}

/* A server that is gone costs its share and leaves the others alone; so does
 * one that comes back empty. */
static void
test_share(void **state)
{
	struct cache *cache = open_cache(SERVERS, 'd');
	static struct cache_item items[KEYS];
	struct cache_stats stats;
	size_t i, lost;

	(void)state;
	for (i = 0; i < KEYS; i++)
		items[i] = counter_of(cache, i);
	assert_true(cache_increment(cache, items, KEYS));
	stop(1);
	assert_false(cache_get(cache, items, KEYS));
	lost = count_state(items, CACHE_TROUBLE);
	assert_true(lost > KEYS / 3 / 2 && lost < KEYS * 2 / 3);
	assert_int_equal(count_state(items, CACHE_HIT), KEYS - lost);
	for (i = 0; i < 10; i++)
		assert_false(cache_get(cache, items, KEYS));
	cache_count(cache, &stats);
	assert_int_equal(stats.servers, SERVERS);
	assert_int_equal(stats.servers_away, 1);
	assert_int_equal(stats.failures, 3);	/* then nobody asks */
	start(1);
	for (i = 0; i < 300 && !cache_get(cache, items, KEYS); i++)
		usleep(10000);
	assert_int_equal(count_state(items, CACHE_TROUBLE), 0);
	assert_int_equal(count_state(items, CACHE_MISS), lost);
	for (i = 0; i < KEYS; i++)
		assert_int_equal(items[i].number,
		    items[i].state == CACHE_HIT ? 1 : 0);
	cache_close(cache);
}

/* The parts of a window go where the window goes. */
static void
test_slots(void **state)
{
	struct cache *cache = open_cache(SERVERS, 'h');
	struct cache_item items[9];
	size_t i, k, troubles = 0, n;

	(void)state;
	stop(1);
	for (i = 0; i < 50; i++) {
		for (k = 0; k < ARRAY_LEN(items); k++) {
			items[k] = counter_of(cache, i);
			items[k].key.slot = k;
		}
		cache_increment(cache, items, ARRAY_LEN(items));
		for (k = n = 0; k < ARRAY_LEN(items); k++)
			n += items[k].state == CACHE_TROUBLE;
		assert_true(n == 0 || n == ARRAY_LEN(items));
		troubles += n > 0;
	}
	assert_true(troubles > 5 && troubles < 45);
	start(1);
	cache_close(cache);
}

/* A server that sleeps costs three times 50 ms, then nothing; what the others
 * have comes all the same. */
static void
test_stalled(void **state)
{
	struct cache *cache = open_cache(SERVERS, 'e');
	static struct cache_item items[KEYS];
	int64_t from;
	size_t i;

	(void)state;
	for (i = 0; i < KEYS; i++)
		items[i] = counter_of(cache, i);
	assert_true(cache_increment(cache, items, KEYS));
	kill(servers[2], SIGSTOP);
	from = clock_monotonic_ms();
	for (i = 0; i < 20; i++) {
		assert_false(cache_get(cache, items, KEYS));
		assert_true(count_state(items, CACHE_HIT) > KEYS / 3);
	}
	from = clock_monotonic_ms() - from;
	assert_true(from >= 140 && from < 1000);
	kill(servers[2], SIGCONT);
	for (i = 0; i < 300 && !cache_get(cache, items, KEYS); i++)
		usleep(10000);
	assert_int_equal(count_state(items, CACHE_HIT), KEYS);
	cache_close(cache);
}

/* ---- the keeper ---- */

static void
wait_for_age(struct cache *cache, bool is_known)
{
	int tries;

	for (tries = 0; tries < 500; tries++) {
		if ((cache_age(cache) >= 0) == is_known)
			return;
		usleep(10000);
	}
	fail_msg("the age of the state stays %lld",
	    (long long)cache_age(cache));
}

static void
test_age(void **state)
{
	struct cache *cache = open_cache(SERVERS, 'f');
	struct cache_item item;
	int64_t age;
	size_t i;

	(void)state;
	assert_int_equal(cache_age(cache), -1);
	cache_serve(cache);
	wait_for_age(cache, true);
	usleep(1100000);
	age = cache_age(cache);
	assert_true(age >= 1);
	/* a restart of ours changes nothing */
	cache_close(cache);
	cache = open_cache(SERVERS, 'f');
	cache_serve(cache);
	wait_for_age(cache, true);
	assert_true(cache_age(cache) >= age);
	/* one of a server does */
	stop(0);
	for (i = 0; i < 100; i++) {
		item = counter_of(cache, i);
		cache_increment(cache, &item, 1);
	}
	wait_for_age(cache, false);
	start(0);
	wait_for_age(cache, true);
	assert_true(cache_age(cache) < age + 1);
	cache_close(cache);
}

static void
test_about(void **state)
{
	struct cache *cache = open_cache(2, 'g');
	struct cache_options options = { .secret = secret,
		.spec = "memcached /run/m, a.example:5, 192.0.2.1, ::1" };
	struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;

	(void)state;
	cache_describe(cache, &out);
	strbuf_addf(&want, "memcached %s, %s", socket_path(0),
	    socket_path(1));
	SPAN_IS(strbuf_span(&out), want.s);
	strbuf_reset(&out);
	cache_warn(cache, &out);
	assert_int_equal(out.len, 0);
	assert_true(cache_is_remote(cache));
	cache_close(cache);

	cache = cache_open(&options, &out);
	assert_non_null(cache);
	cache_warn(cache, &out);
	assert_non_null(strstr(out.s, "a.example:5, 192.0.2.1:11211 is "
	    "neither"));
	cache_close(cache);
	strbuf_reset(&out);
	options.spec = "memcached a:b";
	assert_null(cache_open(&options, &out));
	SPAN_IS(strbuf_span(&out), "a memcached server is \"HOST[:PORT]\" or "
	    "\"/path/of/socket\"");
	strbuf_clear(&out);
	strbuf_clear(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_slots),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_about),
	};

	if (!has_memcached())
		return SKIPPED;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
