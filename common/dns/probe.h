/*
 * probe.h - finds out whether anybody listens where the name servers should:
 * libunbound does not heed "port unreachable". Each server is sent a question,
 * since a refusal comes only in answer to something. Nothing here waits.
 */
#ifndef POSTERN_DNS_PROBE_H
#define POSTERN_DNS_PROBE_H

#include "common/dns/nameservers.h"

#include <poll.h>

struct probe {
	struct pollfd fds[NAMESERVERS_MAX];	/* -1: heard */
	size_t count;		/* 0: no probe is under way */
	size_t open;		/* neither answered nor refused yet */
	unsigned answered;	/* a bit for each server that did */
	bool is_unsure;		/* one could not be asked */
};

enum probe_result {
	PROBE_OPEN,		/* some were not heard yet */
	PROBE_ANSWERED,		/* one of them did, with whatever */
	PROBE_REFUSED		/* every server's host says that nobody
				   listens, or cannot be reached at all */
};

/* probe has ended, or is zeroed. */
void probe_start(struct probe *probe, const struct nameservers *servers);
enum probe_result probe_read(struct probe *probe);
void probe_end(struct probe *probe);

#endif
