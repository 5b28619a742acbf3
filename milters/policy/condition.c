#include "milters/policy/condition.h"

#include "common/base/mem.h"
#include "common/base/nearest.h"
#include "common/base/units.h"
#include "common/tables/hostlist.h"
#include "common/tables/namelist.h"

enum { TERMS_MAX = 32, WORDS_MAX = 64 };

struct term;

/* What a term looks at, and from which stage on that is known. */
struct term_kind {
	const char *name;
	enum { TERM_FLAG, TERM_WORDS, TERM_HOSTS, TERM_DOMAINS, TERM_SCORE,
	    TERM_RESULT } value;
	enum policy_stage stage;
	bool (*holds)(const struct term *term,
	    const struct policy_facts *facts,
	    const struct policy_recipient *recipient);
};

struct term {
	const struct term_kind *kind;
	bool is_negated;
	bool is_less;			/* score<N */
	int32_t score;
	struct span words[WORDS_MAX];	/* in the arena */
	size_t word_count;
	struct hostlist *hosts;
	struct namelist *names;
};

struct condition {
	struct term *terms;
	size_t count;
};

/* ---- what terms look at ---- */

static bool
has_word(const struct term *term, struct span text)
{
	size_t i;

	for (i = 0; i < term->word_count; i++)
		if (span_eq_nocase(term->words[i], text))
			return true;
	return false;
}

static bool
has_domain(const struct term *term, struct span domain)
{
	struct address address = { { "", 0 }, domain };

	return domain.len != 0 && namelist_match(term->names, &address, NULL);
}

#define HOLDS(name)							\
	static bool							\
	name(const struct term *term, const struct policy_facts *facts,	\
	    const struct policy_recipient *recipient)

HOLDS(is_in)
{
	(void)term;
	(void)recipient;
	return !facts->is_out;
}

HOLDS(is_out)
{
	(void)term;
	(void)recipient;
	return facts->is_out;
}

HOLDS(is_authenticated)
{
	(void)term;
	(void)recipient;
	return facts->is_authenticated;
}

HOLDS(is_local)
{
	(void)term;
	(void)recipient;
	return facts->is_local;
}

HOLDS(is_null_sender)
{
	(void)term;
	(void)recipient;
	return facts->sender_is_null;
}

HOLDS(has_daemon)
{
	(void)recipient;
	return has_word(term, facts->daemon);
}

HOLDS(has_client)
{
	(void)recipient;
	return hostlist_match(term->hosts, facts->client_name,
	    &facts->client, NULL);
}

HOLDS(has_helo)
{
	static const struct ipaddr none;

	(void)recipient;
	return hostlist_match(term->hosts, facts->helo, &none, NULL);
}

HOLDS(has_sender_domain)
{
	(void)recipient;
	return has_domain(term, facts->sender.domain);
}

HOLDS(has_rcpt_domain)
{
	size_t i;

	if (recipient != NULL)
		return has_domain(term, recipient->address.domain);
	for (i = 0; i < facts->recipient_count; i++)
		if (!facts->recipients[i].is_refused && has_domain(term,
		    facts->recipients[i].address.domain))
			return true;
	return false;
}

HOLDS(has_from_domain)
{
	size_t i;

	(void)recipient;
	for (i = 0; i < facts->from_count; i++)
		if (has_domain(term, facts->from_domains[i]))
			return true;
	return false;
}

static bool
has_result(const struct term *term, struct span result)
{
	return has_word(term, result.len != 0 ? result : SPAN_LIT("none"));
}

HOLDS(has_dkim)
{
	(void)recipient;
	return has_result(term, facts->dkim_result);
}

HOLDS(has_spf)
{
	(void)recipient;
	return has_result(term, facts->spf_result);
}

HOLDS(has_dmarc)
{
	(void)recipient;
	return has_result(term, facts->dmarc_result);
}

static bool
is_beyond(const struct term *term, int32_t score)
{
	return term->is_less ? score < term->score : score > term->score;
}

HOLDS(has_score)
{
	(void)recipient;
	return is_beyond(term, facts->score);
}

HOLDS(has_reputation)
{
	(void)recipient;
	return is_beyond(term, facts->reputation);
}

