#include "common/dmarc/record.h"

#include "common/base/mem.h"
#include "common/dmarc/uri.h"
#include "common/mail/taglist.h"

/* In the order of their enums. */
static const char *const policies[] = { "none", "quarantine", "reject", NULL };
static const char *const psds[] = { "u", "y", "n", NULL };
static const char *const modes[] = { "r", "s", NULL };
static const char *const switches[] = { "n", "y", NULL };

enum choice { P, SP, NP, PSD, ADKIM, ASPF, T };

/* The tags that have one word of a few. pct, rf and ri of RFC 7489 are no tags
 * any more (C.5.2). */
static const struct {
	const char *name;
	const char *const *words;
	int otherwise;
} choices[] = {
	[P] =		{ "p",		policies,	DMARC_POLICY_UNSET },
	[SP] =		{ "sp",		policies,	DMARC_POLICY_UNSET },
	[NP] =		{ "np",		policies,	DMARC_POLICY_UNSET },
	[PSD] =		{ "psd",	psds,		DMARC_PSD_UNKNOWN },
	[ADKIM] =	{ "adkim",	modes,		DMARC_RELAXED },
	[ASPF] =	{ "aspf",	modes,		DMARC_RELAXED },
	[T] =		{ "t",		switches,	0 },
};

/* A record under way. */
struct reader {
	struct dmarc_record *record;
	struct arena *arena;
	struct span names[TAGLIST_MAX];	/* of the tags so far */
	size_t count;
	int values[ARRAY_LEN(choices)];
	const char *bad_policy;		/* the tag that has a bad one */
	struct span fo;
};

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	return policy < DMARC_POLICY_UNSET ? policies[policy] : "";
}

enum dmarc_policy
dmarc_policy_in_force(enum dmarc_policy policy, bool is_testing)
{
	if (!is_testing || policy == DMARC_POLICY_UNSET)
		return policy;
	return policy == DMARC_POLICY_REJECT ? DMARC_POLICY_QUARANTINE :
	    DMARC_POLICY_NONE;
}

static void
note(struct reader *reader, const char *what, const char *why)
{
	if (reader->record->note == NULL)
		reader->record->note = arena_printf(reader->arena, "%s%s",
		    what, why);
}

static int
find_word(const char *const *words, struct span value)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (span_is_nocase(value, words[i]))
			return i;
	return -1;
}

static void
read_choice(struct reader *reader, size_t i, struct span value)
{
	int word = find_word(choices[i].words, value);

	if (word >= 0)
		reader->values[i] = word;
	else if (choices[i].words == policies)
		reader->bad_policy = choices[i].name;
	else
		note(reader, choices[i].name, "= is not valid: left out");
}

static void
read_uris(struct reader *reader, const char *name, struct span value,
    struct span *uris, size_t *count)
{
	struct span uri;
	int rc;

	while ((rc = dmarc_uri_next(&value, reader->arena, &uri)) != 0) {
		if (rc < 0)
			note(reader, name, "= has what is no URI: left out");
		else if (*count == DMARC_URIS_MAX)
			note(reader, name, "= has too many URIs: the first "
			    "ones count");
		else
			uris[(*count)++] = uri;
	}
}

/* dmarc-fo: each at most once, and not both "0" and "1". */
static bool
read_fo(struct span list, unsigned *fo)
{
	static const char *const words[] = { "0", "1", "d", "s", NULL };
	struct span head;
	unsigned bits = 0, bit;
	bool more;
	int word;

	do {
		more = span_cut(&list, ':', &head);
		word = find_word(words, span_trim(head));
		bit = word < 0 ? 0 : 1U << word;
		if (bit == 0 || (bits & bit) != 0)
			return false;
		bits |= bit;
	} while (more);
	if ((bits & DMARC_FO_ALL) != 0 && (bits & DMARC_FO_ANY) != 0)
		return false;
	*fo = bits;
	return true;
}

static void
read_tag(struct reader *reader, const struct tag *tag)
{
	struct dmarc_record *record = reader->record;
	size_t i;

	for (i = 0; i < ARRAY_LEN(choices); i++)
		if (span_is_nocase(tag->name, choices[i].name))
			read_choice(reader, i, tag->value);
	if (span_is_nocase(tag->name, "rua"))
		read_uris(reader, "rua", tag->value, record->rua,
		    &record->rua_count);
	else if (span_is_nocase(tag->name, "ruf"))
		read_uris(reader, "ruf", tag->value, record->ruf,
		    &record->ruf_count);
	else if (span_is_nocase(tag->name, "fo"))
		reader->fo = tag->value;
}

