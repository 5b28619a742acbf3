/*
 * value.h - one setting's value: from text, to text, and what it may be.
 */
#ifndef POSTERN_CONFIG_VALUE_H
#define POSTERN_CONFIG_VALUE_H

#include "common/config/settings.h"

/* Where the value of that setting is kept. */
static inline void *
value_slot(const struct setting *setting, void *values)
{
	return (char *)values + setting->offset;
}

/*
 * Reads text as the setting's type says; not of a SETTING_ROWS. False, values untouched, where it is
 * not what value_expect() says. Strings are copied into the arena.
 */
bool value_read(const struct setting *setting, struct span text, void *values,
    struct arena *arena);

/* Adds ',' and text to the string that a value_read() or value_join() before
 * left there. False, nothing changed, where it would be too long. */
bool value_join(const struct setting *setting, struct span text, void *values,
    struct arena *arena);

/* One more row of a SETTING_ROWS; the only one where it comes from no line of
 * a file. False, nothing changed, where there are as many as there may be. */
bool value_add_row(const struct setting *setting, struct span text,
    const struct config_origin *at, void *values, struct arena *arena);

/* The position of a byte that nobody types into a value on purpose, or of '#',
 * which a line cannot have in one; text.len where there is none. */
size_t value_bad_byte(struct span text);

/* "a number from 1024 to 8192", "one of accept, reject". */
void value_expect(const struct setting *setting, struct strbuf *out);

bool value_is_text(const struct setting *setting);

#endif
