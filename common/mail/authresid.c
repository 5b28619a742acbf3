#include "common/mail/authres.h"

#include "common/mail/domain.h"
#include "common/mail/lexer.h"
#include "common/mail/quote.h"

/*
 * Who trusts Authentication-Results by its identifier may read a field more
 * loosely than the grammar has it: without comments in comments, without
 * escapes, past octets that should not be there. So a value is read by the
 * grammar first, and where that fails or is not the only way, all that could
 * be the identifier is searched for ours.
 */

enum {
	ID_MAX = 1000,		/* octets; a longer one is not ours */
	WORDS_8BIT_MAX = 32	/* that are tried as U-labels */
};

struct reading {
	struct span id;		/* unquoted, as it was written */
	char room[ID_MAX];
	size_t start, end;	/* of it in the value */
	bool is_valid;		/* up to the ';' or the end, by the grammar */
	bool is_plain;		/* every reader sees the same id */
};

static bool
is_8bit(char c)
{
	return (unsigned char)c > '~' + 1;
}

static bool
is_id_char(char c)
{
	return quote_is_token_char(c) || is_8bit(c);
}

/* Comments in comments and escapes are what simple readers stumble over. */
static bool
are_plain_comments(struct span s)
{
	bool inside = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '\\' || (s.p[i] == '(' && inside))
			return false;
		if (s.p[i] == '(' || s.p[i] == ')')
			inside = s.p[i] == '(';
	}
	return true;
}

/* Not ASCII alone: U-labels are none. */
static bool
is_one_word(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!is_id_char(s.p[i]))
			return false;
	return s.len != 0;
}

static bool
is_ascii(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (is_8bit(s.p[i]))
			return false;
	return true;
}

/* value = token / quoted-string, UTF-8 in both. */
static bool
read_value(struct lexer *in, struct lexer_text *text, bool *is_plain)
{
	const char *start = in->p;

	if (lexer_peek(in) == '"') {
		if (!lexer_quoted(in, text))
			return false;
		*is_plain = *is_plain &&
		    is_one_word(span_make(text->p, text->len));
		return true;
	}
	while (in->p < in->end && is_id_char(*in->p))
		in->p++;
	lexer_put(text, start, (size_t)(in->p - start));
	return in->p > start;
}

/* [CFWS authres-version] [CFWS], and what follows must follow. */
static bool
read_rest(struct lexer *in)
{
	if (!lexer_skip_cfws(in))
		return false;
	while (in->p < in->end && is_digit(*in->p))
		in->p++;
	return lexer_skip_cfws(in) &&
	    (in->p == in->end || *in->p == ';');
}

static void
read_strictly(struct span value, struct reading *reading)
{
	struct lexer_text text = { .p = reading->room,
	    .max = sizeof(reading->room) };
	struct lexer in;

	reading->id = SPAN_LIT("");
	reading->is_valid = reading->is_plain = false;
	lexer_start(&in, value);
	if (!lexer_skip_cfws(&in))
		return;
	reading->start = (size_t)(in.p - value.p);
	reading->is_plain = are_plain_comments(
	    span_first(value, reading->start));
	if (in.p == in.end)
		return;
	if (!read_value(&in, &text, &reading->is_plain)) {
		reading->is_plain = false;
		return;
	}
	reading->end = (size_t)(in.p - value.p);
	reading->is_valid = read_rest(&in) && !text.is_over;
	reading->id = span_make(text.p, text.len);
}

static struct span
without_dots(struct span s)
{
	while (s.len > 0 && s.p[s.len - 1] == '.')
		s.len--;
	return s;
}

/* False where it is neither ASCII nor a domain name. */
static bool
normalize(struct span id, struct arena *arena, struct span *normal)
{
	id = without_dots(id);
	if (domain_to_ascii(id, arena, normal))
		return true;
	*normal = arena_duplower(arena, id);
	return is_ascii(id);
}

struct span
authres_id(struct span value, struct arena *arena)
{
	struct reading reading;
	struct span id;

	read_strictly(value, &reading);
	normalize(reading.id, arena, &id);
	return reading.is_valid ? id : SPAN_LIT("");
}

struct span
authres_own_id(struct span id, struct arena *arena)
{
	struct strbuf text = STRBUF_INIT;
	struct authres authres;
	struct span own;

	authres_start(&authres, id, &text);
	own = authres_id(strbuf_span(&text), arena);
	strbuf_clear(&text);
	return own;
}

static bool
is_one_of(struct span id, const struct span *ids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (id.len != 0 && span_eq(id, ids[i]))
			return true;
	return false;
}

/*
 * Blanks the comments; one that does not end stays as it is, for nobody knows
 * what readers make of it.
 */
