#include "tests/fuzz/fuzz.h"

#include "common/mail/authres.h"
#include "common/mail/lexer.h"
#include "common/mail/quote.h"
#include "common/mail/receivedspf.h"

/*
 * The input is cut at newlines: an identifier, a comment, a reason, a property,
 * a local part. What is written, as Authentication-Results and as Received-SPF,
 * must read by the grammar; all of the input is a field that came, too.
 */

static void
check_lines(struct span rest)
{
	struct span line;
	size_t i;

	for (i = 0; i < rest.len; i++)
		MUST((rest.p[i] >= ' ' && rest.p[i] <= '~') ||
		    (is_fws(rest.p[i])));
	while (span_line(&rest, &line)) {
		MUST(line.len <= FOLD_HARD_LIMIT);
		MUST(line.len == 0 || span_trim(line).len != 0);
		MUST(rest.len == 0 || rest.p[0] == '\t');
	}
}

static bool
skip_token(struct lexer *in)
{
	const char *start = in->p;

	while (in->p < in->end && quote_is_token_char(*in->p))
		in->p++;
	return in->p > start;
}

/* pvalue, RFC 8601 2.2: with more atext than a token has. */
static bool
skip_value(struct lexer *in)
{
	char room[FOLD_HARD_LIMIT];
	struct lexer_text text = { .p = room, .max = sizeof(room) };

	if (lexer_peek(in) == '"' && !lexer_quoted(in, &text))
		return false;
	while (in->p < in->end && (lexer_is_atext(*in->p) || *in->p == '.' ||
	    *in->p == '@'))
		in->p++;
	return !text.is_over;
}

/* [CFWS] key "=" value: true with the '=' and the value behind it. */
static bool
skip_pair(struct lexer *in)
{
	MUST(lexer_skip_cfws(in));
	if (lexer_peek(in) == ';' || in->p == in->end)
		return false;
	MUST(skip_token(in));
	MUST(lexer_skip(in, '='));
	MUST(skip_value(in));
	return true;
}

static void
check_field(struct span value, size_t pairs)
{
	struct lexer in;

	check_lines(value);
	lexer_start(&in, value);
	MUST(lexer_skip_cfws(&in));
	MUST(lexer_peek(&in) == '"' ? skip_value(&in) : skip_token(&in));
	MUST(lexer_skip_cfws(&in) && lexer_skip(&in, ';'));
	while (skip_pair(&in))
		pairs--;
	MUST(in.p == in.end && pairs == 0);
}

static void
check_written(const struct span part[5], struct arena *arena)
{
	struct address address = { part[4], SPAN_LIT("example.com") };
	struct strbuf out = STRBUF_INIT;
	struct authres authres;
	struct span own;

	authres_start(&authres, part[0], &out);
	authres_method(&authres, "dkim", "pass");
	authres_comment(&authres, part[1]);
	authres_reason(&authres, part[2]);
	authres_property(&authres, "header.d", part[3]);
	authres_address(&authres, "smtp.mailfrom", &address);
	authres_end(&authres);
	check_field(strbuf_span(&out),
	    2u + (part[2].len != 0) + (part[3].len != 0));
	own = authres_own_id(part[0], arena);
	MUST(span_eq(own, authres_id(strbuf_span(&out), arena)));
	MUST(own.len == 0 ||
	    authres_is_of(strbuf_span(&out), &own, 1, arena));
	strbuf_clear(&out);
}

/* header-field of RFC 7208 9.1. */
static void
check_received_spf(const struct span part[5])
{
	const struct received_spf spf = { .result = "fail",
	    .comment = part[1], .identity = "mailfrom",
	    .sender = { part[4], SPAN_LIT("example.com") },
	    .helo = part[3], .receiver = part[0], .problem = part[2] };
	struct strbuf out = STRBUF_INIT;
	struct lexer in;
	size_t pairs = 0;

	received_spf_format(&spf, &out);
	check_lines(strbuf_span(&out));
	lexer_start(&in, strbuf_span(&out));
	MUST(lexer_skip_cfws(&in) && skip_token(&in));
	while (skip_pair(&in)) {
		pairs++;
		MUST(lexer_skip_cfws(&in));
		MUST(lexer_skip(&in, ';') || in.p == in.end);
	}
	MUST(in.p == in.end);
	MUST(pairs == 2u + (part[0].len != 0) + (part[2].len != 0) +
	    (part[3].len != 0));
	strbuf_clear(&out);
}

/* What reads as ours by the grammar is ours, and stays so in disguise. */
static void
check_came(struct span s, struct arena *arena)
{
	static const char *const fronts[] = { "(c)", "\r\n ", "\t(a;b)", ";",
	    "(a (b) c)", "\n", "\v" };
	const struct span ours = SPAN_LIT("mx.example.com");
	struct strbuf text = STRBUF_INIT;
	struct span id = authres_id(s, arena);
	size_t i;

	authres_is_of(s, &ours, 1, arena);
	if (id.len == 0)
		return;
	MUST(authres_is_of(s, &id, 1, arena));
	for (i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
		strbuf_reset(&text);
		strbuf_adds(&text, fronts[i]);
		strbuf_addspan(&text, s);
		MUST(id.len > 100 || !quote_is_token(id) ||
		    authres_is_of(strbuf_span(&text), &id, 1, arena));
	}
	strbuf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), part[5];
	struct arena arena = ARENA_INIT;
	size_t i;

	for (i = 0; i < 5; i++)
		span_cut(&rest, '\n', &part[i]);
	check_written(part, &arena);
	check_received_spf(part);
	check_came(span_make(data, size), &arena);
	arena_clear(&arena);
	return 0;
}
