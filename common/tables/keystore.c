#include "common/tables/keystore.h"

#include "common/base/mem.h"
#include "common/tables/keycache.h"
#include "common/tables/rowindex.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { WORKERS_MAX = 16, KEYS_PER_WORKER_MIN = 4 };

/* What is wrong with a key: sentences, one a line. */
struct findings {
	struct strbuf errors;
	struct strbuf warnings;
};

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
	rowindex_init(&store->index, 0, store, slot_is);
	return store;
}

static void
free_findings(struct slot *slot)
{
	if (slot->findings == NULL)
		return;
	strbuf_clear(&slot->findings->errors);
	strbuf_clear(&slot->findings->warnings);
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

/* ---- one key ---- */

static void
find_error(struct findings *found, const char *path, const char *text)
{
	strbuf_addf(&found->errors, "%s: %s\n", path, text);
}

/* Why a file cannot be opened, and what to do. */
static void
find_missing(struct findings *found, const char *path, int error)
{
	static const struct {
		int error;
		const char *remedy;
	} remedies[] = {
		{ ENOENT, "correct the path, or make the key with \"postern "
		    "key generate\"" },
		{ EACCES, "the user the daemon runs as must be able to read "
		    "it and to enter its directories" },
		{ ENOTDIR, "a part of the path is no directory; correct it" },
	};
	size_t i;

	strbuf_addf(&found->errors, "%s: %s", path, strerror(error));
	for (i = 0; i < ARRAY_LEN(remedies); i++)
		if (remedies[i].error == error)
			strbuf_addf(&found->errors, "; %s",
			    remedies[i].remedy);
	strbuf_addc(&found->errors, '\n');
}

/* Whether that user could read a file of that mode: the one who checks may be
 * root, the one who reads it later is not. */
static bool
can_read(const struct stat *st, uid_t uid, gid_t gid)
{
	if (uid == 0)
		return true;
	if (st->st_uid == uid)
		return (st->st_mode & S_IRUSR) != 0;
	if (st->st_gid == gid)
		return (st->st_mode & S_IRGRP) != 0;
	return (st->st_mode & S_IROTH) != 0;
}

static void
look_at_file(const struct keytable_options *options, const char *path,
    const struct stat *st, struct findings *found)
{
	struct strbuf err = STRBUF_INIT;

	if (!dkim_key_file_is_safe(path, st, options->uid, options->gid, &err))
		strbuf_addf(options->require_safe_keys ? &found->errors :
		    &found->warnings, "%s\n", strbuf_str(&err));
	else if (!can_read(st, options->uid, options->gid))
		strbuf_addf(&found->errors, "%s: user %lu, as whom the daemon "
		    "runs, cannot read it; chown it to that user\n", path,
		    (unsigned long)options->uid);
	strbuf_clear(&err);
}

static void
look_at_key(const struct keytable_options *options, const char *name,
    const struct dkim_key *key, struct findings *found)
{
	bool is_rsa = dkim_key_algorithm(key) == DKIM_RSA_SHA256;
	unsigned bits = dkim_key_bits(key);
	struct strbuf err = STRBUF_INIT;

	if (is_rsa && bits < options->minimum_bits)
		strbuf_addf(&found->errors, "%s: an RSA key of %u bits, and "
		    "MinimumKeyBits is %u; make a new key of %d bits\n", name,
		    bits, options->minimum_bits, DKIM_RSA_BITS_GOOD);
	else if (is_rsa && bits < DKIM_RSA_BITS_GOOD)
		strbuf_addf(&found->warnings, "%s: an RSA key of %u bits; "
		    "%d are usual today, make a new key\n", name, bits,
		    DKIM_RSA_BITS_GOOD);
	if (dkim_key_probe(key, &err) != 0)
		find_error(found, name, strbuf_str(&err));
	strbuf_clear(&err);
}

/*
 * What the file's owner and mode say, and the key where that was read. A file
 * that could not be opened may be there and closed to us only.
 */
static void
look_at_path(const struct keytable_options *options, const char *path,
    struct stat *st, struct findings *found)
{
	if (st->st_mode == 0 && stat(path, st) != 0)
		find_missing(found, path, errno);
	else if (!S_ISREG(st->st_mode))
		find_error(found, path, "not a regular file; name the file "
		    "that holds the private key");
	else
		look_at_file(options, path, st, found);
}

static struct dkim_key *
read_path(const struct keytable_options *options, const char *path,
    struct findings *found)
{
	struct strbuf err = STRBUF_INIT;
	struct stat st = { .st_mode = 0 };
	struct dkim_key *key = dkim_key_load(path, &st, &err);
	bool was_open = S_ISREG(st.st_mode);

	look_at_path(options, path, &st, found);
	if (key != NULL)
		look_at_key(options, path, key, found);
	else if (was_open || found->errors.len == 0)
		strbuf_addf(&found->errors, "%s\n", strbuf_str(&err));
	strbuf_clear(&err);
	return key;
}

/* Inline keys are never shown: where something is wrong with one, somebody
 * may have pasted a private key that only lacks a letter. */
static struct dkim_key *
read_inline(const struct keytable_options *options, struct span text,
    struct findings *found)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_parse(text, &err);

	if (key != NULL)
		look_at_key(options, "the key in the row", key, found);
	else
		strbuf_addf(&found->errors, "the key in the row is %s; a "
		    "path starts with \"/\", \"./\" or \"../\"\n",
		    strbuf_str(&err));
	strbuf_clear(&err);
	return key;
}

