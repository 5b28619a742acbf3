#include "tests/fuzz/fuzz.h"

#include "common/mail/fold.h"
#include "common/mail/taglist.h"

static bool
is_part(struct span part, struct span whole)
{
	return part.p >= whole.p && part.p + part.len <= whole.p + whole.len;
}

static void
check_tag(const struct tag *tag, struct span text)
{
	size_t i;

	MUST(is_part(tag->name, text) && is_part(tag->value, text));
	MUST(tag->name.len > 0 && is_alpha(tag->name.p[0]));
	for (i = 0; i < tag->name.len; i++)
		MUST(is_alpha(tag->name.p[i]) || is_digit(tag->name.p[i]) ||
		    tag->name.p[i] == '_');
	MUST(span_eq(tag->value, span_trim(tag->value)));
	for (i = 0; i < tag->value.len; i++)
		MUST(is_fws(tag->value.p[i]) || (tag->value.p[i] != ';' &&
		    tag->value.p[i] != 0x7f &&
		    (unsigned char)tag->value.p[i] > ' '));
}

/* Written anew, without the blanks around, the list is the same. */
static void
check_again(const struct taglist *list)
{
	struct strbuf text = STRBUF_INIT;
	struct taglist again;
	size_t i;

	for (i = 0; i < list->count; i++) {
		strbuf_adds(&text, i != 0 ? ";" : "");
		strbuf_addspan(&text, list->tags[i].name);
		strbuf_addc(&text, '=');
		strbuf_addspan(&text, list->tags[i].value);
	}
	MUST(taglist_parse(strbuf_span(&text), &again) == TAGLIST_OK);
	MUST(again.count == list->count);
	for (i = 0; i < list->count; i++) {
		MUST(span_eq(again.tags[i].name, list->tags[i].name));
		MUST(span_eq(again.tags[i].value, list->tags[i].value));
	}
	strbuf_clear(&text);
}

/* A folded value squeezes to what the flat one does; lines keep the limit. */
static void
check_fold(struct span value, size_t column)
{
	struct strbuf flat = STRBUF_INIT, folded = STRBUF_INIT;
	struct strbuf again = STRBUF_INIT;
	struct span rest, line;
	struct fold fold;

	tag_value_squeeze(value, &flat);
	fold_start(&fold, &folded, column);
	fold_stream(&fold, span_first(strbuf_span(&flat), flat.len / 3));
	fold_word(&fold, span_first(strbuf_span(&flat), 2000));
	fold_glue(&fold, span_first(strbuf_span(&flat), 60));
	fold_stream(&fold, span_skip(strbuf_span(&flat), flat.len / 3));
	rest = strbuf_span(&folded);
	while (span_line(&rest, &line)) {
		MUST(column + line.len <= FOLD_HARD_LIMIT);
		MUST(column != 0 || (line.len > 1 && line.p[0] == '\t' &&
		    !is_fws(line.p[1])));
		column = 0;
	}
	tag_value_squeeze(strbuf_span(&folded), &again);
	MUST(again.len == flat.len + (flat.len < 2000 ? flat.len : 2000) +
	    (flat.len < 60 ? flat.len : 60));
	MUST(span_starts(strbuf_span(&again),
	    span_first(strbuf_span(&flat), flat.len / 3)));
	strbuf_clear(&flat);
	strbuf_clear(&folded);
	strbuf_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size), rest = text;
	struct taglist list;
	struct tag tag;
	enum taglist_result result = taglist_parse(text, &list);
	size_t i;
	int rc;

	for (i = 0; i < list.count; i++) {
		check_tag(&list.tags[i], text);
		MUST(tag_next(&rest, &tag) == 1);
		MUST(span_eq(tag.name, list.tags[i].name));
		check_fold(tag.value, 1 + size % 100);
	}
	rc = tag_next(&rest, &tag);
	MUST((result == TAGLIST_OK) == (rc == 0 && list.count > 0));
	MUST((result == TAGLIST_SYNTAX) ==
	    (rc < 0 || (rc == 0 && list.count == 0)));
	if (result == TAGLIST_OK)
		check_again(&list);
	check_fold(text, 1 + size % 900);
	return 0;
}