static void
blank_comments(struct span value, struct strbuf *out)
{
	size_t depth = 0, i, start = 0, kept = 0;
	char c;

	for (i = 0; i < value.len; i++) {
		c = value.p[i];
		if (c == '(' && depth++ == 0) {
			start = i;
			kept = out->len;
		}
		if (depth == 0)
			strbuf_addc(out, c);
		else if (c == '\\')
			i++;
		else if (c == ')' && --depth == 0)
			strbuf_addc(out, ' ');
	}
	if (depth == 0)
		return;
	strbuf_truncate(out, kept);
	strbuf_addspan(out, span_skip(value, start));
}

/* The words of s in lower case, one space between them; what cannot stand in
 * an identifier parts words. */
static void
add_words(struct span s, struct strbuf *out)
{
	bool is_open = false;
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (quote_is_token_char(s.p[i])) {
			if (!is_open && out->len != 0)
				strbuf_addc(out, ' ');
			strbuf_addc(out, ascii_lower(s.p[i]));
			is_open = true;
		} else if (s.p[i] != '\\') {
			is_open = false;
		}
	}
}

/* Words have token characters alone, so these alone count in an id. */
static size_t
skip_others(struct span id, size_t n)
{
	while (n < id.len && !quote_is_token_char(id.p[n]))
		n++;
	return n;
}

/* Whether words begin with id, blanks within it and dots behind it ignored. */
static bool
begins_with(struct span words, struct span id)
{
	size_t i = 0, n = skip_others(id, 0);

	if (n == id.len)
		return false;
	for (; n < id.len && i < words.len; i++) {
		if (words.p[i] == ' ')
			continue;
		if (words.p[i] != id.p[n])
			return false;
		n = skip_others(id, n + 1);
	}
	while (i < words.len && words.p[i] == '.')
		i++;
	return n == id.len && (i == words.len || words.p[i] == ' ');
}

static bool
has_word(struct span words, const struct span *ids, size_t count,
    bool with_any)
{
	struct span word;
	size_t i;

	while (words.len != 0) {
		for (i = 0; i < count; i++)
			if (begins_with(words, ids[i]))
				return true;
		if (!with_any)
			return false;
		span_cut(&words, ' ', &word);
	}
	return false;
}

/* The same for words with U-labels. */
static bool
has_u_label(struct span s, const struct span *ids, size_t count,
    bool with_any, struct arena *arena)
{
	unsigned tries = 0;
	struct span word;
	size_t i = 0, end;

	while (i < s.len) {
		for (end = i; end < s.len && is_id_char(s.p[end]); end++)
			continue;
		word = span_make(s.p + i, end - i);
		i = end > i ? end : i + 1;
		if (!is_ascii(word)) {
			if (tries++ == WORDS_8BIT_MAX)
				return true;
			normalize(word, arena, &word);
			if (is_one_of(word, ids, count))
				return true;
		}
		if (word.len != 0 && !with_any)
			break;
	}
	return false;
}

static bool
has_any(struct span s, const struct span *ids, size_t count, bool with_any,
    struct arena *arena)
{
	struct strbuf words = STRBUF_INIT, bare = STRBUF_INIT;
	bool found;
	size_t i;

	add_words(s, &words);
	found = has_word(strbuf_span(&words), ids, count, with_any);
	strbuf_clear(&words);
	if (found || is_ascii(s))
		return found;
	for (i = 0; i < s.len; i++)
		if (s.p[i] != '\\')
			strbuf_addc(&bare, s.p[i]);
	found = has_u_label(strbuf_span(&bare), ids, count, with_any, arena);
	strbuf_clear(&bare);
	return found;
}

/*
 * Each way to read s loosely: with and without its comments. Without with_any
 * only what s begins with counts, up to a ';'.
 */
static bool
may_bear(struct span s, const struct span *ids, size_t count, bool with_any,
    struct arena *arena)
{
	struct strbuf plain = STRBUF_INIT;
	struct span bare;
	bool found;

	blank_comments(s, &plain);
	bare = strbuf_span(&plain);
	if (!with_any) {
		s = span_first(s, span_find(s, ';'));
		bare = span_first(bare, span_find(bare, ';'));
	}
	found = has_any(s, ids, count, with_any, arena) ||
	    has_any(bare, ids, count, with_any, arena);
	strbuf_clear(&plain);
	return found;
}

bool
authres_is_of(struct span value, const struct span *ids, size_t count,
    struct arena *arena)
{
	struct reading reading;
	struct span id;

	read_strictly(value, &reading);
	reading.is_plain = normalize(reading.id, arena, &id) &&
	    reading.is_plain;
	if (reading.is_valid && is_one_of(id, ids, count))
		return true;
	if (reading.is_plain)
		return !reading.is_valid && may_bear(
		    span_skip(value, reading.start), ids, count, false, arena);
	if (reading.is_valid && !span_has(span_first(value, reading.end), '\\'))
		value = span_first(value, reading.end);
	return may_bear(value, ids, count, true, arena);
}
