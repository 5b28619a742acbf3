/*
 * load_macros.h - the macros Postfix sends at each stage, with the values it
 * gives them.
 */
#ifndef POSTERN_TESTS_LOAD_MACROS_H
#define POSTERN_TESTS_LOAD_MACROS_H

#include <stddef.h>

struct load_macro {
	char stage;		/* the command's letter */
	const char *name;
	const char *value;	/* %q %f %r %c stand for what they say */
};

/* Those opt asks for; exits where they make no sense. */
void load_macros_init(void);
/* The macros of a stage in order: NULL at the end. Start with *i = 0. */
const struct load_macro *load_macros_next(char stage, size_t *i);

#endif
