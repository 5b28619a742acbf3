#include "common/cache/cache.h"
#include "tests/unit/cachecases.h"
#include "tests/unit/tables.h"

#include <pthread.h>

static const struct cache_secret secret = { "a secret of thirty-two octets.." };
static int64_t now_ms = 1000000, now_wall = 1700000000;

static int64_t
fake_clock(void)
{
	return now_ms;
}

static int64_t
fake_wall(void)
{
	return now_wall;
}

static void
pass(int64_t seconds)
{
	now_ms += seconds * 1000;
	now_wall += seconds;
}

static struct cache_options
options_of(const char *file)
{
	return (struct cache_options){ .spec = "local", .size = 16 << 20,
	    .file = file, .secret = secret, .clock = fake_clock,
	    .wall = fake_wall };
}

static struct cache *
open_cache(const char *file)
{
	struct cache_options options = options_of(file);
	struct strbuf err = STRBUF_INIT;
	struct cache *cache = cache_open(&options, &err);

	if (cache == NULL)
		fail_msg("%s", strbuf_str(&err));
	return cache;
}

static void
test_cases(void **state)
{
	struct cache *cache = open_cache(NULL);

	(void)state;
	cachecases_run(cache, pass);
	cache_close(cache);
}

/* ---- opening ---- */

static const struct {
	const char *spec;
	const char *says;	/* NULL: it opens */
} specs[] = {
	{ "local", NULL },
	{ "Local", NULL },
	{ " local ", NULL },
	{ "", "a cache is" },
	{ "  ", "a cache is" },
	{ "redis a:1", "a cache is" },
	{ "localx", "a cache is" },
	{ "local 64M", "nothing may follow" },
};

static void
test_specs(void **state)
{
	struct cache_options options = options_of(NULL);
	struct strbuf err = STRBUF_INIT;
	struct cache *cache;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(specs); i++) {
		strbuf_reset(&err);
		options.spec = specs[i].spec;
		cache = cache_open(&options, &err);
		ROW_IS(specs[i].spec, (cache != NULL) ==
		    (specs[i].says == NULL));
		ROW_IS(specs[i].spec, specs[i].says == NULL ||
		    strstr(strbuf_str(&err), specs[i].says) != NULL);
		cache_close(cache);
	}
	cache_close(NULL);
	strbuf_clear(&err);
}

static int64_t
count_in(struct cache *cache, int64_t add)
{
	struct cache_item item = { .add = add, .ttl = 3600 };
	struct span part = SPAN_LIT("x");

	cache_name(cache, "test", &part, 1, &item.key);
	assert_true(cache_increment(cache, &item, 1));
	return item.number;
}

/* Equal ones are one; what differs is another. */
static void
test_shared(void **state)
{
	struct cache_options options = options_of(NULL);
	struct cache *first = open_cache(NULL), *other;
	struct strbuf text = STRBUF_INIT;

	(void)state;
	count_in(first, 5);
	options.size = 32 << 20;
	other = cache_open(&options, NULL);
	assert_ptr_equal(other, first);
	cache_describe(other, &text);
	assert_string_equal(text.s, "local, 32 MB");
	cache_close(first);
	assert_int_equal(count_in(other, 1), 6);
	options.secret.octets[0] ^= 1;
	first = cache_open(&options, NULL);
	assert_ptr_not_equal(first, other);
	assert_int_equal(count_in(first, 1), 1);
	cache_close(first);
	cache_close(other);
	first = open_cache(NULL);
	assert_int_equal(count_in(first, 1), 1);
	cache_close(first);
	strbuf_clear(&text);
}

