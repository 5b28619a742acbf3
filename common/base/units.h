/*
 * units.h - numbers as admins write them.
 */
#ifndef POSTERN_BASE_UNITS_H
#define POSTERN_BASE_UNITS_H

#include "common/base/strbuf.h"

/*
 * Each reads all of s and returns false, the result untouched, where it is no
 * such number or over INT64_MAX. Blanks between number and unit are allowed,
 * units are case-insensitive.
 */

/* "90", "90s", "5m", "2h", "1d", "1w"; without a unit seconds. */
bool units_seconds(struct span s, int64_t *seconds);
/* "65536", "64k", "10M", "1G" (powers of 1024; a trailing B is allowed). */
bool units_bytes(struct span s, int64_t *bytes);
/* y, yes, t, true, 1, on; n, no, f, false, 0, off (OpenDKIM reads only the
 * first letter; whole words catch the typing mistake). */
bool units_bool(struct span s, bool *value);

/* "2026-12-31": its first second, UTC. From 1970 to 9999. */
bool units_date(struct span s, int64_t *seconds);
/* "1.5", "-3", "+0.25": in hundredths, at most two digits behind the point. */
bool units_hundredths(struct span s, int64_t *hundredths);

/* In the largest unit that leaves no rest: "90s", "2h"; "64k", "10M"; "0". */
void units_add_seconds(struct strbuf *out, int64_t seconds);
void units_add_bytes(struct strbuf *out, int64_t bytes);

#endif
