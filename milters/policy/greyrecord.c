#include "milters/policy/greyrecord.h"

#include "common/cache/octets.h"

/* Records: a letter, then a time (triplets), a time and a number (successes),
 * nothing (marks). */
enum {
	LETTER_WAITING = 'w',
	LETTER_KNOWN = 'k',
	LETTER_SUCCESSES = 's',
	LETTER_MARK = 'm',
	TIME_OCTETS = 8,
	TRIPLET_OCTETS = 1 + TIME_OCTETS,
	NUMBER_OCTETS = 2,
	SUCCESSES_OCTETS = TRIPLET_OCTETS + NUMBER_OCTETS,
	/* A use is written down once in that part of the lifetime. */
	RENEWALS = 32,
	SUCCESS_SECONDS = 3600
};

const char *
grey_answer_word(enum grey_answer answer)
{
	static const char *const words[] = {
		[GREY_NEW] = "new",
		[GREY_EARLY] = "early",
		[GREY_RETRIED] = "retried",
		[GREY_KNOWN] = "known",
	};

	return words[answer];
}

/* ---- records ---- */

static bool
is_record(const struct cache_item *item, char letter, size_t len)
{
	return item->state == CACHE_HIT && item->len == len &&
	    item->value[0] == (unsigned char)letter;
}

static int64_t
read_time(const struct cache_item *item)
{
	return (int64_t)(octets_get(item->value + 1, TIME_OCTETS) & INT64_MAX);
}

static void
write_record(struct cache_item *item, char letter, int64_t when, size_t len,
    int64_t ttl)
{
	item->value[0] = (unsigned char)letter;
	octets_put(item->value + 1, TIME_OCTETS, (uint64_t)when);
	item->len = len;
	item->ttl = ttl;
}

static int64_t
distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

/* ---- triplets ---- */

static void
begin_waiting(struct cache_item *item, const struct grey_times *times,
    int64_t now, struct grey_outcome *outcome)
{
	write_record(item, LETTER_WAITING, now, TRIPLET_OCTETS,
	    times->window);
	outcome->wait = times->delay;
	outcome->is_changed = true;
}

void
grey_release(struct cache_item *item, const struct grey_times *times,
    int64_t now)
{
	write_record(item, LETTER_KNOWN, now, TRIPLET_OCTETS,
	    times->lifetime + times->lifetime / RENEWALS);
}

static void
judge_known(struct cache_item *item, const struct grey_times *times,
    int64_t now, struct grey_outcome *outcome)
{
	outcome->answer = GREY_KNOWN;
	outcome->since = read_time(item);
	if (distance(now, outcome->since) < times->lifetime / RENEWALS)
		return;
	grey_release(item, times, now);
	outcome->is_changed = true;
}

static void
judge_waiting(struct cache_item *item, const struct grey_times *times,
    int64_t now, struct grey_outcome *outcome)
{
	outcome->since = read_time(item);
	if (now < outcome->since) {
		outcome->answer = GREY_EARLY;
		begin_waiting(item, times, now, outcome);
	} else if (now - outcome->since < times->delay) {
		outcome->answer = GREY_EARLY;
		outcome->wait = times->delay - (now - outcome->since);
	} else {
		outcome->answer = GREY_RETRIED;
		grey_release(item, times, now);
		outcome->is_changed = true;
	}
}

void
grey_judge(struct cache_item *item, const struct grey_times *times,
    int64_t now, struct grey_outcome *outcome)
{
	*outcome = (struct grey_outcome){ .answer = GREY_NEW, .since = now };
	if (is_record(item, LETTER_KNOWN, TRIPLET_OCTETS))
		judge_known(item, times, now, outcome);
	else if (is_record(item, LETTER_WAITING, TRIPLET_OCTETS))
		judge_waiting(item, times, now, outcome);
	else
		begin_waiting(item, times, now, outcome);
}

/* ---- successes and marks ---- */

unsigned
grey_successes(const struct cache_item *item)
{
	if (!is_record(item, LETTER_SUCCESSES, SUCCESSES_OCTETS))
		return 0;
	return (unsigned)octets_get(item->value + TRIPLET_OCTETS,
	    NUMBER_OCTETS);
}

bool
grey_succeed(struct cache_item *item, int64_t lifetime, int64_t now)
{
	unsigned count = grey_successes(item);

	if (count > 0 && distance(now, read_time(item)) < SUCCESS_SECONDS)
		return false;
	if (count < UINT16_MAX)
		count++;
	write_record(item, LETTER_SUCCESSES, now, SUCCESSES_OCTETS, lifetime);
	octets_put(item->value + TRIPLET_OCTETS, NUMBER_OCTETS, count);
	return true;
}

