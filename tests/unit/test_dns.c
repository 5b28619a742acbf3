#include "tests/unit/unit.h"

#include "common/base/clock.h"
#include "common/dns/cache.h"
#include "common/dns/lookups.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_txt_join(void **state)
{
	static const struct {
		const char *name;
		struct span data, text;
		bool ok;
	} rows[] = {
		{ "one string", SPAN_LIT("\5hello"), SPAN_LIT("hello"), true },
		{ "strings join without a blank", SPAN_LIT("\2v=\4DKIM\0011"),
		    SPAN_LIT("v=DKIM1"), true },
		{ "an empty string", SPAN_LIT("\0"), SPAN_LIT(""), true },
		{ "empty ones between", SPAN_LIT("\0\1a\0\1b"),
		    SPAN_LIT("ab"), true },
		{ "any octet", SPAN_LIT("\3a\1\xff"), SPAN_LIT("a\1\xff"),
		    true },
		{ "but NUL", SPAN_LIT("\3a\0b"), SPAN_LIT(""), false },
		{ "no string at all", SPAN_LIT(""), SPAN_LIT(""), false },
		{ "cut short", SPAN_LIT("\5hell"), SPAN_LIT(""), false },
		{ "second cut short", SPAN_LIT("\1a\1"), SPAN_LIT(""), false },
	};
	struct arena arena = ARENA_INIT;
	struct span text;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ROW_IS(rows[i].name, dns_txt_join(rows[i].data, &arena,
		    &text) == rows[i].ok);
		if (rows[i].ok)
			ROW_EQ(rows[i].name, text, rows[i].text);
	}
	arena_clear(&arena);
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		struct span data, text;
		bool ok;
	} rows[] = {
		{ "a name", SPAN_LIT("\2mx\7Example\3org\0"),
		    SPAN_LIT("mx.Example.org"), true },
		{ "the root", SPAN_LIT("\0"), SPAN_LIT(""), true },
		{ "any octet", SPAN_LIT("\3a \xff\0"), SPAN_LIT("a \xff"),
		    true },
		{ "nothing", SPAN_LIT(""), SPAN_LIT(""), false },
		{ "no end", SPAN_LIT("\1a"), SPAN_LIT(""), false },
		{ "cut short", SPAN_LIT("\3a"), SPAN_LIT(""), false },
		{ "more behind", SPAN_LIT("\1a\0\0"), SPAN_LIT(""), false },
		{ "a pointer", SPAN_LIT("\1a\xc0\014"), SPAN_LIT(""), false },
		{ "a dot", SPAN_LIT("\3a.b\0"), SPAN_LIT(""), false },
		{ "a NUL", SPAN_LIT("\3a\0b\0"), SPAN_LIT(""), false },
	};
	struct arena arena = ARENA_INIT;
	struct span text;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ROW_IS(rows[i].name, dns_record_name(rows[i].data, &arena,
		    &text) == rows[i].ok);
		if (rows[i].ok)
			ROW_EQ(rows[i].name, text, rows[i].text);
	}
	arena_clear(&arena);
}

/* 253 octets of text are the most that a name's 255 octets can hold. */
static void
test_longest_name(void **state)
{
	struct arena arena = ARENA_INIT;
	char data[300];
	struct span text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(data); i += 2) {
		data[i] = 1;
		data[i + 1] = 'a';
	}
	data[254] = '\0';
	assert_true(dns_record_name(span_make(data, 255), &arena, &text));
	assert_int_equal(text.len, 253);
	data[254] = 1;
	data[256] = '\0';
	assert_false(dns_record_name(span_make(data, 257), &arena, &text));
	arena_clear(&arena);
}

