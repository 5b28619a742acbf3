/*
 * trialload.h - a message file judged by a daemon that asks DNS, with its
 * configuration, to which the command line may name other name servers.
 */
#ifndef POSTERN_ADMIN_TRIALLOAD_H
#define POSTERN_ADMIN_TRIALLOAD_H

#include "admin/trial.h"
#include "common/base/json.h"

struct trialload {
	const char *config;		/* NULL: where the daemon has it */
	const char *nameservers;
	int64_t timeout;		/* of one answer; 0: as configured */
};

#define TRIALLOAD(type, member, whose, file)				\
	{ .name = "config", .letter = 'c', .kind = CLI_TEXT,		\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct trialload, config), .argument = "FILE",	\
	    .help = whose " configuration (default:\n"			\
	    SYSCONFDIR "/postern/" file "; without one,\n"		\
	    "the defaults)" },						\
	{ .name = "nameserver", .kind = CLI_TEXT,			\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct trialload, nameservers),			\
	    .argument = "ADDR[@PORT]",					\
	    .help = "instead of Nameservers (several: with commas)" },	\
	{ .name = "timeout", .kind = CLI_SECONDS,			\
	    .offset = offsetof(type, member) +				\
	    offsetof(struct trialload, timeout),			\
	    .argument = "SECONDS",					\
	    .help = "for one answer, instead of DNSTimeout", .min = 1,	\
	    .max = 60 }

/* How it is done, for one daemon. The filter has the settings Nameservers,
 * DNSTimeout and MessageTimeout. */
struct trialload_judge {
	const struct filter *filter;
	bool looks_only;		/* nothing is made that is missing */
	void (*prepare)(void *conf);	/* NULL: nothing to do */
	/* What is printed, made while what the filter knows is there; JSON as
	 * members of the object that is open. */
	void (*add_text)(struct strbuf *out, const struct trial *trial,
	    const struct filter_context *ctx);
	void (*add_json)(struct json *json, const struct trial *trial,
	    const struct filter_context *ctx);
};

/* The command, once its envelope is checked; its exit status. */
int trialload_run(const struct trialload_judge *judge,
    const struct trialload *how, const struct trial_options *options,
    bool wants_json, const char *path);

#endif
