/*
 * Messages with their envelopes through postern-policy with all it has, one
 * after another: what was counted and learned of one is there for the next.
 *
 * Input: messages, divided by lines ".". Lines in front of an empty one are the
 * envelope, a letter and a value: c client's address, n its name, h HELO, s
 * sender, r recipient, u user, p {client_port}, t seconds that pass before.
 */
#include "tests/fuzz/fuzz_policy.h"

enum { MESSAGES_MAX = 8, RECIPIENTS_MAX = 16, VALUE_MAX = 600 };

static const char configuration[] =
    "InternalHosts 10.0.0.0/8\n"
    "AccessClient texthash:client\n"
    "AccessHelo pcre:helo\n"
    "AccessSender texthash:sender\n"
    "AccessRecipient texthash:rcpt\n"
    "AccessHeader pcre:header\n"
    "RateLimit users key=sasl-user limit=2/1h burst=1 action=tempfail\n"
    "RateLimit nets key=client-net+mail-from limit=3/1h action=reject\n"
    "RateLimit all key=rcpt limit=2/1h action=tag\n"
    "RateLimit size key=mail-from-domain+helo limit=400/1d count=bytes "
    "action=quarantine\n"
    "RateLimit signed key=dkim-domain+daemon limit=1/1m when=dkim=pass "
    "action=tempfail\n"
    "RateLimit several key=rcpt-domain limit=3/1h count=recipients "
    "when=!null-sender,rcpt-domain=.big.example|example.net action=reject\n"
    "RetryMemory 10m\n"
    "WarmUp file:domains name=big start=1/day growth=2 max=8 "
    "since=2026-12-20 when=out\n"
    "Greylist delay=60s window=1h lifetime=30d autowhitelist=1 share=90% "
    "when=in,!dmarc=pass\n"
    "GreylistClients postgrey:grey\n"
    "DnsList bl.example type=client weight=4 codes=127.0.0.2-11\n"
    "DnsList bl.example type=client weight=1.5\n"
    "DnsList bl.example type=helo weight=1\n"
    "DnsList bl.example type=sender weight=2\n"
    "DnsList bl.example type=from weight=-3\n"
    "HostCheck helo-invalid weight=1\n"
    "HostCheck helo-not-fqdn weight=1\n"
    "HostCheck helo-literal weight=1\n"
    "HostCheck helo-wrong-literal weight=1\n"
    "HostCheck helo-own-name weight=1\n"
    "HostCheck helo-no-address weight=0.5\n"
    "HostCheck helo-not-client weight=0.25\n"
    "HostCheck helo-not-ptr weight=0.01\n"
    "HostCheck ptr-none weight=1\n"
    "HostCheck iprev-fail weight=1\n"
    "Reputation client-net weight=-2 bad-weight=3\n"
    "Reputation dkim-domain weight=-2 bad-weight=3\n"
    "Reputation spf-domain weight=-1\n"
    "Reputation sasl-user weight=-1 bad-weight=5 when=score>-2\n"
    "ScoreReject 9\n"
    "ScoreDefer 7\n"
    "ScoreQuarantine 5\n"
    "ScoreTag 2\n"
    "ScoreHeader yes\n"
    "AuthResults trust\n"
    "AuthservID mx.test\n"
    "OnBadMessage tempfail\n";

static const char zone_text[] =
    "1.2.0.192.bl.example A 127.0.0.2\n"
    "2.2.0.192.bl.example A 10.0.0.1\n"
    "3.2.0.192.bl.example SERVFAIL\n"
    "4.2.0.192.bl.example LATE 2\n"
    "spam.example.bl.example A 127.0.1.2\n"
    "good.example.bl.example A 127.0.0.9\n"
    "1.2.0.192.in-addr.arpa PTR mail.good.example\n"
    "2.2.0.192.in-addr.arpa TIMEOUT\n"
    "mail.good.example A 192.0.2.1\n"
    "late.example LATE 3\n"
    "late.example A 192.0.2.4\n";

static int64_t passed;		/* seconds since FUZZ_NOW */

static int64_t
monotonic(void)
{
	return passed * 1000 + 1;
}

static int64_t
wall(void)
{
	return FUZZ_NOW + passed;
}

struct given {
	char values[128][VALUE_MAX];	/* by letter; empty: none */
	char recipients[RECIPIENTS_MAX][VALUE_MAX];
	const char *list[RECIPIENTS_MAX];
	size_t recipient_count;
};

