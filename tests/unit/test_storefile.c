#include "common/cache/storefile.h"
#include "tests/unit/tables.h"

#include <openssl/evp.h>
#include <signal.h>
#include <sys/wait.h>

enum { DAY = 86400, SIZE = 64 << 20, WALL = 1700000000 };

static const struct cache_secret secret = { "a secret of thirty-two octets.." };
static int64_t now_ms;

static int64_t
fake_clock(void)
{
	return now_ms;
}

static struct cache_key
key_of(uint32_t number)
{
	struct span part = span_make(&number, sizeof(number));
	struct cache_key key;

	cache_key_make(&secret, "test", &part, 1, &key);
	return key;
}

static void
add(struct store *store, uint32_t number, int64_t by, int64_t ttl)
{
	struct cache_item item = { .key = key_of(number),
	    .kind = CACHE_COUNTER, .add = by, .ttl = ttl };

	store_increment(store, &item, 1);
}

static int64_t
count_of(struct store *store, uint32_t number)
{
	struct cache_item item = { .key = key_of(number),
	    .kind = CACHE_COUNTER };

	store_get(store, &item, 1);
	return item.state == CACHE_HIT ? item.number : -1;
}

static void
put(struct store *store, uint32_t number, const char *value)
{
	struct cache_item item = { .key = key_of(number), .ttl = 3600 };

	item.len = strlen(value);
	memcpy(item.value, value, item.len);
	store_put(store, &item);
}

static bool
has(struct store *store, uint32_t number, const char *value)
{
	struct cache_item item = { .key = key_of(number) };

	store_get(store, &item, 1);
	return item.state == CACHE_HIT &&
	    span_is(span_make(item.value, item.len), value);
}

static size_t
entries_of(struct store *store)
{
	struct cache_stats stats = { .hits = 0 };

	store_count(store, &stats);
	return stats.entries;
}

static void
save(struct store *store, const char *path, int64_t wall, int64_t age)
{
	struct strbuf err = STRBUF_INIT;

	if (storefile_save(store, path, &secret, wall, age, &err) != 0)
		fail_msg("%s", err.s);
}

static enum storefile_result
load(struct store *store, const char *path, int64_t wall, int64_t *age,
    struct strbuf *err)
{
	int64_t unused;
	uint64_t count;

	strbuf_reset(err);
	return storefile_load(store, path, &secret, wall,
	    age != NULL ? age : &unused, &count, err);
}

static void
read_file(const char *path, struct strbuf *content)
{
	struct strbuf err = STRBUF_INIT;

	strbuf_reset(content);
	if (file_read(path, 1 << 24, content, NULL, &err) != 0)
		fail_msg("%s", err.s);
}

/* ---- round trips ---- */

static void
test_roundtrip(void **state)
{
	static const size_t sizes[] = { 0, 1, 3, 1000, 20000 };
	struct store *store, *other;
	struct strbuf err = STRBUF_INIT;
	uint64_t count;
	uint32_t n;
	int64_t age;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		store = store_new(SIZE, fake_clock);
		other = store_new(SIZE, fake_clock);
		for (n = 0; n < sizes[i]; n++) {
			add(store, n, n + 1, 3600);
			put(store, n, n % 2 == 0 ? "" :
			    "0123456789abcdef0123456789abcdef");
		}
		save(store, scratch_path("round"), WALL, 12345);
		assert_int_equal(storefile_load(other, scratch_path("round"),
		    &secret, WALL + 10, &age, &count, &err), STOREFILE_READ);
		assert_int_equal(count, 2 * sizes[i]);
		assert_int_equal(entries_of(other), 2 * sizes[i]);
		assert_int_equal(age, 12355);
		for (n = 0; n < sizes[i]; n++) {
			assert_int_equal(count_of(other, n), n + 1);
			assert_true(has(other, n, n % 2 == 0 ? "" :
			    "0123456789abcdef0123456789abcdef"));
		}
		store_free(store);
		store_free(other);
	}
	unlink(scratch_path("round"));
	strbuf_clear(&err);
}

static void
test_none(void **state)
{
	struct store *store = store_new(SIZE, fake_clock);
	struct strbuf err = STRBUF_INIT;

	(void)state;
	assert_int_equal(load(store, scratch_path("none"), WALL, NULL, &err),
	    STOREFILE_NONE);
	assert_int_equal(err.len, 0);
	assert_int_equal(load(store, scratch, WALL, NULL, &err),
	    STOREFILE_DAMAGED);
	assert_non_null(strstr(err.s, "not a regular file"));
	store_free(store);
	strbuf_clear(&err);
}

/* A file of a larger cache fills a smaller one and no more. */
static void
test_smaller(void **state)
{
	struct store *store = store_new(SIZE, fake_clock);
	struct store *small = store_new(STORE_SIZE_MIN, fake_clock);
	struct strbuf err = STRBUF_INIT;
	struct cache_stats stats = { .hits = 0 };
	uint32_t n;

	(void)state;
	for (n = 0; n < 50000; n++)
		add(store, n, 1, 3600);
	save(store, scratch_path("large"), WALL, 0);
	assert_int_equal(load(small, scratch_path("large"), WALL, NULL, &err),
	    STOREFILE_READ);
	store_count(small, &stats);
	assert_true(stats.bytes <= STORE_SIZE_MIN && stats.entries > 9000);
	unlink(scratch_path("large"));
	store_free(store);
	store_free(small);
	strbuf_clear(&err);
}

