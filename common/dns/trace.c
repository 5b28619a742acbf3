#include "common/dns/trace.h"

#include "common/base/escape.h"

const char *
dns_result_word(enum dns_result result)
{
	static const char *const words[] = {
		[DNS_FOUND] = "found",
		[DNS_NODATA] = "nodata",
		[DNS_NXDOMAIN] = "nxdomain",
		[DNS_SERVFAIL] = "servfail",
		[DNS_TIMEOUT] = "timeout",
		[DNS_BOGUS] = "bogus",
		[DNS_MALFORMED] = "malformed",
		[DNS_REFUSED] = "refused",
	};

	return words[result];
}

/* ---- a record ---- */

/* The strings as they are, NUL and all; what is cut off is left out. */
static void
add_strings(struct strbuf *out, struct span data)
{
	size_t len;

	while (data.len > 0) {
		len = (unsigned char)data.p[0];
		strbuf_addspan(out, span_first(span_skip(data, 1), len));
		data = span_skip(data, 1 + len);
	}
}

/* False where the data is not of its type. */
static bool
add_plain(struct strbuf *out, enum dns_type type, struct span data,
    struct arena *arena)
{
	struct ipaddr address;
	unsigned preference;
	struct span name;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (!dns_record_address(data, &address))
			return false;
		ipaddr_add(out, &address);
		return true;
	case DNS_MX:
		if (!dns_record_mx(data, arena, &preference, &name))
			return false;
		strbuf_addf(out, "%u ", preference);
		break;
	case DNS_PTR:
		if (!dns_record_name(data, arena, &name))
			return false;
		break;
	case DNS_TXT:
		add_strings(out, data);
		return true;
	}
	if (name.len == 0)
		name = SPAN_LIT(".");
	strbuf_addspan(out, name);
	return true;
}

static void
make_plain(struct strbuf *out, enum dns_type type, struct span data)
{
	struct arena arena = ARENA_INIT;

	strbuf_reset(out);
	if (!add_plain(out, type, data, &arena))
		strbuf_adds(out, "(cannot be read)");
	arena_clear(&arena);
}

static void
add_escaped(struct strbuf *out, enum dns_type type, struct span data,
    struct strbuf *plain)
{
	const char *quote = type == DNS_TXT ? "\"" : "";

	make_plain(plain, type, data);
	strbuf_adds(out, quote);
	escape_add(out, strbuf_span(plain), ESCAPE_MAX,
	    type == DNS_TXT ? ESCAPE_QUOTE : 0);
	strbuf_adds(out, quote);
}

void
dns_record_add(struct strbuf *out, enum dns_type type, struct span data)
{
	struct strbuf plain = STRBUF_INIT;

	add_escaped(out, type, data, &plain);
	strbuf_clear(&plain);
}

/* ---- a question ---- */

static void
add_answer(struct strbuf *out, const struct lookup *lookup)
{
	const struct dns_answer *answer = lookup->answer;
	struct strbuf plain = STRBUF_INIT;
	size_t i;

	strbuf_adds(out, answer->detail != NULL ? answer->detail :
	    dns_result_text(answer->result));
	for (i = 0; i < answer->count; i++) {
		strbuf_adds(out, i == 0 ? ": " : ", ");
		add_escaped(out, lookup->type, answer->records[i].data,
		    &plain);
	}
	strbuf_clear(&plain);
	strbuf_addf(out, " (%lld ms%s)", (long long)lookup->took_ms,
	    answer->is_secure ? ", secure" : "");
}

void
lookup_add(struct strbuf *out, const struct lookup *lookup)
{
	strbuf_addf(out, "%s ", dns_type_name(lookup->type));
	escape_add(out, lookup->name, ESCAPE_MAX, 0);
	strbuf_adds(out, ": ");
	if (lookup->answer != NULL)
		add_answer(out, lookup);
	else
		strbuf_adds(out, "not waited for");
}

static void
add_lookup_json(struct json *json, const struct lookup *lookup,
    struct strbuf *plain)
{
	const struct dns_answer *answer = lookup->answer;
	size_t i;

	json_object(json, NULL);
	json_string(json, "name", lookup->name);
	json_cstring(json, "type", dns_type_name(lookup->type));
	json_cstring(json, "result", answer != NULL ?
	    dns_result_word(answer->result) : "open");
	json_array(json, "records");
	for (i = 0; answer != NULL && i < answer->count; i++) {
		make_plain(plain, lookup->type, answer->records[i].data);
		json_string(json, NULL, strbuf_span(plain));
	}
	json_array_end(json);
	if (answer != NULL) {
		json_number(json, "ttl", answer->ttl);
		json_bool(json, "secure", answer->is_secure);
		json_number(json, "ms", lookup->took_ms);
		if (answer->detail != NULL)
			json_cstring(json, "detail", answer->detail);
	}
	json_object_end(json);
}

void
lookups_add_json(struct json *json, const char *name,
    const struct lookups *lookups)
{
	struct strbuf plain = STRBUF_INIT;
	size_t i;

	json_array(json, name);
	for (i = 0; i < lookups_count(lookups); i++)
		add_lookup_json(json, lookups_at(lookups, i), &plain);
	json_array_end(json);
	strbuf_clear(&plain);
}
