#include "common/config/value.h"

#include "common/base/escape.h"

/* Whether a line of a file can say that value. */
static bool
is_writable(struct span value)
{
	return value.len != 0 && value_bad_byte(value) == value.len &&
	    span_eq(span_trim(value), value);
}

static bool
is_set(const struct setting *setting, const struct config_origin *origin,
    struct span value)
{
	if (value_is_text(setting))
		return value.len != 0;
	return origin->file != NULL || setting->value != NULL;
}

static void
show_origin(const struct config_origin *origin, struct strbuf *out)
{
	strbuf_adds(out, "  # ");
	if (origin->file == NULL) {
		strbuf_adds(out, "default");
		return;
	}
	escape_add(out, span_of(origin->file), SIZE_MAX, ESCAPE_UTF8);
	if (origin->line != 0)
		strbuf_addf(out, ":%u", origin->line);
}

/* A directory's name may hold what a line cannot say: then it is a comment. */
static void
show_value(const struct setting *setting, struct span value,
    struct strbuf *out)
{
	if (is_writable(value)) {
		strbuf_addf(out, "%-22s ", setting->name);
		strbuf_addspan(out, value);
		return;
	}
	strbuf_addf(out, "# %-20s ", setting->name);
	escape_add(out, value, SIZE_MAX, ESCAPE_UTF8);
}

static void
show_rows(const struct setting *setting, const void *values,
    struct strbuf *out)
{
	const struct config_rows *rows = (const void *)((const char *)values +
	    setting->offset);
	struct config_origin at;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		at = (struct config_origin){ rows->rows[i].file,
		    rows->rows[i].line };
		show_value(setting, span_of(rows->rows[i].text), out);
		show_origin(&at, out);
		strbuf_addc(out, '\n');
	}
	if (rows->count == 0)
		strbuf_addf(out, "# %s is not set\n", setting->name);
}

static void
show_setting(const struct setting *setting, const void *values,
    const struct config_origin *origin, struct strbuf *out)
{
	struct strbuf value = STRBUF_INIT;

	config_format(setting, values, &value);
	if (is_set(setting, origin, strbuf_span(&value))) {
		show_value(setting, strbuf_span(&value), out);
		show_origin(origin, out);
	} else {
		strbuf_addf(out, "# %s is not set", setting->name);
	}
	strbuf_addc(out, '\n');
	strbuf_clear(&value);
}

void
config_show(const struct config_schema *schema, const void *values,
    const struct config_origin *origins, struct strbuf *out)
{
	size_t i;

	for (i = 0; i < schema->count; i++) {
		if (schema->settings[i].type == SETTING_ROWS)
			show_rows(&schema->settings[i], values, out);
		else
			show_setting(&schema->settings[i], values,
			    &origins[i], out);
	}
}