static void
test_mx_and_addresses(void **state)
{
	struct arena arena = ARENA_INIT;
	struct ipaddr address;
	unsigned preference;
	struct span name;

	(void)state;
	assert_true(dns_record_mx(SPAN_LIT("\1\2\1a\0"), &arena, &preference,
	    &name));
	assert_int_equal(preference, 258);
	SPAN_IS(name, "a");
	assert_true(dns_record_mx(SPAN_LIT("\0\0\0"), &arena, &preference,
	    &name));
	assert_int_equal(name.len, 0);
	assert_false(dns_record_mx(SPAN_LIT("\0\0"), &arena, &preference,
	    &name));
	assert_false(dns_record_mx(SPAN_LIT("\0"), &arena, &preference,
	    &name));
	assert_true(dns_record_address(SPAN_LIT("\300\0\2\1"), &address));
	assert_int_equal(address.family, 4);
	assert_true(dns_record_address(SPAN_LIT("\0\0\0\0\0\0\0\0\0\0\xff"
	    "\xff\300\0\2\1"), &address));
	assert_int_equal(address.family, 6);
	assert_int_equal(address.bits, 128);
	assert_false(dns_record_address(SPAN_LIT("\300\0\2"), &address));
	assert_false(dns_record_address(SPAN_LIT(""), &address));
	arena_clear(&arena);
}

static void
test_nameservers(void **state)
{
	static const char *const bad[] = {
		"", ",", "localhost", "127.0.0.1@", "127.0.0.1@0",
		"127.0.0.1@65536", "127.0.0.1@53x", "127.0.0.1:53", "@53",
		"192.0.2.1, nonsense",
		"192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 "
		"192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 192.0.2.11 "
		"192.0.2.12 192.0.2.13 192.0.2.14 192.0.2.15 192.0.2.16 "
		"192.0.2.17",
	};
	static const char *const good[] = {
		NULL, "192.0.2.1", "127.0.0.1@5353, [::1]@54", "2001:db8::1@53",
	};
	struct dns_options options = { .nameservers = NULL };
	struct strbuf err = STRBUF_INIT;
	struct dns *dns;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		strbuf_reset(&err);
		options.nameservers = bad[i];
		ROW_IS(bad[i], dns_new(&options, &err) == NULL);
		ROW_IS(bad[i], err.len > 0);
	}
	for (i = 0; i < ARRAY_LEN(good); i++) {
		strbuf_reset(&err);
		options.nameservers = good[i];
		dns = dns_new(&options, &err);
		ROW_IS(strbuf_str(&err), dns != NULL);
		dns_free(dns);
	}
	strbuf_clear(&err);
}

/* A UDP socket on a free loopback port; text gets "127.0.0.1@port". */
static int
bind_loopback(struct strbuf *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	strbuf_reset(text);
	strbuf_addf(text, "127.0.0.1@%u", ntohs(in.sin_port));
	return fd;
}

static struct dns *
dns_of(const char *nameservers)
{
	const struct dns_options options = { .nameservers = nameservers,
		.cache_bytes = 1 << 20 };
	struct strbuf err = STRBUF_INIT;
	struct dns *dns = dns_new(&options, &err);

	ROW_IS(strbuf_str(&err), dns != NULL);
	strbuf_clear(&err);
	return dns;
}

static struct lookups *
ask(struct dns *dns, int64_t query_ms, unsigned count)
{
	const struct lookups_options options = { .dns = dns,
		.query_ms = query_ms, .message_ms = 20000 };
	struct lookups *lookups = lookups_new(&options);
	char name[64];
	unsigned i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%u.example.org", i);
		lookups_get(lookups, LOOKUP_SPF, span_of(name), DNS_TXT);
	}
	return lookups;
}

static void
test_silence_ends_at_the_deadline(void **state)
{
	struct strbuf server = STRBUF_INIT;
	int fd = bind_loopback(&server);
	struct dns *dns = dns_of(server.s);
	int64_t start = clock_monotonic_ms(), took;
	struct lookups *lookups = ask(dns, 400, 20);
	const struct lookup *lookup;
	size_t i;

	(void)state;
	assert_int_equal(lookups_count(lookups), 20);
	while (lookups_wait(lookups))
		continue;
	took = clock_monotonic_ms() - start;
	for (i = 0; i < 20; i++) {
		lookup = lookups_at(lookups, i);
		assert_int_equal(lookup->answer->result, DNS_TIMEOUT);
		assert_non_null(strstr(lookup->answer->detail, server.s));
		assert_true(lookup->took_ms >= 400);
	}
	assert_true(took >= 400);
	assert_true(took < 3000);	/* all at once, not one by one */
	lookups_free(lookups);
	dns_free(dns);			/* with libunbound still busy */
	close(fd);
	strbuf_clear(&server);
}

