/*
 * privilege.h - whom a daemon runs as.
 */
#ifndef POSTERN_MILTER_PRIVILEGE_H
#define POSTERN_MILTER_PRIVILEGE_H

#include "common/base/strbuf.h"

#include <sys/types.h>

struct identity {
	uid_t uid;
	gid_t gid;
	char name[128];		/* of the user, for its further groups; ""
				   where a number has no name */
};

/* "user", "user:group", "user.group" is not: a name may have a dot. Numbers
 * are fine. -1, a sentence in err. */
int identity_parse(const char *text, struct identity *identity,
    struct strbuf *err);

/* Of a group's name or number. -1, a sentence in err. */
int identity_group(const char *text, gid_t *gid, struct strbuf *err);

/* Whether this process runs as that identity already. */
bool identity_is_ours(const struct identity *identity);

/* Becomes identity, for good. -1, a sentence in err. */
int identity_become(const struct identity *identity, struct strbuf *err);

#endif
