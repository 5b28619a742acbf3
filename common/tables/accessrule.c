#include "common/tables/accessrule.h"

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/mail/header.h"

enum text_kind {
	TEXT_NONE,		/* Postfix passes over it */
	TEXT_ANSWER,		/* "5.7.1 text" */
	TEXT_LOG,
	TEXT_HEADER,
	TEXT_ADDRESS
};

static const struct verb {
	const char *name;
	enum access_verb verb;
	enum text_kind text;
	const char *remedy;	/* NULL: we have it */
} verbs[] = {
	{ "OK", ACCESS_OK, TEXT_NONE, NULL },
	{ "RELAY", ACCESS_OK, TEXT_NONE, NULL },
	{ "DUNNO", ACCESS_DUNNO, TEXT_NONE, NULL },
	{ "REJECT", ACCESS_REJECT, TEXT_ANSWER, NULL },
	{ "DEFER", ACCESS_DEFER, TEXT_ANSWER, NULL },
	{ "DEFER_IF_PERMIT", ACCESS_DEFER, TEXT_ANSWER, NULL },
	{ "DEFER_IF_REJECT", ACCESS_DEFER, TEXT_ANSWER, NULL },
	{ "HOLD", ACCESS_HOLD, TEXT_LOG, NULL },
	{ "DISCARD", ACCESS_DISCARD, TEXT_LOG, NULL },
	{ "PREPEND", ACCESS_PREPEND, TEXT_HEADER, NULL },
	{ "REDIRECT", ACCESS_REDIRECT, TEXT_ADDRESS, NULL },
	{ "WARN", ACCESS_WARN, TEXT_LOG, NULL },
	{ "INFO", ACCESS_WARN, TEXT_LOG, NULL },
	{ "permit", ACCESS_OK, TEXT_NONE, "is a restriction; write OK" },
	{ "FILTER", ACCESS_OK, TEXT_NONE, "sends mail to a content filter, "
	    "which only Postfix can; keep that row in a table of main.cf" },
	{ "BCC", ACCESS_OK, TEXT_NONE, "sends a copy, which only Postfix can; "
	    "use recipient_bcc_maps or sender_bcc_maps in main.cf" },
	{ "IGNORE", ACCESS_OK, TEXT_NONE, "removes a field, which only "
	    "Postfix's header_checks can; write DUNNO to do nothing" },
	{ "STRIP", ACCESS_OK, TEXT_NONE, "removes a field, which only "
	    "Postfix's header_checks can; write DUNNO to do nothing" },
	{ "REPLACE", ACCESS_OK, TEXT_NONE, "changes a field, which only "
	    "Postfix's header_checks can" },
	{ "PASS", ACCESS_OK, TEXT_NONE, "is of Postfix's header_checks; "
	    "write OK" },
};

static const char *const no_action = "is no action; there are OK, REJECT, "
    "DEFER, 4NN TEXT and 5NN TEXT, DUNNO, HOLD, DISCARD, PREPEND, REDIRECT, "
    "WARN and INFO; restrictions and their classes are for main.cf";

static char
printable(char c)
{
	if (c == '\t')
		return ' ';
	return c < ' ' || c > '~' ? '?' : c;
}

static void
add_printable(struct strbuf *out, struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		strbuf_addc(out, printable(text.p[i]));
}

static bool
is_ascii(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] > '~')
			return false;
	return true;
}

/* The next piece of a text with $1 in it: *group is its number, or -1 where
 * *literal is text. False where it is malformed. */
static bool
next_piece(struct span *rest, struct span *literal, int *group)
{
	struct span name;
	uint64_t number;
	size_t n = 0;
	char next = rest->len > 1 ? rest->p[1] : '\0';

	*group = -1;
	if (rest->p[0] != '$') {
		*literal = span_first(*rest, span_find(*rest, '$'));
		*rest = span_skip(*rest, literal->len);
		return true;
	}
	*rest = span_skip(*rest, 1);
	*literal = span_first(*rest, 1);
	if (next == '{' || next == '(') {
		*rest = span_skip(*rest, 1);
		if (!span_cut(rest, next == '{' ? '}' : ')', &name))
			return false;
	} else if (next == '$') {
		*rest = span_skip(*rest, 1);
		return true;
	} else {
		while (n < rest->len && (is_alpha(rest->p[n]) ||
		    is_digit(rest->p[n]) || rest->p[n] == '_'))
			n++;
		name = span_first(*rest, n);
		*rest = span_skip(*rest, n);
	}
	if (!span_number(name, 99, &number) || number == 0)
		return false;
	*group = (int)number;
	return true;
}