static const struct term_kind kinds[] = {
	{ "in", TERM_FLAG, POLICY_MAIL, is_in },
	{ "out", TERM_FLAG, POLICY_MAIL, is_out },
	{ "authenticated", TERM_FLAG, POLICY_MAIL, is_authenticated },
	{ "local", TERM_FLAG, POLICY_MAIL, is_local },
	{ "null-sender", TERM_FLAG, POLICY_MAIL, is_null_sender },
	{ "daemon", TERM_WORDS, POLICY_MAIL, has_daemon },
	{ "client", TERM_HOSTS, POLICY_MAIL, has_client },
	{ "helo", TERM_HOSTS, POLICY_MAIL, has_helo },
	{ "sender-domain", TERM_DOMAINS, POLICY_MAIL, has_sender_domain },
	{ "rcpt-domain", TERM_DOMAINS, POLICY_RCPT, has_rcpt_domain },
	{ "from-domain", TERM_DOMAINS, POLICY_HEADERS, has_from_domain },
	{ "dkim", TERM_RESULT, POLICY_HEADERS, has_dkim },
	{ "spf", TERM_RESULT, POLICY_HEADERS, has_spf },
	{ "dmarc", TERM_RESULT, POLICY_HEADERS, has_dmarc },
	{ "score", TERM_SCORE, POLICY_RCPT, has_score },
	{ "reputation", TERM_SCORE, POLICY_RCPT, has_reputation },
};

/* ---- reading ---- */

struct reading {
	const struct dataset_place *place;
	struct arena *arena;
	struct diag *diag;
};

static bool
refuse(const struct reading *r, struct span term, const char *text)
{
	diag_error(r->diag, r->place->file, r->place->line,
	    "%s: when=: %s: %s", r->place->setting,
	    diag_quote(r->diag, term), text);
	return false;
}