/* Why the list as a whole is invalid; NULL where it is not. */
static const char *
add_name(struct reader *reader, struct span name)
{
	size_t i;

	for (i = 0; i < reader->count; i++)
		if (span_eq_nocase(reader->names[i], name))
			return "a tag twice: the record is invalid";
	if (reader->count == TAGLIST_MAX)
		return "too many tags";
	reader->names[reader->count++] = name;
	return NULL;
}

static const char *
read_tags(struct reader *reader, struct span rest)
{
	const char *trouble;
	struct tag tag = { .value = { NULL, 0 } };
	int rc;

	for (; (rc = tag_next(&rest, &tag)) != 0; tag.value.p = NULL) {
		if (rc < 0)
			note(reader, "a malformed tag", ": left out");
		if (tag.value.p == NULL || tag.name.len == 0)
			continue;	/* it has no '=', or no name */
		if (rc < 0)
			tag.value = SPAN_LIT("");
		trouble = add_name(reader, tag.name);
		if (trouble != NULL)
			return trouble;
		read_tag(reader, &tag);
	}
	return NULL;
}

/* Fills in what the tags said; false where nothing is asked for (4.10.1). */
static bool
finish(struct reader *reader)
{
	struct dmarc_record *record = reader->record;
	const int *values = reader->values;
	const char *bad = reader->bad_policy;

	record->p = (enum dmarc_policy)values[P];
	record->sp = (enum dmarc_policy)values[SP];
	record->np = (enum dmarc_policy)values[NP];
	record->psd = (enum dmarc_psd)values[PSD];
	record->adkim = (enum dmarc_alignment)values[ADKIM];
	record->aspf = (enum dmarc_alignment)values[ASPF];
	record->is_testing = values[T] != 0;
	if (record->ruf_count > 0 && reader->fo.len > 0 &&
	    !read_fo(reader->fo, &record->fo))
		note(reader, "fo", "= is not valid: left out");
	if (record->p != DMARC_POLICY_UNSET && bad == NULL)
		return true;
	record->note = arena_printf(reader->arena, "%s%s: %s",
	    bad != NULL ? bad : "p",
	    bad != NULL ? "= is not valid" : "= is missing",
	    record->rua_count > 0 ? "taken for p=none" :
	    "without rua= it asks for nothing");
	record->p = record->rua_count > 0 ? DMARC_POLICY_NONE :
	    DMARC_POLICY_UNSET;
	record->sp = record->np = DMARC_POLICY_UNSET;
	return record->rua_count > 0;
}

/* dmarc-version, which must come first. */
static bool
read_version(struct span *rest)
{
	struct tag tag;

	return tag_next(rest, &tag) == 1 && span_is_nocase(tag.name, "v") &&
	    span_is(tag.value, "DMARC1");
}

enum dmarc_record_result
dmarc_record_parse(struct span text, struct arena *arena,
    struct dmarc_record *record)
{
	struct reader reader = { .record = record, .arena = arena };
	struct span rest = text;
	const char *trouble;
	size_t i;

	*record = (struct dmarc_record){ .fo = DMARC_FO_ALL,
	    .p = DMARC_POLICY_UNSET, .sp = DMARC_POLICY_UNSET,
	    .np = DMARC_POLICY_UNSET };
	if (!read_version(&rest)) {
		record->note = "no v=DMARC1 at its start";
		return DMARC_RECORD_NOT_DMARC;
	}
	if (text.len > DMARC_RECORD_MAX) {
		record->note = "too long";
		return DMARC_RECORD_SYNTAX;
	}
	record->text = arena_dup(arena, text);
	rest = span_skip(record->text, text.len - rest.len);
	for (i = 0; i < ARRAY_LEN(choices); i++)
		reader.values[i] = choices[i].otherwise;
	reader.names[reader.count++] = SPAN_LIT("v");
	trouble = read_tags(&reader, rest);
	if (trouble != NULL) {
		record->note = trouble;
		return DMARC_RECORD_SYNTAX;
	}
	return finish(&reader) ? DMARC_RECORD_OK : DMARC_RECORD_INVALID;
}
