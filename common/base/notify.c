#include "common/base/notify.h"

#include "common/base/span.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

void
notify_send(const char *state)
{
	static const struct timeval patience = { 1, 0 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';	/* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Who does not read must not hang us. */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	/* Nobody to tell when this fails: systemd will say so itself. */
	(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

int64_t
notify_watchdog_ms(void)
{
	uint64_t usec, pid;
	const char *for_pid = getenv("WATCHDOG_PID");

	if (for_pid != NULL &&
	    (!span_number(span_of(for_pid), INT32_MAX, &pid) ||
	    (pid_t)pid != getpid()))
		return 0;
	if (!span_number(span_of(getenv("WATCHDOG_USEC")), INT64_MAX, &usec))
		return 0;
	return (int64_t)(usec / 2000);
}