static void
test_numbers(void **state)
{
	struct cache *cache = open_cache(NULL);
	struct cache_item items[2] = { { .ttl = 60, .add = 1 },
	    { .ttl = 60, .add = 0 } };
	struct strbuf text = STRBUF_INIT;
	struct cache_stats stats;

	(void)state;
	items[1].key.slot = 1;
	cache_increment(cache, items, 2);
	cache_get(cache, items, 2);
	cache_get(cache, items, 1);
	cache_count(cache, &stats);
	assert_int_equal(stats.hits, 3);
	assert_int_equal(stats.misses, 2);
	assert_int_equal(stats.troubles, 0);
	assert_int_equal(stats.entries, 1);
	assert_true(stats.bytes > 0 && stats.bytes < 100000);
	assert_false(cache_is_remote(cache));
	cache_warn(cache, &text);
	assert_int_equal(text.len, 0);
	assert_int_equal(cache_age(cache), 0);
	pass(100);
	assert_int_equal(cache_age(cache), 100);
	cache_close(cache);
}

static void
test_refused(void **state)
{
	struct cache *cache = open_cache(NULL);
	struct cache_item item = { .ttl = 60, .len = CACHE_VALUE_MAX + 1 };

	(void)state;
	assert_int_equal(cache_add(cache, &item), CACHE_FAILED);
	assert_int_equal(cache_update(cache, &item), CACHE_FAILED);
	cache_put(cache, &item);
	item.len = 1;
	item.state = CACHE_TROUBLE;
	assert_int_equal(cache_update(cache, &item), CACHE_FAILED);
	cache_get(cache, &item, 1);
	assert_int_equal(item.state, CACHE_MISS);
	item.kind = CACHE_COUNTER;
	assert_int_equal(cache_update(cache, &item), CACHE_FAILED);
	cache_close(cache);
}

/* Where the servers are away this process counts alone, and says so. */
static void
test_fallback(void **state)
{
	struct cache_options options = options_of(NULL);
	struct cache_item items[3] = { { .add = 2, .ttl = 10 },
	    { .add = 3, .ttl = 1000 }, { .ttl = 1000 } };
	struct strbuf spec = STRBUF_INIT, err = STRBUF_INIT;
	struct cache_stats stats;
	struct cache *cache;

	(void)state;
	strbuf_addf(&spec, "memcached %s", scratch_path("no.socket"));
	options.spec = spec.s;
	if ((cache = cache_open(&options, &err)) == NULL)
		fail_msg("%s", err.s);
	items[1].key.slot = 1;
	items[0].kind = items[1].kind = CACHE_COUNTER;
	assert_false(cache_get(cache, items, 3));
	assert_int_equal(items[0].number, 0);
	assert_int_equal(items[2].state, CACHE_TROUBLE);
	assert_false(cache_increment(cache, items, 2));
	assert_false(cache_increment(cache, items, 2));
	assert_int_equal(items[0].state, CACHE_TROUBLE);
	assert_int_equal(items[0].number, 4);
	assert_int_equal(items[1].number, 6);
	cache_take_back(cache, items, 1);
	assert_false(cache_get(cache, items, 2));
	assert_int_equal(items[0].number, 2);
	assert_int_equal(items[1].number, 6);
	pass(11);
	assert_false(cache_get(cache, items, 2));
	assert_int_equal(items[0].number, 0);
	assert_int_equal(items[1].number, 6);
	assert_int_equal(cache_add(cache, &items[2]), CACHE_FAILED);
	cache_count(cache, &stats);
	assert_int_equal(stats.troubles, 11);
	assert_int_equal(stats.hits + stats.misses, 0);
	cache_close(cache);
	strbuf_clear(&spec);
}

/* ---- its file ---- */

static void
test_kept(void **state)
{
	char file[128];
	struct cache *cache;
	struct strbuf err = STRBUF_INIT;

	(void)state;
	snprintf(file, sizeof(file), "%s", scratch_path("kept"));
	cache = open_cache(file);
	assert_int_equal(cache_save(cache, &err), -1);	/* not in service */
	cache_serve(cache);
	cache_serve(cache);
	count_in(cache, 7);
	pass(50);
	cache_close(cache);
	pass(86400 / 48);
	/* only served ones are read */
	cache = open_cache(file);
	assert_int_equal(count_in(cache, 1), 1);
	cache_close(cache);
	cache = open_cache(file);
	cache_serve(cache);
	assert_int_equal(count_in(cache, 1), 8);
	assert_int_equal(cache_age(cache), 50 + 86400 / 48);
	cache_close(cache);
	pass(3600);
	cache = open_cache(file);
	cache_serve(cache);
	assert_int_equal(count_in(cache, 1), 1);
	cache_close(cache);
	unlink(file);
	strbuf_clear(&err);
}

