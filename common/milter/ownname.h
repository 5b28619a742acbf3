/*
 * ownname.h - what a daemon calls its host: for Authentication-Results (RFC
 * 8601 2.5), and to know a client that uses the name as its own.
 */
#ifndef POSTERN_MILTER_OWNNAME_H
#define POSTERN_MILTER_OWNNAME_H

#include "common/milter/filter.h"

/* This machine's name, in the arena; "localhost" where it has none. */
const char *own_host_name(struct arena *arena);

/*
 * In load(): an authserv-id as the setting of that name has it, in the form of
 * authres_own_id(); the word HOSTNAME stands for host_name. Empty, said why,
 * where text is none.
 */
struct span own_id_load(struct filter_load *load, const char *setting,
    const char *text, const char *host_name);

/* The one that counts for a message: id unless it is empty, else the MTA's own
 * name (macro j, which has to be asked for), else host_name. */
struct span own_id_find(struct filter_context *ctx, struct span id,
    const char *host_name);

#endif
