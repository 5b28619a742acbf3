/*
 * background.h - a daemon leaves the terminal only when it serves.
 */
#ifndef POSTERN_MILTER_BACKGROUND_H
#define POSTERN_MILTER_BACKGROUND_H

#include "common/base/strbuf.h"

/*
 * Returns in the child. The parent waits until the child says that it is ready
 * or ends, and then exits with 0 or the child's exit status: who starts a
 * daemon sees on the terminal why it does not run. -1, a sentence in err, where
 * there is no child.
 */
int background_start(struct strbuf *err);

/* In the child: the parent may go; standard streams become /dev/null. Nothing
 * happens where background_start() was not called. */
void background_ready(void);

#endif