static void
test_refusal_is_noticed(void **state)
{
	struct strbuf server = STRBUF_INIT;
	const struct dns_answer *answer;
	struct lookups *lookups;
	int64_t start;
	struct dns *dns;
	int round;

	(void)state;
	close(bind_loopback(&server));
	dns = dns_of(server.s);
	for (round = 0; round < 3; round++) {
		start = clock_monotonic_ms();
		lookups = ask(dns, 20000, 5);
		while (lookups_wait(lookups))
			continue;
		assert_true(clock_monotonic_ms() - start < 5000);
		answer = lookups_at(lookups, 0)->answer;
		assert_int_equal(answer->result, DNS_SERVFAIL);
		assert_non_null(strstr(answer->detail, "refused"));
		assert_non_null(strstr(answer->detail, server.s));
		lookups_free(lookups);
	}
	dns_free(dns);
	strbuf_clear(&server);
}

/* One server that refuses is no trouble while another one may answer. */
static void
test_one_of_two_refuses(void **state)
{
	struct strbuf servers = STRBUF_INIT, other = STRBUF_INIT;
	struct lookups *lookups;
	struct dns *dns;
	int fd;

	(void)state;
	close(bind_loopback(&servers));
	fd = bind_loopback(&other);
	strbuf_addf(&servers, ", %s", other.s);
	dns = dns_of(servers.s);
	lookups = ask(dns, 400, 1);
	while (lookups_wait(lookups))
		continue;
	assert_int_equal(lookups_at(lookups, 0)->answer->result, DNS_TIMEOUT);
	lookups_free(lookups);
	dns_free(dns);
	close(fd);
	strbuf_clear(&servers);
	strbuf_clear(&other);
}

static void
test_questions_can_be_given_up(void **state)
{
	struct strbuf server = STRBUF_INIT;
	int fd = bind_loopback(&server);
	struct dns *dns = dns_of(server.s);
	int i;

	(void)state;
	for (i = 0; i < 50; i++)
		lookups_free(ask(dns, 5000, 20));
	dns_free(dns);
	close(fd);
	strbuf_clear(&server);
}

static unsigned
count_full(struct lookups *lookups)
{
	const struct dns_answer *answer;
	unsigned full = 0;
	size_t i;

	for (i = 0; i < lookups_count(lookups); i++) {
		answer = lookups_at(lookups, i)->answer;
		full += answer != NULL && answer->result == DNS_SERVFAIL &&
		    strstr(answer->detail, "too many open") != NULL;
	}
	return full;
}

/* Beyond DNS_PENDING_MAX questions fail, until there is room again: what
 * nobody waits for any more takes none for long. */
static void
test_open_questions_are_bounded(void **state)
{
	enum { MESSAGES = 11, QUESTIONS = 1000 };
	struct lookups_options options = { .max_queries = QUESTIONS * 2 };
	struct lookups *lookups[MESSAGES];
	struct strbuf server = STRBUF_INIT;
	int fd = bind_loopback(&server);
	unsigned i, j, full = 0;
	char name[64];

	(void)state;
	options.dns = dns_of(server.s);
	for (i = 0; i < MESSAGES; i++) {
		lookups[i] = lookups_new(&options);
		for (j = 0; j < QUESTIONS; j++) {
			snprintf(name, sizeof(name), "%u.%u.example", j, i);
			lookups_get(lookups[i], LOOKUP_SPF, span_of(name),
			    DNS_TXT);
		}
		full += count_full(lookups[i]);
	}
	assert_int_equal(full, MESSAGES * QUESTIONS - DNS_PENDING_MAX);
	for (i = 0; i < MESSAGES; i++)
		lookups_free(lookups[i]);
	for (i = 0; i < 3000; i++) {
		lookups[0] = ask(options.dns, 10, 1);
		full = count_full(lookups[0]);
		lookups_free(lookups[0]);
		if (full == 0)
			break;
		usleep(10000);
	}
	assert_int_equal(full, 0);
	dns_free(options.dns);
	close(fd);
	strbuf_clear(&server);
}

