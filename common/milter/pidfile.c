#include "common/milter/pidfile.h"

#include "common/base/file.h"

#include <unistd.h>

enum { PIDFILE_MAX = 64 };

int
pidfile_write(const char *path, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT;
	int rc;

	if (path == NULL)
		return 0;
	strbuf_addf(&text, "%ld\n", (long)getpid());
	rc = file_publish(path, strbuf_span(&text), 0644, err);
	strbuf_clear(&text);
	return rc;
}

void
pidfile_remove(const char *path)
{
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	uint64_t pid;

	if (path != NULL &&
	    file_read(path, PIDFILE_MAX, &text, NULL, &err) == 0 &&
	    span_number(span_trim(strbuf_span(&text)), INT32_MAX, &pid) &&
	    (pid_t)pid == getpid())
		unlink(path);
	strbuf_clear(&err);
	strbuf_clear(&text);
}
