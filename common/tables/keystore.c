#include "common/tables/keystore.h"

#include "common/base/mem.h"
#include "common/tables/keycache.h"
#include "common/tables/keylook.h"
#include "common/tables/rowindex.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS_MAX = 16, KEYS_PER_WORKER_MIN = 4 };

struct slot {
	struct span source;
	struct dkim_key *key;		/* NULL: read late, or no good */
	struct findings *findings;	/* until they are reported */
	unsigned line;
	bool is_path;
	bool is_known;			/* was read: algorithm is set */
	unsigned char algorithm;
};

struct keystore {
	struct keytable_options options;
	struct slot *slots;
	uint32_t count;
	uint32_t cap;
	struct rowindex index;		/* source -> slot */
	struct keycache *late;
};

static bool
slot_is(const void *table, uint32_t number, struct span source)
{
	const struct keystore *store = table;

	return span_eq(store->slots[number].source, source);
}

struct keystore *
keystore_new(const struct keytable_options *options)
{
	struct keystore *store = xcalloc(1, sizeof(*store));

	store->options = *options;
	store->late = keycache_new(KEYTABLE_LAZY_MAX);
	rowindex_init(&store->index, store, slot_is);
	return store;
}

static void
free_findings(struct slot *slot)
{
	if (slot->findings == NULL)
		return;
	findings_clear(slot->findings);
	free(slot->findings);
	slot->findings = NULL;
}

void
keystore_free(struct keystore *store)
{
	uint32_t i;

	if (store == NULL)
		return;
	for (i = 0; i < store->count; i++) {
		dkim_key_free(store->slots[i].key);
		free_findings(&store->slots[i]);
	}
	free(store->slots);
	rowindex_clear(&store->index);
	keycache_free(store->late);
	free(store);
}

uint32_t
keystore_add(struct keystore *store, struct span source, bool is_path,
    unsigned line)
{
	uint32_t number;

	if (store->count == store->cap) {
		store->cap = store->cap != 0 ? store->cap * 2 : 16;
		store->slots = xreallocarray(store->slots, store->cap,
		    sizeof(*store->slots));
	}
	store->slots[store->count] = (struct slot){ .source = source,
	    .is_path = is_path, .line = line };
	number = rowindex_add(&store->index, source, store->count);
	if (number == store->count)
		store->count++;
	return number;
}

/* ---- all keys ---- */

struct check {
	struct keystore *store;
	_Atomic uint32_t next;
};

/* -n reads them all but need not keep them all: the process ends soon. */
static bool
is_kept(const struct keystore *store, uint32_t number)
{
	return store->options.eager_keys != SIZE_MAX ||
	    number < KEYTABLE_EAGER_KEYS;
}

static void
check_slot(struct keystore *store, uint32_t number)
{
	struct slot *slot = &store->slots[number];
	struct findings found = FINDINGS_INIT;
	struct dkim_key *key = NULL;

	if (number < store->options.eager_keys)
		key = keylook_read(&store->options, slot->source,
		    slot->is_path, &found);
	else if (slot->is_path)
		keylook_file(&store->options, slot->source, &found);
	if (key != NULL) {
		slot->is_known = true;
		slot->algorithm = (unsigned char)dkim_key_algorithm(key);
		if (is_kept(store, number))
			slot->key = key;
		else
			dkim_key_free(key);
	}
	if (found.errors.len == 0 && found.warnings.len == 0)
		return;
	slot->findings = xmalloc(sizeof(found));
	*slot->findings = found;
}

static void *
check_slots(void *arg)
{
	struct check *check = arg;
	uint32_t i;

	while ((i = atomic_fetch_add(&check->next, 1)) < check->store->count)
		check_slot(check->store, i);
	return NULL;
}

static size_t
worker_count(uint32_t keys)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t count = cores > 1 ? (size_t)cores : 1;

	if (count > WORKERS_MAX)
		count = WORKERS_MAX;
	if (count > keys / KEYS_PER_WORKER_MIN)
		count = keys / KEYS_PER_WORKER_MIN;
	return count;
}

/* The caller's thread is one of the workers; where no other can be had it is
 * the only one. Signals are left to the threads there are already. */
static void
check_all(struct keystore *store)
{
	struct check check = { store, 0 };
	pthread_t threads[WORKERS_MAX];
	size_t i, started = 0, wanted = worker_count(store->count);
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started + 1 < wanted && pthread_create(&threads[started], NULL,
	    check_slots, &check) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	check_slots(&check);
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

static void
report(const struct findings *found, const char *file, unsigned line,
    struct diag *diag)
{
	struct span rest = strbuf_span(&found->errors), text;

	while (span_line(&rest, &text))
		diag_error(diag, file, line, "%.*s", SPAN_ARG(text));
	rest = strbuf_span(&found->warnings);
	while (span_line(&rest, &text))
		diag_warning(diag, file, line, "%.*s", SPAN_ARG(text));
}

/* The ways to the keys; keys of one directory often stand together. */
static void
check_directories(const struct keystore *store, const char *file,
    struct diag *diag)
{
	struct findings found = FINDINGS_INIT;
	struct span last = span_of(""), dir;
	const struct slot *slot;
	uint32_t i;

	for (i = 0; i < store->count; i++) {
		slot = &store->slots[i];
		dir = span_first(slot->source, span_rfind(slot->source, '/'));
		if (!slot->is_path || span_eq(dir, last))
			continue;
		last = dir;
		keylook_directories(&store->options, slot->source, &found);
		report(&found, file, slot->line, diag);
		findings_clear(&found);
	}
}

void
keystore_check(struct keystore *store, const char *file, struct diag *diag)
{
	uint32_t i;

	check_all(store);
	for (i = 0; i < store->count; i++) {
		if (store->slots[i].findings == NULL)
			continue;
		report(store->slots[i].findings, file, store->slots[i].line,
		    diag);
		free_findings(&store->slots[i]);
	}
	check_directories(store, file, diag);
	if (store->count > store->options.eager_keys)
		diag_note(diag, file, 0, "of %u different keys %zu were read "
		    "and tried, the others will be when they are first used; "
		    "-n tries all", store->count, store->options.eager_keys);
}

bool
keystore_algorithm(const struct keystore *store, uint32_t number,
    enum dkim_algorithm *algorithm)
{
	const struct slot *slot = &store->slots[number];

	*algorithm = (enum dkim_algorithm)slot->algorithm;
	return slot->is_known;
}

/* A key that is read when it is first used, by its source. */
static struct dkim_key *
get_late(struct keystore *store, struct span source, bool is_path,
    struct strbuf *err)
{
	struct findings found = FINDINGS_INIT;
	struct dkim_key *key = keycache_get(store->late, source);
	struct span rest, first;

	if (key != NULL)
		return key;
	key = keylook_read(&store->options, source, is_path, &found);
	rest = strbuf_span(&found.errors);
	if (key != NULL)
		keycache_put(store->late, source, key);
	else if (span_line(&rest, &first))
		strbuf_addspan(err, first);
	findings_clear(&found);
	return key;
}

struct dkim_key *
keystore_get(struct keystore *store, uint32_t number, struct strbuf *err)
{
	const struct slot *slot = &store->slots[number];

	if (slot->key != NULL)
		return dkim_key_ref(slot->key);
	return get_late(store, slot->source, slot->is_path, err);
}

struct dkim_key *
keystore_get_path(struct keystore *store, struct span path,
    struct strbuf *err)
{
	return get_late(store, path, true, err);
}
