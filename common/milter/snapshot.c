#include "common/milter/snapshot.h"

#include "common/base/mem.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct snapshot *current;

static void
destroy(struct snapshot *snapshot)
{
	if (snapshot->filter->unload != NULL)
		snapshot->filter->unload(snapshot->conf);
	arena_clear(&snapshot->arena);
	free(snapshot);
}

static struct snapshot *
new_snapshot(const struct filter *filter)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

	snapshot->filter = filter;
	snapshot->conf = arena_zalloc(&snapshot->arena, filter->conf_size);
	snapshot->origins = arena_zalloc(&snapshot->arena,
	    filter->schema->count * sizeof(*snapshot->origins));
	atomic_init(&snapshot->refs, 1);
	return snapshot;
}

static void
load_filter(struct snapshot *snapshot, const struct snapshot_options *options,
    struct diag *diag)
{
	struct filter_load load = {
		.filter = snapshot->filter,
		.conf = snapshot->conf,
		.origins = snapshot->origins,
		.file = options->file,
		.arena = &snapshot->arena,
		.diag = diag,
		.check_all = options->check_all,
		.uid = options->uid,
		.gid = options->gid,
	};

	if (snapshot->filter->load != NULL)
		snapshot->filter->load(&load);
}

struct snapshot *
snapshot_load(const struct filter *filter,
    const struct snapshot_options *options, struct diag *diag)
{
	struct snapshot *snapshot = new_snapshot(filter);
	const struct snapshot_override *override;
	size_t before = diag->found[DIAG_ERROR], i;
	bool was_read;

	was_read = config_load(options->file, filter->schema, snapshot->conf,
	    snapshot->origins, &snapshot->arena, diag);
	for (i = 0; i < options->override_count; i++) {
		override = &options->overrides[i];
		config_set(filter->schema, span_of(override->name),
		    span_of(override->value), "command line", 0,
		    snapshot->conf, snapshot->origins, &snapshot->arena, diag);
	}
	if (was_read)
		load_filter(snapshot, options, diag);
	if (diag->found[DIAG_ERROR] != before) {
		destroy(snapshot);
		return NULL;
	}
	return snapshot;
}

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
	if (snapshot != NULL)
		atomic_fetch_add_explicit(&snapshot->refs, 1,
		    memory_order_relaxed);
	return snapshot;
}

void
snapshot_unref(struct snapshot *snapshot)
{
	unsigned before;

	if (snapshot == NULL)
		return;
	before = atomic_fetch_sub_explicit(&snapshot->refs, 1,
	    memory_order_acq_rel);
	assert(before != 0);
	if (before == 1)
		destroy(snapshot);
}

struct snapshot *
snapshot_current(void)
{
	struct snapshot *snapshot;

	/* The lock keeps a swap from dropping it between look and count. */
	pthread_mutex_lock(&current_lock);
	snapshot = snapshot_ref(current);
	pthread_mutex_unlock(&current_lock);
	return snapshot;
}

void
snapshot_swap(struct snapshot *next)
{
	struct snapshot *old;

	pthread_mutex_lock(&current_lock);
	old = current;
	current = next;
	pthread_mutex_unlock(&current_lock);
	/* Tables take a while to free: not under the lock. */
	snapshot_unref(old);
}
