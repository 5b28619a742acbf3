/*
 * Messages through the whole verifier by the file driver: the signer's own
 * filter signs them, a zone in the test answers.
 */
#include "tests/unit/unit.h"
#include "tests/unit/zone.h"

#include "milters/sign/sign.h"
#include "milters/verify/verify.h"

#include "common/base/log.h"
#include "common/mail/authres.h"
#include "common/milter/file_driver.h"

enum { NOW = 1798761600 };

static const char zone_text[] =
    "example.com TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
    "mx.example.com TXT \"v=spf1 a -all\"\n"
    "mx.example.com A 192.0.2.1\n"
    "1.2.0.192.in-addr.arpa PTR mx.example.com\n"
    /* RFC 8463 A.2's key */
    "k._domainkey.example.com TXT \"v=DKIM1; k=ed25519; "
    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
    "k._domainkey.dead.example SERVFAIL\n"
    "_dmarc.dead.example SERVFAIL\n"
    "dead.example SERVFAIL\n"
    "_dmarc.example.com TXT \"v=DMARC1; p=reject\"\n";

static const char letter[] =
    "Received: from x by mx\r\n"
    "From: Joe <joe@example.com>\r\n"
    "Authentication-Results: mx.test; spf=pass smtp.mailfrom=evil.example\r\n"
    "To: you@test.example\r\n"
    "Authentication-Results: (a) \"MX.test\" 1; dkim=pass header.d=x.example\r\n"
    "Subject: hello\r\n"
    "Authentication-Results: mx.other.example; spf=fail\r\n"
    "Date: Fri, 1 Jan 2027 00:00:00 +0000\r\n"
    "\r\n"
    "Hello,\r\nhow are you?\r\n";

static const struct snapshot_override verify_settings[] = {
	{ "AuthservID", "mx.test" }, { "RejectFailures", "yes" },
};
static const struct snapshot_override sign_settings[] = {
	{ "KeyTable", "csl:k=%:k:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" },
	{ "SigningTable", "csl:*=k" },
};

static struct snapshot *
load(const struct filter *filter, const struct snapshot_override *overrides,
    size_t count)
{
	struct snapshot_options options = {
		.overrides = overrides,
		.override_count = count,
	};
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = snapshot_load(filter, &options, &diag);

	if (snapshot == NULL)
		diag_print(&diag, stderr);
	assert_non_null(snapshot);
	diag_clear(&diag);
	return snapshot;
}

/* text as postern-sign would send it. */
static void
sign(const char *text, struct strbuf *out)
{
	struct snapshot *snapshot = load(&sign_filter, sign_settings,
	    ARRAY_LEN(sign_settings));
	struct file_envelope envelope = { .now = NOW };
	struct strbuf err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct file_result result;

	assert_int_equal(file_run(&sign_filter, snapshot, &envelope,
	    span_of(text), &arena, &result, &err), 0);
	file_apply(span_of(text), &result.edits, out);
	arena_clear(&arena);
	snapshot_unref(snapshot);
}

struct trial {
	struct zone zone;
	struct snapshot *snapshot;
	struct arena arena;
	struct strbuf after;		/* the message as it is passed on */
	struct file_result result;
	char authres[4096];
	char report[256];
};

static void
observe(void *arg, const struct filter_context *ctx)
{
	const struct verify_report *report = verify_report_of(ctx);
	struct trial *trial = arg;

	if (report == NULL)
		return;
	snprintf(trial->authres, sizeof(trial->authres), "%.*s",
	    SPAN_ARG(report->authres));
	snprintf(trial->report, sizeof(trial->report),
	    "iprev=%s helo=%s mailfrom=%s dkim=%s dmarc=%s removed=%zu",
	    report->has_iprev ? iprev_result_name(report->iprev.result) : "-",
	    report->helo != NULL ? spf_result_name(report->helo->result) : "-",
	    report->mailfrom != NULL ?
	    spf_result_name(report->mailfrom->result) : "-",
	    report->dkim_count > 0 ?
	    dkim_result_name(report->dkim[0].result) : "-",
	    report->has_dmarc ? dmarc_result_name(report->dmarc.result) : "-",
	    report->removed);
}

static void
check(struct trial *trial, struct span text, const char *client,
    const char *sender)
{
	struct file_envelope envelope = {
		.client_address = client,
		.client_name = "mx.example.com",
		.helo = "mx.example.com",
		.sender = sender,
		.now = NOW,
		.chunk = 7,
		.observe = observe,
		.observe_arg = trial,
	};
	struct strbuf err = STRBUF_INIT;
	struct verify_conf *conf;

	trial->snapshot = load(&verify_filter, verify_settings,
	    ARRAY_LEN(verify_settings));
	conf = trial->snapshot->conf;
	conf->source = zone_source;
	conf->source_arg = &trial->zone;
	assert_int_equal(file_run(&verify_filter, trial->snapshot, &envelope,
	    text, &trial->arena, &trial->result, &err), 0);
	file_apply(text, &trial->result.edits, &trial->after);
}

