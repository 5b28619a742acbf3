#include "common/dkim/canon.h"

#include "common/base/mem.h"

#include <endian.h>

static const char *const names[] = {
	[CANON_SIMPLE] = "simple",
	[CANON_RELAXED] = "relaxed",
};

const char *
canon_name(enum canon canon)
{
	return names[canon];
}

bool
canon_parse(struct span s, enum canon *canon)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (span_is_nocase(s, names[i])) {
			*canon = (enum canon)i;
			return true;
		}
	return false;
}

bool
canon_parse_pair(struct span s, enum canon *header, enum canon *body)
{
	enum canon first, second = CANON_SIMPLE;
	struct span head;

	if (span_cut(&s, '/', &head) && !canon_parse(s, &second))
		return false;
	if (!canon_parse(head, &first))
		return false;
	*header = first;
	*body = second;
	return true;
}

/* ---- header fields ---- */

/* The length of the line end that makes s a fold (CRLF before WSP), or 0. */
static size_t
fold_at(struct span s)
{
	return s.len >= 3 && s.p[0] == '\r' && s.p[1] == '\n' &&
	    is_wsp(s.p[2]) ? 2 : 0;
}

/* RFC 6376 3.4.2. out has room for value.len octets; gives how many went. */
static size_t
relax_value(struct span value, char *out)
{
	const char *in = value.p, *end = value.p + value.len;
	char *start = out;
	bool blank = false;
	size_t fold;

	while (in < end) {
		fold = *in == '\r' ? fold_at(span_make(in,
		    (size_t)(end - in))) : 0;
		if (fold != 0 || is_wsp(*in)) {
			in += fold + 1;
			blank = true;
			continue;
		}
		if (blank && out != start)
			*out++ = ' ';
		blank = false;
		*out++ = *in++;
	}
	return (size_t)(out - start);
}

static void
relax_field(const struct header_field *field, struct strbuf *out)
{
	strbuf_addlower(out, span_trim(field->name));
	strbuf_addc(out, ':');
	strbuf_reserve(out, field->value.len);
	out->len += relax_value(field->value, out->s + out->len);
}

void
canon_header(enum canon canon, const struct header_field *field,
    struct strbuf *out)
{
	if (canon == CANON_RELAXED) {
		relax_field(field, out);
	} else {
		strbuf_addspan(out, field->name);
		strbuf_addc(out, ':');
		strbuf_addspan(out, field->value);
	}
	strbuf_adds(out, "\r\n");
}

/*
 * ---- bodies ----
 *
 * Two steps, after one another. The inner one, for both forms, holds back the
 * line ends at the end of what it got: counted, so that any number of empty
 * lines costs nothing, and let go when something follows. The outer one, for
 * the relaxed form, drops white space.
 */

static void
release_line_ends(struct canon_body *body)
{
	static const char ends[] =
	    "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"
	    "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";
	const uint64_t most = (sizeof(ends) - 1) / 2;
	uint64_t n;

	for (; body->line_ends > 0; body->line_ends -= n) {
		n = body->line_ends < most ? body->line_ends : most;
		body->sink(body->arg, ends, (size_t)n * 2);
	}
}

static void
release(struct canon_body *body, struct span content)
{
	release_line_ends(body);
	if (body->pending_cr)
		body->sink(body->arg, "\r", 1);
	body->pending_cr = false;
	if (content.len != 0)
		body->sink(body->arg, content.p, content.len);
	body->any = true;
}

/* How much of s is left without the CRLFs at its end, counted in *ends. */
static size_t
without_line_ends(struct span s, uint64_t *ends)
{
	size_t n = s.len;

	while (n >= 2 && s.p[n - 1] == '\n' && s.p[n - 2] == '\r')
		n -= 2;
	*ends = (s.len - n) / 2;
	return n;
}

static void
put(struct canon_body *body, struct span s)
{
	uint64_t ends;
	bool ends_in_cr;

	if (s.len == 0)
		return;
	if (body->pending_cr && s.p[0] == '\n') {
		body->pending_cr = false;
		body->line_ends++;
		s = span_skip(s, 1);
		if (s.len == 0)
			return;
	}
	ends_in_cr = s.p[s.len - 1] == '\r';
	s = span_first(s, s.len - ends_in_cr);
	s = span_first(s, without_line_ends(s, &ends));
	if (s.len != 0 || body->pending_cr)
		release(body, s);
	body->line_ends += ends;
	body->pending_cr = ends_in_cr;
}

static void
flush(struct canon_body *body)
{
	put(body, span_make(body->buffer, body->used));
	body->used = 0;
}

static void
emit(struct canon_body *body, char c)
{
	if (body->used == CANON_BUFFER)
		flush(body);
	body->buffer[body->used++] = c;
}

/*
 * A vector of octets, by the extension gcc and clang share: it compiles to
 * whatever the machine has.
 */
enum { VEC = 16 };
typedef unsigned char vec __attribute__((vector_size(VEC)));