/* Checks every $1, and takes "$$" for "$" where there is none. */
static bool
read_groups(struct access_source *source, struct span text, int groups,
    struct access_rule *rule)
{
	struct span rest = text, literal;
	struct strbuf plain = STRBUF_INIT;
	const char *why = NULL;
	int group;

	while (rest.len > 0 && why == NULL) {
		if (!next_piece(&rest, &literal, &group))
			why = "has a \"$\" with no number of a group behind "
			    "it; write $1 or ${1}, and $$ for the character";
		else if (group > 0 && groups == ACCESS_NEGATED)
			why = "has a $1, but a \"!\" before the pattern: what "
			    "does not match has no groups; write $$ for the "
			    "character";
		else if (group > 0 && group > groups)
			why = "has a $1 of a group that the pattern has not; "
			    "write $$ for the character";
		else if (group > 0)
			rule->has_groups = true;
		else
			strbuf_addspan(&plain, literal);
	}
	if (why != NULL)
		access_refuse(source, "%s %s", access_quote(source, text), why);
	else if (!rule->has_groups)
		rule->text = arena_dup(&source->scratch, strbuf_span(&plain));
	strbuf_clear(&plain);
	return why == NULL;
}

/* "5.7.1" before a text (RFC 3463 2). */
static bool
cut_enhanced(struct span *text, struct span *enhanced)
{
	struct span rest = *text, word, part;
	uint64_t number;
	int i;

	access_cut_word(&rest, &word);
	*enhanced = word;
	for (i = 0; i < 3; i++) {
		bool more = span_cut(&word, '.', &part);

		if (more != (i < 2) || part.len > 3 ||
		    !span_number(part, 999, &number) ||
		    (i == 0 && number != 2 && number != 4 && number != 5))
			return false;
	}
	*text = rest;
	return true;
}

/* Its class is that of the answer, as Postfix makes it. */
static void
read_enhanced(struct access_source *source, struct access_rule *rule)
{
	char class = rule->verb == ACCESS_REJECT ? '5' : '4';
	struct span enhanced;

	if (!cut_enhanced(&rule->text, &enhanced))
		return;
	rule->enhanced = span_of(arena_printf(source->arena, "%c%.*s", class,
	    SPAN_ARG(span_skip(enhanced, 1))));
	if (enhanced.p[0] != class)
		access_advise(source, "the status %.*s is not of the class of "
		    "its answer; it is read as %s, write that",
		    SPAN_ARG(enhanced), rule->enhanced.p);
}

static bool
check_header(struct access_source *source, const struct access_rule *rule)
{
	struct span value = rule->text, name;

	if (!span_cut(&value, ':', &name) || !header_name_is_valid(name) ||
	    span_trim(value).len == 0) {
		access_refuse(source, "%s is no header field; write PREPEND "
		    "Name: value", access_quote(source, rule->text));
		return false;
	}
	if (rule->has_groups && span_has(name, '$'))
		access_refuse(source, "a $1 cannot be the name of a field; "
		    "write PREPEND Name: $1");
	else if (!is_ascii(rule->text))
		access_refuse(source, "%s has characters that are not ASCII; "
		    "write them as an encoded word (RFC 2047)",
		    access_quote(source, rule->text));
	else
		return true;
	return false;
}

static bool
format_address(struct span text, struct arena *arena, struct span *out)
{
	struct address address;

	if (address_parse_path(text, arena, &address) != ADDRESS_OK)
		return false;
	*out = address_format(&address, arena);
	return out->len <= ACCESS_TEXT_MAX;
}

static bool
check_address(struct access_source *source, struct access_rule *rule)
{
	if (rule->has_groups ||
	    format_address(rule->text, &source->scratch, &rule->text))
		return true;
	access_refuse(source, "%s is no address; write REDIRECT user@domain",
	    access_quote(source, rule->text));
	return false;
}

/* What is behind the action's word, in the map's memory. */
static bool
read_text(struct access_source *source, enum text_kind kind,
    struct access_rule *rule)
{
	struct strbuf clean = STRBUF_INIT;

