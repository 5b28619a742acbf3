/*
 * message.h - one message while it passes: envelope, header fields, and what
 * lives as long as they do. The body is never kept.
 */
#ifndef POSTERN_MAIL_MESSAGE_H
#define POSTERN_MAIL_MESSAGE_H

#include "common/mail/address.h"
#include "common/mail/header.h"

enum {
	MESSAGE_RECIPIENTS_MAX = 50000,
	MESSAGE_PATH_MAX = 2048		/* octets of one path */
};

struct message {
	struct arena arena;		/* all text below points into it */
	struct span queue_id;		/* empty until known */
	struct span sender_text;	/* MAIL FROM as given, with < > */
	struct span *recipients;	/* RCPT TO as given, with < > */
	size_t recipient_count;
	size_t recipient_cap;
	struct header_field *headers;	/* topmost first */
	size_t header_count;
	size_t header_cap;
	size_t header_bytes;		/* names, colons, values, CRLFs */
	size_t header_bytes_max;	/* set by the driver; 0: 64 MiB */
	bool headers_overflow;		/* a field was dropped */
	uint64_t body_bytes;		/* what the filter was given so far */
};

/* A zeroed struct message is an empty, valid one. */

/* Empties it for the next message, keeping some memory and
 * header_bytes_max. */
void message_reset(struct message *message);
void message_clear(struct message *message);

/* False, the recipient dropped, over MESSAGE_RECIPIENTS_MAX or
 * MESSAGE_PATH_MAX. */
bool message_add_recipient(struct message *message, struct span path);

/*
 * Adds a field through header_normalize(). Where it would pass
 * header_bytes_max, headers_overflow is set and the field is dropped, and all
 * that follow it.
 */
void message_add_header(struct message *message, struct span name,
    struct span value);

/* Passes over an mbox "From " line at the start of a message text. */
void message_skip_mbox_line(struct span *text);

/*
 * Takes the next field off *text, as it stands there: name has the blanks
 * before the colon, value the folds but not the last line end. False at the
 * end of the header, *text then being the body.
 */
bool message_next_field(struct span *text, struct span *name,
    struct span *value);

/*
 * Reads a whole message text (LF or CRLF lines, a leading mbox "From " line
 * is passed over): adds its fields; *body gets the rest behind the empty
 * line. A line that is neither field nor continuation ends the header, as
 * Postfix has it. body still has the line ends of the text.
 */
void message_read_text(struct message *message, struct span text,
    struct span *body);

#endif
