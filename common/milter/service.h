/*
 * service.h - a daemon while it serves: signals, reloads, counters, its end.
 */
#ifndef POSTERN_MILTER_SERVICE_H
#define POSTERN_MILTER_SERVICE_H

#include "common/milter/daemon.h"
#include "common/milter/listen.h"

struct service {
	const struct filter *filter;
	const char *config;		/* NULL: defaults only */
	bool foreground;		/* what LogTarget "auto" goes by */
	const char *pid_file;
	struct listener listener;
	/* Judges settings that the filter's load() does not know. */
	void (*check)(const struct service *service, const void *conf,
	    const struct config_origin *origins, struct diag *diag);
};

/* To be called before any thread is started. */
void service_block_signals(void);

/* By the settings; also at each reload. */
void service_open_log(const struct service *service,
    const struct daemon_settings *settings);

/*
 * Prepares to serve with snapshot_current(), which must be there. -1, a
 * sentence in err.
 */
int service_open(const struct service *service, struct strbuf *err);

/* Has the filter begin, and then serves: once, with the log open. -1, a
 * sentence in err. */
int service_start(struct strbuf *err);

/* Until a signal ends it. Returns the exit status; does not return where
 * sessions had to be cut. */
int service_run(void);

#endif
