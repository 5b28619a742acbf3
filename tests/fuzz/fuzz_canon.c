#include "tests/fuzz/fuzz.h"

#include "common/dkim/canon.h"

static void
collect(void *arg, const void *data, size_t len)
{
	MUST(len > 0);
	strbuf_add(arg, data, len);
}

/* The slow way: decides about an octet by looking at all that follows. */
static bool
is_dropped(struct span s, size_t i)
{
	size_t next = i + 1;

	if (!is_wsp(s.p[i]))
		return false;
	if (next == s.len || is_wsp(s.p[next]))
		return true;
	return s.p[next] == '\r' && next + 1 < s.len && s.p[next + 1] == '\n';
}

static void
reference(enum canon canon, struct span s, struct strbuf *out)
{
	size_t i;
	bool any;

	for (i = 0; i < s.len; i++) {
		if (canon == CANON_SIMPLE)
			strbuf_addc(out, s.p[i]);
		else if (!is_dropped(s, i))
			strbuf_addc(out, s.p[i] == '\t' ? ' ' : s.p[i]);
	}
	while (out->len >= 2 && memcmp(out->s + out->len - 2, "\r\n", 2) == 0)
		strbuf_truncate(out, out->len - 2);
	any = out->len != 0;
	if (any || canon == CANON_SIMPLE)
		strbuf_adds(out, "\r\n");
}

/* Pieces of lengths that the input itself decides. */
static void
stream(enum canon canon, struct span s, unsigned cut, struct strbuf *out)
{
	struct canon_body body;
	struct span piece;
	char *copy;

	canon_body_start(&body, canon, collect, out);
	while (s.len > 0) {
		piece = span_first(s, 1 + cut % 67);
		cut = cut / 3 + (unsigned char)s.p[0];
		copy = malloc(piece.len);
		MUST(copy != NULL);
		memcpy(copy, piece.p, piece.len);
		canon_body_add(&body, span_make(copy, piece.len));
		free(copy);
		s = span_skip(s, piece.len);
	}
	canon_body_end(&body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
	struct span s = span_make(data, size);
	enum canon canon;
	unsigned i;

	for (canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
		strbuf_reset(&want);
		reference(canon, s, &want);
		for (i = 0; i < 3; i++) {
			strbuf_reset(&out);
			stream(canon, s, i * 100, &out);
			MUST(span_eq(strbuf_span(&out), strbuf_span(&want)));
		}
	}
	strbuf_clear(&out);
	strbuf_clear(&want);
	return 0;
}
