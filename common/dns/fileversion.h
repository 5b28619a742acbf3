/*
 * fileversion.h - whether a file is still the one it was.
 */
#ifndef POSTERN_DNS_FILEVERSION_H
#define POSTERN_DNS_FILEVERSION_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* Zeroed: there is no such file. */
struct file_version {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

void file_version_read(struct file_version *version, const char *path);
bool file_version_eq(const struct file_version *a,
    const struct file_version *b);
/* Reads it anew: whether it differs from what *version was. */
bool file_version_changed(struct file_version *version, const char *path);

#endif
