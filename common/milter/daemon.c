#include "common/milter/daemon.h"

#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/background.h"
#include "common/milter/daemon_options.h"
#include "common/milter/pidfile.h"
#include "common/milter/privilege.h"
#include "common/milter/service.h"
#include "common/milter/snapshot.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { MALLOC_ARENAS = 4 };

/* What main() works on: the options, and the settings that matter before the
 * daemon becomes what it will run as. */
struct start {
	const struct filter *filter;
	const char *config;
	bool foreground;
	struct arena arena;
	void *conf;
	struct config_origin *origins;
	const struct daemon_settings *settings;
	struct identity identity;	/* whom to run as */
	bool identity_failed;
	struct listen_spec spec;
	gid_t socket_group;		/* (gid_t)-1: the daemon's */
	struct service service;
};

/* ---- settings ---- */

/* Absolute, for the daemon changes its directory and reads it again later. A
 * symbolic link stays one: it may lead elsewhere by then. */
static const char *
find_config(struct start *start, const char *given)
{
	char *directory;

	if (given == NULL)
		return arena_printf(&start->arena, "%s/postern/%s", SYSCONFDIR,
		    start->filter->default_config);
	directory = given[0] != '/' ? getcwd(NULL, 0) : NULL;
	if (directory != NULL)
		given = arena_printf(&start->arena, "%s/%s", directory, given);
	free(directory);
	return given;
}

static void
settings_error(const struct start *start, struct diag *diag, const char *name,
    const char *text)
{
	struct config_origin origin = config_find_origin(start->filter->schema,
	    start->origins, name);

	diag_error(diag, origin.file != NULL ? origin.file : start->config,
	    origin.line, "%s: %s", name, text);
}

/* What a reload may change and load() does not judge. */
static void
check_conf(const struct service *service, const void *conf,
    const struct config_origin *origins, struct diag *diag)
{
	const struct daemon_settings *settings =
	    daemon_settings_of(service->filter, conf);
	struct config_origin origin;

	if (settings->syslog_facility == NULL ||
	    log_facility_known(settings->syslog_facility))
		return;
	origin = config_find_origin(service->filter->schema, origins,
	    "SyslogFacility");
	diag_error(diag, origin.file, origin.line, "SyslogFacility: unknown; "
	    "mail, daemon, user, local0 to local7 are common ones");
}

static void
check_identity(struct start *start, struct diag *diag)
{
	const char *user = start->settings->user;
	struct strbuf err = STRBUF_INIT;

	start->identity = (struct identity){ geteuid(), getegid(), "" };
	if (user == NULL && geteuid() == 0)
		strbuf_adds(&err, "not set, and root is more than a filter "
		    "needs: name the user to run as (or root, to insist)");
	else if (user != NULL &&
	    identity_parse(user, &start->identity, &err) == 0 &&
	    geteuid() != 0 && !identity_is_ours(&start->identity))
		strbuf_adds(&err, "only root can become another user: start "
		    "as root, or as this user");
	if (err.len > 0) {
		settings_error(start, diag, "UserID", err.s);
		start->identity_failed = true;
	} else if (start->identity.uid == 0) {
		diag_warning(diag, start->config, 0, "UserID: the daemon runs "
		    "as root; a user of its own is safer");
	}
	strbuf_clear(&err);
}

static void
check_socket(struct start *start, struct diag *diag)
{
	const struct daemon_settings *s = start->settings;
	struct strbuf err = STRBUF_INIT;

	start->socket_group = start->identity.gid;
	if (s->socket == NULL)
		strbuf_addf(&err, "not set: where does the MTA connect to? "
		    "Such as unix:/var/spool/postfix/%s/socket",
		    start->filter->name);
	else
		listen_parse(span_of(s->socket), &start->spec, &err);
	if (err.len > 0)
		settings_error(start, diag, "Socket", err.s);
	strbuf_reset(&err);
	if (s->socket_group != NULL &&
	    identity_group(s->socket_group, &start->socket_group, &err) != 0)
		settings_error(start, diag, "SocketGroup", err.s);
	strbuf_clear(&err);
}

/*
 * Reads the settings alone, as whoever started us: tables and keys are for the
 * daemon's own user to read. False where they are wrong; diag gets what only
 * the daemon looks at, scratch what snapshot_load() will say again.
 */
