/* Rows "key action", and postgrey's lists, which are keys alone. */
#include "common/tables/accesstable.h"

#include "common/base/mem.h"

#include <stdlib.h>

static void *
load_text(struct access_source *source)
{
	struct access_keys *keys = access_keys_new();
	const struct access_rule *rule;
	struct span row, key;

	while (access_source_next(source, &row)) {
		access_cut_word(&row, &key);
		rule = access_rule_read(source, row, ACCESS_PLAIN);
		if (rule != NULL)
			access_keys_add(keys, source, key, rule);
	}
	return keys;
}

static void
free_text(void *rows)
{
	access_keys_free(rows);
}

static bool
find_text(const void *rows, const struct access_query *query,
    struct access_hit *hit)
{
	return access_keys_find(rows, query, hit);
}

static size_t
count_text(const void *rows)
{
	return access_keys_count(rows);
}

const struct access_kind access_text_kind = {
	.subjects = 1 << ACCESS_CLIENT | 1 << ACCESS_HELO |
	    1 << ACCESS_SENDER | 1 << ACCESS_RECIPIENT,
	.load = load_text,
	.free = free_text,
	.find = find_text,
	.count = count_text,
};

struct expression {
	struct expression *next;
	struct regex *regex;
	unsigned line;
};

struct postgrey {
	struct access_keys *keys;
	struct expression *expressions;
	struct expression **end;
	size_t count;
	const struct access_rule *rule;	/* OK */
};

static void
add_expression(struct postgrey *list, struct access_source *source,
    struct span text)
{
	struct expression *expression;
	struct regex *regex = access_regex_read(source,
	    span_make(text.p + 1, text.len - 2), REGEX_NOCASE, false);

	if (regex == NULL)
		return;
	expression = arena_zalloc(source->arena, sizeof(*expression));
	expression->regex = regex;
	expression->line = source->line;
	*list->end = expression;
	list->end = &expression->next;
	list->count++;
}

static void
add_row(struct postgrey *list, struct access_source *source,
    const struct dataset_row *row)
{
	struct span key = row->key;

	if (row->value.len > 0)
		access_refuse(source, "%s is followed by something; write "
		    "one entry a line", access_quote(source, key));
	else if (key.len > 2 && key.p[0] == '/' && key.p[key.len - 1] == '/')
		add_expression(list, source, key);
	else
		access_keys_add(list->keys, source, key, list->rule);
}

/* postgrey has comments that end rows, and no row of several lines. */
static void *
load_postgrey(struct access_source *source)
{
	struct postgrey *list = xcalloc(1, sizeof(*list));
	struct dataset_row row;

	list->keys = access_keys_new();
	list->end = &list->expressions;
	list->rule = access_rule_read(source, SPAN_LIT("OK"), ACCESS_PLAIN);
	while (dataset_next(&source->set, &row, source->diag)) {
		arena_reset(&source->scratch);
		source->line = row.line;
		add_row(list, source, &row);
	}
	return list;
}

static void
free_postgrey(void *rows)
{
	struct postgrey *list = rows;
	struct expression *expression;

	if (list == NULL)
		return;
	for (expression = list->expressions; expression != NULL;
	    expression = expression->next)
		regex_free(expression->regex);
	access_keys_free(list->keys);
	free(list);
}

/* The name of the client, or the address of the recipient. */
static bool
find_expression(const struct postgrey *list,
    const struct access_query *query, struct access_hit *hit)
{
	struct span whole = query->wholes[0];
	struct regex_scratch *scratch;
	const struct expression *each;

	if (list->expressions == NULL || whole.len == 0)
		return false;
	scratch = regex_scratch_new(query->patterns);
	for (each = list->expressions; each != NULL; each = each->next)
		if (regex_match(each->regex, scratch, whole) == REGEX_YES)
			break;
	regex_scratch_free(scratch);
	if (each == NULL)
		return false;
	*hit = (struct access_hit){ list->rule, list->rule->text,
	    each->line };
	return true;
}

static bool
find_postgrey(const void *rows, const struct access_query *query,
    struct access_hit *hit)
{
	const struct postgrey *list = rows;

	return access_keys_find(list->keys, query, hit) ||
	    find_expression(list, query, hit);
}

static size_t
count_postgrey(const void *rows)
{
	const struct postgrey *list = rows;

	return access_keys_count(list->keys) + list->count;
}

const struct access_kind access_postgrey_kind = {
	.subjects = 1 << ACCESS_CLIENT | 1 << ACCESS_RECIPIENT,
	.load = load_postgrey,
	.free = free_postgrey,
	.find = find_postgrey,
	.count = count_postgrey,
};
