/* From what the checks found to what happens: every rule, in a row each. */
#include "tests/unit/tables.h"

#include "milters/verify/answer.h"
#include "milters/verify/decide.h"
#include "milters/verify/settings.h"

#include "common/milter/snapshot.h"

enum { NOW = 1798761600 };	/* 2027-01-01T00:00:00Z */

/* What a row says of the message; the rest is a message without faults. */
struct facts {
	enum dmarc_result dmarc;
	enum dmarc_policy published;	/* that applies */
	enum dmarc_policy disposition;
	bool is_softened;
	enum dmarc_walk_result walk;
	enum spf_result spf;
	const char *sealers;		/* a passing chain's; NULL: none */
	bool sealer_is_lost;		/* it would pass, but for its DNS */
	const char *trouble;		/* of From */
	bool too_large, is_broken;
	bool is_over;			/* more authors than are looked at */
};

struct row {
	const char *name;
	const char *settings;		/* lines of verify.conf */
	struct facts facts;
	const char *action;
	enum verify_cause cause;
	enum dmarc_policy disposition;
	const char *override;		/* NULL: none */
	const char *text;		/* in the answer; NULL: any */
};

#define FAILS(p) { .dmarc = DMARC_FAIL, .published = DMARC_POLICY_ ## p, \
	    .disposition = DMARC_POLICY_ ## p, .spf = SPF_FAIL }
#define NO_DNS	{ .dmarc = DMARC_TEMPERROR, .published = DMARC_POLICY_UNSET, \
	    .walk = DMARC_WALK_TEMPERROR, .spf = SPF_TEMPERROR }
#define LOST_KEY(p) { .dmarc = DMARC_TEMPERROR, \
	    .published = DMARC_POLICY_ ## p, .spf = SPF_FAIL }
#define TWO_AUTHORS(p) { .dmarc = DMARC_PERMERROR, \
	    .published = DMARC_POLICY_ ## p, .trouble = "two domains" }
#define REJECT	DMARC_POLICY_REJECT
#define QUARANTINE DMARC_POLICY_QUARANTINE
#define NONE	DMARC_POLICY_NONE

