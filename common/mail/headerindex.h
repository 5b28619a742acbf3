/*
 * headerindex.h - the fields of a header by name, made in one pass: what h= of
 * a signature names is found without going through the header for each name.
 */
#ifndef POSTERN_MAIL_HEADERINDEX_H
#define POSTERN_MAIL_HEADERINDEX_H

#include "common/mail/header.h"

struct header_index;

/*
 * Never NULL; in the arena. fields must outlive it. One thread at a time. Time
 * and memory grow with count alone, whatever the names are.
 */
struct header_index *header_index_new(const struct header_field *fields,
    size_t count, struct arena *arena);

/* A new list of names begins: header_index_take() starts at the bottom. */
void header_index_rewind(struct header_index *index);

/*
 * The next field of that name from the bottom up (RFC 6376 5.4.2), case and
 * blanks behind the field's name ignored; NULL where all were taken. skip, if
 * not NULL, is passed over.
 */
const struct header_field *header_index_take(struct header_index *index,
    struct span name, const struct header_field *skip);

#endif
