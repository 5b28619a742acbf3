#include "common/config/complain.h"

#include "common/base/nearest.h"
#include "common/config/value.h"

/* "Name=value" and "Name: value" are what other programs' files look like. */
static const char *
name_before_sign(const struct config_schema *schema, struct span name,
    char sign)
{
	struct span head;
	size_t i;

	if (!span_cut(&name, sign, &head))
		return NULL;
	for (i = 0; i < schema->count; i++)
		if (span_is_nocase(head, schema->settings[i].name))
			return schema->settings[i].name;
	return NULL;
}

static const char *
nearest_name(const struct config_schema *schema, struct span name)
{
	struct nearest nearest;
	size_t i;

	nearest_start(&nearest, name);
	nearest_offer(&nearest, "Include");
	for (i = 0; i < schema->count; i++)
		nearest_offer(&nearest, schema->settings[i].name);
	return nearest.best;
}

void
complain_unknown(const struct config_schema *schema, struct span name,
    const struct config_origin *at, struct diag *diag)
{
	const char *quoted, *meant;

	if (diag_skip(diag, DIAG_ERROR))
		return;
	quoted = diag_quote(diag, name);
	meant = name_before_sign(schema, name, '=');
	if (meant == NULL)
		meant = name_before_sign(schema, name, ':');
	if (meant != NULL) {
		diag_error(diag, at->file, at->line, "%s: a blank separates "
		    "name and value; write \"%s VALUE\"", quoted, meant);
		return;
	}
	meant = nearest_name(schema, name);
	if (meant != NULL)
		diag_error(diag, at->file, at->line, "%s is no known setting; "
		    "do you mean %s?", quoted, meant);
	else
		diag_error(diag, at->file, at->line, "%s is no known setting, "
		    "and none is like it; --show-config lists all", quoted);
}

void
complain_foreign(const struct setting_foreign *foreign,
    const struct config_origin *at, struct diag *diag)
{
	if (foreign->is_harmless)
		diag_note(diag, at->file, at->line, "%s is passed over: %s",
		    foreign->name, foreign->advice);
	else
		diag_error(diag, at->file, at->line, "%s is not supported: %s",
		    foreign->name, foreign->advice);
}

void
complain_value(const struct setting *setting, struct span value,
    const struct config_origin *at, struct diag *diag)
{
	struct strbuf expected = STRBUF_INIT;

	if (diag_skip(diag, DIAG_ERROR))
		return;
	value_expect(setting, &expected);
	diag_error(diag, at->file, at->line, "%s: %s must be %s",
	    setting->name, diag_quote(diag, value), strbuf_str(&expected));
	strbuf_clear(&expected);
}

void
complain_again(const struct setting *setting,
    const struct config_origin *before, const struct config_origin *at,
    struct diag *diag)
{
	if (strcmp(before->file, at->file) == 0)
		diag_warning(diag, at->file, at->line, "%s was set on line %u "
		    "already; this line replaces it", setting->name,
		    before->line);
	else
		diag_warning(diag, at->file, at->line, "%s was set at %s:%u "
		    "already; this line replaces it", setting->name,
		    before->file, before->line);
}

void
complain_quotes(const struct setting *setting, struct span value,
    const struct config_origin *at, struct diag *diag)
{
	if (value.len >= 2 && value.p[0] == value.p[value.len - 1] &&
	    (value.p[0] == '"' || value.p[0] == '\''))
		diag_warning(diag, at->file, at->line, "%s: the quotes are "
		    "taken as part of the value; leave them out",
		    setting->name);
}
