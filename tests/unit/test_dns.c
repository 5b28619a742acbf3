#include "tests/unit/unit.h"

#include "common/base/clock.h"
#include "common/dns/dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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
	struct dns_options options = { NULL, NULL };
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
	struct dns_options options = { nameservers, NULL };
	struct strbuf err = STRBUF_INIT;
	struct dns *dns = dns_new(&options, &err);

	ROW_IS(strbuf_str(&err), dns != NULL);
	strbuf_clear(&err);
	return dns;
}

static void
test_bad_names(void **state)
{
	static const char *const names[] = { "", ".", "a..b", "a b", "a.",
	    "\xc3\xa4.example", "-.example" };
	struct dns *dns = dns_of("192.0.2.1");
	struct arena arena = ARENA_INIT;
	struct dns_answer answer;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(names); i++) {
		dns_lookup(dns, names[i], DNS_TXT, 100, &arena, &answer);
		ROW_IS(names[i], answer.result == DNS_MALFORMED);
	}
	dns_free(dns);
	arena_clear(&arena);
}

static void
test_silence_ends_at_the_deadline(void **state)
{
	struct strbuf server = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct dns_query *queries[20];
	struct dns_answer answer;
	int64_t start, took;
	struct dns *dns;
	size_t i;
	int fd;

	(void)state;
	fd = bind_loopback(&server);
	dns = dns_of(server.s);
	start = clock_monotonic_ms();
	for (i = 0; i < ARRAY_LEN(queries); i++)
		queries[i] = dns_ask(dns, "s._domainkey.example.org", DNS_TXT,
		    400);
	for (i = 0; i < ARRAY_LEN(queries); i++) {
		dns_wait(queries[i], &arena, &answer);
		assert_int_equal(answer.result, DNS_TIMEOUT);
		assert_non_null(strstr(answer.detail, server.s));
	}
	took = clock_monotonic_ms() - start;
	assert_true(took >= 400);
	assert_true(took < 3000);	/* all at once, not one by one */
	dns_free(dns);			/* with libunbound still busy */
	close(fd);
	strbuf_clear(&server);
	arena_clear(&arena);
}

static void
test_refusal_is_noticed(void **state)
{
	struct strbuf server = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct dns_answer answer;
	struct dns *dns;
	int64_t start;

	(void)state;
	close(bind_loopback(&server));
	dns = dns_of(server.s);
	start = clock_monotonic_ms();
	dns_lookup(dns, "example.org", DNS_A, 20000, &arena, &answer);
	assert_true(clock_monotonic_ms() - start < 5000);
	assert_int_equal(answer.result, DNS_SERVFAIL);
	assert_non_null(strstr(answer.detail, "refused"));
	dns_free(dns);
	strbuf_clear(&server);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_txt_join),
		cmocka_unit_test(test_nameservers),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_silence_ends_at_the_deadline),
		cmocka_unit_test(test_refusal_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
