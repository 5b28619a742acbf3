#include "common/milter/hooks.h"

#include "common/milter/snapshot.h"

#include <pthread.h>

/* Of the process. A reload has a thread of its own. */
static struct {
	pthread_mutex_t lock;
	struct snapshot *served;	/* what serve() was last called with */
	bool is_over;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
serve(struct snapshot *next)
{
	struct snapshot *before = state.served;

	state.served = next;
	if (next->filter->serve != NULL)
		next->filter->serve(next->conf);
	snapshot_unref(before);
}

void
hooks_serve(void)
{
	struct snapshot *next;

	pthread_mutex_lock(&state.lock);
	next = state.is_over ? NULL : snapshot_current();
	if (next != NULL)
		serve(next);
	pthread_mutex_unlock(&state.lock);
}

void
hooks_tick(struct counters *counters)
{
	const struct snapshot *served;

	if (pthread_mutex_trylock(&state.lock) != 0)
		return;
	served = state.served;
	if (served != NULL && !state.is_over && served->filter->tick != NULL)
		served->filter->tick(served->conf, counters);
	pthread_mutex_unlock(&state.lock);
}

void
hooks_stop(void)
{
	const struct snapshot *served;

	pthread_mutex_lock(&state.lock);
	served = state.served;
	if (served != NULL && !state.is_over && served->filter->stop != NULL)
		served->filter->stop(served->conf);
	state.is_over = true;
	pthread_mutex_unlock(&state.lock);
}