static void
test_equal_options_share(void **state)
{
	struct dns *one = dns_of("192.0.2.1"), *two = dns_of("192.0.2.1"),
	    *other = dns_of("192.0.2.2");

	(void)state;
	assert_ptr_equal(one, two);
	assert_ptr_not_equal(one, other);
	dns_free(one);
	dns_free(other);
	one = dns_of("192.0.2.1");
	assert_ptr_equal(one, two);
	dns_free(one);
	dns_free(two);
	dns_free(NULL);
}

/* ---- the cache ---- */

static const struct dns_answer *
answer_of(enum dns_result result, uint32_t ttl, size_t size)
{
	char *data = xcalloc(1, size + 1);
	struct dns_record record = { span_make(data, size) };
	struct dns_answer answer = { .result = result, .ttl = ttl,
		.records = &record, .count = result == DNS_FOUND };
	const struct dns_answer *copy = dns_answer_copy(&answer);

	free(data);
	return copy;
}

static void
put(struct dns_cache *cache, const char *name, const struct dns_answer *answer)
{
	dns_cache_put(cache, span_of(name), DNS_TXT, answer, 0);
	dns_answer_unref(answer);
}

static bool
is_cached(struct dns_cache *cache, const char *name, int64_t seconds)
{
	const struct dns_answer *answer = dns_cache_get(cache, span_of(name),
	    DNS_TXT, seconds * 1000);

	dns_answer_unref(answer);
	return answer != NULL;
}

static void
test_cache_times(void **state)
{
	static const struct {
		const char *name;
		enum dns_result result;
		uint32_t ttl;
		int64_t last;		/* second it is there; -1: never */
	} rows[] = {
		{ "found", DNS_FOUND, 300, 299 },
		{ "two days", DNS_FOUND, 172800, 86399 },
		{ "at once", DNS_FOUND, 0, -1 },
		{ "nodata", DNS_NODATA, 30, 29 },
		{ "long nodata", DNS_NODATA, 3600, 59 },
		{ "nxdomain", DNS_NXDOMAIN, 3600, 59 },
		{ "servfail", DNS_SERVFAIL, 3600, -1 },
		{ "timeout", DNS_TIMEOUT, 3600, -1 },
		{ "bogus", DNS_BOGUS, 3600, -1 },
	};
	struct dns_cache *cache = dns_cache_new(1 << 20);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		put(cache, rows[i].name, answer_of(rows[i].result,
		    rows[i].ttl, 10));
		ROW_IS(rows[i].name, is_cached(cache, rows[i].name,
		    rows[i].last >= 0 ? rows[i].last : 0) ==
		    (rows[i].last >= 0));
		ROW_IS(rows[i].name, !is_cached(cache, rows[i].name,
		    rows[i].last + 1));
	}
	assert_int_equal(dns_cache_used(cache), 0);
	dns_cache_free(cache);
}

static void
test_cache_bound(void **state)
{
	enum { SIZE = 1 << 20, MANY = 5000 };
	struct dns_cache *cache = dns_cache_new(SIZE);
	const struct dns_answer *kept;
	unsigned i, found = 0;
	char name[32];

	(void)state;
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u.example", i);
		put(cache, name, answer_of(DNS_FOUND, 300, 200));
		assert_true(is_cached(cache, name, 0));
		assert_true(is_cached(cache, "0.example", 0));
		assert_true(dns_cache_used(cache) <= SIZE);
	}
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u.example", i);
		found += is_cached(cache, name, 0);
	}
	assert_true(found > 100);
	assert_true(found < MANY / 2);
	put(cache, "large", answer_of(DNS_FOUND, 300, SIZE / 2));
	assert_false(is_cached(cache, "large", 0));
	/* What is in use outlives the cache. */
	kept = dns_cache_get(cache, SPAN_LIT("0.example"), DNS_TXT, 0);
	dns_cache_flush(cache);
	assert_int_equal(dns_cache_used(cache), 0);
	dns_cache_free(cache);
	assert_int_equal(kept->records[0].data.len, 200);
	dns_answer_unref(kept);
	cache = dns_cache_new(0);
	put(cache, "a", answer_of(DNS_FOUND, 300, 10));
	assert_false(is_cached(cache, "a", 0));
	dns_cache_free(cache);
}

