#include "tests/fuzz/fuzz.h"

#include "common/arc/arc.h"
#include "common/mail/message.h"
#include "tests/unit/zone.h"

/*
 * The input is a zone (zone.h), a line "--", and a message. What comes of its
 * chain must not depend on when answers come, and dead DNS makes no pass.
 */

static struct span
cut_zone(struct span *rest)
{
	static const char mark[] = "\n--\n";
	struct span zone;
	size_t i;

	for (i = 0; i + sizeof(mark) <= rest->len; i++) {
		if (memcmp(rest->p + i, mark, sizeof(mark) - 1) != 0)
			continue;
		zone = span_first(*rest, i + 1);
		*rest = span_skip(*rest, i + sizeof(mark) - 1);
		return zone;
	}
	return SPAN_LIT("");
}

static bool
no_answer(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	(void)arg, (void)name, (void)type, (void)arena;
	answer->result = DNS_SERVFAIL;
	return true;
}

/* As the zone has it, but never at the first call. */
static bool
late_answer(void *arg, struct span name, enum dns_type type,
    struct arena *arena, struct dns_answer *answer)
{
	static unsigned calls;

	return ++calls % 3 == 0 && zone_source(arg, name, type, arena, answer);
}

static const struct arc_outcome *
validate(const struct message *m, struct span body, lookup_source *source,
    struct zone *zone, struct arena *arena)
{
	const struct lookups_options from = { .source = source,
	    .source_arg = zone };
	const struct arc_options options = { .now = 1700000000,
	    .keep_hashed = true };
	struct lookups *lookups = lookups_new(&from);
	struct bodyhashes hashes = { .count = 0 };
	struct strbuf err = STRBUF_INIT;
	struct arc_outcome *outcome = arena_alloc(arena, sizeof(*outcome));
	struct arc_validate *v = arc_validate_start(&options, m->headers,
	    m->header_count, lookups, &hashes, arena);

	while (!arc_validate_advance(v))
		MUST(lookups_wait(lookups));
	bodyhashes_add(&hashes, body);
	MUST(bodyhashes_end(&hashes, &err) == 0);
	*outcome = *arc_validate_end(v);
	MUST(outcome->reason != NULL);
	MUST((outcome->reason[0] == '\0') == (outcome->result == ARC_NONE ||
	    outcome->result == ARC_PASS));
	outcome->reason = arena_strdup(arena, outcome->reason);
	arc_validate_free(v);
	bodyhashes_clear(&hashes);
	lookups_free(lookups);
	return outcome;
}

static size_t
count_fields(const struct message *m)
{
	size_t n = 0;
	int kind;

	for (kind = 0; kind < ARC_FIELDS; kind++)
		n += header_count(m->headers, m->header_count,
		    span_of(arc_field_name((enum arc_field)kind)));
	return n;
}

static void
check_outcome(const struct message *m, const struct arc_outcome *outcome)
{
	size_t fields = count_fields(m);

	MUST((outcome->result == ARC_NONE) == (fields == 0));
	MUST(outcome->count <= ARC_SETS_MAX && outcome->sealer_count <= fields);
	MUST(outcome->sealer_count <= outcome->count);
	MUST(outcome->failed_instance <= outcome->count);
	if (outcome->result != ARC_PASS)
		return;
	MUST(fields == 3 * outcome->count);
	MUST(outcome->count != 0 && outcome->sealer_count == outcome->count);
	MUST(outcome->failed_instance == 0 && outcome->header_text.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size), body, zone_text;
	struct zone zone = { .lenient = true };
	const struct arc_outcome *outcome, *late, *dead;
	struct message m = { .header_count = 0 };
	struct arena arena = ARENA_INIT;

	zone_text = cut_zone(&text);
	zone.text = zone_text.p;
	zone.len = zone_text.len;
	message_read_text(&m, text, &body);
	outcome = validate(&m, body, zone_source, &zone, &arena);
	check_outcome(&m, outcome);
	late = validate(&m, body, late_answer, &zone, &arena);
	MUST(late->result == outcome->result);
	MUST(span_eq(span_of(late->reason), span_of(outcome->reason)));
	MUST(late->failed_instance == outcome->failed_instance);
	dead = validate(&m, body, no_answer, NULL, &arena);
	check_outcome(&m, dead);
	MUST(dead->result != ARC_PASS);
	message_clear(&m);
	arena_clear(&arena);
	return 0;
}
