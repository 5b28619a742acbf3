#include "common/tables/keyrow.h"

#include "common/base/mem.h"
#include "common/tables/pattern.h"

/* A row's value, cut. */
struct parts {
	struct span domain;
	struct span selector;
	struct span key;
	struct span algorithm;	/* empty: none */
};

void
keyrow_error(const struct keyrow_load *load, const char *text)
{
	if (!diag_skip(load->diag, DIAG_ERROR))
		diag_error(load->diag, load->file, load->row->line,
		    "key %s: %s", diag_quote(load->diag, load->row->name),
		    text);
}

static void
part_error(const struct keyrow_load *load, const char *part, struct span value,
    const char *text)
{
	if (!diag_skip(load->diag, DIAG_ERROR))
		diag_error(load->diag, load->file, load->row->line,
		    "key %s: %s %s %s", diag_quote(load->diag,
		    load->row->name), part, diag_quote(load->diag, value),
		    text);
}

/* Whether what follows the last colon was meant as an algorithm: a path may
 * have colons of its own, a key in the row may not. */
static bool
is_algorithm(struct span key, struct span word)
{
	return !dataset_is_path(key) || word.len == 0 ||
	    span_starts(word, SPAN_LIT("rsa")) ||
	    span_starts(word, SPAN_LIT("ed25519"));
}

static void
cut_value(struct span value, struct parts *parts)
{
	struct span word;
	size_t colon;

	memset(parts, 0, sizeof(*parts));
	span_cut(&value, ':', &parts->domain);
	span_cut(&value, ':', &parts->selector);
	colon = span_rfind(value, ':');
	if (colon < value.len) {
		word = span_skip(value, colon + 1);
		if (is_algorithm(value, word)) {
			parts->algorithm = span_trim(word);
			value = span_first(value, colon);
		}
	}
	parts->domain = span_trim(parts->domain);
	parts->selector = span_trim(parts->selector);
	parts->key = span_trim(value);
}

static bool
has_all_parts(const struct keyrow_load *load, const struct parts *parts)
{
	const struct {
		const char *name;
		struct span value;
	} all[] = {
		{ "domain", parts->domain },
		{ "selector", parts->selector },
		{ "key", parts->key },
	};
	struct strbuf text = STRBUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].value.len == 0)
			strbuf_addf(&text, "%s%s", text.len != 0 ? " and " :
			    "has no ", all[i].name);
	if (text.len == 0)
		return true;
	strbuf_adds(&text, "; write name domain:selector:key");
	keyrow_error(load, text.s);
	strbuf_clear(&text);
	return false;
}

static bool
take_domain(const struct keyrow_load *load, struct span domain)
{
	if (span_is(domain, "%")) {
		load->row->domain = domain;
		return true;
	}
	if (pattern_domain(domain, load->arena, &load->row->domain))
		return true;
	part_error(load, "domain", domain, span_has(domain, '%') ?
	    "is not possible: \"%\" stands alone, for the sender's domain" :
	    "is no valid domain name; it becomes d=");
	return false;
}

static bool
take_selector(const struct keyrow_load *load, struct span selector)
{
	if (pattern_domain(selector, load->arena,
	    &load->row->selector))
		return true;
	part_error(load, "selector", selector, span_has(selector, '%') ?
	    "is not possible: \"%\" is not replaced in selectors" :
	    "is no valid selector: letters, digits and hyphens, with dots "
	    "between");
	return false;
}

static bool
take_algorithm(const struct keyrow_load *load, struct span word)
{
	if (word.len == 0)
		return true;
	load->row->has_algorithm = true;
	if (dkim_algorithm_parse(word, &load->row->algorithm))
		return true;
	if (!load->row->is_path)	/* word may be a piece of the key */
		keyrow_error(load, "what follows its key is no algorithm; "
		    "leave it out, or write rsa-sha256 or ed25519-sha256");
	else
		part_error(load, "algorithm", word,
		    span_is_nocase(word, "rsa-sha1") ?
		    "is not allowed any more (RFC 8301); leave it out" :
		    "is unknown; leave it out, or write rsa-sha256 or "
		    "ed25519-sha256");
	return false;
}

/* All parts are looked at, also where one is no good. */
bool
keyrow_parse(const struct keyrow_load *load, struct span value)
{
	struct parts parts;
	bool good;

	if (value.len == 0) {
		keyrow_error(load, "has no value; write name "
		    "domain:selector:key");
		return false;
	}
	cut_value(value, &parts);
	if (!has_all_parts(load, &parts))
		return false;
	load->row->is_path = dataset_is_path(parts.key);
	good = take_domain(load, parts.domain);
	good = take_selector(load, parts.selector) && good;
	good = take_algorithm(load, parts.algorithm) && good;
	if (good)	/* without key the row is not used */
		load->row->key = parts.key;
	return good;
}

bool
keyrow_take(const struct keyrow_load *load, struct span domain,
    struct span selector, struct span path)
{
	bool good;

	load->row->is_path = true;
	if (path.len == 0)
		keyrow_error(load, "the path of its file is missing");
	good = take_domain(load, domain) && path.len > 0;
	good = take_selector(load, selector) && good;
	if (good)
		load->row->key = path;
	return good;
}