/* ---- threads ---- */

enum { THREADS = 8, ROUNDS = 4000, NAMES = 60 };

static void *
first_octet(const struct dns_answer *answer)
{
	unsigned char *made = xmalloc(1);

	*made = (unsigned char)answer->records[0].data.p[0];
	return made;
}

static const struct dns_derivation octet = { first_octet, free };

static void *
use_cache(void *arg)
{
	struct dns_cache *cache = arg;
	const struct dns_answer *answer;
	unsigned long wrong = 0;
	unsigned i, n = 1;
	char name[2];

	for (i = 0; i < ROUNDS; i++) {
		n = n * 1103515245 + 12345;
		name[0] = (char)(n >> 16) % NAMES + '0';
		name[1] = '\0';
		answer = dns_cache_get(cache, span_of(name), DNS_TXT, 0);
		if (answer == NULL) {
			struct dns_record record = { span_make(name, 2) };
			struct dns_answer made = { .result = DNS_FOUND,
				.ttl = 300, .records = &record, .count = 1 };

			answer = dns_answer_copy(&made);
			dns_cache_put(cache, span_of(name), DNS_TXT, answer,
			    0);
		}
		wrong += *(const unsigned char *)dns_answer_derive(answer,
		    &octet) != (unsigned char)name[0];
		dns_answer_unref(answer);
		if (i % 500 == 0)
			dns_cache_flush(cache);
	}
	return (void *)(uintptr_t)wrong;
}

/* A cache that holds about half of what is used, from all sides. */
static void
test_cache_of_threads(void **state)
{
	struct dns_cache *cache = dns_cache_new(16 * 4 * 5000);
	pthread_t threads[THREADS];
	void *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_cache,
		    cache), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	dns_cache_free(cache);
}

static void *
ask_in_vain(void *arg)
{
	struct dns *dns = arg;
	struct lookups *lookups;
	unsigned long wrong = 0;
	size_t i, j;

	for (i = 0; i < 20; i++) {
		lookups = ask(dns, 30, 10);
		while (i % 4 != 0 && lookups_wait(lookups))
			continue;
		for (j = 0; i % 4 != 0 && j < 10; j++)
			wrong += lookups_at(lookups, j)->answer->result !=
			    DNS_TIMEOUT;
		lookups_free(lookups);
	}
	return (void *)(uintptr_t)wrong;
}

/* The same questions from all threads; some give up before any answer. */
static void
test_questions_of_threads(void **state)
{
	struct strbuf server = STRBUF_INIT;
	int fd = bind_loopback(&server);
	struct dns *dns = dns_of(server.s);
	pthread_t threads[THREADS];
	void *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    ask_in_vain, dns), 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	dns_free(dns);
	close(fd);
	strbuf_clear(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_txt_join),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_mx_and_addresses),
		cmocka_unit_test(test_nameservers),
		cmocka_unit_test(test_silence_ends_at_the_deadline),
		cmocka_unit_test(test_refusal_is_noticed),
		cmocka_unit_test(test_one_of_two_refuses),
		cmocka_unit_test(test_questions_can_be_given_up),
		cmocka_unit_test(test_open_questions_are_bounded),
		cmocka_unit_test(test_equal_options_share),
		cmocka_unit_test(test_cache_times),
		cmocka_unit_test(test_cache_bound),
		cmocka_unit_test(test_cache_of_threads),
		cmocka_unit_test(test_questions_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
