/*
 * regex.h - regular expressions by PCRE2, in bytes, with limits: neither a
 * pattern nor what it is held against can take more than a few milliseconds or
 * megabytes.
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

/* What matching needs of memory: for one thread, for any number of matches. */
struct regex_scratch;
struct regex_scratch *regex_scratch_new(void);
void regex_scratch_free(struct regex_scratch *scratch);

enum regex_result { REGEX_NO, REGEX_YES, REGEX_LIMIT };

/* Of a subject over REGEX_SUBJECT_MAX the beginning is looked at. */
enum regex_result regex_match(const struct regex *regex,
    struct regex_scratch *scratch, struct span subject);

/* What the n-th group of the last match got; 0 is all of it. Empty where the
 * group took no part. Points into the subject. */
struct span regex_group(const struct regex_scratch *scratch, unsigned n);

/* How often REGEX_LIMIT was the answer since the process began. */
uint64_t regex_limited(void);

#endif