/* The key of a source after all checks; NULL where there are errors. */
static struct dkim_key *
read_source(const struct keytable_options *options, struct span source,
    bool is_path, struct findings *found)
{
	struct dkim_key *key;
	char *path;

	if (!is_path) {
		key = read_inline(options, source, found);
	} else {
		path = xmemdup0(source.p, source.len);
		key = read_path(options, path, found);
		free(path);
	}
	if (found->errors.len == 0)
		return key;
	dkim_key_free(key);
	return NULL;
}

/* What can be told of a key without reading it. */
static void
look_at_source(const struct keytable_options *options,
    const struct slot *slot, struct findings *found)
{
	struct stat st = { .st_mode = 0 };
	char *path;

	if (!slot->is_path)
		return;
	path = xmemdup0(slot->source.p, slot->source.len);
	look_at_path(options, path, &st, found);
	free(path);
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
	struct findings found = { STRBUF_INIT, STRBUF_INIT };
	struct dkim_key *key = NULL;

	if (number >= store->options.eager_keys)
		look_at_source(&store->options, slot, &found);
	else
		key = read_source(&store->options, slot->source, slot->is_path,
		    &found);
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
report(struct slot *slot, const char *file, struct diag *diag)
{
	struct span rest = strbuf_span(&slot->findings->errors), text;

	while (span_line(&rest, &text))
		if (!diag_skip(diag, DIAG_ERROR))
			diag_error(diag, file, slot->line, "%.*s",
			    SPAN_ARG(text));
	rest = strbuf_span(&slot->findings->warnings);
	while (span_line(&rest, &text))
		if (!diag_skip(diag, DIAG_WARNING))
			diag_warning(diag, file, slot->line, "%.*s",
			    SPAN_ARG(text));
}

void
keystore_check(struct keystore *store, const char *file, struct diag *diag)
{
	uint32_t i;

	check_all(store);
	for (i = 0; i < store->count; i++) {
		if (store->slots[i].findings == NULL)
			continue;
		report(&store->slots[i], file, diag);
		free_findings(&store->slots[i]);
	}
	if (store->count > store->options.eager_keys)
		diag_note(diag, file, 0, "%u different keys: the first %zu "
		    "were read and tried, the rest is when it is first used; "
		    "-n tries them all", store->count,
		    store->options.eager_keys);
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
	struct findings found = { STRBUF_INIT, STRBUF_INIT };
	struct dkim_key *key = keycache_get(store->late, source);
	struct span rest, first;

	if (key != NULL)
		return key;
	key = read_source(&store->options, source, is_path, &found);
	rest = strbuf_span(&found.errors);
	if (key != NULL)
		keycache_put(store->late, source, key);
	else if (span_line(&rest, &first))
		strbuf_addspan(err, first);
	strbuf_clear(&found.errors);
	strbuf_clear(&found.warnings);
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
