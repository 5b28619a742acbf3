#include "milters/policy/learn.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/cache/decay.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>

enum {
	LOG_EVERY_MS = 60 * 1000,
	MERGED_MAX = 64		/* of the newest that are looked at */
};

struct job {
	struct cache *cache;
	struct learn_addition addition;
};

/* One for the process: a reload changes caches, not the thread. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t more, done;
	struct job ring[LEARN_QUEUE_MAX];
	size_t first, count;
	uint64_t taken, made;		/* additions so far */
	bool has_thread;
	uint64_t lost, lost_told;
	int64_t told_at;		/* monotonic; 0: never */
} queue = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.more = PTHREAD_COND_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER,
};

static void
make(struct cache *cache, const struct learn_addition *addition)
{
	decay_add(cache, &addition->key, addition->good, addition->bad,
	    addition->now, addition->half_life, addition->ttl);
}

static void *
run(void *arg)
{
	struct job job;

	(void)arg;
	pthread_mutex_lock(&queue.mutex);
	for (;;) {
		while (queue.count == 0)
			pthread_cond_wait(&queue.more, &queue.mutex);
		job = queue.ring[queue.first];
		queue.first = (queue.first + 1) % LEARN_QUEUE_MAX;
		queue.count--;
		pthread_mutex_unlock(&queue.mutex);
		make(job.cache, &job.addition);
		pthread_mutex_lock(&queue.mutex);
		queue.made++;
		pthread_cond_broadcast(&queue.done);
	}
	return NULL;
}

/* It is never joined: it holds nothing but what is in the queue. */
static bool
start_thread(void)
{
	sigset_t all, old;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return false;
	pthread_detach(thread);
	return true;
}

/* How many are to be told of now; 0: none, or others were just told of. */
static uint64_t
lose_one(void)
{
	int64_t now = clock_monotonic_ms();
	uint64_t untold;

	queue.lost++;
	if (queue.told_at != 0 && now - queue.told_at < LOG_EVERY_MS)
		return 0;
	untold = queue.lost - queue.lost_told;
	queue.lost_told = queue.lost;
	queue.told_at = now;
	return untold;
}

static struct job *
nth(size_t n)
{
	return &queue.ring[(queue.first + n) % LEARN_QUEUE_MAX];
}

/* Names of large senders come again and again: what waits for one of them
 * already takes the more. */
static bool
merge(const struct cache *cache, const struct learn_addition *addition)
{
	size_t i, end = queue.count > MERGED_MAX ? queue.count - MERGED_MAX :
	    0;
	struct job *job;

	for (i = queue.count; i > end; i--) {
		job = nth(i - 1);
		if (job->cache != cache ||
		    job->addition.key.slot != addition->key.slot ||
		    memcmp(job->addition.key.digest, addition->key.digest,
		    sizeof(addition->key.digest)) != 0)
			continue;
		job->addition.good += addition->good;
		job->addition.bad += addition->bad;
		job->addition.now = addition->now;
		return true;
	}
	return false;
}

static void
enqueue(struct cache *cache, const struct learn_addition *addition)
{
	*nth(queue.count) = (struct job){ cache, *addition };
	queue.count++;
	queue.taken++;
	pthread_cond_signal(&queue.more);
}

void
learn_add(struct cache *cache, const struct learn_addition *addition)
{
	uint64_t told = 0;

	if (!cache_is_remote(cache)) {
		make(cache, addition);
		return;
	}
	pthread_mutex_lock(&queue.mutex);
	if (!queue.has_thread)
		queue.has_thread = start_thread();
	if (!merge(cache, addition)) {
		if (queue.has_thread && queue.count < LEARN_QUEUE_MAX)
			enqueue(cache, addition);
		else
			told = lose_one();
	}
	pthread_mutex_unlock(&queue.mutex);
	if (told > 0)
		log_warning("reputation: %" PRIu64 " additions lost: the "
		    "cache does not keep up with them", told);
}

void
learn_finish(void)
{
	uint64_t taken;

	pthread_mutex_lock(&queue.mutex);
	taken = queue.taken;
	while (queue.made < taken)
		pthread_cond_wait(&queue.done, &queue.mutex);
	pthread_mutex_unlock(&queue.mutex);
}

uint64_t
learn_lost(void)
{
	uint64_t lost;

	pthread_mutex_lock(&queue.mutex);
	lost = queue.lost;
	pthread_mutex_unlock(&queue.mutex);
	return lost;
}
