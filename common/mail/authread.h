/*
 * authread.h - what an Authentication-Results field of our own says (RFC 8601
 * 2.2): its methods, their results and properties.
 *
 * Only for a field that is known to be ours: authres_is_of() says whether it
 * bears our identifier, and nothing in a field says whether it is true. That
 * is known only where our own verifier ran before and took out what others had
 * put in under its name.
 */
#ifndef POSTERN_MAIL_AUTHREAD_H
#define POSTERN_MAIL_AUTHREAD_H

#include "common/base/arena.h"

enum { AUTHREAD_RESULTS_MAX = 64, AUTHREAD_PROPERTIES_MAX = 16 };

struct auth_property {
	struct span name;	/* "header.d", in lower case */
	struct span value;	/* unquoted */
};

struct auth_result {
	struct span method;	/* "dkim", in lower case, without a version */
	struct span result;	/* "pass", in lower case */
	struct auth_property properties[AUTHREAD_PROPERTIES_MAX];
	size_t property_count;
};

/*
 * The results of a field's value, in the arena; *count of them, none for
 * "none". False, *count 0, where the value is not well-formed or has more
 * results or properties than there is room for: then none of it counts. The
 * time is linear in the value's size.
 */
bool authread_parse(struct span value, struct arena *arena,
    struct auth_result **results, size_t *count);

/* The value of a property, or the empty span. */
struct span auth_result_property(const struct auth_result *result,
    const char *name);

#endif