static const struct row rows[] = {
	{ "a pass", "RejectFailures yes",
	    { .dmarc = DMARC_PASS, .published = REJECT, .spf = SPF_PASS },
	    "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "no policy", "RejectFailures yes",
	    { .dmarc = DMARC_NONE, .published = DMARC_POLICY_UNSET,
	    .spf = SPF_FAIL },
	    "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "p=reject is shown only, by default", "", FAILS(REJECT),
	    "accept", VERIFY_NOTHING, REJECT, "local_policy", NULL },
	{ "p=reject", "RejectFailures yes", FAILS(REJECT),
	    "reject", VERIFY_DMARC_POLICY, REJECT, NULL,
	    "message from example.com refused by that domain's DMARC policy "
	    "(p=reject): SPF fail for sender.example, no DKIM signature" },
	{ "p=reject in own words",
	    "RejectFailures yes\nRejectText {policy}: no, {from}",
	    FAILS(REJECT), "reject", VERIFY_DMARC_POLICY, REJECT, NULL,
	    "reject: no, example.com" },
	{ "p=quarantine", "RejectFailures yes", FAILS(QUARANTINE),
	    "accept", VERIFY_NOTHING, QUARANTINE, NULL, NULL },
	{ "p=quarantine held", "HoldQuarantinedMessages yes",
	    FAILS(QUARANTINE), "quarantine", VERIFY_DMARC_POLICY, QUARANTINE,
	    NULL, "DMARC fail for example.com: SPF fail for sender.example, "
	    "no DKIM signature" },
	{ "p=reject is not held", "HoldQuarantinedMessages yes",
	    FAILS(REJECT), "accept", VERIFY_NOTHING, REJECT, "local_policy",
	    NULL },
	{ "p=none", "RejectFailures yes\nHoldQuarantinedMessages yes",
	    FAILS(NONE), "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "t=y", "RejectFailures yes",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = QUARANTINE, .is_softened = true },
	    "accept", VERIFY_NOTHING, QUARANTINE, "policy_test_mode", NULL },
	{ "MonitorOnly", "RejectFailures yes\nMonitorOnly yes",
	    FAILS(REJECT), "reject", VERIFY_DMARC_POLICY, REJECT,
	    "local_policy", NULL },
	{ "IgnoreMailFrom", "RejectFailures yes\nIgnoreMailFrom example.com",
	    FAILS(REJECT), "accept", VERIFY_NOTHING, REJECT, "local_policy",
	    NULL },
	{ "another's IgnoreMailFrom",
	    "RejectFailures yes\nIgnoreMailFrom example.org",
	    FAILS(REJECT), "reject", VERIFY_DMARC_POLICY, REJECT, NULL,
	    NULL },
	{ "an override that accepts",
	    "RejectFailures yes\nDMARCOverrides csl:example.com=accept -",
	    FAILS(REJECT), "accept", VERIFY_NOTHING, REJECT, "local_policy",
	    NULL },
	{ "an override that is past",
	    "RejectFailures yes\n"
	    "DMARCOverrides csl:example.com=accept 2026-12-31",
	    FAILS(REJECT), "reject", VERIFY_DMARC_POLICY, REJECT, NULL,
	    NULL },
	{ "an override that rejects",
	    "DMARCOverrides csl:example.com=reject 2027-01-01", FAILS(NONE),
	    "reject", VERIFY_DMARC_POLICY, NONE, "local_policy", NULL },
	{ "an override that quarantines",
	    "DMARCOverrides csl:example.com=quarantine -", FAILS(REJECT),
	    "quarantine", VERIFY_DMARC_POLICY, REJECT, "local_policy", NULL },
	{ "an override is for failures only",
	    "DMARCOverrides csl:example.com=reject -",
	    { .dmarc = DMARC_PASS, .published = NONE, .spf = SPF_PASS },
	    "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "trusted sealers",
	    "RejectFailures yes\nTrustedSealers lists.example, .relay.example",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = REJECT, .sealers = "lists.example "
	    "a.relay.example" },
	    "accept", VERIFY_NOTHING, REJECT, "trusted_forwarder", NULL },
	{ "one sealer that is not trusted",
	    "RejectFailures yes\nTrustedSealers lists.example",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = REJECT, .sealers = "evil.example lists.example" },
	    "reject", VERIFY_DMARC_POLICY, REJECT, NULL, NULL },
	{ "a trusted sealer's key out of reach",
	    "RejectFailures yes\nTrustedSealers lists.example",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = REJECT, .sealers = "lists.example",
	    .sealer_is_lost = true },
	    "tempfail", VERIFY_DNS_ERROR, REJECT, NULL,
	    "cannot check the ARC chain of trusted sealers now: lost" },
	{ "a trusted sealer's key out of reach, nothing enforced",
	    "TrustedSealers lists.example",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = REJECT, .sealers = "lists.example",
	    .sealer_is_lost = true },
	    "accept", VERIFY_NOTHING, REJECT, "local_policy", NULL },
	{ "a trusted sealer's key out of reach, a row that rejects",
	    "DMARCOverrides csl:example.com=reject -\n"
	    "TrustedSealers lists.example",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = REJECT, .sealers = "lists.example",
	    .sealer_is_lost = true },
	    "reject", VERIFY_DMARC_POLICY, REJECT, "local_policy", NULL },
	{ "a key out of reach of sealers that are not trusted",
	    "RejectFailures yes\nTrustedSealers lists.example",
	    { .dmarc = DMARC_FAIL, .published = REJECT,
	    .disposition = REJECT, .sealers = "lists.example evil.example",
	    .sealer_is_lost = true },
	    "reject", VERIFY_DMARC_POLICY, REJECT, NULL, NULL },
	{ "a trusted sealer's key out of reach, SPF refused",
	    "SPFReject fail\nTrustedSealers lists.example",
	    { .dmarc = DMARC_NONE, .published = DMARC_POLICY_UNSET,
	    .spf = SPF_FAIL, .sealers = "lists.example",
	    .sealer_is_lost = true },
	    "tempfail", VERIFY_DNS_ERROR, NONE, NULL, NULL },
	{ "dead DNS", "RejectFailures yes", NO_DNS,
	    "tempfail", VERIFY_DNS_ERROR, NONE, NULL, "cannot check the "
	    "DMARC policy of example.com now: no answer in time" },
	{ "dead DNS, nothing enforced", "", NO_DNS,
	    "tempfail", VERIFY_DNS_ERROR, NONE, NULL, NULL },
	{ "dead DNS accepted", "OnDnsError accept", NO_DNS,
	    "accept", VERIFY_DNS_ERROR, NONE, NULL, NULL },
	{ "dead DNS for a domain that is let in",
	    "DMARCOverrides csl:example.com=accept -", NO_DNS,
	    "accept", VERIFY_NOTHING, NONE, "local_policy", NULL },
	{ "a key out of reach, p=reject", "", LOST_KEY(REJECT),
	    "tempfail", VERIFY_DNS_ERROR, NONE, NULL, NULL },
	{ "a key out of reach, p=none holds nothing up", "", LOST_KEY(NONE),
	    "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "two authors, one with a policy", "", TWO_AUTHORS(QUARANTINE),
	    "reject", VERIFY_BAD_FROM, NONE, NULL,
	    "the From field names no single author domain: two domains" },
	{ "two authors, no policy", "", TWO_AUTHORS(UNSET),
	    "accept", VERIFY_BAD_FROM, NONE, NULL, NULL },
	{ "more authors than are looked at", "",
	    { .dmarc = DMARC_PERMERROR, .published = DMARC_POLICY_UNSET,
	    .trouble = "too many", .is_over = true },
	    "reject", VERIFY_BAD_FROM, NONE, NULL, NULL },
	{ "two authors, p=none", "", TWO_AUTHORS(NONE),
	    "accept", VERIFY_BAD_FROM, NONE, NULL, NULL },
	{ "OnBadFrom reject", "OnBadFrom reject", TWO_AUTHORS(UNSET),
	    "reject", VERIFY_BAD_FROM, NONE, NULL, NULL },
	{ "OnBadFrom accept", "OnBadFrom accept", TWO_AUTHORS(REJECT),
	    "accept", VERIFY_BAD_FROM, NONE, NULL, NULL },
	{ "SPFReject fail", "SPFReject fail",
	    { .dmarc = DMARC_NONE, .published = DMARC_POLICY_UNSET,
	    .spf = SPF_FAIL },
	    "reject", VERIFY_SPF_POLICY, NONE, NULL, "SPF fail: "
	    "sender.example does not allow 192.0.2.1 to send its mail" },
	{ "SPFReject fail and a softfail", "SPFReject fail",
	    { .dmarc = DMARC_NONE, .published = DMARC_POLICY_UNSET,
	    .spf = SPF_SOFTFAIL },
	    "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "SPFReject softfail", "SPFReject softfail",
	    { .dmarc = DMARC_NONE, .published = DMARC_POLICY_UNSET,
	    .spf = SPF_SOFTFAIL },
	    "reject", VERIFY_SPF_POLICY, NONE, NULL, NULL },
	{ "SPFReject does not break forwarding", "SPFReject fail",
	    { .dmarc = DMARC_PASS, .published = REJECT, .spf = SPF_FAIL },
	    "accept", VERIFY_NOTHING, NONE, NULL, NULL },
	{ "SPFReject is not evaded by two authors", "SPFReject fail",
	    { .dmarc = DMARC_PERMERROR, .published = DMARC_POLICY_UNSET,
	    .trouble = "two domains", .spf = SPF_FAIL },
	    "reject", VERIFY_SPF_POLICY, NONE, NULL, NULL },
	{ "SPFReject and an override that accepts",
	    "SPFReject fail\nDMARCOverrides csl:example.com=accept -",
	    FAILS(REJECT), "accept", VERIFY_NOTHING, REJECT, "local_policy",
	    NULL },
	{ "SPFReject and an override that is past",
	    "SPFReject fail\n"
	    "DMARCOverrides csl:example.com=accept 2026-12-31",
	    FAILS(REJECT), "reject", VERIFY_SPF_POLICY, REJECT,
	    "local_policy", NULL },
	{ "a header too large", "", { .too_large = true },
	    "reject", VERIFY_BAD_MESSAGE, NONE, NULL, NULL },
	{ "an internal error", "RejectFailures yes",
	    { .dmarc = DMARC_FAIL, .disposition = REJECT, .is_broken = true },
	    "tempfail", VERIFY_INTERNAL_ERROR, NONE, NULL, NULL },
	{ "an internal error accepted", "OnInternalError accept",
	    { .is_broken = true },
	    "accept", VERIFY_INTERNAL_ERROR, NONE, NULL, NULL },
};

