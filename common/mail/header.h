/*
 * header.h - header fields as they came, byte for byte.
 *
 * value is all that follows the colon, the white space after it included; the
 * lines of a folded field are joined by CRLF followed by WSP. The last line
 * end is not part of it. What a milter's or a file's LF folds look like is
 * the drivers' business: header_normalize() is how they get here.
 */
#ifndef POSTERN_MAIL_HEADER_H
#define POSTERN_MAIL_HEADER_H

#include "common/base/arena.h"

struct header_field {
	struct span name;
	struct span value;
	bool is_malformed;	/* a CR or LF that is no part of a fold, a NUL,
				   or a name that is no RFC 5322 ftext */
};

/*
 * Copies name and value into the arena and makes LF + WSP and CRLF + WSP into
 * CRLF + WSP; sets is_malformed.
 */
void header_normalize(struct span name, struct span value, struct arena *arena,
    struct header_field *field);

/* True where name is 1 or more ftext characters (RFC 5322 2.2). */
bool header_name_is_valid(struct span name);

/*
 * The position of the n-th (0 is the topmost) field of that name, case
 * ignored; count where there is none.
 */
size_t header_find(const struct header_field *fields, size_t count,
    struct span name, size_t n);
size_t header_count(const struct header_field *fields, size_t count,
    struct span name);

/* value unfolded (RFC 5322 2.2.3: CRLF before WSP goes) and trimmed. */
struct span header_unfold(struct span value, struct arena *arena);

#endif