static void
copy(char *to, struct span text)
{
	size_t len = text.len < VALUE_MAX - 1 ? text.len : VALUE_MAX - 1;

	if (len > 0)
		memcpy(to, text.p, len);
	to[len] = '\0';
}

static void
read_envelope(struct span *text, struct given *given)
{
	struct span line;
	size_t n = 0;

	memset(given, 0, sizeof(*given));
	while (span_line(text, &line) && line.len != 0) {
		if (line.p[0] == 'r' && n < RECIPIENTS_MAX) {
			copy(given->recipients[n], span_skip(line, 1));
			given->list[n] = given->recipients[n];
			n++;
		} else if (line.p[0] > ' ') {
			copy(given->values[line.p[0] & 127],
			    span_skip(line, 1));
		}
	}
	given->recipient_count = n;
}

static const char *
value(const struct given *given, char letter, const char *otherwise)
{
	const char *text = given->values[(unsigned char)letter];

	return text[0] != '\0' ? text : otherwise;
}

/* Clocks may go back. */
static void
pass_time(const char *seconds)
{
	int64_t n = strtoll(seconds, NULL, 10);

	if (n > -100000000 && n < 100000000)
		passed += n;
}

static void
judge(struct snapshot *snapshot, struct span text)
{
	static struct given given;
	struct zone zone = { .text = zone_text };
	struct policy_conf *conf = snapshot->conf;
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT, explained = STRBUF_INIT;
	struct file_result result;

	conf->source_arg = &zone;
	read_envelope(&text, &given);
	pass_time(value(&given, 't', "0"));
	const struct file_macro macros[] = {
		{ "{client_port}", value(&given, 'p', "1025") },
		{ "{client_connections}", "1" },
		{ "{daemon_name}", "smtp" },
		{ "j", "mx.test" },
		{ "{auth_type}", "PLAIN" },
		{ "{auth_authen}", value(&given, 'u', "") },
	};
	const struct file_envelope envelope = {
		.client_address = value(&given, 'c', "192.0.2.1"),
		.client_name = value(&given, 'n', NULL),
		.helo = value(&given, 'h', "mail.good.example"),
		.sender = value(&given, 's', "<a@good.example>"),
		.recipients = given.list,
		.recipient_count = given.recipient_count,
		.macros = macros,
		.macro_count = given.values['u'][0] != '\0' ? 6 : 4,
		.now = wall(),
		.max_header_bytes = 32768,
		.explain = &explained,
		.observe = fuzz_observe,
	};

	if (file_run(&policy_filter, snapshot, &envelope, text, &arena,
	    &result, &err) == 0)
		fuzz_check_result(&result);
	else
		MUST(err.len != 0);
	strbuf_clear(&err);
	strbuf_clear(&explained);
	arena_clear(&arena);
}

/* Each input begins with an empty cache. */
static void
renew_cache(struct policy_conf *conf)
{
	struct cache_options options = {
		.spec = "local",
		.size = 1 << 20,
		.secret = { { 1 } },
		.clock = monotonic,
		.wall = wall,
	};
	struct strbuf err = STRBUF_INIT;

	passed = 0;
	cache_close(conf->cache);
	conf->cache = cache_open(&options, &err);
	MUST(conf->cache != NULL);
}

static struct snapshot *
load(void)
{
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;
	struct policy_conf *conf;

	fuzz_enter();
	snapshot = fuzz_load(span_of(configuration), &diag);
	if (snapshot == NULL)
		diag_print(&diag, stderr);
	MUST(snapshot != NULL);
	diag_clear(&diag);
	conf = snapshot->conf;
	conf->source = zone_source;
	return snapshot;
}

/* The part before a line ".". */
static struct span
cut_message(struct span *rest)
{
	struct span all = *rest, line;

	while (span_line(rest, &line))
		if (span_is(line, "."))
			return span_first(all, (size_t)(line.p - all.p));
	return all;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot *snapshot;
	struct span rest = span_make(data, size);
	size_t i;

	if (snapshot == NULL)
		snapshot = load();
	renew_cache(snapshot->conf);
	for (i = 0; i < MESSAGES_MAX && rest.len != 0; i++)
		judge(snapshot, cut_message(&rest));
	return 0;
}
