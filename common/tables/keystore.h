/*
 * keystore.h - the keys behind a KeyTable's rows: each path and each inline
 * text once, however many rows name it.
 *
 * A load offers every key with keystore_add() and has them looked at with
 * keystore_check(), which reads and probes the first of them by several
 * threads and only looks at the files of the rest. After that any number of
 * threads may get keys.
 */
#ifndef POSTERN_TABLES_KEYSTORE_H
#define POSTERN_TABLES_KEYSTORE_H

#include "common/base/diag.h"
#include "common/tables/keytable.h"

struct keystore;

struct keystore *keystore_new(const struct keytable_options *options);
void keystore_free(struct keystore *store);

/*
 * The number of the key with that source, a path or an inline key, which must
 * outlive the store. line is where it is first named.
 */
uint32_t keystore_add(struct keystore *store, struct span source, bool is_path,
    unsigned line);

/* Reports what is wrong with the keys; file is the table's, for messages. */
void keystore_check(struct keystore *store, const char *file,
    struct diag *diag);

/* What is known of a key after keystore_check(): false where it was not read
 * or is no good. */
bool keystore_algorithm(const struct keystore *store, uint32_t number,
    enum dkim_algorithm *algorithm);

/* A reference to the key, which is read now where it was not yet; NULL, a
 * sentence in err, where it cannot be had. */
struct dkim_key *keystore_get(struct keystore *store, uint32_t number,
    struct strbuf *err);
/* The same for a path that no row has, but for "%". */
struct dkim_key *keystore_get_path(struct keystore *store, struct span path,
    struct strbuf *err);

#endif
