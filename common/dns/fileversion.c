#include "common/dns/fileversion.h"

#include <sys/stat.h>

void
file_version_read(struct file_version *version, const char *path)
{
	struct stat st;

	*version = (struct file_version){ .size = 0 };
	if (stat(path, &st) == 0)
		*version = (struct file_version){ .device = st.st_dev,
			.inode = st.st_ino, .size = st.st_size,
			.changed = st.st_mtim };
}

bool
file_version_eq(const struct file_version *a, const struct file_version *b)
{
	return a->device == b->device && a->inode == b->inode &&
	    a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	    a->changed.tv_nsec == b->changed.tv_nsec;
}

bool
file_version_changed(struct file_version *version, const char *path)
{
	struct file_version old = *version;

	file_version_read(version, path);
	return !file_version_eq(&old, version);
}
