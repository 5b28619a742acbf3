/*
 * keyfile.h - a new private key on disk, where the signer and nobody else can
 * read it.
 */
#ifndef POSTERN_ADMIN_KEYFILE_H
#define POSTERN_ADMIN_KEYFILE_H

#include "common/dkim/key.h"
#include "common/milter/privilege.h"

struct keyfile {
	struct strbuf path;
	struct strbuf directory;	/* path's */
	bool made_root, made_directory;	/* directories that were not there */
	bool is_written;
};

/*
 * Where a key goes: ROOT/DOMAIN/SELECTOR.private. root becomes an absolute
 * path. False, a sentence in err, where the path could not stand in a KeyTable.
 */
bool keyfile_place(struct keyfile *file, const char *root, struct span domain,
    struct span selector, struct strbuf *err);

/*
 * Writes the key: mode 0600, of owner where root does it, and never over an
 * existing file; directories that are missing are made (0700), root's own
 * parents excepted. The exit status, a sentence in err.
 */
int keyfile_write(struct keyfile *file, const struct dkim_key *key,
    const struct identity *owner, struct strbuf *err);

/* Whether that user could open the file; true where only root can find out. */
bool keyfile_is_readable_for(const char *path, const struct identity *user);

/* Takes back what keyfile_write() did. */
void keyfile_undo(struct keyfile *file);
void keyfile_clear(struct keyfile *file);

#endif