bool
grey_is_marked(const struct cache_item *item)
{
	return is_record(item, LETTER_MARK, 1);
}

void
grey_mark(struct cache_item *item, int64_t lifetime)
{
	item->value[0] = LETTER_MARK;
	item->len = 1;
	item->ttl = lifetime;
}

/* ---- names ---- */

/* Takes prefix off *local. */
static bool
skip_prefix(struct span *local, const char *prefix)
{
	if (!span_starts(*local, span_of(prefix)))
		return false;
	*local = span_skip(*local, strlen(prefix));
	return true;
}

/* A tag of prvs= is a key number, a day and a hash: ten letters and digits. */
static bool
is_prvs_tag(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]))
			return false;
	return s.len == 10;
}

/* The tag comes first, but some have it behind the name. */
static struct span
without_prvs(struct span rest)
{
	struct span tag, name = rest;

	if (!span_cut(&name, '=', &tag) || tag.len == 0 || name.len == 0)
		return rest;
	return is_prvs_tag(name) && !is_prvs_tag(tag) ? tag : name;
}

static struct span
without_batv(struct span local)
{
	struct span rest = local, tag;

	if (skip_prefix(&rest, "prvs="))
		return without_prvs(rest);
	if (skip_prefix(&rest, "btv1==") && span_cut(&rest, '=', &tag) &&
	    skip_prefix(&rest, "=") && rest.len > 0)
		return rest;
	rest = local;
	if (skip_prefix(&rest, "msprvs1=") && span_cut(&rest, '=', &tag) &&
	    rest.len > 0)
		return rest;
	return local;
}

/* Of "HH=TT=domain=user" what is behind the time. */
static bool
skip_hash_and_time(struct span *rest)
{
	struct span part;

	return span_cut(rest, '=', &part) && span_cut(rest, '=', &part) &&
	    rest->len > 0;
}

static bool
is_srs_divider(struct span rest)
{
	return rest.len > 0 && memchr("=+-", rest.p[0], 3) != NULL;
}

/* Adds "srs=" and who it is forwarded for; false where it is no SRS. */
static bool
add_srs(struct span local, struct strbuf *out)
{
	struct span rest = local, part;
	bool is_first = skip_prefix(&rest, "srs0");

	if ((!is_first && !skip_prefix(&rest, "srs1")) || !is_srs_divider(rest))
		return false;
	rest = span_skip(rest, 1);
	if (!is_first) {
		/* HH=forwarder=, and then SRS0's divider and all else */
		if (!span_cut(&rest, '=', &part) ||
		    !span_cut(&rest, '=', &part) || !is_srs_divider(rest))
			return false;
		rest = span_skip(rest, 1);
	}
	if (!skip_hash_and_time(&rest))
		return false;
	strbuf_adds(out, "srs=");
	strbuf_addspan(out, rest);
	return true;
}

static bool
is_word(char c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

static void
add_without_numbers(struct span local, struct strbuf *out)
{
	size_t i, start;
	bool is_number;

	for (i = 0; i < local.len; i++) {
		if (!is_word(local.p[i])) {
			strbuf_addc(out, local.p[i]);
			continue;
		}
		is_number = true;
		for (start = i; i < local.len && is_word(local.p[i]); i++)
			is_number &= is_digit(local.p[i]);
		if (is_number)
			strbuf_addc(out, '#');
		else
			strbuf_add(out, local.p + start, i - start);
		i--;
	}
}

static struct span
without_extension(struct span local)
{
	size_t plus = span_find(local, '+');

	return plus != 0 ? span_first(local, plus) : local;
}

struct span
grey_address(const struct address *address, bool is_verp, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT, srs = STRBUF_INIT;
	struct span local = arena_duplower(arena, address->local), copy;

	if (local.len == 0 && address->domain.len == 0)
		return SPAN_LIT("<>");
	local = without_batv(local);
	if (add_srs(local, &srs))
		local = strbuf_span(&srs);
	local = without_extension(local);
	if (is_verp)
		add_without_numbers(local, &text);
	else
		strbuf_addspan(&text, local);
	strbuf_addc(&text, '@');
	strbuf_addlower(&text, address->domain);
	copy = arena_dup(arena, strbuf_span(&text));
	strbuf_clear(&text);
	strbuf_clear(&srs);
	return copy;
}
