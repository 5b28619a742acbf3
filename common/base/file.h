/*
 * file.h - whole files in, whole files out.
 *
 * All functions return 0, or -1 with a sentence that names the file in err.
 */
#ifndef POSTERN_BASE_FILE_H
#define POSTERN_BASE_FILE_H

#include "common/base/strbuf.h"

#include <sys/stat.h>
#include <sys/types.h>

/*
 * Appends the content of a regular file to out; more than max bytes is an
 * error. st (may be NULL) gets the fstat of the very file that was read. The
 * caller wipes out where the content is secret.
 */
int file_read(const char *path, size_t max, struct strbuf *out,
    struct stat *st, struct strbuf *err);

/*
 * Replaces path by a file with that content, mode and owner ((uid_t)-1 and
 * (gid_t)-1 leave them) in one rename, synced; nobody ever sees half of it.
 */
int file_replace(const char *path, struct span content, mode_t mode,
    uid_t uid, gid_t gid, struct strbuf *err);

/* The same, but it is an error where path exists. */
int file_create(const char *path, struct span content, mode_t mode,
    uid_t uid, gid_t gid, struct strbuf *err);

/* As file_replace, unsynced: for what is made anew every few seconds. */
int file_publish(const char *path, struct span content, mode_t mode,
    struct strbuf *err);

/*
 * As file_replace with mode 0600, for what is not to be held in memory as a
 * whole: fill() writes it, and returns 0, or -1 with errno. It grows as
 * path.new, which a crash may leave behind and the next call takes over. An
 * error where another process is at it.
 */
int file_stream(const char *path, int (*fill)(int fd, void *arg), void *arg,
    struct strbuf *err);

/* Writes all of content; -1 with errno, and no sentence. */
int file_write(int fd, struct span content);

#endif
