/*
 * A whole message through the verifier. What is passed on bears exactly one
 * field in our name, on top, whatever the message was.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/zone.h"

#include "milters/verify/verify.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/mail/authres.h"
#include "common/milter/file_driver.h"

static const char zone_text[] =
    "example.com TXT \"v=spf1 include:_spf.example.com mx ?all\"\n"
    "_spf.example.com TXT \"v=spf1 exists:%{ir}.%{l}.x.example.com -all\"\n"
    "example.com MX 10 mx.example.com\n"
    "mx.example.com A 192.0.2.1\n"
    "mx.example.com TXT \"v=spf1 a -all\"\n"
    "1.2.0.192.in-addr.arpa PTR mx.example.com\n"
    "k._domainkey.example.com TXT \"v=DKIM1; k=ed25519; "
    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"
    "dead._domainkey.example.com SERVFAIL\n"
    "late._domainkey.example.com LATE 2\n"
    "_dmarc.example.com TXT \"v=DMARC1; p=reject; sp=none; np=quarantine\"\n"
    "_dmarc.dead.example SERVFAIL\n"
    "_dmarc.bogus.example BOGUS\n"
    "_dmarc.quarantine.example TXT \"v=DMARC1; p=quarantine; t=y\"\n";

static const struct snapshot_override settings[] = {
	{ "AuthservID", "mx.test" },
	{ "RemoveARFrom", "old.test" },
	{ "RejectFailures", "no" },
	{ "OnBadFrom", "accept" },
	{ "OnDnsError", "accept" },
	{ "ADSP", "yes" },
	{ "TrustedSealers", "example.com" },
};

static struct snapshot *
load(struct zone *zone)
{
	struct snapshot_options options = {
		.overrides = settings,
		.override_count = ARRAY_LEN(settings),
	};
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;
	struct verify_conf *conf;

	log_open("fuzz", LOG_TO_STDERR, "mail", LOG_LEVEL_ERROR);
	snapshot = snapshot_load(&verify_filter, &options, &diag);
	if (snapshot == NULL)
		diag_print(&diag, stderr);
	MUST(snapshot != NULL);
	diag_clear(&diag);
	conf = snapshot->conf;
	conf->source = zone_source;
	conf->source_arg = zone;
	return snapshot;
}

static void
look_at(void *arg, const struct filter_context *ctx)
{
	const struct verify_report *report = verify_report_of(ctx);

	(void)arg;
	if (report == NULL)
		return;
	MUST(report->internal_error == NULL);
	MUST(lookups_count(report->lookups) <= LOOKUPS_MAX);
}

/* Exactly one field bears our id, the topmost of its name. */
static void
look_at_fields(struct span after, const struct span *ids, size_t count)
{
	struct span name, value;
	struct arena arena = ARENA_INIT;
	bool is_first = true, is_ours;

	message_skip_mbox_line(&after);
	while (message_next_field(&after, &name, &value)) {
		if (!span_is_nocase(span_trim(name), "Authentication-Results"))
			continue;
		is_ours = authres_is_of(value, ids, count, &arena);
		MUST(is_ours == is_first);
		is_first = false;
	}
	MUST(!is_first);
	arena_clear(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct span ids[] = { { "mx.test", 7 },
	    { "old.test", 8 } };
	static struct zone zone;
	static struct snapshot *snapshot;
	struct file_envelope envelope = {
		.client_address = "192.0.2.1",
		.client_name = "mx.example.com",
		.helo = "mx.example.com",
		.sender = "<s@example.com>",
		.now = 1790000000,
		.chunk = 1 + size % 97,
		.observe = look_at,
	};
	struct strbuf err = STRBUF_INIT, after = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct file_result result;
	struct span text = span_make(data, size);

	if (snapshot == NULL)
		snapshot = load(&zone);
	zone = (struct zone){ .text = zone_text };
	MUST(file_run(&verify_filter, snapshot, &envelope, text, &arena,
	    &result, &err) == 0);
	MUST(result.verdict.action == VERDICT_ACCEPT);
	file_apply(text, &result.edits, &after);
	look_at_fields(strbuf_span(&after), ids, ARRAY_LEN(ids));
	strbuf_clear(&after);
	arena_clear(&arena);
	return 0;
}
