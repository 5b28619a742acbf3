/*
 * fuzz_policy.h - what the fuzz targets of postern-policy have in common: a
 * directory of their own with tables in it, which goes at the end, and what
 * must hold of every message.
 */
#ifndef POSTERN_TESTS_FUZZ_POLICY_H
#define POSTERN_TESTS_FUZZ_POLICY_H

#include "tests/fuzz/fuzz.h"
#include "tests/unit/zone.h"

#include "milters/policy/check.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/file_driver.h"
#include "common/milter/reply.h"

#include <unistd.h>

enum { FUZZ_NOW = 1798761600 };

static char *fuzz_directory;

static const struct {
	const char *name, *text;
} fuzz_tables[] = {
	{ "client", "192.0.2.9 REJECT\nbad.example 450 later\ngood.example OK\n"
	    "unknown WARN x\n" },
	{ "helo", "/^(dyn|ppp)-/ REJECT $1\n/^(a+)+$/ HOLD\n" },
	{ "sender", "<> DUNNO\nbad@ REJECT\npre.example PREPEND X-Pre: $0\n"
	    "drop.example DISCARD\nmoved@ REDIRECT new@example.net\n" },
	{ "rcpt", "postmaster@ OK\nclosed@ 550 5.1.1 no\nlate@ DEFER\n"
	    "void@ DISCARD\nhold@ HOLD\ntag@ PREPEND X-Tag: yes\n" },
	{ "header", "if /^X-/\n/^X-Bad: (.*)/ REJECT 5.7.0 $1\n"
	    "/^X-Hold:/ HOLD\n/^X-Ok:/ OK\n/^X-Pre: (.*)/ PREPEND X-Seen: $1\n"
	    "endif\n!/^[A-Z]/ WARN small\n" },
	{ "grey", "/^mail[0-9]+\\./\n198.51.100\nfriend.example\n" },
	{ "domains", ".big.example\nbig.example\n" },
};

static const char *
fuzz_path(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", fuzz_directory, name);
	return path;
}

static void
fuzz_leave(void)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(fuzz_tables); i++)
		unlink(fuzz_path(fuzz_tables[i].name));
	unlink(fuzz_path("policy.conf"));
	rmdir(fuzz_directory);
}

static void
fuzz_write(const char *name, struct span text)
{
	FILE *file = fopen(fuzz_path(name), "w");

	MUST(file != NULL);
	MUST(text.len == 0 ||
	    fwrite(text.p, 1, text.len, file) == text.len);
	MUST(fclose(file) == 0);
}

static void
fuzz_enter(void)
{
	const char *parent = getenv("TMPDIR");
	size_t i;

	log_open("fuzz", LOG_TO_STDERR, "mail", LOG_LEVEL_NONE);
	MUST(asprintf(&fuzz_directory, "%s/postern-fuzz-XXXXXX",
	    parent != NULL ? parent : "/tmp") > 0);
	MUST(mkdtemp(fuzz_directory) != NULL);
	atexit(fuzz_leave);
	for (i = 0; i < ARRAY_LEN(fuzz_tables); i++)
		fuzz_write(fuzz_tables[i].name, span_of(fuzz_tables[i].text));
}

/* A configuration in policy.conf; NULL and what is wrong in diag. Nothing is
 * made by it: it is read as -n reads it. */
static struct snapshot *
fuzz_load(struct span text, struct diag *diag)
{
	struct snapshot_options options = { .check_all = true,
		.file = fuzz_path("policy.conf"), .uid = geteuid(),
		.gid = getegid() };

	fuzz_write("policy.conf", text);
	return snapshot_load(&policy_filter, &options, diag);
}

static void
fuzz_check_text(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		MUST(text.p[i] >= ' ' && text.p[i] <= '~');
}

/* What was found, when the verdict stands. */
static void
fuzz_observe(void *arg, const struct filter_context *ctx)
{
	const struct policy_state *state = policy_report_of(ctx);
	const struct policy_finding *finding;
	size_t count = 0;

	(void)arg;
	if (state == NULL)
		return;
	for (finding = state->findings; finding != NULL;
	    finding = finding->next, count++) {
		fuzz_check_text(finding->rule);
		fuzz_check_text(finding->reason);
	}
	MUST(count == state->finding_count);
	MUST(state->internal_error == NULL);
	MUST(state->lookups == NULL ||
	    lookups_count(state->lookups) <= LOOKUPS_MAX);
	MUST(state->refused <= state->facts.recipient_count);
}

/* Fields that stay fields, and an answer that stays a line. */
static void
fuzz_check_result(const struct file_result *result)
{
	const struct edit *edit;
	struct reply reply;
	size_t i;

	for (edit = result->edits.first; edit != NULL; edit = edit->next) {
		if (edit->kind != EDIT_INSERT_HEADER)
			continue;
		fuzz_check_text(edit->name);
		MUST(edit->name.len > 0 && edit->value.len < 8192);
		for (i = 0; i < edit->value.len; i++)
			MUST(is_fws(edit->value.p[i]) ||
			    (edit->value.p[i] > ' ' &&
			    edit->value.p[i] <= '~'));
		for (i = 0; i + 1 < edit->value.len; i++)
			MUST(edit->value.p[i] != '\n' ||
			    is_wsp(edit->value.p[i + 1]));
	}
	if ((result->verdict.action != VERDICT_REJECT &&
	    result->verdict.action != VERDICT_TEMPFAIL) ||
	    !reply_make(&result->verdict, &reply))
		return;
	MUST(reply.count >= 1);
	for (i = 0; i < reply.count; i++)
		fuzz_check_text(span_of(reply.lines[i]));
}

#endif