static void
finish(struct trial *trial)
{
	snapshot_unref(trial->snapshot);
	arena_clear(&trial->arena);
	strbuf_clear(&trial->after);
}

static void
passes_what_is_good(void **state)
{
	struct trial trial = { .zone = { .text = zone_text } };
	struct strbuf text = STRBUF_INIT;

	(void)state;
	sign(letter, &text);
	check(&trial, strbuf_span(&text), "192.0.2.1", "<joe@example.com>");
	assert_int_equal(trial.result.verdict.action, VERDICT_ACCEPT);
	assert_string_equal(trial.report, "iprev=pass helo=pass mailfrom=pass "
	    "dkim=pass dmarc=pass removed=2");
	assert_true(span_starts(strbuf_span(&trial.after),
	    SPAN_LIT("Authentication-Results: mx.test;")));
	assert_null(strstr(trial.after.s, "evil.example"));
	assert_null(strstr(trial.after.s, "=x.example"));
	assert_non_null(strstr(trial.after.s, "mx.other.example; spf=fail"));
	assert_non_null(strstr(trial.authres, "header.d=example.com"));
	assert_non_null(strstr(trial.authres, "policy.dmarc=reject"));
	assert_non_null(strstr(trial.authres, "policy.iprev=192.0.2.1"));
	finish(&trial);
	strbuf_clear(&text);
}

static void
refuses_what_is_forged(void **state)
{
	struct trial trial = { .zone = { .text = zone_text } };

	(void)state;
	check(&trial, span_of(letter), "198.51.100.1", "<joe@evil.example>");
	assert_int_equal(trial.result.verdict.action, VERDICT_REJECT);
	assert_string_equal(trial.report, "iprev=permerror helo=fail "
	    "mailfrom=none dkim=- dmarc=fail removed=2");
	assert_string_equal(trial.result.verdict.text, "message from "
	    "example.com refused by that domain's DMARC policy (p=reject): "
	    "SPF none for evil.example, no DKIM signature");
	finish(&trial);
}

static void
sees_a_changed_body(void **state)
{
	struct trial trial = { .zone = { .text = zone_text } };
	struct strbuf text = STRBUF_INIT;

	(void)state;
	sign(letter, &text);
	text.s[text.len - 4] = '!';
	check(&trial, strbuf_span(&text), "198.51.100.1",
	    "<joe@evil.example>");
	assert_int_equal(trial.result.verdict.action, VERDICT_REJECT);
	assert_string_equal(trial.report, "iprev=permerror helo=fail "
	    "mailfrom=none dkim=fail dmarc=fail removed=2");
	finish(&trial);
	strbuf_clear(&text);
}

static void
dead_dns_is_never_an_answer(void **state)
{
	struct trial trial = { .zone = { .text = zone_text } };

	(void)state;
	check(&trial, SPAN_LIT("From: <joe@dead.example>\r\n\r\nHi\r\n"),
	    "192.0.2.1", "<joe@dead.example>");
	assert_int_equal(trial.result.verdict.action, VERDICT_TEMPFAIL);
	assert_string_equal(trial.report, "iprev=pass helo=pass "
	    "mailfrom=temperror dkim=- dmarc=temperror removed=0");
	finish(&trial);
}

static void
waits_for_late_answers(void **state)
{
	struct strbuf zone = STRBUF_INIT, text = STRBUF_INIT;
	struct trial trial = { .zone = { .text = NULL } };

	(void)state;
	strbuf_adds(&zone, zone_text);
	strbuf_adds(&zone, "example.com LATE 3 TXT\n"
	    "k._domainkey.example.com LATE 2\n"
	    "_dmarc.example.com LATE 5\n"
	    "mx.example.com LATE 2 A\n");
	trial.zone.text = zone.s;
	sign(letter, &text);
	check(&trial, strbuf_span(&text), "192.0.2.1", "<joe@example.com>");
	assert_string_equal(trial.report, "iprev=pass helo=pass mailfrom=pass "
	    "dkim=pass dmarc=pass removed=2");
	finish(&trial);
	strbuf_clear(&text);
	strbuf_clear(&zone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_what_is_good),
		cmocka_unit_test(refuses_what_is_forged),
		cmocka_unit_test(sees_a_changed_body),
		cmocka_unit_test(dead_dns_is_never_an_answer),
		cmocka_unit_test(waits_for_late_answers),
	};

	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
