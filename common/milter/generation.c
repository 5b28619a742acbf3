#include "common/milter/generation.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <stdlib.h>

struct generation {
	struct generation *older;
	struct snapshot *snapshot;
	unsigned steps;
	char *macros;
	size_t sessions;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct generation *newest;

static unsigned
steps_of(const struct snapshot *snapshot)
{
	return snapshot->filter->wants(snapshot->conf);
}

static const char *
macros_of(const struct snapshot *snapshot)
{
	const char *macros = NULL;

	if (snapshot->filter->extra_macros != NULL)
		macros = snapshot->filter->extra_macros(snapshot->conf);
	return macros != NULL ? macros : "";
}

/*
 * To free a snapshot with large tables takes a while: it is put aside under
 * the lock and freed after it, so that no message waits for it.
 */
struct garbage {
	struct garbage *next;
	struct snapshot *snapshot;
};

static void
put_aside(struct garbage **garbage, struct snapshot *snapshot)
{
	struct garbage *item = xmalloc(sizeof(*item));

	*item = (struct garbage){ *garbage, snapshot };
	*garbage = item;
}

static void
unlock_and_free(struct garbage *garbage)
{
	struct garbage *next;

	pthread_mutex_unlock(&lock);
	for (; garbage != NULL; garbage = next) {
		next = garbage->next;
		snapshot_unref(garbage->snapshot);
		free(garbage);
	}
}

static void
drop_unused(struct garbage **garbage)
{
	struct generation **at = &newest, *g;

	while ((g = *at) != NULL) {
		if (g == newest || g->sessions > 0) {
			at = &g->older;
			continue;
		}
		*at = g->older;
		put_aside(garbage, g->snapshot);
		free(g->macros);
		free(g);
	}
}

static void
start(struct snapshot *snapshot)
{
	struct generation *g = xcalloc(1, sizeof(*g));

	g->older = newest;
	g->snapshot = snapshot_ref(snapshot);
	g->steps = steps_of(snapshot);
	g->macros = xstrdup(macros_of(snapshot));
	newest = g;
}

static void
adopt(struct snapshot *current, struct garbage **garbage)
{
	unsigned steps = steps_of(current);
	const char *macros = macros_of(current);
	struct generation *g;

	for (g = newest; g != NULL; g = g->older) {
		if ((steps & ~g->steps) != 0 || strcmp(macros, g->macros) != 0)
			continue;
		put_aside(garbage, g->snapshot);
		g->snapshot = snapshot_ref(current);
	}
	if (newest == NULL || newest->steps != steps ||
	    strcmp(macros, newest->macros) != 0)
		start(current);
	drop_unused(garbage);
}

static void
refresh(struct garbage **garbage)
{
	struct snapshot *current = snapshot_current();

	if (newest == NULL || newest->snapshot != current)
		adopt(current, garbage);
	snapshot_unref(current);
}

struct generation *
generation_join(void)
{
	struct garbage *garbage = NULL;
	struct generation *g;

	pthread_mutex_lock(&lock);
	refresh(&garbage);
	g = newest;
	g->sessions++;
	unlock_and_free(garbage);
	return g;
}

void
generation_leave(struct generation *generation)
{
	struct garbage *garbage = NULL;

	pthread_mutex_lock(&lock);
	generation->sessions--;
	if (generation->sessions == 0 && generation != newest)
		drop_unused(&garbage);
	unlock_and_free(garbage);
}

unsigned
generation_steps(const struct generation *generation)
{
	return generation->steps;
}

const char *
generation_macros(const struct generation *generation)
{
	return generation->macros;
}

struct snapshot *
generation_snapshot(struct generation *generation)
{
	struct garbage *garbage = NULL;
	struct snapshot *snapshot;

	pthread_mutex_lock(&lock);
	refresh(&garbage);
	snapshot = snapshot_ref(generation->snapshot);
	unlock_and_free(garbage);
	return snapshot;
}

void
generation_refresh(void)
{
	struct garbage *garbage = NULL;

	pthread_mutex_lock(&lock);
	refresh(&garbage);
	unlock_and_free(garbage);
}
