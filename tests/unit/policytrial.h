/*
 * policytrial.h - a message through the whole policy filter by the file driver,
 * with a configuration and DNS as text.
 */
#ifndef POSTERN_TESTS_POLICYTRIAL_H
#define POSTERN_TESTS_POLICYTRIAL_H

#include "tests/unit/tables.h"
#include "tests/unit/zone.h"

#include "milters/policy/check.h"

#include "common/milter/file_driver.h"
#include "common/milter/snapshot.h"

enum { TRIAL_NOW = 1798761600 };

/* NULL and what was wrong in diag. The file is policy.conf in the scratch
 * directory. */
static inline struct snapshot *
policytrial_load(const char *config, struct diag *diag)
{
	struct snapshot_options options = {
		.file = scratch_path("policy.conf"),
		.uid = geteuid(),
		.gid = getegid(),
	};

	scratch_write("policy.conf", span_of(config), 0600);
	return snapshot_load(&policy_filter, &options, diag);
}

/* A line a finding: "dnslist bl.example 250: 192.0.2.1 is in ...", the weight
 * in hundredths. */
static inline void
policytrial_observe(void *arg, const struct filter_context *ctx)
{
	const struct policy_state *report = ctx->state;
	const struct policy_finding *finding;
	struct strbuf *out = arg;

	for (finding = report->findings; finding != NULL;
	    finding = finding->next)
		strbuf_addf(out, "%s %.*s %d: %.*s\n", finding->check->name,
		    SPAN_ARG(finding->rule), finding->weight,
		    SPAN_ARG(finding->reason));
}

/* Appends the findings, and the verdict's word as the last line unless it is
 * "accept". zone NULL: DNS must not be asked. Without recipients there is one,
 * <you@test.example>. */
static inline void
policytrial_run(struct snapshot *snapshot, struct zone *zone,
    struct file_envelope envelope, const char *message, struct strbuf *out)
{
	static const char *const you[] = { "<you@test.example>" };
	struct policy_conf *conf = snapshot->conf;
	struct zone empty = { .text = "" };
	struct arena arena = ARENA_INIT;
	struct strbuf err = STRBUF_INIT;
	struct file_result result;

	conf->source = zone_source;
	conf->source_arg = zone != NULL ? zone : &empty;
	envelope.observe = policytrial_observe;
	envelope.observe_arg = out;
	if (envelope.now == 0)
		envelope.now = TRIAL_NOW;
	if (envelope.recipient_count == 0) {
		envelope.recipients = you;
		envelope.recipient_count = 1;
	}
	if (file_run(&policy_filter, snapshot, &envelope, span_of(message),
	    &arena, &result, &err) != 0)
		fail_msg("%s", err.s);
	if (result.verdict.action != VERDICT_ACCEPT)
		strbuf_addf(out, "%s\n", verdict_word(&result.verdict));
	assert_true(zone != NULL || empty.asked == 0);
	arena_clear(&arena);
	strbuf_clear(&err);
}

/* A configuration, and one message through it. */
static inline void
policytrial_check(const char *name, const char *config, struct zone *zone,
    const struct file_envelope *envelope, const char *message,
    const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = policytrial_load(config, &diag);

	if (snapshot == NULL)
		diag_print(&diag, stderr);
	ROW_IS(name, snapshot != NULL);
	policytrial_run(snapshot, zone, *envelope, message, &out);
	if (!span_is(strbuf_span(&out), want))
		fail_msg("%s: got\n%swant\n%s", name, strbuf_str(&out), want);
	strbuf_clear(&out);
	diag_clear(&diag);
	snapshot_unref(snapshot);
}

#endif
