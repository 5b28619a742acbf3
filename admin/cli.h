/*
 * cli.h - the frame of the "postern" command: commands are rows with a table
 * of options each; reading the command line, help and suggestions follow from
 * the rows.
 *
 * Results go to standard output, everything else to standard error. Bytes from
 * outside get there escaped: by cli_error(), cli_escape() or the JSON writer.
 */
#ifndef POSTERN_ADMIN_CLI_H
#define POSTERN_ADMIN_CLI_H

#include "common/base/diag.h"
#include "common/base/json.h"

#include <stddef.h>
#include <sysexits.h>

/* Exit status besides those of sysexits(3): it ran, and the answer is no. */
enum { EXIT_NO = 1 };

enum cli_kind {
	CLI_FLAG,	/* bool */
	CLI_TEXT,	/* const char *, not empty */
	CLI_STRING,	/* const char *, may be empty */
	CLI_OPTIONAL,	/* const char *: --name or --name=value; the argument
			   text where there is no value */
	CLI_NUMBER,	/* int64_t, min..max */
	CLI_SECONDS,	/* int64_t, min..max; units_seconds() */
	CLI_WORD,	/* int: the index in words */
	CLI_LIST	/* struct cli_list: may come several times */
};

struct cli_list {
	const char **items;	/* in the order given; from malloc */
	size_t count;
};

struct cli_option {
	const char *name;	/* "selector": --selector */
	char letter;		/* 'c': -c; 0: none */
	enum cli_kind kind;
	size_t offset;		/* of its value in the command's struct */
	const char *argument;	/* what stands for the value in the help */
	const char *help;	/* one line, or several joined by "\n" */
	int64_t min, max;
	const char *const *words;	/* NULL-terminated */
};

struct cli_command {
	const char *name;	/* NULL: the group's name is all of it */
	const char *arguments;	/* "DOMAIN", for the usage line */
	unsigned least, most;	/* how many arguments */
	const char *summary;	/* one line, without a full stop */
	const char *description;
	const char *examples;
	const struct cli_option *options;
	size_t option_count;
	size_t values_size;	/* of the struct the offsets are in */
	const void *defaults;	/* such a struct; NULL: zeros */
	/* The exit status. args has count members and ends with NULL. */
	int (*run)(const void *values, const char *const *args, size_t count);
};

struct cli_group {
	const char *name;	/* "key" */
	const char *summary;
	const struct cli_command *const *commands;
	size_t count;
	/* Instead of commands: the group is this one, without a word more. */
	const struct cli_command *only;
};

/* Runs argv and returns the exit status. */
int cli_main(int argc, char **argv, const struct cli_group *const *groups,
    size_t count);

/* "postern: ..." on standard error. What is not printable is escaped. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* s escaped and in double quotes; lasts until the process ends. */
const char *cli_quote(struct span s);
/* s escaped, without quotes. */
const char *cli_escape(struct span s);

/* What diag holds on standard error. EX_CONFIG where it has an error, else
 * EX_OK. */
int cli_report(const struct diag *diag);

/* out and a line end on standard output; out is cleared. */
void cli_print(struct strbuf *out);

#endif
