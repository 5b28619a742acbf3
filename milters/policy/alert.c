#include "milters/policy/alert.h"

#include "common/base/escape.h"
#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VARIABLES_MAX = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	pid_t pid;		/* 0: free */
	int64_t started;	/* monotonic ms */
	bool is_killed;
} running[ALERTS_MAX];

/* ---- those that run ---- */

static bool
has_ended(pid_t pid)
{
	pid_t rc;

	do
		rc = waitpid(pid, NULL, WNOHANG);
	while (rc < 0 && errno == EINTR);
	return rc != 0;
}

static size_t
look_after(int64_t now_ms)
{
	size_t i, count = 0;

	for (i = 0; i < ALERTS_MAX; i++) {
		if (running[i].pid == 0)
			continue;
		if (has_ended(running[i].pid)) {
			running[i].pid = 0;
			continue;
		}
		count++;
		if (running[i].is_killed ||
		    now_ms - running[i].started < ALERT_SECONDS * 1000)
			continue;
		/* With what it has started itself. */
		kill(-running[i].pid, SIGKILL);
		running[i].is_killed = true;
		log_warning("AlertCommand: killed after %d seconds",
		    ALERT_SECONDS);
	}
	return count;
}

size_t
alert_tick(int64_t now_ms)
{
	size_t count;

	pthread_mutex_lock(&lock);
	count = look_after(now_ms);
	pthread_mutex_unlock(&lock);
	return count;
}

/* ---- one more ---- */

struct environment {
	struct strbuf values[VARIABLES_MAX];
	char *list[VARIABLES_MAX + 1];
	size_t count;
};

static void
add_text(struct environment *env, const char *name, struct span value)
{
	struct strbuf *text = &env->values[env->count];

	strbuf_addf(text, "%s=", name);
	escape_add(text, value, ESCAPE_MAX, 0);
	env->list[env->count++] = text->s;
}

static void
add_number(struct environment *env, const char *name, int64_t value)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, value);
	add_text(env, name, span_of(digits));
}

static void
fill(struct environment *env, const struct alert *alert)
{
	add_text(env, "PATH", SPAN_LIT("/usr/sbin:/usr/bin:/sbin:/bin"));
	add_text(env, "POSTERN_RULE", alert->rule);
	add_text(env, "POSTERN_KEY", alert->key);
	add_text(env, "POSTERN_QUEUE_ID", alert->queue_id);
	add_number(env, "POSTERN_COUNT", alert->count);
	add_number(env, "POSTERN_LIMIT", alert->limit);
	add_number(env, "POSTERN_PERIOD", alert->period);
}

/* A process group of its own, the daemon's signals as at the start of a
 * program, and none of its descriptors but standard output and error. */
static int
spawn(const char *command, char *const *environment, pid_t *pid)
{
	char *arguments[] = { (char *)(uintptr_t)command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn(pid, command, &files, &attributes, arguments,
	    environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return rc;
}

static void
run(const char *command, const struct alert *alert, int64_t now_ms, size_t slot)
{
	struct environment env = { .count = 0 };
	pid_t pid;
	size_t i;
	int rc;

	fill(&env, alert);
	rc = spawn(command, env.list, &pid);
	if (rc == 0) {
		running[slot].pid = pid;
		running[slot].started = now_ms;
		running[slot].is_killed = false;
	} else {
		log_error("AlertCommand: %s: %s", command, strerror(rc));
	}
	for (i = 0; i < env.count; i++)
		strbuf_clear(&env.values[i]);
}

static void
tell_log(const struct alert *alert)
{
	struct log_event event;

	log_event_start(&event, LOG_LEVEL_WARNING, alert->queue_id);
	log_event_adds(&event, "event", "limit-overrun");
	log_event_add(&event, "rule", alert->rule);
	log_event_add(&event, "key", alert->key);
	log_event_number(&event, "count", alert->count);
	log_event_number(&event, "limit", alert->limit);
	log_event_number(&event, "period", alert->period);
	log_event_end(&event);
}

void
alert_raise(const char *command, const struct alert *alert, int64_t now_ms)
{
	size_t slot;

	tell_log(alert);
	if (command == NULL)
		return;
	pthread_mutex_lock(&lock);
	look_after(now_ms);
	for (slot = 0; slot < ALERTS_MAX && running[slot].pid != 0; slot++)
		;
	if (slot < ALERTS_MAX)
		run(command, alert, now_ms, slot);
	else
		log_warning("AlertCommand: %d of them run already; not run",
		    ALERTS_MAX);
	pthread_mutex_unlock(&lock);
}