/* ---- clocks ---- */

/* An hour to live, half of it gone when it was saved. */
static const struct {
	const char *name;
	int64_t later;		/* by the wall clock, when it is loaded */
	bool is_there;
	int64_t then_left;	/* seconds it has left, at least */
	int64_t age;
} clocks[] = {
	{ "at once", 0, true, 1800, 1000 },
	{ "a minute later", 60, true, 1740, 1060 },
	{ "just in time", 1799, true, 1, 2799 },
	{ "too late", 1800, false, 0, 2800 },
	{ "a day later", DAY, false, 0, 1000 + DAY },
	{ "an hour back", -3600, true, 1800, 1000 },
	{ "a day back", -DAY, true, 1800, 1000 },
	{ "at the beginning of time", -WALL, true, 1800, 1000 },
};

static void
test_clocks(void **state)
{
	struct strbuf err = STRBUF_INIT;
	struct store *store;
	int64_t age;
	size_t i;

	(void)state;
	now_ms = 0;
	store = store_new(SIZE, fake_clock);
	add(store, 1, 5, 3600);
	add(store, 2, 6, 1800);
	now_ms = 1800 * 1000;
	save(store, scratch_path("clock"), WALL, 1000);
	store_free(store);
	for (i = 0; i < ARRAY_LEN(clocks); i++) {
		/* another process, another boot: another monotonic clock */
		now_ms = (int64_t)i * 7777777;
		store = store_new(SIZE, fake_clock);
		ROW_IS(clocks[i].name, load(store, scratch_path("clock"),
		    WALL + clocks[i].later, &age, &err) == STOREFILE_READ);
		ROW_IS(clocks[i].name, (count_of(store, 1) == 5) ==
		    clocks[i].is_there);
		/* what had expired when it was saved never comes back */
		ROW_IS(clocks[i].name, count_of(store, 2) == -1);
		ROW_IS(clocks[i].name, age == clocks[i].age);
		now_ms += clocks[i].then_left * 1000 - 1;
		ROW_IS(clocks[i].name, (count_of(store, 1) == 5) ==
		    clocks[i].is_there);
		now_ms += 2000;
		ROW_IS(clocks[i].name, count_of(store, 1) == -1);
		store_free(store);
	}
	unlink(scratch_path("clock"));
	strbuf_clear(&err);
}

/* ---- damage ---- */

static struct strbuf sound;

/* A store of a few entries, as a file. */
static void
make_sound(void)
{
	struct store *store = store_new(SIZE, fake_clock);

	add(store, 1, 5, 3600);
	add(store, 2, CACHE_COUNTER_MAX, INT64_MAX);
	put(store, 3, "record");
	put(store, 4, "");
	save(store, scratch_path("sound"), WALL, 77);
	read_file(scratch_path("sound"), &sound);
	unlink(scratch_path("sound"));
	store_free(store);
}

static void
must_be_damaged(const char *name, size_t at, struct span content)
{
	struct store *store = store_new(SIZE, fake_clock);
	struct strbuf err = STRBUF_INIT;

	scratch_write("damaged", content, 0600);
	add(store, 9, 1, 3600);
	if (load(store, scratch_path("damaged"), WALL, NULL, &err) !=
	    STOREFILE_DAMAGED)
		fail_msg("%s at %zu: it was read", name, at);
	if (strstr(strbuf_str(&err), "damaged: ") == NULL)
		fail_msg("%s at %zu: \"%s\"", name, at, strbuf_str(&err));
	/* nothing of it was taken */
	assert_int_equal(entries_of(store), 1);
	store_free(store);
	strbuf_clear(&err);
}

/* Each octet changed, and each length. */
static void
test_every_octet(void **state)
{
	static const unsigned char masks[] = { 1, 0x80, 0xff };
	struct strbuf bad = STRBUF_INIT;
	size_t i, m;

	(void)state;
	make_sound();
	for (i = 0; i < sound.len; i++) {
		for (m = 0; m < ARRAY_LEN(masks); m++) {
			strbuf_reset(&bad);
			strbuf_addspan(&bad, strbuf_span(&sound));
			bad.s[i] = (char)(bad.s[i] ^ masks[m]);
			must_be_damaged("changed", i, strbuf_span(&bad));
		}
		must_be_damaged("cut", i, span_first(strbuf_span(&sound), i));
	}
	strbuf_addspan(&bad, strbuf_span(&sound));
	must_be_damaged("two", 0, strbuf_span(&bad));
	strbuf_truncate(&bad, sound.len);
	strbuf_addc(&bad, '\0');
	must_be_damaged("longer", 0, strbuf_span(&bad));
	strbuf_clear(&bad);
	strbuf_clear(&sound);
}