static struct snapshot *
load(const char *name, const char *settings)
{
	struct snapshot_options options = {
		.uid = getuid(), .gid = getgid(),
	};
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;

	scratch_write("verify.conf", span_of(settings), 0600);
	options.file = scratch_path("verify.conf");
	snapshot = snapshot_load(&verify_filter, &options, &diag);
	if (snapshot == NULL)
		row_says(name, &diag, "");
	diag_clear(&diag);
	return snapshot;
}

/* A report as the checks would leave it. */
static void
fill(const struct facts *facts, struct arena *arena,
    struct spf_outcome *spf, struct arc_outcome *arc,
    struct verify_report *report)
{
	struct span rest = span_of(facts->sealers), item;

	*spf = (struct spf_outcome){
		.result = facts->spf,
		.domain = SPAN_LIT("sender.example"),
		.reason = "",
	};
	*arc = (struct arc_outcome){ .result = ARC_NONE,
	    .reason = facts->sealer_is_lost ? "lost" : "" };
	arc->sealers = arena_alloc(arena, 8 * sizeof(*arc->sealers));
	while (span_item(&rest, &item)) {
		arc->result = facts->sealer_is_lost ? ARC_TEMPERROR :
		    ARC_PASS;
		arc->sealers[arc->sealer_count++] = item;
		arc->count++;
	}
	report->mailfrom = spf;
	report->arc = arc;
	report->has_dkim = true;
	report->too_large = facts->too_large;
	report->internal_error = facts->is_broken ? "broken" : NULL;
	report->authors.trouble = facts->trouble;
	report->authors.is_over = facts->is_over;
	report->has_dmarc = true;
	report->dmarc.result = facts->dmarc;
	report->dmarc.reason = "no answer in time";
	report->dmarc.from = SPAN_LIT("example.com");
	report->dmarc.disposition = facts->disposition;
	report->dmarc.is_softened = facts->is_softened;
	report->dmarc.walk.result = facts->walk;
	report->dmarc.walk.policy = facts->published;
	report->dmarc.walks[0].policy = DMARC_POLICY_UNSET;
	report->dmarc.walks[1].policy = facts->published;
	report->dmarc.walk_count = facts->trouble != NULL ? 2 : 1;
}

