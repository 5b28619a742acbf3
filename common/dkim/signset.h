/*
 * signset.h - which header fields a signature covers (h=), decided at load.
 *
 * RFC 6376 5.4.1 lists what to sign; a field named once more than it occurs
 * ("oversigned") cannot be added later. From is always signed.
 */
#ifndef POSTERN_DKIM_SIGNSET_H
#define POSTERN_DKIM_SIGNSET_H

#include "common/base/diag.h"
#include "common/mail/header.h"

struct dkim_signset;

/*
 * The three settings as the admin wrote them (comma lists; NULL: defaults; an
 * item "*" makes the list a delta to the default: "*,+x-mine,-subject", each
 * item a name with + or - or none for +; "." alone is the empty list).
 * SignHeaders names what to sign, OmitHeaders what never to sign; in both a
 * last "*" ("X-*") stands for all names that begin so. OversignHeaders names
 * what to seal; a name that is oversigned is signed. A name written in full in
 * SignHeaders beats the default OmitHeaders, a written OmitHeaders beats all.
 * Errors (a bad name, From omitted) go to diag with the place. Never NULL.
 */
struct dkim_signset_options {
	const char *sign;
	const char *omit;
	const char *oversign;
	const char *file;	/* the place for diag */
	unsigned sign_line, omit_line, oversign_line;
};

struct dkim_signset *dkim_signset_new(
    const struct dkim_signset_options *options, struct diag *diag);
void dkim_signset_free(struct dkim_signset *set);

/*
 * The h= names for these fields: each signed field's name as it is written in
 * the message, in the order the bottom-up selection takes them, then the
 * oversigned names once more; From in every case. In the arena. Malformed
 * fields and fields past DKIM_HEADER_NAMES_MAX are left out.
 */
void dkim_signset_select(const struct dkim_signset *set,
    const struct header_field *fields, size_t count, struct arena *arena,
    struct span **names, size_t *name_count);

bool dkim_signset_signs(const struct dkim_signset *set, struct span name);

#endif
