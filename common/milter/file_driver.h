/*
 * file_driver.h - runs a filter over a message text with an envelope: what
 * "postern message" and most tests use. The stages and their order are those
 * of the libmilter driver.
 */
#ifndef POSTERN_MILTER_FILE_DRIVER_H
#define POSTERN_MILTER_FILE_DRIVER_H

#include "common/milter/snapshot.h"

struct file_macro {
	const char *name;	/* "{auth_type}", "i" */
	const char *value;
};

struct file_envelope {
	const char *client_address;	/* NULL: 127.0.0.1 */
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
};

struct file_result {
	struct verdict verdict;		/* texts in the arena */
	struct edits edits;		/* in the arena */
	bool body_was_read;		/* the filter asked for the body */
};

/* text: a whole message, LF or CRLF lines. The result lives in the arena. -1,
 * a sentence in err, for an envelope that cannot be (a bad client address). */
int file_run(const struct filter *filter, const struct snapshot *snapshot,
    const struct file_envelope *envelope, struct span text,
    struct arena *arena, struct file_result *result, struct strbuf *err);

/* text after the edits, as the MTA would pass it on, appended to out. Header
 * edits only; line ends are those of text. */
void file_apply(struct span text, const struct edits *edits,
    struct strbuf *out);

#endif
