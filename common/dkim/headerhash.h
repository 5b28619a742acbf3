/*
 * headerhash.h - the hash over the header fields that a signature covers (RFC
 * 6376 3.7), for all signatures of one message: the header is indexed once,
 * and signatures that cover the same fields in the same form share the work.
 *
 * Whatever octets a covered field holds are hashed as they came, in its place
 * of the canonical form: a field that is malformed verifies if it is the one
 * that was signed.
 */
#ifndef POSTERN_DKIM_HEADERHASH_H
#define POSTERN_DKIM_HEADERHASH_H

#include "common/dkim/signature.h"

enum { DKIM_HEADER_HASH_SIZE = 32 };

struct dkim_headers;

/* Never NULL; fields and arena must outlive it. Indexed at first use. One
 * thread at a time. */
struct dkim_headers *dkim_headers_new(const struct header_field *fields,
    size_t count, struct arena *arena);
void dkim_headers_free(struct dkim_headers *headers);

/*
 * SHA-256 of the fields that h= names, taken bottom-up per name (RFC 6376
 * 5.4.2) but for own, then own, the signature's field, as if its b= were
 * empty and without its last CRLF. own may be one of the fields or none; it
 * may come with or without the content of b=. signature must outlive headers.
 * 0, or -1 with a sentence in err.
 */
int dkim_headers_hash(struct dkim_headers *headers,
    const struct dkim_signature *signature, const struct header_field *own,
    unsigned char hash[DKIM_HEADER_HASH_SIZE], struct strbuf *err);

/* Appends the text that is so hashed. own NULL: without it. */
void dkim_headers_text(struct dkim_headers *headers,
    const struct dkim_signature *signature, const struct header_field *own,
    struct strbuf *out);

/* Appends the end of that text: a signature's own field. */
void dkim_headers_add_own(enum canon canon, const struct header_field *own,
    struct strbuf *out);

#endif
