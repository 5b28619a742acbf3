#include "common/dns/lookups.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/dns/answer.h"
#include "common/mail/domain.h"

#include <stdlib.h>
#include <time.h>

enum {
	QUERY_MS = 5000,
	MESSAGE_MS = 20000,
	FIRST_ITEMS = 16,
	SOURCE_PAUSE_NS = 200000
};

struct item {
	struct lookup lookup;		/* what the trace shows */
	struct span key;		/* the name in lower case */
	struct dns_query *query;	/* NULL: from the cache, or a source */
	int64_t asked, deadline;	/* monotonic ms */
	bool is_open;			/* no wait gave notice of its answer */
};

struct lookups {
	struct lookups_options options;
	struct arena arena;
	struct dns_group *group;	/* NULL: none needed yet */
	struct item **items;		/* in the order of asking */
	size_t count, cap;
	size_t open_count;
	unsigned used[LOOKUP_PURPOSES];
	unsigned reported;		/* of the group's answers */
	int64_t deadline;		/* of the message */
	bool over_limit;
};

/* Of each purpose, where the bound is LOOKUPS_MAX or more. */
static const unsigned reserves[LOOKUP_PURPOSES] = {
	[LOOKUP_SPF] = LOOKUPS_RESERVED_SPF,
	[LOOKUP_DKIM] = LOOKUPS_RESERVED_DKIM,
	[LOOKUP_DMARC] = LOOKUPS_RESERVED_DMARC,
};

struct lookups *
lookups_new(const struct lookups_options *options)
{
	struct lookups *lookups = xcalloc(1, sizeof(*lookups));
	struct lookups_options *set = &lookups->options;

	*set = *options;
	if (set->max_queries == 0)
		set->max_queries = LOOKUPS_MAX;
	if (set->query_ms <= 0)
		set->query_ms = QUERY_MS;
	if (set->message_ms <= 0)
		set->message_ms = MESSAGE_MS;
	lookups->deadline = clock_monotonic_ms() + set->message_ms;
	return lookups;
}

void
lookups_free(struct lookups *lookups)
{
	size_t i;

	if (lookups == NULL)
		return;
	/* What lies in our arena is not counted: nobody else has it. */
	for (i = 0; i < lookups->count && lookups->options.source != NULL; i++)
		if (lookups->items[i]->lookup.answer != NULL)
			dns_answer_forget(lookups->items[i]->lookup.answer);
	dns_group_free(lookups->group);
	free(lookups->items);
	arena_clear(&lookups->arena);
	free(lookups);
}

/* ---- names ---- */

/* Whether name is made of labels that DNS can hold; its last dot goes. */
static bool
is_askable(struct span *name)
{
	struct span rest, label;
	bool more;

	if (name->len > 0 && name->p[name->len - 1] == '.')
		name->len--;
	if (name->len > DOMAIN_MAX)
		return false;
	rest = *name;
	do {
		more = span_cut(&rest, '.', &label);
		if (label.len == 0 || label.len > LABEL_MAX)
			return false;
	} while (more);
	return true;
}

static struct span
lower(char *to, struct span name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		to[i] = ascii_lower(name.p[i]);
	return span_make(to, name.len);
}

static struct item *
find(const struct lookups *lookups, struct span key, enum dns_type type)
{
	size_t i;

	for (i = 0; i < lookups->count; i++)
		if (lookups->items[i]->lookup.type == type &&
		    span_eq(lookups->items[i]->key, key))
			return lookups->items[i];
	return NULL;
}

/* ---- the bound ---- */

/* The share of a purpose; smaller bounds have smaller ones. */
static unsigned
reserve_of(const struct lookups *lookups, unsigned purpose)
{
	unsigned max = lookups->options.max_queries;

	if (lookups->options.no_shares)
		return 0;
	return max >= LOOKUPS_MAX ? reserves[purpose] :
	    reserves[purpose] * max / LOOKUPS_MAX;
}

