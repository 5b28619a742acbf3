/*
 * Any text as policy.conf: nothing breaks, nothing is made, what is wrong is
 * told in printable words; and what loads judges a message.
 */
#include "tests/fuzz/fuzz_policy.h"

static const char message[] =
    "X-Bad: no\r\n"
    "Authentication-Results: mx.test; dkim=pass header.d=good.example;\r\n"
    " spf=pass smtp.mailfrom=good.example; dmarc=pass\r\n"
    "From: a@good.example, b@spam.example\r\n"
    "Message-ID: <1@good.example>\r\n"
    "\r\n"
    "text\r\n";

static const char zone_text[] =
    "9.2.0.192.bl.example A 127.0.0.2\n"
    "spam.example.bl.example A 127.0.0.4\n"
    "9.2.0.192.in-addr.arpa PTR mail.good.example\n"
    "mail.good.example A 192.0.2.9\n";

/* No files of this machine: a slash is one only in front of a digit, as in
 * networks and periods; paths begin in our directory. */
static void
write_bare(const uint8_t *data, size_t size, struct strbuf *text)
{
	size_t i;

	for (i = 0; i < size; i++)
		strbuf_addc(text, data[i] == '/' && (i + 1 == size ||
		    !is_digit((char)data[i + 1])) ? '_' : (char)data[i]);
}

/* UTF-8 may be in it. */
static void
check_diag(const struct diag *diag)
{
	const char *p;
	size_t i;

	for (i = 0; i < diag->count; i++)
		for (p = diag->items[i].text; *p != '\0'; p++)
			MUST((unsigned char)*p >= ' ' && *p != 0x7f);
}

/* Twice: as mail from outside, and of a user. */
static void
judge(struct snapshot *snapshot)
{
	static const struct file_macro macros[] = {
		{ "{client_port}", "1025" }, { "{client_connections}", "1" },
		{ "{daemon_name}", "smtp" }, { "j", "mx.test" },
		{ "{auth_type}", "PLAIN" }, { "{auth_authen}", "joe" },
	};
	static const char *const recipients[] = { "<b@example.net>",
	    "<postmaster@big.example>", "<joe+x@example.net>" };
	struct policy_conf *conf = snapshot->conf;
	struct zone zone;
	struct file_envelope envelope = {
		.client_address = "192.0.2.9",
		.client_name = "mail.good.example",
		.helo = "mail.good.example",
		.sender = "<a@good.example>",
		.recipients = recipients,
		.recipient_count = ARRAY_LEN(recipients),
		.macros = macros,
		.macro_count = 4,
		.now = FUZZ_NOW,
		.observe = fuzz_observe,
	};
	struct strbuf err = STRBUF_INIT;
	struct arena arena = ARENA_INIT;
	struct file_result result;

	if (cache_is_remote(conf->cache))
		return;
	conf->is_trial = true;
	conf->source = zone_source;
	conf->source_arg = &zone;
	for (; envelope.macro_count <= ARRAY_LEN(macros);
	    envelope.macro_count += 2) {
		zone = (struct zone){ .text = zone_text };
		MUST(file_run(&policy_filter, snapshot, &envelope,
		    span_of(message), &arena, &result, &err) == 0);
		fuzz_check_result(&result);
	}
	arena_clear(&arena);
}

/* What stays open, so that most inputs share its resolver and cache. */
static void
begin(void)
{
	static struct snapshot *open;
	struct diag diag = DIAG_INIT;

	fuzz_enter();
	open = fuzz_load(span_of(""), &diag);
	MUST(open != NULL);
	diag_clear(&diag);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot;

	if (fuzz_directory == NULL)
		begin();
	if (size > 16384)
		return 0;
	write_bare(data, size, &text);
	snapshot = fuzz_load(strbuf_span(&text), &diag);
	MUST((snapshot == NULL) == diag_failed(&diag));
	check_diag(&diag);
	if (snapshot != NULL)
		judge(snapshot);
	snapshot_unref(snapshot);
	diag_clear(&diag);
	strbuf_clear(&text);
	return 0;
}
