/*
 * policy_run.h - messages through the whole of postern-policy by the file
 * driver, with a cache whose clock the test moves.
 */
#ifndef POSTERN_TESTS_POLICY_RUN_H
#define POSTERN_TESTS_POLICY_RUN_H

#include "tests/unit/tables.h"

#include "milters/policy/check.h"
#include "milters/policy/control.h"

#include "common/base/log.h"
#include "common/milter/file_driver.h"

enum { RUN_START = 1798761600, RUN_RECIPIENTS = 8, RUN_FINDINGS = 2048 };

static int64_t run_real;	/* seconds since the start, by the cache */

static inline int64_t
run_clock(void)
{
	return run_real * 1000 + 1;
}

static inline int64_t
run_wall(void)
{
	return RUN_START + run_real;
}

struct run {
	struct snapshot *snapshot;
	struct policy_conf *conf;
	struct arena arena;
	/* of the last message */
	struct file_result result;
	char findings[RUN_FINDINGS];	/* "check/rule weight: reason", a line
					   each */
	int32_t score;
};

/* spec: of the cache. Each has a secret of its own, and so is a new one. */
static inline void
run_set_cache(struct run *run, const char *spec)
{
	static unsigned char turn;
	struct cache_options options = {
		.spec = spec,
		.size = 8 << 20,
		.secret = { { 1, ++turn } },
		.clock = run_clock,
		.wall = run_wall,
	};
	struct strbuf err = STRBUF_INIT;

	cache_close(run->conf->cache);
	run->conf->cache = cache_open(&options, &err);
	if (run->conf->cache == NULL)
		fail_msg("%s", err.s);
}

/* file: a configuration; may be NULL. */
static inline void
run_open_file(struct run *run, const char *file,
    const struct snapshot_override *overrides, size_t count)
{
	struct snapshot_options options = {
		.file = file,
		.overrides = overrides,
		.override_count = count,
	};
	struct diag diag = DIAG_INIT;

	memset(run, 0, sizeof(*run));
	run_real = 0;
	log_open("test", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	run->snapshot = snapshot_load(&policy_filter, &options, &diag);
	if (run->snapshot == NULL)
		diag_print(&diag, stderr);
	assert_non_null(run->snapshot);
	diag_clear(&diag);
	run->conf = run->snapshot->conf;
	run_set_cache(run, "local");
}

static inline void
run_open(struct run *run, const struct snapshot_override *overrides,
    size_t count)
{
	run_open_file(run, NULL, overrides, count);
}

static inline void
run_close(struct run *run)
{
	snapshot_unref(run->snapshot);
	arena_clear(&run->arena);
}

struct run_message {
	int64_t jump;			/* of the wall clock */
	const char *client, *sender;	/* NULL: 192.0.2.1, a@far.example */
	const char *recipients[RUN_RECIPIENTS];	/* none: me@near.example */
	const char *user;		/* who authenticated */
	const char *header;		/* in front of a From; may be NULL */
	const char *from;		/* its domain; NULL: far.example */
};

static inline void
run_observe(void *arg, const struct filter_context *ctx)
{
	const struct policy_state *state = policy_report_of(ctx);
	const struct policy_finding *finding;
	struct strbuf text = STRBUF_INIT;
	struct run *run = arg;

	if (state == NULL)
		return;
	for (finding = state->findings; finding != NULL;
	    finding = finding->next)
		strbuf_addf(&text, "%s/%.*s %d: %.*s\n", finding->check->name,
		    SPAN_ARG(finding->rule), (int)finding->weight,
		    SPAN_ARG(finding->reason));
	snprintf(run->findings, sizeof(run->findings), "%s",
	    strbuf_str(&text));
	run->score = state->facts.score;
	strbuf_clear(&text);
}

/* Hands the message over at run_real; run has what came out. */
static inline void
run_send(struct run *run, const struct run_message *m)
{
	const struct file_macro macros[] = {
		{ "{client_port}", "40000" }, { "{client_connections}", "1" },
		{ "{auth_type}", "PLAIN" }, { "{auth_authen}", m->user },
	};
	static const char *const nobody[] = { "<me@near.example>" };
	struct file_envelope envelope = {
		.client_address = m->client != NULL ? m->client : "192.0.2.1",
		.client_name = "unknown",
		.helo = "far.example",
		.sender = m->sender != NULL ? m->sender : "<a@far.example>",
		.recipients = nobody,
		.recipient_count = 1,
		.macros = macros,
		.macro_count = m->user != NULL ? 4 : 2,
		.now = run_wall() + m->jump,
		.observe = run_observe,
		.observe_arg = run,
	};
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	size_t n = 0;

	while (n < RUN_RECIPIENTS && m->recipients[n] != NULL)
		n++;
	if (n > 0) {
		envelope.recipients = m->recipients;
		envelope.recipient_count = n;
	}
	strbuf_addf(&text, "%sFrom: <x@%s>\r\nSubject: x\r\n\r\nx\r\n",
	    m->header != NULL ? m->header : "",
	    m->from != NULL ? m->from : "far.example");
	run->findings[0] = '\0';
	if (file_run(&policy_filter, run->snapshot, &envelope,
	    strbuf_span(&text), &run->arena, &run->result, &err) != 0)
		fail_msg("%s", err.s);
	strbuf_clear(&text);
}

static inline bool
run_passes(const struct run *run)
{
	return run->result.verdict.action == VERDICT_ACCEPT;
}

/* What the admin asks, and what is said to it, in output or error. */
struct run_command {
	const char *words;		/* divided by blanks */
	int status;
	const char *says;
};

static inline void
run_commands(struct run *run, policy_command *command,
    const struct run_command *rows, size_t count)
{
	struct control_answer answer;
	struct span words[16], rest;
	size_t i, n;

	for (i = 0; i < count; i++) {
		memset(&answer, 0, sizeof(answer));
		rest = span_of(rows[i].words);
		for (n = 0; rest.len > 0 && n < ARRAY_LEN(words); n++)
			span_cut(&rest, ' ', &words[n]);
		answer.status = command(run->conf, words, n, &answer);
		if (answer.status != rows[i].status || strstr(strbuf_str(
		    answer.status == 0 ? &answer.output : &answer.error),
		    rows[i].says) == NULL)
			fail_msg("%s: got %d, \"%s\", \"%s\"", rows[i].words,
			    answer.status, strbuf_str(&answer.output),
			    strbuf_str(&answer.error));
		strbuf_clear(&answer.output);
		strbuf_clear(&answer.error);
	}
}

/* What is said of a configuration file that is read. */
struct run_file {
	const char *name, *file, *want;
};

static inline void
run_files(const struct run_file *rows, size_t count)
{
	struct snapshot_options options = { 0 };
	struct diag diag = DIAG_INIT;
	size_t i;

	for (i = 0; i < count; i++) {
		scratch_write("policy.conf", span_of(rows[i].file), 0644);
		options.file = scratch_path("policy.conf");
		snapshot_unref(snapshot_load(&policy_filter, &options, &diag));
		row_says(rows[i].name, &diag, rows[i].want);
	}
}

#endif