/* Who died had saved a minute ago: what was saved is there. */
static void
test_killed(void **state)
{
	char file[128], copy[128];
	struct strbuf err = STRBUF_INIT, content = STRBUF_INIT;
	struct cache *cache;

	(void)state;
	snprintf(file, sizeof(file), "%s", scratch_path("killed"));
	snprintf(copy, sizeof(copy), "%s", scratch_path("copy"));
	cache = open_cache(file);
	cache_serve(cache);
	count_in(cache, 3);
	assert_int_equal(cache_save(cache, &err), 0);
	count_in(cache, 4);
	/* what a kill would leave: the file as it is now, and a half one */
	assert_int_equal(file_read(file, 1 << 20, &content, NULL, &err), 0);
	scratch_write("copy", strbuf_span(&content), 0600);
	scratch_write("copy.new", span_first(strbuf_span(&content), 20), 0600);
	cache_close(cache);
	cache = open_cache(copy);
	cache_serve(cache);
	assert_int_equal(count_in(cache, 1), 4);
	cache_close(cache);
	cache = open_cache(copy);
	cache_serve(cache);
	assert_int_equal(count_in(cache, 1), 5);
	cache_close(cache);
	assert_int_equal(access(scratch_path("copy.new"), F_OK), -1);
	unlink(file);
	strbuf_clear(&content);
	strbuf_clear(&err);
}

static void
test_damaged(void **state)
{
	char file[128];
	struct cache *cache;
	struct strbuf err = STRBUF_INIT;

	(void)state;
	snprintf(file, sizeof(file), "%s", scratch_path("bad"));
	scratch_write("bad", SPAN_LIT("no cache"), 0600);
	cache = open_cache(file);
	assert_false(cache_look(cache, &err));
	assert_non_null(strstr(err.s, "bad: "));
	cache_close(cache);
	assert_int_equal(access(file, F_OK), 0);	/* left as it is */
	cache = open_cache(file);
	cache_serve(cache);
	assert_int_equal(access(file, F_OK), -1);
	assert_int_equal(access(scratch_path("bad.damaged"), F_OK), 0);
	assert_int_equal(count_in(cache, 1), 1);
	cache_close(cache);
	unlink(scratch_path("bad.damaged"));
	strbuf_clear(&err);
}

/* Looking changes nothing. */
static void
test_look(void **state)
{
	char file[128];
	struct cache *cache;
	struct strbuf err = STRBUF_INIT;

	(void)state;
	snprintf(file, sizeof(file), "%s", scratch_path("look"));
	cache = open_cache(file);
	assert_true(cache_look(cache, &err));	/* no file, no trouble */
	cache_close(cache);
	assert_int_equal(access(file, F_OK), -1);
	cache = open_cache(file);
	cache_serve(cache);
	count_in(cache, 2);
	cache_close(cache);
	cache = open_cache(file);
	assert_true(cache_look(cache, &err));
	assert_int_equal(count_in(cache, 1), 3);
	assert_int_equal(cache_save(cache, &err), -1);
	cache_close(cache);
	cache = open_cache(file);
	assert_true(cache_look(cache, &err));
	assert_int_equal(count_in(cache, 1), 3);
	cache_close(cache);
	unlink(file);
	strbuf_clear(&err);
}

static void
test_unwritable(void **state)
{
	struct cache *cache = open_cache("/nowhere/at/all");
	struct strbuf err = STRBUF_INIT;
	struct cache_stats stats;

	(void)state;
	cache_serve(cache);
	count_in(cache, 1);
	assert_int_equal(cache_save(cache, &err), -1);
	assert_non_null(strstr(err.s, "/nowhere/at/all: "));
	cache_count(cache, &stats);
	assert_int_equal(stats.failures, 1);
	cache_close(cache);
	strbuf_clear(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fallback),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_unwritable),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
