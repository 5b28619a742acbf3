/*
 * pidfile.h - the file that names the daemon's process.
 */
#ifndef POSTERN_MILTER_PIDFILE_H
#define POSTERN_MILTER_PIDFILE_H

#include "common/base/strbuf.h"

/* path NULL: nothing to do. -1, a sentence in err. */
int pidfile_write(const char *path, struct strbuf *err);

/* Removes it where it still names this process and the directory lets us. */
void pidfile_remove(const char *path);

#endif