/* Content with a right checksum is looked at all the same. */
static const struct {
	const char *name;
	size_t at;
	const char *octets;
	size_t len;
	const char *says;
} wrong[] = {
	{ "magic", 0, "X", 1, "does not begin like a cache" },
	{ "version", 15, "\2", 1, "another version" },
	{ "secret", 16, "\0\0\0", 3, "another secret" },
	{ "negative time", 32, "\xff", 1, "times make no sense" },
	{ "time far off", 32, "\1", 1, "times make no sense" },
	{ "negative age", 40, "\x80", 1, "times make no sense" },
	{ "kind", 48 + 16, "\2", 1, "an entry makes no sense" },
	{ "length", 48 + 17, "\x21", 1, "an entry makes no sense" },
	{ "shorter counter", 48 + 17, "\7", 1, "an entry makes no sense" },
	{ "no time left", 48 + 18, "\0\0\0\0", 4, "an entry makes no sense" },
	{ "too much time", 48 + 18, "\xff", 1, "an entry makes no sense" },
	{ "negative", 48 + 22, "\xff", 1, "a counter makes no sense" },
	{ "too large", 48 + 22, "\0\0\0\x40\0\0\0\1", 8,
	    "a counter makes no sense" },
	{ "count", 48 + 30 + 7, "\2", 1, "not hold what it says" },
};

static void
set_sum(struct strbuf *content)
{
	assert_int_equal(EVP_Digest(content->s, content->len - 32,
	    (unsigned char *)content->s + content->len - 32, NULL,
	    EVP_sha256(), NULL), 1);
}

static void
test_fields(void **state)
{
	struct store *store = store_new(SIZE, fake_clock);
	struct strbuf bad = STRBUF_INIT, err = STRBUF_INIT;
	size_t i;

	(void)state;
	add(store, 1, 5, 3600);
	save(store, scratch_path("one"), WALL, 77);
	read_file(scratch_path("one"), &sound);
	unlink(scratch_path("one"));
	store_free(store);
	store = store_new(SIZE, fake_clock);
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		strbuf_reset(&bad);
		strbuf_addspan(&bad, strbuf_span(&sound));
		memcpy(bad.s + wrong[i].at, wrong[i].octets, wrong[i].len);
		set_sum(&bad);
		scratch_write("wrong", strbuf_span(&bad), 0600);
		ROW_IS(wrong[i].name, load(store, scratch_path("wrong"), WALL,
		    NULL, &err) == STOREFILE_DAMAGED);
		if (strstr(strbuf_str(&err), wrong[i].says) == NULL)
			fail_msg("%s: \"%s\"", wrong[i].name, strbuf_str(&err));
		assert_int_equal(entries_of(store), 0);
	}
	store_free(store);
	strbuf_clear(&bad);
	strbuf_clear(&err);
	strbuf_clear(&sound);
}

/* ---- killed ---- */

/* Saves for ever, each time with a number more. */
static _Noreturn void
save_for_ever(const char *path)
{
	struct store *store = store_new(SIZE, fake_clock);
	struct strbuf err = STRBUF_INIT;
	uint32_t n;

	for (n = 10; n < 3000; n++)
		put(store, n, "0123456789abcdef0123456789abcdef");
	for (;;) {
		add(store, 1, 1, 3600);
		if (storefile_save(store, path, &secret, WALL, 0, &err) != 0)
			_exit(1);
	}
}

static void
kill_a_saver(const char *path, unsigned after_us)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		save_for_ever(path);
	usleep(after_us);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_true(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

/* At whatever moment it is killed: there is no file, or a whole one, and the
 * next one can save. */
static void
test_killed(void **state)
{
	struct strbuf err = STRBUF_INIT;
	struct store *store;
	char path[128];
	unsigned round;

	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("killed"));
	for (round = 0; round < 25; round++) {
		kill_a_saver(path, 3000 + 777 * round);
		store = store_new(SIZE, fake_clock);
		switch (load(store, path, WALL, NULL, &err)) {
		case STOREFILE_DAMAGED:
			fail_msg("%s", err.s);
			break;
		case STOREFILE_READ:
			assert_true(count_of(store, 1) > 0);
			assert_int_equal(entries_of(store), 2991);
			break;
		case STOREFILE_NONE:
			break;
		}
		save(store, path, WALL, 0);
		unlink(path);
		store_free(store);
	}
	strbuf_reset(&err);
	strbuf_addf(&err, "%s.new", path);
	assert_int_equal(access(err.s, F_OK), -1);
	strbuf_clear(&err);
}

static void
test_unwritable(void **state)
{
	struct store *store = store_new(SIZE, fake_clock);
	struct strbuf err = STRBUF_INIT;

	(void)state;
	assert_int_equal(storefile_save(store, "/nowhere/x", &secret, WALL, 0,
	    &err), -1);
	assert_string_equal(err.s, "/nowhere/x: cannot be written: No such "
	    "file or directory");
	strbuf_reset(&err);
	assert_int_equal(storefile_save(store, "/dev/full/x", &secret, WALL, 0,
	    &err), -1);
	store_free(store);
	strbuf_clear(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_smaller),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_every_octet),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_unwritable),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
