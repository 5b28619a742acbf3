/*
 * taglist.h - the "name=value; name=value" lists of DKIM, ARC and DMARC (RFC
 * 6376 3.2), read in place: names and values are spans of the caller's text.
 * Nothing is allocated.
 */
#ifndef POSTERN_MAIL_TAGLIST_H
#define POSTERN_MAIL_TAGLIST_H

#include "common/base/strbuf.h"

enum { TAGLIST_MAX = 64 };	/* tags in one list; more is malformed */

struct tag {
	struct span name;	/* trimmed; case matters */
	struct span value;	/* trimmed of FWS at both ends; inside as is */
};

struct taglist {
	struct tag tags[TAGLIST_MAX];
	size_t count;
};

enum taglist_result {
	TAGLIST_OK,
	TAGLIST_SYNTAX,		/* nothing there, no '=', bad name or bad
				   character in value */
	TAGLIST_DUPLICATE,	/* a name twice: the whole list is invalid */
	TAGLIST_TOO_MANY
};

/*
 * Takes the next tag off *rest: 1 with *tag set, 0 at the end, -1 where it is
 * malformed. A single ';' at the end is allowed; a value may be empty, and may
 * hold UTF-8 (RFC 8616 5). CR and LF count as white space wherever they are.
 */
int tag_next(struct span *rest, struct tag *tag);

enum taglist_result taglist_parse(struct span text, struct taglist *list);

/* The tag of that name, or NULL. */
const struct tag *taglist_find(const struct taglist *list, const char *name);

/* value without any FWS: what base64 and other values that may be folded
 * anywhere mean. Appended to out. */
void tag_value_squeeze(struct span value, struct strbuf *out);

#endif