static inline vec
load(const char *p)
{
	vec v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The position of the first octet that is not 0; VEC where all are. */
static inline size_t
first_set(vec v)
{
	uint64_t words[VEC / 8];

	memcpy(words, &v, sizeof(words));
	if (__builtin_expect((words[0] | words[1]) == 0, 1))
		return VEC;
	if (words[0] != 0)
		return (size_t)__builtin_ctzll(le64toh(words[0])) / 8;
	return 8 + (size_t)__builtin_ctzll(le64toh(words[1])) / 8;
}

/* Past all WSP at p: a few octets by themselves, for most runs are short. */
static const char *
skip_blanks(const char *p, const char *end)
{
	const char *near = end - p > VEC ? p + VEC : end;
	size_t n = VEC;
	vec v;

	while (p < near && is_wsp(*p))
		p++;
	if (p < near)
		return p;
	while (n == VEC && end - p >= VEC) {
		v = load(p);
		n = first_set(~((vec)(v == ' ') | (vec)(v == '\t')));
		p += n;
	}
	while (p < end && is_wsp(*p))
		p++;
	return p;
}

/*
 * Relaxes s into the buffer as far as vectors go: each is copied, its tabs made
 * spaces, and looked at then; where a WSP has WSP or CR behind it, the next one
 * starts behind that run. Stops before what the end of s leaves open. Gives
 * the rest.
 */
static struct span
relax_vectors(struct canon_body *body, struct span s)
{
	const char *in = s.p, *end = s.p + s.len, *next;
	char *out = body->buffer + body->used;
	const char *limit = body->buffer + CANON_BUFFER;
	vec here, behind;
	size_t n;

	while (end - in > VEC && limit - out >= VEC) {
		here = load(in);
		behind = load(in + 1);
		here ^= (vec)(here == '\t') & ('\t' ^ ' ');
		memcpy(out, &here, sizeof(here));
		/* SP before WSP or CR, or at least before a control */
		n = first_set((vec)(here == ' ') & (vec)(behind <= ' '));
		in += n;
		out += n;
		if (n == VEC)
			continue;
		next = skip_blanks(in + 1, end);
		if (end - next < 2)
			break;
		if (next[0] != '\r' || next[1] != '\n')
			*out++ = ' ';
		in = next;
	}
	body->used = (size_t)(out - body->buffer);
	return span_make(in, (size_t)(end - in));
}

/*
 * s starts with WSP: all of the run goes but one SP, and that too where CRLF
 * follows. Gives the length of the run; what a later piece must decide is
 * carried.
 */
static size_t
take_blanks(struct canon_body *body, struct span s)
{
	size_t n = (size_t)(skip_blanks(s.p + 1, s.p + s.len) - s.p);

	if (n == s.len) {
		body->carry = CANON_CARRY_WSP;
	} else if (s.p[n] == '\r' && n + 1 == s.len) {
		body->carry = CANON_CARRY_WSP_CR;
		n++;
	} else if (s.p[n] != '\r' || s.p[n + 1] != '\n') {
		emit(body, ' ');
	}
	return n;
}

/* What the last piece left open, before s, which is not empty. */
static void
settle_carry(struct canon_body *body, struct span *s)
{
	enum canon_carry carry = body->carry;

	body->carry = CANON_CARRY_NONE;
	if (carry == CANON_CARRY_WSP_CR) {
		if (s->p[0] != '\n')
			emit(body, ' ');
		emit(body, '\r');
	} else if (carry == CANON_CARRY_WSP && s->p[0] == '\r') {
		if (s->len == 1) {
			body->carry = CANON_CARRY_WSP_CR;
			*s = span_skip(*s, 1);
		} else if (s->p[1] != '\n') {
			emit(body, ' ');
		}
	} else if (carry == CANON_CARRY_WSP && !is_wsp(s->p[0])) {
		emit(body, ' ');
	}
}

static void
relax(struct canon_body *body, struct span s)
{
	if (s.len != 0)
		settle_carry(body, &s);
	while (s.len > 0) {
		if (CANON_BUFFER - body->used < VEC)
			flush(body);
		s = relax_vectors(body, s);
		if (is_wsp(s.p[0])) {
			s = span_skip(s, take_blanks(body, s));
		} else {
			emit(body, s.p[0]);
			s = span_skip(s, 1);
		}
	}
}

void
canon_body_start(struct canon_body *body, enum canon canon, canon_sink *sink,
    void *arg)
{
	memset(body, 0, offsetof(struct canon_body, buffer));
	body->canon = canon;
	body->sink = sink;
	body->arg = arg;
}

void
canon_body_add(struct canon_body *body, struct span piece)
{
	if (body->canon == CANON_RELAXED)
		relax(body, piece);
	else
		put(body, piece);
}

void
canon_body_end(struct canon_body *body)
{
	if (body->carry == CANON_CARRY_WSP_CR) {
		emit(body, ' ');
		emit(body, '\r');
	}
	flush(body);
	if (body->pending_cr)
		release(body, SPAN_LIT(""));
	/* RFC 6376 3.4.3: a missing or empty body is a CRLF; 3.4.4: or not */
	if (body->any || body->canon == CANON_SIMPLE)
		body->sink(body->arg, "\r\n", 2);
}
