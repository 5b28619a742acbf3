/*
 * A whole message through the signer. What was signed is recognized as signed
 * when it comes again, whatever the message was.
 */
#include "tests/fuzz/fuzz.h"

#include "milters/sign/sign.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/file_driver.h"

static const struct snapshot_override settings[] = {
	/* RFC 8463's private key: it has been public for years. */
	{ "KeyTable", "csl:k=%:s:nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" },
	{ "SigningTable", "csl:*=k" },
	{ "DontSignMailTo", "*@gate.example" },
	{ "SenderHeaders", "Sender, From" },
	{ "ExemptDomains", "exempt.example, .exempt.example" },
};

static struct snapshot *
load(void)
{
	struct snapshot_options options = {
		.overrides = settings,
		.override_count = ARRAY_LEN(settings),
	};
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;

	log_open("fuzz_message", LOG_TO_STDERR, "mail", LOG_LEVEL_ERROR);
	snapshot = snapshot_load(&sign_filter, &options, &diag);
	if (snapshot == NULL)
		diag_print(&diag, stderr);
	MUST(snapshot != NULL);
	diag_clear(&diag);
	return snapshot;
}

static size_t
run(const struct snapshot *snapshot, struct span text, size_t chunk,
    struct strbuf *after)
{
	static const char *const recipients[] = { "<a@b.example>" };
	struct file_envelope envelope = {
		.sender = "<s@example.com>",
		.recipients = recipients,
		.recipient_count = 1,
		.now = 1790000000,
		.chunk = chunk,
	};
	struct strbuf err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct file_result result;
	size_t count;

	MUST(file_run(&sign_filter, snapshot, &envelope, text, &arena,
	    &result, &err) == 0);
	MUST(result.verdict.action == VERDICT_ACCEPT);
	if (after != NULL)
		file_apply(text, &result.edits, after);
	count = result.edits.count;
	arena_clear(&arena);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snapshot *snapshot;
	struct span text = span_make(data, size);
	struct strbuf after = STRBUF_INIT;

	if (snapshot == NULL)
		snapshot = load();
	if (run(snapshot, text, 1 + size % 97, &after) != 0)
		MUST(run(snapshot, strbuf_span(&after), 0, NULL) == 0);
	strbuf_clear(&after);
	return 0;
}