static bool
read_settings(struct start *start, struct diag *diag, struct diag *scratch)
{
	const struct filter *filter = start->filter;

	start->conf = arena_zalloc(&start->arena, filter->conf_size);
	start->origins = arena_zalloc(&start->arena,
	    filter->schema->count * sizeof(*start->origins));
	start->settings = daemon_settings_of(filter, start->conf);
	if (!config_load(start->config, filter->schema, start->conf,
	    start->origins, &start->arena, scratch))
		return false;
	check_identity(start, diag);
	check_socket(start, diag);
	check_conf(&start->service, start->conf, start->origins, diag);
	return !diag_failed(diag) && !diag_failed(scratch);
}

static struct snapshot *
load(struct start *start, bool check_all, struct diag *diag)
{
	struct snapshot_options options = { .file = start->config,
	    .check_all = check_all, .uid = start->identity.uid,
	    .gid = start->identity.gid };

	return snapshot_load(start->filter, &options, diag);
}

/* ---- -n and --show-config ---- */

/* Whether the daemon can read its keys is for its own user to find out. */
static void
become_daemon_user(struct start *start, struct diag *diag)
{
	struct strbuf err = STRBUF_INIT;

	if (geteuid() == 0 && start->identity.uid != 0 &&
	    !start->identity_failed && identity_become(
	    &start->identity, &err) != 0)
		settings_error(start, diag, "UserID", err.s);
	strbuf_clear(&err);
}

/* A warning only: at boot something may make it in time. */
static void
check_socket_directory(const struct start *start, struct diag *diag)
{
	struct config_origin origin = config_find_origin(start->filter->schema,
	    start->origins, "Socket");
	struct strbuf err = STRBUF_INIT;

	if (start->spec.path[0] != '\0' &&
	    !listen_has_directory(&start->spec, &err))
		diag_warning(diag, origin.file, origin.line, "Socket: %s",
		    err.s);
	strbuf_clear(&err);
}

static int
check_configuration(struct start *start)
{
	struct diag diag = DIAG_INIT, scratch = DIAG_INIT;
	int status;

	read_settings(start, &diag, &scratch);
	check_socket_directory(start, &diag);
	become_daemon_user(start, &diag);
	snapshot_unref(load(start, true, &diag));
	diag_print(&diag, stderr);
	status = diag_failed(&diag) ? EX_CONFIG : EX_OK;
	if (status == EX_OK)
		printf("%s: no errors\n", start->config);
	diag_clear(&scratch);
	diag_clear(&diag);
	return status;
}

static int
show_configuration(struct start *start)
{
	struct diag diag = DIAG_INIT, scratch = DIAG_INIT;
	struct strbuf out = STRBUF_INIT;
	int status;

	read_settings(start, &diag, &scratch);
	config_show(start->filter->schema, start->conf, start->origins, &out);
	fputs(strbuf_str(&out), stdout);
	diag_print(&scratch, stderr);
	status = diag_failed(&scratch) ? EX_CONFIG : EX_OK;
	strbuf_clear(&out);
	diag_clear(&scratch);
	diag_clear(&diag);
	return status;
}

/* ---- the start ---- */

/*
 * Until the daemon serves, its lines go to stderr, where who started it looks;
 * what keeps it from serving goes to its log too: at boot nobody looks.
 */
static void
say_failure(const struct start *start, const struct diag *diag,
    const char *text)
{
	int again;

	for (again = 0; again < 2; again++) {
		if (diag != NULL)
			diag_log(diag);
		if (text != NULL)
			log_error("%s", text);
		if (start->foreground ||
		    start->settings->log_target - 1 == LOG_TO_STDERR)
			return;
		service_open_log(&start->service, start->settings);
	}
}

static int
refuse_configuration(struct start *start, struct diag *diag)
{
	bool only_identity = start->identity_failed &&
	    diag->found[DIAG_ERROR] == 1;

	snapshot_unref(load(start, false, diag));
	if (diag->found[DIAG_ERROR] > 1)
		only_identity = false;
	say_failure(start, diag, NULL);
	return only_identity ? EX_NOPERM : EX_CONFIG;
}

static void
warn_of_unreachable_socket(const struct start *start)
{
	struct strbuf err = STRBUF_INIT;

	if (start->settings->socket_group != NULL &&
	    !listen_is_reachable(&start->spec, start->socket_group, &err))
		log_warning("%s", err.s);
	strbuf_clear(&err);
	if (start->spec.family != AF_UNIX && start->spec.host[0] == '\0')
		log_warning("Socket: every host that reaches port %s can use "
		    "this filter; name an address to limit that",
		    start->spec.port);
}

