/*
 * load_options.h - milterload's command line.
 */
#ifndef POSTERN_TESTS_LOAD_OPTIONS_H
#define POSTERN_TESTS_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { LOAD_LIST_MAX = 64 };

struct load_list {
	const char *items[LOAD_LIST_MAX];
	size_t count;
};

struct load_options {
	/* load */
	struct load_list sockets;
	long concurrency, messages, warmup, per_connection;
	double seconds, timeout, rate, pause;
	long idle, abort_every, drop_every;
	bool quit_nc, policy;
	/* message */
	struct load_list inputs;
	long size, chunk, domains;
	/* envelope and session */
	const char *from, *helo, *client, *client_name, *auth;
	struct load_list rcpts, mail_args, macros;
	long generated_rcpts, clients, client_port;
	/* protocol */
	long version, actions, steps;
	/* report */
	struct load_list pids;
	bool json, quiet, print;
};

extern struct load_options opt;

/* Fills opt; exits where the line is no good or asks for help. */
void load_options_read(int argc, char **argv);

#endif
