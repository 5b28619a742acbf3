/*
 * ask.h - what the commands have in common that ask a running postern-policy:
 * where its control socket is, the words they send, and its answer, printed.
 */
#ifndef POSTERN_ADMIN_ASK_H
#define POSTERN_ADMIN_ASK_H

#include "admin/cli.h"
#include "common/base/arena.h"
#include "common/milter/control.h"

/* First in the struct of a command's values. */
struct ask_options {
	const char *config;	/* NULL: the default one, if it is there */
	const char *socket;	/* instead of the configuration's */
	bool json;
};

/* Their rows. */
#define ASK_ROWS							\
	{ .name = "config", .letter = 'c', .kind = CLI_TEXT,		\
	    .offset = offsetof(struct ask_options, config),		\
	    .argument = "FILE",						\
	    .help = "the policy daemon's configuration, whose\n"	\
	    "ControlSocket is asked (default:\n"			\
	    SYSCONFDIR "/postern/policy.conf)" },			\
	{ .name = "socket", .kind = CLI_TEXT,				\
	    .offset = offsetof(struct ask_options, socket),		\
	    .argument = "PATH", .help = "ask there instead" },		\
	{ .name = "json", .kind = CLI_FLAG,				\
	    .offset = offsetof(struct ask_options, json),		\
	    .help = "print JSON" }

/* A request under way: group, command, arguments, then options, each a word.
 * More than there may be of them is a bug. */
struct ask {
	const struct ask_options *options;
	struct span words[CONTROL_WORDS_MAX];
	size_t count;
	struct arena arena;
};

void ask_start(struct ask *ask, const struct ask_options *options,
    const char *group, const char *command, const char *const *args,
    size_t count);
/* "--name=number" */
void ask_number(struct ask *ask, const char *name, int64_t number);

/* Sends it and prints the answer. The exit status: the daemon's, or 69 where
 * it cannot be asked. */
int ask_end(struct ask *ask);

/* All of it, for a command without options of its own. */
int ask_run(const struct ask_options *options, const char *group,
    const char *command, const char *const *args, size_t count);

#endif