/* Socket and pid file, with the rights we came with. */
static int
make_files(struct start *start, struct strbuf *err)
{
	const struct daemon_settings *s = start->settings;
	bool give = geteuid() == 0;
	struct listen_access access = {
		.mode = (mode_t)s->socket_mode,
		.uid = give ? start->identity.uid : (uid_t)-1,
		.gid = give || s->socket_group != NULL ? start->socket_group :
		    (gid_t)-1,
	};
	int status = EX_CANTCREAT;

	if (listen_open(&start->service.listener, &start->spec, &access,
	    &status, err) != 0)
		return status;
	if (pidfile_write(s->pid_file, err) == 0)
		return EX_OK;
	listen_unlink(&start->service.listener);
	return EX_CANTCREAT;
}

static void
remove_files(const struct start *start)
{
	listen_unlink(&start->service.listener);
	pidfile_remove(start->settings->pid_file);
}

static int
drop_rights(const struct start *start, struct strbuf *err)
{
	umask((mode_t)start->settings->umask);
	if (geteuid() != 0 || identity_become(&start->identity, err) == 0)
		return EX_OK;
	return EX_NOPERM;
}

/* The tables, and then the service itself. */
static int
open_service(struct start *start, struct diag *diag, struct strbuf *err)
{
	struct snapshot *snapshot;

	snapshot = load(start, false, diag);
	if (snapshot == NULL)
		return EX_CONFIG;
	snapshot_swap(snapshot);
	return service_open(&start->service, err) == 0 ? EX_OK : EX_OSERR;
}

static int
prepare(struct start *start, struct diag *diag)
{
	struct strbuf err = STRBUF_INIT;
	int status;

	status = make_files(start, &err);
	if (status == EX_OK) {
		status = drop_rights(start, &err);
		if (status == EX_OK)
			status = open_service(start, diag, &err);
		if (status != EX_OK)
			remove_files(start);
	}
	if (status != EX_OK)
		say_failure(start, diag, err.s);
	strbuf_clear(&err);
	return status;
}

static int
start_service(struct start *start)
{
	struct strbuf err = STRBUF_INIT;
	int rc = service_start(&err);

	if (rc != 0) {
		log_error("%s", err.s);
		remove_files(start);
	}
	strbuf_clear(&err);
	return rc == 0 ? EX_OK : EX_OSERR;
}

static int
serve(struct start *start, struct diag *diag)
{
	int status = prepare(start, diag);

	if (status != EX_OK)
		return status;
	service_open_log(&start->service, start->settings);
	diag_log(diag);
	diag_clear(diag);
	warn_of_unreachable_socket(start);
	status = start_service(start);
	if (status != EX_OK)
		return status;
	log_notice("%s %s serves %s", start->filter->name, VERSION_TEXT,
	    start->settings->socket);
	background_ready();
	return service_run();
}

static int
run(struct start *start)
{
	struct diag diag = DIAG_INIT, scratch = DIAG_INIT;
	struct strbuf err = STRBUF_INIT;
	bool is_right = read_settings(start, &diag, &scratch);
	int status;

	diag_clear(&scratch);
	if (start->foreground)
		service_open_log(&start->service, start->settings);
	start->service.pid_file = start->settings->pid_file;
	if (!is_right) {
		status = refuse_configuration(start, &diag);
	} else if (!start->foreground && background_start(&err) != 0) {
		log_error("%s", err.s);
		status = EX_OSERR;
	} else {
		service_block_signals();
		status = serve(start, &diag);
	}
	strbuf_clear(&err);
	diag_clear(&diag);
	return status;
}

int
daemon_main(int argc, char **argv, const struct filter *filter)
{
	struct start start = { .filter = filter,
	    .service = { .filter = filter, .check = check_conf } };
	struct daemon_options options;
	int status;

	status = options_parse(&options, filter, argc, argv);
	if (status >= 0)
		return status;
	/* Threads that each have an arena of malloc's own cost more memory
	 * than the lock they share. */
	mallopt(M_ARENA_MAX, MALLOC_ARENAS);
	start.config = find_config(&start, options.config);
	start.foreground = options.foreground;
	start.service.config = start.config;
	start.service.foreground = start.foreground;
	if (options.show_only)
		status = show_configuration(&start);
	else if (options.check_only)
		status = check_configuration(&start);
	else
		status = run(&start);
	arena_clear(&start.arena);
	return status;
}