static const struct term_kind *
find_kind(struct span name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (span_is_nocase(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

/* Each as it is written: "in", "daemon=", "score>". */
static bool
refuse_with_list(const struct reading *r, struct span text)
{
	struct strbuf known = STRBUF_INIT;
	size_t i;

	strbuf_adds(&known, "no such condition; there are");
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		strbuf_addf(&known, "%s %s%s", i > 0 ? "," : "",
		    kinds[i].name, kinds[i].value == TERM_FLAG ? "" :
		    kinds[i].value == TERM_SCORE ? ">" : "=");
	refuse(r, text, known.s);
	strbuf_clear(&known);
	return false;
}

static bool
refuse_unknown(const struct reading *r, struct span text, struct span name)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		nearest_offer(&nearest, kinds[i].name);
	if (nearest.best != NULL)
		return refuse(r, text, arena_printf(r->arena, "no such "
		    "condition; did you mean %s?", nearest.best));
	return refuse_with_list(r, text);
}

static bool
read_words(const struct reading *r, struct term *term, struct span text,
    struct span value)
{
	struct span word;

	while (value.len != 0) {
		span_cut(&value, '|', &word);
		if (word.len == 0)
			return refuse(r, text, "an empty word");
		if (term->word_count == WORDS_MAX)
			return refuse(r, text, "too many words");
		term->words[term->word_count++] = arena_dup(r->arena, word);
	}
	return term->word_count != 0 || refuse(r, text, "the value is missing");
}

/* A data set's specification: of alternatives, a comma list. */
static const char *
spec_of(const struct reading *r, struct span value)
{
	char *spec;
	size_t i;

	if (dataset_is_path(value) || span_starts(value, SPAN_LIT("file:")))
		return arena_dup(r->arena, value).p;
	spec = arena_printf(r->arena, "csl:%.*s", SPAN_ARG(value));
	for (i = 0; spec[i] != '\0'; i++)
		if (spec[i] == '|')
			spec[i] = ',';
	return spec;
}

static bool
read_list(const struct reading *r, struct term *term, struct span text,
    struct span value)
{
	const char *spec;

	if (value.len == 0)
		return refuse(r, text, "the value is missing");
	spec = spec_of(r, value);
	if (term->kind->value == TERM_HOSTS)
		term->hosts = hostlist_load(spec, r->place, r->diag);
	else
		term->names = namelist_load(spec, NAMELIST_DOMAINS, r->place,
		    r->diag);
	return term->hosts != NULL || term->names != NULL;
}

static bool
read_result(const struct reading *r, struct term *term, struct span text,
    struct span value)
{
	static const char *const words[] = { "none", "pass", "fail",
	    "softfail", "neutral", "policy", "temperror", "permerror" };
	size_t i, k;

	if (!read_words(r, term, text, value))
		return false;
	for (i = 0; i < term->word_count; i++) {
		for (k = 0; k < ARRAY_LEN(words); k++)
			if (span_is_nocase(term->words[i], words[k]))
				break;
		if (k == ARRAY_LEN(words))
			return refuse(r, text, "a result is none, pass, fail, "
			    "softfail, neutral, policy, temperror or "
			    "permerror");
	}
	return true;
}

static bool
refuse_score(const struct reading *r, const struct term *term,
    struct span text)
{
	return refuse(r, text, arena_printf(r->arena, "write a number, such as "
	    "%s>5 or %s<0.5", term->kind->name, term->kind->name));
}

static bool
read_score(const struct reading *r, struct term *term, struct span text,
    struct span value)
{
	int64_t score;

	if (!units_hundredths(value, &score) || score > INT32_MAX ||
	    score < -INT32_MAX)
		return refuse_score(r, term, text);
	term->score = (int32_t)score;
	return true;
}

/* "name", "name=value", "score>5". */
static bool
read_term(const struct reading *r, struct span text, struct term *term)
{
	struct span name = text;
	size_t n;

	if (name.len == 0)
		return refuse(r, text, "one comma too many");
	if (name.p[0] == '!') {
		term->is_negated = true;
		name = span_skip(name, 1);
	}
	for (n = 0; n < name.len && !strchr("=<>", name.p[n]); n++)
		;
	term->kind = find_kind(span_first(name, n));
	if (term->kind == NULL)
		return refuse_unknown(r, text, span_first(name, n));
	if (term->kind->value == TERM_FLAG)
		return n == name.len || refuse(r, text, "takes no value");
	if (n == name.len || (name.p[n] == '=') ==
	    (term->kind->value == TERM_SCORE))
		return term->kind->value == TERM_SCORE ?
		    refuse_score(r, term, text) :
		    refuse(r, text, "write NAME=VALUE");
	term->is_less = name.p[n] == '<';
	name = span_skip(name, n + 1);
	switch (term->kind->value) {
	case TERM_WORDS:
		return read_words(r, term, text, name);
	case TERM_HOSTS:
	case TERM_DOMAINS:
		return read_list(r, term, text, name);
	case TERM_RESULT:
		return read_result(r, term, text, name);
	default:
		return read_score(r, term, text, name);
	}
}

bool
condition_load(struct span text, const struct dataset_place *place,
    struct arena *arena, struct diag *diag, struct condition **condition)
{
	const struct reading r = { place, arena, diag };
	struct condition *made;
	struct span item;
	bool ok = true, is_more = true;

	*condition = NULL;
	if (text.len == 0)
		return true;
	made = arena_zalloc(arena, sizeof(*made));
	made->terms = arena_zalloc(arena, TERMS_MAX * sizeof(*made->terms));
	/* Freed by the rule's owner, whatever becomes of the load. */
	*condition = made;
	while (is_more) {
		is_more = span_cut(&text, ',', &item);
		item = span_trim(item);
		if (made->count == TERMS_MAX)
			return refuse(&r, item, "too many terms");
		ok &= read_term(&r, item, &made->terms[made->count]);
		made->count++;
	}
	return ok;
}

void
condition_free(struct condition *condition)
{
	size_t i;

	if (condition == NULL)
		return;
	for (i = 0; i < condition->count; i++) {
		hostlist_free(condition->terms[i].hosts);
		namelist_free(condition->terms[i].names);
	}
}

/* ---- asking ---- */

enum condition_result
condition_holds(const struct condition *condition,
    const struct policy_facts *facts, const struct policy_recipient *recipient)
{
	enum condition_result result = CONDITION_YES;
	const struct term *term;
	size_t i;

	if (condition == NULL)
		return CONDITION_YES;
	for (i = 0; i < condition->count; i++) {
		term = &condition->terms[i];
		if (facts->stage < term->kind->stage)
			result = CONDITION_LATER;
		else if (term->kind->holds(term, facts, recipient) ==
		    term->is_negated)
			return CONDITION_NO;
	}
	return result;
}

enum policy_stage
condition_stage(const struct condition *condition)
{
	enum policy_stage stage = POLICY_MAIL;
	size_t i;

	for (i = 0; condition != NULL && i < condition->count; i++)
		if (condition->terms[i].kind->stage > stage)
			stage = condition->terms[i].kind->stage;
	return stage;
}

bool
condition_needs_results(const struct condition *condition)
{
	size_t i;

	for (i = 0; condition != NULL && i < condition->count; i++)
		if (condition->terms[i].kind->value == TERM_RESULT)
			return true;
	return false;
}

bool
condition_needs_score(const struct condition *condition)
{
	size_t i;

	for (i = 0; condition != NULL && i < condition->count; i++)
		if (condition->terms[i].kind->holds == has_score)
			return true;
	return false;
}
