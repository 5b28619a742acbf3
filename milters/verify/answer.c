#include "milters/verify/answer.h"

#include "common/base/escape.h"
#include "common/base/mem.h"

enum { QUOTE_MAX = 200 };	/* octets of outside text in an answer */

const char *
answer_quote(struct filter_context *ctx, struct span text)
{
	struct strbuf out = STRBUF_INIT;
	const char *copy;

	escape_add(&out, text, QUOTE_MAX, 0);
	copy = arena_strdup(&ctx->message->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return copy;
}

struct reject_part {
	const char *name;
	const char *value;
};

/* The text with its {names} replaced; false, *bad set, where one is unknown. */
static bool
expand(struct span text, const struct reject_part *parts, size_t count,
    struct strbuf *out, struct span *bad)
{
	struct span head, name;
	size_t i;

	while (span_cut(&text, '{', &head)) {
		strbuf_addspan(out, head);
		if (!span_cut(&text, '}', &name)) {
			*bad = name;
			return false;
		}
		for (i = 0; i < count; i++)
			if (span_is(name, parts[i].name))
				break;
		if (i == count) {
			*bad = name;
			return false;
		}
		strbuf_adds(out, parts[i].value);
	}
	strbuf_addspan(out, head);
	return true;
}

bool
answer_text_is_valid(struct span text, struct strbuf *err)
{
	static const struct reject_part parts[] = {
		{ "from", "" }, { "policy", "" }, { "reason", "" },
	};
	struct strbuf out = STRBUF_INIT;
	struct span bad;
	bool is_valid;
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] < ' ' || text.p[i] > '~') {
			strbuf_adds(err, "an SMTP answer holds printable "
			    "ASCII only");
			return false;
		}
	}
	is_valid = expand(text, parts, ARRAY_LEN(parts), &out, &bad);
	if (!is_valid && bad.p + bad.len == text.p + text.len) {
		strbuf_adds(err, "a { has no }; write {from}, {policy} or "
		    "{reason}");
	} else if (!is_valid) {
		strbuf_adds(err, "{");
		escape_add(err, bad, 40, 0);
		strbuf_adds(err, "} is not known; write {from}, {policy} or "
		    "{reason}");
	}
	strbuf_clear(&out);
	return is_valid;
}

const char *
answer_reject(struct filter_context *ctx, const struct verify_report *report,
    enum dmarc_policy policy)
{
	const struct verify_conf *conf = ctx->conf;
	const struct reject_part parts[] = {
		{ "from", answer_quote(ctx, report->dmarc.from) },
		{ "policy", dmarc_policy_name(policy) },
		{ "reason", report->decision.reason },
	};
	struct strbuf out = STRBUF_INIT;
	struct span bad;
	const char *text;

	expand(span_of(conf->reject_text), parts, ARRAY_LEN(parts), &out,
	    &bad);
	text = arena_strdup(&ctx->message->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return text;
}

const char *
answer_failure(struct filter_context *ctx,
    const struct verify_report *report)
{
	struct strbuf out = STRBUF_INIT;
	const struct dkim_outcome *dkim;
	const char *text;
	size_t i;

	strbuf_adds(&out, "SPF ");
	if (report->mailfrom == NULL)
		strbuf_adds(&out, "not checked");
	else
		strbuf_addf(&out, "%s for %s",
		    spf_result_name(report->mailfrom->result),
		    report->mailfrom->domain.len != 0 ?
		    answer_quote(ctx, report->mailfrom->domain) :
		    "the sender");
	if (report->dkim_count == 0)
		strbuf_adds(&out, ", no DKIM signature");
	for (i = 0; i < report->dkim_count && i < 3; i++) {
		dkim = &report->dkim[i];
		strbuf_addf(&out, ", DKIM %s for %s",
		    dkim_result_name(dkim->result), dkim->domain.len != 0 ?
		    answer_quote(ctx, dkim->domain) : "an unreadable signature");
	}
	if (report->dkim_count > i)
		strbuf_addf(&out, ", %zu more signatures",
		    report->dkim_count - i);
	text = arena_strdup(&ctx->message->arena, strbuf_str(&out));
	strbuf_clear(&out);
	return text;
}
