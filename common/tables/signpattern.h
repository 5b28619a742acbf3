/*
 * signpattern.h - the left side of a SigningTable's row: what it stands for.
 */
#ifndef POSTERN_TABLES_SIGNPATTERN_H
#define POSTERN_TABLES_SIGNPATTERN_H

#include "common/base/arena.h"

enum { SIGNPATTERN_MAX = 1023 };	/* octets */

/* How a row is written in a refile: table, and in any other. */
enum signpattern_kind {
	SIGNPATTERN_ADDRESS,	/* user@dom */
	SIGNPATTERN_DOMAIN,	/* *@dom	dom */
	SIGNPATTERN_USER_BELOW,	/* user@*.dom	user@.dom */
	SIGNPATTERN_BELOW,	/* *@*.dom	.dom */
	SIGNPATTERN_USER,	/* user@* */
	SIGNPATTERN_ALL,	/* *@*, *	* */
	SIGNPATTERN_GLOB,	/* whatever else has a "*" */
	SIGNPATTERN_NEVER	/* no address is ever that */
};

struct signpattern {
	enum signpattern_kind kind;
	struct span text;	/* as look-ups are made: lower case, A-labels,
				   one form for each meaning */
	struct span domain;	/* dom of the first four kinds, or empty */
	const char *fault;	/* what is wrong, or NULL */
	bool is_error;		/* the fault is one; else a warning */
};

/* Texts come from the arena. */
void signpattern_parse(struct span written, bool is_refile,
    struct arena *arena, struct signpattern *pattern);

#endif