static bool
may_ask(const struct lookups *lookups, enum lookup_purpose purpose)
{
	unsigned taken = 0, i, reserve;

	for (i = 0; i < LOOKUP_PURPOSES; i++) {
		reserve = reserve_of(lookups, i);
		taken += i != purpose && lookups->used[i] < reserve ?
		    reserve : lookups->used[i];
	}
	return taken < lookups->options.max_queries;
}

/* ---- asking ---- */

static struct item *
add(struct lookups *lookups, enum lookup_purpose purpose, struct span name,
    struct span key, enum dns_type type)
{
	struct item *item = arena_zalloc(&lookups->arena, sizeof(*item));
	int64_t now = clock_monotonic_ms();

	if (lookups->count == lookups->cap) {
		lookups->cap = lookups->cap > 0 ? lookups->cap * 2 :
		    FIRST_ITEMS;
		lookups->items = xreallocarray(lookups->items, lookups->cap,
		    sizeof(struct item *));
	}
	item->lookup = (struct lookup){ .purpose = purpose,
	    .name = arena_dup(&lookups->arena, name), .type = type };
	item->key = arena_dup(&lookups->arena, key);
	item->asked = now;
	item->deadline = now + lookups->options.query_ms;
	if (item->deadline > lookups->deadline)
		item->deadline = lookups->deadline;
	lookups->items[lookups->count++] = item;
	lookups->used[purpose]++;
	return item;
}

static void
answered(struct item *item, const struct dns_answer *answer)
{
	item->lookup.answer = answer;
	item->lookup.took_ms = clock_monotonic_ms() - item->asked;
}

static const struct dns_answer *
ask_source(struct lookups *lookups, struct item *item)
{
	struct dns_answer *answer = arena_zalloc(&lookups->arena,
	    sizeof(*answer));

	if (!lookups->options.source(lookups->options.source_arg,
	    item->lookup.name, item->lookup.type, &lookups->arena, answer))
		return NULL;
	return answer;
}

static const struct dns_answer *
ask_dns(struct lookups *lookups, struct item *item)
{
	if (lookups->group == NULL)
		lookups->group = dns_group_new(lookups->options.dns);
	return dns_group_ask(lookups->group, item->key, item->lookup.type,
	    &item->query);
}

static void
ask(struct lookups *lookups, struct item *item)
{
	item->lookup.answer = lookups->options.source != NULL ?
	    ask_source(lookups, item) : ask_dns(lookups, item);
	if (item->lookup.answer == NULL) {
		item->is_open = true;
		lookups->open_count++;
	}
}

/* ---- what came ---- */

static void
time_out(struct lookups *lookups, struct item *item)
{
	struct dns_answer *answer = arena_zalloc(&lookups->arena,
	    sizeof(*answer));
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "no answer in time");
	if (lookups->options.source == NULL) {
		strbuf_adds(&text, " from ");
		dns_describe(lookups->options.dns, &text);
	}
	answer->result = DNS_TIMEOUT;
	answer->detail = arena_strdup(&lookups->arena, text.s);
	strbuf_clear(&text);
	answered(item, answer);
}

/* Looks for the answer to a question that had none so far. */
static void
look(struct lookups *lookups, struct item *item, int64_t now)
{
	const struct dns_answer *answer;

	if (item->lookup.answer != NULL)
		return;
	answer = item->query != NULL ? dns_query_answer(item->query) : NULL;
	if (answer != NULL)
		answered(item, answer);
	else if (now >= item->deadline)
		time_out(lookups, item);
}

const struct dns_answer *
lookups_get(struct lookups *lookups, enum lookup_purpose purpose,
    struct span name, enum dns_type type)
{
	static const struct dns_answer malformed = {
		.result = DNS_MALFORMED, .detail = "no valid domain name" };
	static const struct dns_answer refused = {
		.result = DNS_REFUSED,
		.detail = "too many DNS questions for one message" };
	static const struct dns_answer late = {
		.result = DNS_TIMEOUT,
		.detail = "no time is left for this message" };
	char buffer[DOMAIN_MAX];
	struct item *item;
	struct span key;

