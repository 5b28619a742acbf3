/*
 * daemon_options.h - a daemon's command line.
 */
#ifndef POSTERN_MILTER_DAEMON_OPTIONS_H
#define POSTERN_MILTER_DAEMON_OPTIONS_H

#include "common/milter/filter.h"

struct daemon_options {
	const char *config;	/* as given; NULL: the filter's default */
	bool foreground;
	bool check_only;
	bool show_only;
};

/* -1 to go on, else the exit status: all was said. */
int options_parse(struct daemon_options *options, const struct filter *filter,
    int argc, char **argv);

#endif