	if (kind == TEXT_ANSWER)
		read_enhanced(source, rule);
	if ((kind == TEXT_HEADER && !check_header(source, rule)) ||
	    (kind == TEXT_ADDRESS && !check_address(source, rule)))
		return false;
	if (rule->text.len > ACCESS_TEXT_MAX) {
		access_refuse(source, "the text is longer than %d bytes; "
		    "shorten it", ACCESS_TEXT_MAX);
		return false;
	}
	add_printable(&clean, rule->text);
	if (!is_ascii(rule->text))
		access_advise(source, "%s has characters that are not ASCII; "
		    "each of their bytes becomes \"?\"",
		    access_quote(source, rule->text));
	rule->text = arena_dup(source->arena, strbuf_span(&clean));
	strbuf_clear(&clean);
	return true;
}

static const struct verb *
find_verb(struct span word)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(verbs); i++)
		if (span_is_nocase(word, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static bool
refuse_word(struct access_source *source, struct span word, const char *why)
{
	access_refuse(source, "%s %s", access_quote(source, word), why);
	return false;
}

/* "550 text", and numbers, which mean OK in Postfix. */
static bool
read_number(struct access_source *source, struct span word, uint64_t number,
    struct access_rule *rule)
{
	bool is_code = word.len == 3 && number >= 400 && number < 600;

	if (rule->text.len == 0) {
		if (is_code)
			access_advise(source, "%u with no text behind it means "
			    "OK, as all numbers do; write REJECT, DEFER or "
			    "%u TEXT", (unsigned)number, (unsigned)number);
		return true;
	}
	if (!is_code || number / 10 % 10 > 5)
		return refuse_word(source, word, "is no code of an answer; "
		    "write 4NN TEXT or 5NN TEXT");
	rule->verb = number < 500 ? ACCESS_DEFER : ACCESS_REJECT;
	rule->code = (unsigned)number;
	return read_text(source, TEXT_ANSWER, rule);
}

static bool
read_rule(struct access_source *source, struct span text, int groups,
    struct access_rule *rule)
{
	const struct verb *verb;
	struct span word;
	uint64_t number;

	access_cut_word(&text, &word);
	*rule = (struct access_rule){ .verb = ACCESS_OK, .text = text };
	if (groups != ACCESS_PLAIN && !read_groups(source, text, groups, rule))
		return false;
	if (span_number(word, UINT64_MAX, &number))
		return read_number(source, word, number, rule);
	verb = find_verb(word);
	if (verb == NULL)
		return refuse_word(source, word, no_action);
	if (verb->remedy != NULL)
		return refuse_word(source, word, verb->remedy);
	rule->verb = verb->verb;
	if (verb->text != TEXT_NONE)
		return read_text(source, verb->text, rule);
	rule->text = span_of("");
	rule->has_groups = false;
	return true;
}

const struct access_rule *
access_rule_read(struct access_source *source, struct span text, int groups)
{
	struct access_rule *rule = NULL, made;

	if (text.len == 0) {
		access_refuse(source, "the row has no action; write one "
		    "behind it, such as OK or REJECT");
		return NULL;
	}
	if (groups == ACCESS_PLAIN)
		rule = map_get(source->rules, text);
	if (rule != NULL)
		return rule;
	if (!read_rule(source, text, groups, &made))
		return NULL;
	rule = arena_alloc(source->arena, sizeof(*rule));
	*rule = made;
	if (groups == ACCESS_PLAIN)
		map_add(source->rules, arena_dup(source->arena, text), rule);
	return rule;
}

bool
access_rule_fill(const struct access_rule *rule,
    const struct regex_scratch *scratch, struct arena *arena,
    struct span *text)
{
	struct strbuf out = STRBUF_INIT;
	struct span rest = rule->text, literal;
	int group;

	while (rest.len > 0 && next_piece(&rest, &literal, &group))
		add_printable(&out, group > 0 ?
		    regex_group(scratch, (unsigned)group) : literal);
	*text = arena_dup(arena, span_first(strbuf_span(&out),
	    ACCESS_TEXT_MAX));
	strbuf_clear(&out);
	return rule->verb != ACCESS_REDIRECT ||
	    format_address(*text, arena, text);
}