static void
check(const struct row *row, const struct verify_decision *decision)
{
	ROW_EQ(row->name, span_of(verdict_word(&decision->verdict)),
	    span_of(row->action));
	ROW_EQ(row->name, span_of(verify_cause_word(decision->cause)),
	    span_of(verify_cause_word(row->cause)));
	ROW_IS(row->name, decision->disposition == row->disposition);
	ROW_EQ(row->name, span_of(decision->override),
	    span_of(row->override));
	if (row->text != NULL)
		ROW_EQ(row->name, span_of(decision->verdict.text),
		    span_of(row->text));
	ROW_IS(row->name, decision->is_monitored ==
	    (strstr(row->settings, "MonitorOnly") != NULL));
}

static void
decides_by_the_settings(void **state)
{
	struct session session = {
		.client = { .family = 4, .bits = 32,
		    .octets = { 192, 0, 2, 1 } },
	};
	struct message message = { .queue_id = { "Q", 1 } };
	struct verify_report *report;
	struct spf_outcome spf;
	struct arc_outcome arc;
	struct snapshot *snapshot;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		snapshot = load(rows[i].name, rows[i].settings);
		report = arena_zalloc(&message.arena, sizeof(*report));
		fill(&rows[i].facts, &message.arena, &spf, &arc, report);
		verify_decide(&(struct filter_context){
			.session = &session, .message = &message,
			.conf = snapshot->conf, .now = NOW }, report);
		check(&rows[i], &report->decision);
		message_reset(&message);
		snapshot_unref(snapshot);
	}
	message_clear(&message);
}

static void
tells_a_bad_reject_text(void **state)
{
	static const struct { const char *text, *says; } texts[] = {
		{ "{domain} is not welcome", "{domain} is not known" },
		{ "no {from", "a { has no }" },
		{ "n\xc3\xb6", "printable ASCII only" },
		{ "plain words", "" },
		{ "{from}{policy}{reason}", "" },
	};
	struct strbuf err;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(texts); i++) {
		err = (struct strbuf)STRBUF_INIT;
		ROW_IS(texts[i].text, answer_text_is_valid(
		    span_of(texts[i].text), &err) ==
		    (*texts[i].says == '\0'));
		ROW_IS(texts[i].text, strstr(strbuf_str(&err),
		    texts[i].says) != NULL);
		strbuf_clear(&err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decides_by_the_settings),
		cmocka_unit_test(tells_a_bad_reject_text),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
