#include "milters/policy/listhealth.h"

#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdio.h>

enum { LABEL_SHOWN = 100 };

struct listhealth {
	pthread_mutex_t lock;
	char label[4 * LABEL_SHOWN + 8];	/* printable */
	unsigned failures;	/* in a row */
	int64_t pause;		/* 0: it is there */
	int64_t away_since;
	int64_t again;		/* when it may be asked, while it is away */
	int64_t odd_next;	/* when an odd answer is told again */
};

/* Zones of all configurations there were: as many as an admin wrote. */
static struct map lists;
static pthread_mutex_t lists_lock = PTHREAD_MUTEX_INITIALIZER;

static struct listhealth *
find(struct span zone)
{
	struct listhealth *health;

	pthread_mutex_lock(&lists_lock);
	health = map_get(&lists, zone);
	if (health == NULL) {
		health = xcalloc(1, sizeof(*health));
		pthread_mutex_init(&health->lock, NULL);
		health->odd_next = INT64_MIN;
		map_add(&lists, span_make(xmemdup0(zone.p, zone.len),
		    zone.len), health);
	}
	pthread_mutex_unlock(&lists_lock);
	return health;
}

struct listhealth *
listhealth_of(struct span zone, struct span label)
{
	struct listhealth *health = find(zone);
	struct strbuf text = STRBUF_INIT;

	escape_add(&text, label, LABEL_SHOWN, 0);
	pthread_mutex_lock(&health->lock);
	snprintf(health->label, sizeof(health->label), "%s",
	    strbuf_str(&text));
	pthread_mutex_unlock(&health->lock);
	strbuf_clear(&text);
	return health;
}

bool
listhealth_may_ask(struct listhealth *health, int64_t now)
{
	bool may;

	pthread_mutex_lock(&health->lock);
	may = health->pause == 0 || now >= health->again;
	if (may && health->pause != 0)
		health->again = now + LISTHEALTH_PROBE_MS;
	pthread_mutex_unlock(&health->lock);
	return may;
}

bool
listhealth_answered(struct listhealth *health, int64_t now)
{
	bool was_away;

	pthread_mutex_lock(&health->lock);
	was_away = health->pause != 0;
	if (was_away)
		log_notice("DNS list %s: it answers again after %lld s",
		    health->label,
		    (long long)(now - health->away_since) / 1000);
	health->pause = 0;
	health->failures = 0;
	pthread_mutex_unlock(&health->lock);
	return was_away;
}

/* It goes. */
static void
leave(struct listhealth *health, const char *why, int64_t now)
{
	health->pause = LISTHEALTH_PAUSE_MS;
	health->away_since = now;
	health->again = now + health->pause;
	log_warning("DNS list %s: no answer to %u questions in a row (%s); "
	    "mail goes on without it, it is asked again in %d s",
	    health->label, health->failures, why, LISTHEALTH_PAUSE_MS / 1000);
}

/* The one question failed, too. */
static void
stay_away(struct listhealth *health, int64_t now)
{
	health->pause *= 2;
	if (health->pause > LISTHEALTH_PAUSE_MAX_MS)
		health->pause = LISTHEALTH_PAUSE_MAX_MS;
	health->again = now + health->pause;
}

bool
listhealth_failed(struct listhealth *health, int64_t asked, const char *why,
    int64_t now)
{
	bool is_told = false;

	pthread_mutex_lock(&health->lock);
	if (health->pause != 0) {
		if (asked > health->away_since)
			stay_away(health, now);
	} else if (++health->failures >= LISTHEALTH_FAILURES) {
		leave(health, why, now);
		is_told = true;
	}
	pthread_mutex_unlock(&health->lock);
	return is_told;
}

bool
listhealth_odd(struct listhealth *health, const char *answer, int64_t now)
{
	bool is_told;

	pthread_mutex_lock(&health->lock);
	is_told = now >= health->odd_next;
	if (is_told) {
		health->odd_next = now + LISTHEALTH_ODD_EVERY_MS;
		log_warning("DNS list %s: it says %s, which counts as no "
		    "answer; perhaps it does not answer this resolver",
		    health->label, answer);
	}
	pthread_mutex_unlock(&health->lock);
	return is_told;
}
