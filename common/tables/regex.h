/*
 * regex.h - regular expressions by PCRE2, in bytes, with limits: of memory and
 * of steps for a match, of time for all matches that a message causes.
 *
 * A step is a place to come back to, and what lies between two of them can be
 * a run over the whole subject. A subject of 8 KB made for it so takes up to 10
 * ms of the usual bad patterns, as (a+)+$, but 50 ms of an innocent [a-z]+[0-9]
 * and a second of the worst, as (a|(?=[a-z]*+[0-9])|a)*+[0-9]. Hence budgets.
 *
 * Patterns are interpreted: code made at run time is what a daemon's sandbox
 * forbids (MemoryDenyWriteExecute). Reading is safe from many threads.
 */
#ifndef POSTERN_TABLES_REGEX_H
#define POSTERN_TABLES_REGEX_H

#include "common/base/strbuf.h"

struct regex;

enum { REGEX_SUBJECT_MAX = 8192 };	/* octets that are looked at */

enum regex_flag {
	REGEX_NOCASE = 1,
	REGEX_MULTILINE = 2,	/* ^ and $ at lines, too */
	REGEX_DOTALL = 4,	/* "." matches LF, too */
	REGEX_EXTENDED = 8,	/* blanks and comments in patterns */
	REGEX_ANCHORED = 16,
	REGEX_DOLLAR_END = 32,	/* $ only at the very end */
	REGEX_UNGREEDY = 64
};

/* NULL, a sentence in err, where pattern is none. */
struct regex *regex_compile(struct span pattern, unsigned flags,
    struct strbuf *err);
void regex_free(struct regex *regex);

/* How many parenthesized groups there are. */
unsigned regex_groups(const struct regex *regex);

/*
 * A POSIX extended expression as glibc takes it, written for PCRE2: backslash
 * in brackets, "+" behind "*" and "\<" mean something else there. False, a
 * sentence in err, where text is none. Where it holds an escaped letter that
 * stands for itself, as in "\d", *letter gets that, else NUL.
 */
bool regex_from_posix(struct span text, struct strbuf *out, char *letter,
    struct strbuf *err);

/*
 * The time that the matches of one message may take together. exact is the
 * processor time of the calling thread, so that a busy machine takes nothing
 * away; rough is cheaper to ask for and passes as fast at least: it is asked
 * until it says that matches have taken REGEX_ROUGH_US. Both in microseconds.
 * Over the budget is as far as the match under way goes.
 */
enum { REGEX_BUDGET_US = 200 * 1000, REGEX_ROUGH_US = 10 * 1000 };

struct regex_budget {
	int64_t (*rough)(void), (*exact)(void);
	int64_t used;		/* at first 0 */
	uint64_t unasked;	/* matches that were not made for want of it */
};

/* What matching needs of memory: for one thread, for any number of matches.
 * budget is borrowed; NULL: no bound. */
struct regex_scratch;
struct regex_scratch *regex_scratch_new(struct regex_budget *budget);
void regex_scratch_free(struct regex_scratch *scratch);

enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT };

/* Of a subject over REGEX_SUBJECT_MAX the beginning is looked at. Where the
 * budget is used up the answer is REGEX_LIMIT. */
enum regex_result regex_match(const struct regex *regex,
    struct regex_scratch *scratch, struct span subject);

/* What the n-th group of the last match got; 0 is all of it. Empty where the
 * group took no part. Points into the subject. */
struct span regex_group(const struct regex_scratch *scratch, unsigned n);

/* How often a match ran into its limits since the process began. */
uint64_t regex_limited(void);

#endif
