#include "common/cache/mcwire.h"

#include "common/base/mem.h"
#include "common/cache/cachevalue.h"

#include <inttypes.h>

enum {
	KEY_MAX = 250,
	GETS_LINE = 1800
};

/* ---- answers ---- */

/* The words of "VALUE key flags length version". */
static bool
read_head(struct span line, struct mcreply *reply, size_t *len)
{
	uint64_t flags, length;
	struct span word;

	span_cut(&line, ' ', &reply->key);
	if (reply->key.len == 0 || reply->key.len > KEY_MAX)
		return false;
	span_cut(&line, ' ', &word);
	if (!span_number(word, UINT32_MAX, &flags))
		return false;
	span_cut(&line, ' ', &word);
	if (!span_number(word, CACHEVALUE_MAX, &length) ||
	    !span_number(line, UINT64_MAX, &reply->version))
		return false;
	reply->flags = (uint32_t)flags;
	*len = length;
	return true;
}

/* line: what follows "VALUE "; *rest: what follows the line. */
static int
take_value(struct span line, struct span *rest, struct mcreply *reply)
{
	size_t len;

	if (!read_head(line, reply, &len))
		return -1;
	if (rest->len < len + 2)
		return 0;
	if (memcmp(rest->p + len, "\r\n", 2) != 0)
		return -1;
	reply->kind = MCREPLY_VALUE;
	reply->data = span_first(*rest, len);
	*rest = span_skip(*rest, len + 2);
	return 1;
}

static int
take_word(struct span line, struct mcreply *reply)
{
	static const struct {
		const char *word;
		enum mcreply_kind kind;
	} words[] = {
		{ "END", MCREPLY_END },
		{ "STORED", MCREPLY_STORED },
		{ "NOT_STORED", MCREPLY_NOT_STORED },
		{ "EXISTS", MCREPLY_EXISTS },
		{ "NOT_FOUND", MCREPLY_NOT_FOUND },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (span_is(line, words[i].word)) {
			reply->kind = words[i].kind;
			return 1;
		}
	return -1;
}

static int
take(struct span *rest, struct mcreply *reply)
{
	struct span after = *rest, line;
	int rc;

	if (!span_cut(&after, '\n', &line))
		return 0;
	if (line.len == 0 || line.p[line.len - 1] != '\r')
		return -1;
	line.len--;
	if (span_starts(line, SPAN_LIT("VALUE ")))
		rc = take_value(span_skip(line, 6), &after, reply);
	else
		rc = take_word(line, reply);
	if (rc == 1)
		*rest = after;
	return rc;
}

int
mcwire_next(struct span *rest, struct mcreply *reply)
{
	size_t len = rest->len;
	int rc;

	*reply = (struct mcreply){ .kind = MCREPLY_END };
	rc = take(rest, reply);
	return rc == 0 && len >= MCWIRE_REPLY_MAX ? -1 : rc;
}

/* ---- commands ---- */

void
mcwire_store(struct strbuf *out, const struct mcstore *store)
{
	strbuf_addf(out, "%s %s %" PRIu32 " %" PRId64 " %zu", store->verb,
	    store->key, store->flags, store->expires, store->data.len);
	if (strcmp(store->verb, "cas") == 0)
		strbuf_addf(out, " %" PRIu64, store->version);
	strbuf_adds(out, store->is_silent ? " noreply\r\n" : "\r\n");
	strbuf_addspan(out, store->data);
	strbuf_adds(out, "\r\n");
}

void
mcwire_change(struct strbuf *out, const char *key, int64_t add)
{
	uint64_t size = add < 0 ? 0 - (uint64_t)add : (uint64_t)add;

	strbuf_addf(out, "%s %s %" PRIu64 " noreply\r\n",
	    add < 0 ? "decr" : "incr", key, size);
}

void
mcwire_delete(struct strbuf *out, const char *key)
{
	strbuf_addf(out, "delete %s noreply\r\n", key);
}

void
mcwire_gets(struct strbuf *out, struct mcgets *gets, const char *key)
{
	size_t len = strlen(key) + 1;

	if (gets->lines == 0 || gets->len + len > GETS_LINE) {
		mcwire_gets_end(out, gets);
		strbuf_adds(out, "gets");
		gets->lines++;
		gets->len = 4;
	}
	strbuf_addc(out, ' ');
	strbuf_add(out, key, len - 1);
	gets->len += len;
}

void
mcwire_gets_end(struct strbuf *out, const struct mcgets *gets)
{
	if (gets->lines > 0)
		strbuf_adds(out, "\r\n");
}
