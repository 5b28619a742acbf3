/*
 * dnstrace.h - what the commands that ask DNS have in common: where they ask,
 * how long they wait, and what they asked, printed.
 */
#ifndef POSTERN_ADMIN_DNSTRACE_H
#define POSTERN_ADMIN_DNSTRACE_H

#include "admin/cli.h"
#include "common/dns/trace.h"

struct dnstrace_options {
	const char *nameservers;	/* NULL: the system's */
	int64_t timeout;		/* seconds, of one answer */
};

/* For the struct of defaults. */
#define DNSTRACE_DEFAULTS { .timeout = 5 }

/* The rows of --nameserver and --timeout. */
#define DNSTRACE_ROWS(type, member)					\
	{ .name = "nameserver", .kind = CLI_TEXT,			\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct dnstrace_options, nameservers),		\
	    .argument = "ADDR[@PORT]",					\
	    .help = "ask there (several: with commas) instead of the\n"	\
	    "servers of /etc/resolv.conf" },				\
	{ .name = "timeout", .kind = CLI_SECONDS,			\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct dnstrace_options, timeout),			\
	    .argument = "SECONDS",					\
	    .help = "for one answer (default: 5)",			\
	    .min = 1, .max = 600 }

struct dnstrace {
	struct dns *dns;
	struct lookups *lookups;	/* as many as a message has */
};

/* The exit status; what is wrong has been said. dnstrace_close() in every
 * case. All answers together may take four times the time-out. */
int dnstrace_open(struct dnstrace *trace,
    const struct dnstrace_options *options);
void dnstrace_close(struct dnstrace *trace);

/* Waits for the next answer. That there is none to come is a bug. */
void dnstrace_wait(struct lookups *lookups);

/* A line on standard output for each question, each after indent. */
void dnstrace_print(const struct dnstrace *trace, const char *indent);

#endif
