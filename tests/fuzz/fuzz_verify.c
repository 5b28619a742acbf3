/*
 * A key record (the first line) and a message, through the verifier; and what
 * our signer makes of that message, which must verify.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/dkim_keys.h"

#include "common/base/mem.h"
#include "common/dkim/sign.h"
#include "common/dkim/verify.h"
#include "common/mail/domain.h"
#include "common/mail/message.h"

enum { STRING_MAX = 255, NOW = 1700000000 };

static const struct span ours = SPAN_LIT("k=ed25519; p=" ED25519_PUBLIC);

struct source {
	struct span record;
};

/* The record at every name. */
static bool
answer_txt(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	const struct source *source = arg;
	struct span rest = source->record, string;
	struct strbuf data = STRBUF_INIT;

	MUST(type == DNS_TXT && name.len <= DOMAIN_MAX);
	do {
		string = span_first(rest, STRING_MAX);
		rest = span_skip(rest, string.len);
		strbuf_addc(&data, (char)string.len);
		strbuf_addspan(&data, string);
	} while (rest.len > 0);
	answer->result = DNS_FOUND;
	answer->records = arena_alloc(arena, sizeof(*answer->records));
	answer->records[0].data = arena_dup(arena, strbuf_span(&data));
	answer->count = 1;
	strbuf_clear(&data);
	return true;
}

static void
check_outcome(const struct dkim_outcome *o, size_t count)
{
	MUST(o->field < count);
	MUST(o->reason != NULL);
	MUST((o->result == DKIM_PASS) == (o->reason[0] == '\0'));
	MUST(o->result != DKIM_NONE && o->result != DKIM_TEMPERROR);
	MUST(dkim_result_name(o->result) != NULL);
	if (o->result != DKIM_PASS)
		return;
	MUST(o->is_readable && !o->is_skipped && o->has_body_hash);
	MUST(o->key_bits >= 256);
	MUST(domain_is_valid(o->domain));
	MUST(span_eq(o->domain, o->signature.domain));
}

/* The result of the first signature; DKIM_NONE: there is none. */
static enum dkim_result
verify(const struct header_field *fields, size_t count, struct span record,
    struct span body, size_t piece, struct arena *arena)
{
	const struct dkim_verify_options options = { .now = NOW,
	    .keep_hashed = piece % 2 == 0 };
	struct source source = { record };
	const struct lookups_options how = { .source = answer_txt,
	    .source_arg = &source };
	struct lookups *lookups = lookups_new(&how);
	struct bodyhashes hashes = { 0 };
	const struct dkim_outcome *outcomes;
	struct strbuf err = STRBUF_INIT;
	enum dkim_result first;
	struct dkim_verify *v;
	size_t n, i;

	v = dkim_verify_start(&options, fields, count, lookups, &hashes,
	    arena);
	MUST(dkim_verify_advance(v));
	for (; body.len > 0; body = span_skip(body, piece))
		if (bodyhashes_wanted(&hashes))
			bodyhashes_add(&hashes, span_first(body, piece));
	MUST(bodyhashes_end(&hashes, &err) == 0);
	outcomes = dkim_verify_end(v, &n);
	MUST(n <= DKIM_VERIFY_LISTED_MAX);
	for (i = 0; i < n; i++)
		check_outcome(&outcomes[i], count);
	first = n != 0 ? outcomes[0].result : DKIM_NONE;
	dkim_verify_free(v);
	bodyhashes_clear(&hashes);
	lookups_free(lookups);
	return first;
}

/* How a body comes does not matter. */
static void
as_it_is(const struct message *message, struct span record, struct span body)
{
	static const size_t pieces[] = { 1, 2, 65535 };
	struct arena arena = ARENA_INIT;
	enum dkim_result results[ARRAY_LEN(pieces)];
	size_t i;

	for (i = 0; i < ARRAY_LEN(pieces); i++) {
		results[i] = verify(message->headers, message->header_count,
		    record, body, pieces[i], &arena);
		MUST(results[i] == results[0]);
	}
	arena_clear(&arena);
}

struct signer {
	struct dkim_signset *set;
	struct dkim_key *key;
};

static const struct signer *
get_signer(void)
{
	static const struct dkim_signset_options defaults;
	static struct signer signer;
	struct diag diag = DIAG_INIT;
	struct strbuf err = STRBUF_INIT;

	if (signer.key == NULL) {
		signer.set = dkim_signset_new(&defaults, &diag);
		signer.key = dkim_key_parse(SPAN_LIT(ED25519_SEED), &err);
		MUST(signer.key != NULL);
	}
	return &signer;
}

static struct span
sign(const struct message *message, struct span body, enum canon header,
    enum canon canon, struct arena *arena)
{
	const struct signer *signer = get_signer();
	const struct dkim_sign_options options = { .header_canon = header,
	    .body_canon = canon, .signset = signer->set, .now = NOW };
	const struct dkim_sign_key by = { signer->key,
	    SPAN_LIT("example.com"), SPAN_LIT("s"), SPAN_LIT("") };
	struct strbuf err = STRBUF_INIT;
	struct dkim_signed result;
	struct dkim_sign *s;

	s = dkim_sign_start(&options, &by, 1, message->headers,
	    message->header_count, arena, &err);
	MUST(s != NULL);
	dkim_sign_body(s, body);
	MUST(dkim_sign_end(s, &result, &err) == 0);
	dkim_sign_free(s);
	return result.value;
}

static void
signed_by_us(const struct message *message, struct span body)
{
	const size_t count = message->header_count + 1;
	struct header_field *fields = xcalloc(count, sizeof(*fields));
	enum canon header, canon;
	struct arena arena = ARENA_INIT;

	memcpy(fields + 1, message->headers,
	    message->header_count * sizeof(*fields));
	for (header = CANON_SIMPLE; header <= CANON_RELAXED; header++)
		for (canon = CANON_SIMPLE; canon <= CANON_RELAXED; canon++) {
			header_normalize(SPAN_LIT("DKIM-Signature"),
			    sign(message, body, header, canon, &arena), &arena,
			    &fields[0]);
			MUST(verify(fields, count, ours, body, 7, &arena) ==
			    DKIM_PASS);
		}
	arena_clear(&arena);
	free(fields);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size), record, body;
	struct message message = { .arena = ARENA_INIT };

	span_cut(&text, '\n', &record);
	message_read_text(&message, text, &body);
	as_it_is(&message, record, body);
	if (message.header_count != 0)
		signed_by_us(&message, body);
	message_clear(&message);
	return 0;
}
