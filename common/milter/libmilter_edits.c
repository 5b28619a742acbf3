#include "common/milter/libmilter_link.h"

#include "common/base/escape.h"

/* libmilter takes C strings, and LF between the lines of a field. */
static const char *
outgoing(struct link *link, struct span s, bool is_value)
{
	char *text, *to;
	size_t i;

	if (span_has(s, '\0'))
		return NULL;
	if (is_value && !link->keeps_space && s.len > 0 && s.p[0] == ' ')
		s = span_skip(s, 1);	/* the MTA adds it */
	to = text = arena_alloc(&link->message.arena, s.len + 1);
	for (i = 0; i < s.len; i++)
		if (s.p[i] != '\r')
			*to++ = s.p[i];
	*to = '\0';
	return text;
}

static int
apply_edit(struct link *link, const struct edit *edit)
{
	char *name = (char *)outgoing(link, edit->name, false);
	char *value = (char *)outgoing(link, edit->value, true);

	if (name == NULL || value == NULL)
		return MI_FAILURE;
	switch (edit->kind) {
	case EDIT_INSERT_HEADER:
		return smfi_insheader(link->mta, (int)edit->n, name, value);
	case EDIT_CHANGE_HEADER:
		return smfi_chgheader(link->mta, name, (int)edit->n, value);
	case EDIT_DELETE_HEADER:
		return smfi_chgheader(link->mta, name, (int)edit->n, NULL);
	case EDIT_ADD_RECIPIENT:
		return smfi_addrcpt(link->mta, name);
	case EDIT_DELETE_RECIPIENT:
		return smfi_delrcpt(link->mta, name);
	}
	return MI_FAILURE;
}

static int
quarantine(struct link *link)
{
	struct span reason = span_of(link->verdict.text);
	struct strbuf clean = STRBUF_INIT;
	int rc;

	if (reason.len == 0)
		reason = SPAN_LIT("held by policy");
	escape_add(&clean, reason, ESCAPE_MAX, ESCAPE_AGAIN);
	rc = smfi_quarantine(link->mta, clean.s);
	strbuf_clear(&clean);
	return rc;
}

bool
link_apply_edits(struct link *link)
{
	const struct edit *edit;

	for (edit = link->edits.first; edit != NULL; edit = edit->next)
		if (apply_edit(link, edit) != MI_SUCCESS)
			return false;
	return !link->is_decided ||
	    link->verdict.action != VERDICT_QUARANTINE ||
	    quarantine(link) == MI_SUCCESS;
}
