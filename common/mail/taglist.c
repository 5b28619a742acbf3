#include "common/mail/taglist.h"

#include "common/base/escape.h"

/* tag-name = ALPHA *ALNUMPUNC */
static bool
is_tag_name(struct span s)
{
	size_t i;

	if (s.len == 0 || !is_alpha(s.p[0]))
		return false;
	for (i = 1; i < s.len; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

/*
 * VALCHARs and FWS; the ';' is cut off already. UTF-8 is what RFC 8616 5 adds
 * for internationalized header fields.
 */
static bool
is_tag_value(struct span s)
{
	uint32_t code;
	size_t i = 0, n;

	while (i < s.len) {
		n = (s.p[i] > ' ' && s.p[i] <= '~') || is_fws(s.p[i]) ? 1 :
		    utf8_sequence(span_skip(s, i), &code);
		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

int
tag_next(struct span *rest, struct tag *tag)
{
	struct span item;

	*rest = span_trim(*rest);
	if (rest->len == 0)
		return 0;
	span_cut(rest, ';', &item);
	if (!span_cut(&item, '=', &tag->name))
		return -1;
	tag->name = span_trim(tag->name);
	tag->value = span_trim(item);
	return is_tag_name(tag->name) && is_tag_value(tag->value) ? 1 : -1;
}

static const struct tag *
find(const struct taglist *list, struct span name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (span_eq(list->tags[i].name, name))
			return &list->tags[i];
	return NULL;
}

enum taglist_result
taglist_parse(struct span text, struct taglist *list)
{
	struct tag tag;
	int rc;

	list->count = 0;
	while ((rc = tag_next(&text, &tag)) == 1) {
		if (find(list, tag.name) != NULL)
			return TAGLIST_DUPLICATE;
		if (list->count == TAGLIST_MAX)
			return TAGLIST_TOO_MANY;
		list->tags[list->count++] = tag;
	}
	return rc == 0 && list->count != 0 ? TAGLIST_OK : TAGLIST_SYNTAX;
}

const struct tag *
taglist_find(const struct taglist *list, const char *name)
{
	return find(list, span_of(name));
}

void
tag_value_squeeze(struct span value, struct strbuf *out)
{
	size_t i, start = 0;

	strbuf_reserve(out, value.len);
	for (i = 0; i < value.len; i++) {
		if (!is_fws(value.p[i]))
			continue;
		strbuf_add(out, value.p + start, i - start);
		start = i + 1;
	}
	strbuf_addspan(out, span_skip(value, start));
}
