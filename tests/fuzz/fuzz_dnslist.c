/*
 * Input, a line each: a DnsList row, a HostCheck row, the client's address, its
 * HELO, the sender; the rest is DNS (tests/unit/zone.h).
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/file_driver.h"
#include "common/milter/snapshot.h"
#include "milters/policy/check.h"
#include "milters/policy/dnslist.h"
#include "milters/policy/hostname.h"
#include "tests/unit/zone.h"

static const char *const recipients[] = {
	"<a@one.example>", "<b@two.example>"
};
static const char letter[] =
    "From: joe@a.example, b@b.example\r\n\r\nHello\r\n";

/* A C string of the next line. */
static char *
next_line(struct span *rest, struct arena *arena)
{
	struct span line = { "", 0 };

	span_line(rest, &line);
	return arena_strdup(arena, arena_dup(arena, line).p);
}

static void
check_rows(const struct policy_conf *conf)
{
	size_t i, k;

	for (i = 0; i < conf->dnslist_count; i++) {
		const struct dnslist *list = &conf->dnslists[i];

		MUST(list->zone.len > 0 && list->label.len > 0);
		MUST(list->health != NULL && list->first <= i);
		MUST(list->weight <= POLICY_WEIGHT_MAX &&
		    list->weight >= -POLICY_WEIGHT_MAX);
		for (k = 0; k < list->codes.count; k++)
			MUST(list->codes.ranges[k].low <=
			    list->codes.ranges[k].high &&
			    list->codes.ranges[k].high >> 24 == 127);
	}
	for (i = 0; i < conf->hostcheck_count; i++)
		MUST(conf->hostchecks[i].test != NULL);
}

/* Each row has at most one finding. */
static void
observe(void *arg, const struct filter_context *ctx)
{
	const struct policy_state *state = ctx->state;
	const struct policy_conf *conf = arg;
	const struct policy_finding *finding;
	size_t lists = 0, hosts = 0, i;

	for (finding = state->findings; finding != NULL;
	    finding = finding->next) {
		lists += finding->check == &dnslist_check;
		hosts += finding->check == &hostname_check;
		for (i = 0; i < finding->reason.len; i++)
			MUST(finding->reason.p[i] >= ' ' &&
			    finding->reason.p[i] <= '~');
		MUST(finding->check != &dnslist_check ||
		    finding->weight == conf->dnslists[0].weight);
		MUST(finding->check != &hostname_check ||
		    finding->weight == conf->hostchecks[0].weight);
	}
	MUST(lists <= conf->dnslist_count && hosts <= conf->hostcheck_count);
	MUST(state->lookups == NULL || (lookups_count(state->lookups) <=
	    LOOKUPS_MAX && !lookups_over_limit(state->lookups)));
}

static void
run(const struct snapshot *snapshot, struct span rest, struct arena *arena)
{
	struct policy_conf *conf = snapshot->conf;
	struct file_envelope envelope = {
		.client_address = next_line(&rest, arena),
		.client_name = "mx.a.example",
		.helo = next_line(&rest, arena),
		.sender = next_line(&rest, arena),
		.recipients = recipients,
		.recipient_count = ARRAY_LEN(recipients),
		.now = 1798761600,
		.observe = observe,
		.observe_arg = conf,
	};
	struct zone zone = { .text = rest.p, .len = rest.len,
	    .lenient = true };
	struct strbuf err = STRBUF_INIT;
	struct file_result result;

	conf->source = zone_source;
	conf->source_arg = &zone;
	/* In vain where the address is none. */
	if (rest.len > 0)
		file_run(&policy_filter, snapshot, &envelope,
		    SPAN_LIT(letter), arena, &result, &err);
	strbuf_clear(&err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size);
	struct arena arena = ARENA_INIT;
	const struct snapshot_override overrides[] = {
		{ "CacheSize", "1M" },
		{ "DnsList", next_line(&rest, &arena) },
		{ "HostCheck", next_line(&rest, &arena) },
	};
	const struct snapshot_options options = {
		.overrides = overrides,
		.override_count = ARRAY_LEN(overrides),
	};
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;

	log_open("fuzz", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	snapshot = snapshot_load(&policy_filter, &options, &diag);
	MUST((snapshot == NULL) == diag_failed(&diag));
	if (snapshot != NULL) {
		check_rows(snapshot->conf);
		run(snapshot, rest, &arena);
	}
	snapshot_unref(snapshot);
	diag_clear(&diag);
	arena_clear(&arena);
	return 0;
}
