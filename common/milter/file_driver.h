/*
 * file_driver.h - runs a filter over a message text with an envelope: what
 * "postern message" and most tests use. The stages and their order are those
 * of the libmilter driver; a step that the filter does not want is left out,
 * a macro that it does not ask for is not there, as the MTA would have it.
 */
#ifndef POSTERN_MILTER_FILE_DRIVER_H
#define POSTERN_MILTER_FILE_DRIVER_H

#include "common/milter/snapshot.h"

struct file_macro {
	const char *name;	/* "{auth_type}", "i" */
	const char *value;
};

/* {client_addr}, {client_name}, {mail_addr} and {rcpt_addr} are what the
 * envelope says unless they are among the macros. */
struct file_envelope {
	const char *client_address;	/* NULL: 127.0.0.1; "unknown": none */
	const char *client_name;	/* NULL: "localhost" or "unknown" */
	const char *helo;		/* NULL: client_name */
	const char *sender;		/* NULL: "<>"  */
	const char *const *recipients;
	size_t recipient_count;
	const struct file_macro *macros;
	size_t macro_count;
	int64_t now;
	size_t chunk;			/* octets a body piece; 0: 65535 */
	size_t max_header_bytes;	/* 0: the message's own default */
	struct strbuf *explain;		/* filter_context's; may be NULL */
	/* Called when the verdict stands and ctx->state is still there, for
	 * what a filter tells of a message besides its edits; may be NULL. */
	void (*observe)(void *arg, const struct filter_context *ctx);
	void *observe_arg;
};

struct file_result {
	struct verdict verdict;		/* texts in the arena; never CONTINUE
					   or SKIP_BODY, those are ACCEPT */
	struct edits edits;		/* in the arena; none where the
					   message does not pass */
	bool body_was_read;		/* the filter got some of the body */
};

/*
 * text: a whole message, LF or CRLF lines. Where every recipient is refused,
 * the verdict is that of the last. The result lives in the arena. -1, a
 * sentence in err, for an envelope that cannot be (a bad client address).
 */
int file_run(const struct filter *filter, const struct snapshot *snapshot,
    const struct file_envelope *envelope, struct span text,
    struct arena *arena, struct file_result *result, struct strbuf *err);

/*
 * text after the edits, as the MTA would pass it on, appended to out. Header
 * edits only; line ends are those of text. As Postfix does it: a change or a
 * deletion sees what earlier edits did, changing a field that is not there adds
 * it at the end, an empty value deletes. Positions count what text has; the
 * MTA's own Received field is not among that.
 */
void file_apply(struct span text, const struct edits *edits,
    struct strbuf *out);

#endif
