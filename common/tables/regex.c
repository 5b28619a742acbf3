#include "common/tables/regex.h"

#include "common/base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
	STEPS_MAX = 100000,
	HEAP_MAX = 4096,	/* kilobytes */
	GROUPS_MAX = 99		/* whose text is kept */
};

struct regex {
	pcre2_code *code;
	unsigned groups;
};

struct regex_scratch {
	struct regex_budget *budget;
	pcre2_match_data *data;
	struct span subject;
	unsigned groups;	/* of the last match */
};

static pcre2_match_context *limits;
static pthread_once_t limits_made = PTHREAD_ONCE_INIT;
static atomic_uint_fast64_t limited;

static const struct {
	enum regex_flag flag;
	uint32_t option;
} flag_options[] = {
	{ REGEX_NOCASE, PCRE2_CASELESS },
	{ REGEX_MULTILINE, PCRE2_MULTILINE },
	{ REGEX_DOTALL, PCRE2_DOTALL },
	{ REGEX_EXTENDED, PCRE2_EXTENDED },
	{ REGEX_ANCHORED, PCRE2_ANCHORED },
	{ REGEX_DOLLAR_END, PCRE2_DOLLAR_ENDONLY },
	{ REGEX_UNGREEDY, PCRE2_UNGREEDY },
};

static void
make_limits(void)
{
	limits = xnonnull(pcre2_match_context_create(NULL));
	pcre2_set_match_limit(limits, STEPS_MAX);
	pcre2_set_depth_limit(limits, STEPS_MAX);
	pcre2_set_heap_limit(limits, HEAP_MAX);
}

static void
explain(int code, size_t offset, struct strbuf *err)
{
	PCRE2_UCHAR text[256];

	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		text[0] = '\0';
	strbuf_addf(err, "%s, at offset %zu", (const char *)text, offset);
}

/* UTF: what is matched is bytes of anybody's making, and need not be UTF-8. */
struct regex *
regex_compile(struct span pattern, unsigned flags, struct strbuf *err)
{
	uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C, groups;
	struct regex *regex;
	PCRE2_SIZE offset;
	pcre2_code *code;
	size_t i;
	int why;

	for (i = 0; i < ARRAY_LEN(flag_options); i++)
		if ((flags & (unsigned)flag_options[i].flag) != 0)
			options |= flag_options[i].option;
	if (pattern.len == 0)
		pattern = span_of("");
	code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.len, options, &why,
	    &offset, NULL);
	if (code == NULL) {
		explain(why, offset, err);
		return NULL;
	}
	pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
	regex = xmalloc(sizeof(*regex));
	regex->code = code;
	regex->groups = groups;
	return regex;
}

void
regex_free(struct regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_code_free(regex->code);
	free(regex);
}

unsigned
regex_groups(const struct regex *regex)
{
	return regex->groups < GROUPS_MAX ? regex->groups : GROUPS_MAX;
}

struct regex_scratch *
regex_scratch_new(struct regex_budget *budget)
{
	struct regex_scratch *scratch = xcalloc(1, sizeof(*scratch));

	pthread_once(&limits_made, make_limits);
	scratch->budget = budget;
	scratch->data = xnonnull(pcre2_match_data_create(GROUPS_MAX + 1,
	    NULL));
	return scratch;
}

void
regex_scratch_free(struct regex_scratch *scratch)
{
	if (scratch == NULL)
		return;
	pcre2_match_data_free(scratch->data);
	free(scratch);
}

static int
match(const struct regex *regex, struct regex_scratch *scratch)
{
	return pcre2_match(regex->code, (PCRE2_SPTR)scratch->subject.p,
	    scratch->subject.len, 0, 0, scratch->data, limits);
}

/* The same, at the budget's expense. */
static int
match_timed(const struct regex *regex, struct regex_scratch *scratch)
{
	struct regex_budget *budget = scratch->budget;
	bool is_rough = budget->used < REGEX_ROUGH_US;
	int64_t (*clock)(void) = is_rough ? budget->rough : budget->exact;
	int64_t began = clock();
	int rc = match(regex, scratch);

	budget->used += clock() - began;
	/* It may have waited for a processor. */
	if (is_rough && budget->used > REGEX_ROUGH_US)
		budget->used = REGEX_ROUGH_US;
	return rc;
}

enum regex_result
regex_match(const struct regex *regex, struct regex_scratch *scratch,
    struct span subject)
{
	struct regex_budget *budget = scratch->budget;
	int rc;

	if (budget != NULL && budget->used >= REGEX_BUDGET_US) {
		budget->unasked++;
		return REGEX_LIMIT;
	}
	scratch->subject = subject.len == 0 ? span_of("") :
	    span_first(subject, REGEX_SUBJECT_MAX);
	scratch->groups = regex_groups(regex);
	rc = budget != NULL ? match_timed(regex, scratch) :
	    match(regex, scratch);
	if (rc >= 0)
		return REGEX_YES;
	if (rc == PCRE2_ERROR_NOMATCH)
		return REGEX_NO;
	atomic_fetch_add(&limited, 1);
	return REGEX_LIMIT;
}

struct span
regex_group(const struct regex_scratch *scratch, unsigned n)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(scratch->data);
	size_t from, to;

	if (n > scratch->groups)
		return span_of("");
	from = at[2 * n];
	to = at[2 * n + 1];
	if (from == PCRE2_UNSET || to < from || to > scratch->subject.len)
		return span_of("");
	return span_make(scratch->subject.p + from, to - from);
}

uint64_t
regex_limited(void)
{
	return atomic_load(&limited);
}