	if (!is_askable(&name))
		return &malformed;
	key = lower(buffer, name);
	item = find(lookups, key, type);
	if (item != NULL) {
		if (item->lookup.answer == NULL)
			look(lookups, item, clock_monotonic_ms());
		return item->lookup.answer;
	}
	if (!may_ask(lookups, purpose)) {
		lookups->over_limit = true;
		return &refused;
	}
	if (clock_monotonic_ms() >= lookups->deadline)
		return &late;
	item = add(lookups, purpose, name, key, type);
	ask(lookups, item);
	return item->lookup.answer;
}

/* ---- waiting ---- */

/* Takes notice of what came. *next is when the next time runs out. */
static bool
take_notice(struct lookups *lookups, int64_t now, int64_t *next)
{
	bool any = false;
	size_t i;

	*next = INT64_MAX;
	for (i = 0; i < lookups->count && lookups->open_count > 0; i++) {
		struct item *item = lookups->items[i];

		if (!item->is_open)
			continue;
		look(lookups, item, now);
		if (item->lookup.answer != NULL) {
			item->is_open = false;
			lookups->open_count--;
			any = true;
		} else if (item->deadline < *next) {
			*next = item->deadline;
		}
	}
	return any;
}

/* A source has no way to call: it is asked again, after a pause. */
static void
ask_source_again(struct lookups *lookups)
{
	const struct timespec pause = { .tv_nsec = SOURCE_PAUSE_NS };
	const struct dns_answer *answer;
	bool any = false;
	size_t i;

	for (i = 0; i < lookups->count; i++) {
		struct item *item = lookups->items[i];

		if (item->lookup.answer != NULL)
			continue;
		answer = ask_source(lookups, item);
		if (answer == NULL)
			continue;
		answered(item, answer);
		any = true;
	}
	if (!any)
		nanosleep(&pause, NULL);
}

bool
lookups_wait(struct lookups *lookups)
{
	unsigned arrived = 0;
	int64_t next;

	while (lookups->open_count > 0) {
		if (lookups->group != NULL)
			arrived = dns_group_arrived(lookups->group);
		lookups->reported = arrived;
		if (take_notice(lookups, clock_monotonic_ms(), &next))
			return true;
		if (lookups->options.source != NULL)
			ask_source_again(lookups);
		else
			dns_group_wait(lookups->group, arrived, next);
	}
	return false;
}

bool
lookups_arrived(struct lookups *lookups)
{
	int64_t now;
	size_t i;

	if (lookups->open_count == 0)
		return false;
	if (lookups->group != NULL &&
	    dns_group_arrived(lookups->group) != lookups->reported)
		return true;
	now = clock_monotonic_ms();
	for (i = 0; i < lookups->count; i++)
		if (lookups->items[i]->is_open &&
		    (lookups->items[i]->lookup.answer != NULL ||
		    now >= lookups->items[i]->deadline))
			return true;
	return false;
}

/* ---- the trace ---- */

size_t
lookups_count(const struct lookups *lookups)
{
	return lookups->count;
}

const struct lookup *
lookups_at(const struct lookups *lookups, size_t i)
{
	return &lookups->items[i]->lookup;
}

bool
lookups_over_limit(const struct lookups *lookups)
{
	return lookups->over_limit;
}

const char *
dns_type_name(enum dns_type type)
{
	static const struct {
		enum dns_type type;
		const char *name;
	} names[] = {
		{ DNS_A, "A" }, { DNS_AAAA, "AAAA" }, { DNS_MX, "MX" },
		{ DNS_PTR, "PTR" }, { DNS_TXT, "TXT" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (names[i].type == type)
			return names[i].name;
	return "?";
}
