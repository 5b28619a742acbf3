/*
 * json.h - writes JSON (RFC 8259), commas included, into a strbuf.
 *
 * Strings are any bytes: what is not well-formed UTF-8 becomes U+FFFD, so the
 * output is always valid. Nesting is 16 deep at most; deeper is a bug of the
 * caller. The output is one line unless the caller adds line ends.
 */
#ifndef POSTERN_BASE_JSON_H
#define POSTERN_BASE_JSON_H

#include "common/base/strbuf.h"

struct json {
	struct strbuf *out;
	unsigned depth;
	bool has_member[16];
};

void json_start(struct json *j, struct strbuf *out);
/* name is NULL for an array's items and for the outermost value. */
void json_object(struct json *j, const char *name);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *name);
void json_array_end(struct json *j);
void json_string(struct json *j, const char *name, struct span value);
void json_cstring(struct json *j, const char *name, const char *value);
void json_number(struct json *j, const char *name, int64_t value);
/* A number with two digits behind the point, given in hundredths. */
void json_hundredths(struct json *j, const char *name, int64_t value);
void json_bool(struct json *j, const char *name, bool value);
void json_null(struct json *j, const char *name);
/* A string, or null where it is empty. */
void json_text(struct json *j, const char *name, struct span value);

#endif
