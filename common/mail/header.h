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

enum { HEADER_NAME_MAX = 512 };	/* so that h= of a signature can fold */

struct header_field {
	struct span name;
	struct span value;
	bool is_malformed;	/* a CR or LF that is no part of a fold, a NUL,
				   or a name !header_name_is_valid() */
};

/*
 * Copies name and value into the arena and makes LF + WSP and CRLF + WSP into
 * CRLF + WSP; sets is_malformed. Other bytes stay, whatever they are. Both
 * spans are C strings too.
 */
void header_normalize(struct span name, struct span value, struct arena *arena,
    struct header_field *field);

/*
 * True where name is 1 to HEADER_NAME_MAX ftext characters (RFC 5322 2.2).
 * Blanks before the colon (RFC 5322 4.5) are not: such a name is malformed, as
 * some programs see that field under its name and some do not.
 */
bool header_name_is_valid(struct span name);

/*
 * The position of the n-th (0 is the topmost) field of that name, case and
 * blanks behind the field's name ignored; count where there is none.
 */
size_t header_find(const struct header_field *fields, size_t count,
    struct span name, size_t n);
size_t header_count(const struct header_field *fields, size_t count,
    struct span name);

#endif
