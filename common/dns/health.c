#include "common/dns/health.h"

enum {
	QUIET_MS = 20,		/* before anything is suspected */
	PROBE_EVERY_MS = 100,	/* at first; a server that answers is not */
	PROBE_SELDOM_MS = 800,	/* asked that often because of a slow name */
	PROBE_WAIT_MS = 80,
	/* What answers its probe quickly now and answered no question for that
	 * long was away. */
	AWAY_MS = 1000
};

void
health_asked(struct health *health, int64_t now)
{
	health->quiet_since = now;
	health->every_ms = PROBE_EVERY_MS;
}

static enum health_event
answered(struct health *health, int64_t now)
{
	bool was_away = health->state == HEALTH_REFUSED ||
	    (health->state == HEALTH_SILENT &&
	    now - health->heard_at >= AWAY_MS);

	health->state = HEALTH_UP;
	return was_away ? HEALTH_IS_BACK : HEALTH_NOTHING;
}

enum health_event
health_heard(struct health *health, int64_t asked, int64_t now)
{
	enum health_event event = HEALTH_NOTHING;

	/* Where all answers are slow nothing has changed. */
	if (now - asked <= PROBE_WAIT_MS)
		event = answered(health, now);
	health->state = HEALTH_UP;
	health->quiet_since = now;
	health->heard_at = now;
	return event;
}

static enum health_event
probe_answered(struct health *health, int64_t now)
{
	unsigned by = health->probe.answered;

	if (health->every_ms < PROBE_SELDOM_MS)
		health->every_ms *= 2;
	if ((health->in_use & ~by) == 0)
		return answered(health, now);
	health->in_use = by;
	health->state = HEALTH_UP;
	return HEALTH_OTHERS;
}

static enum health_event
read_probe(struct health *health, int64_t now)
{
	enum probe_result result = probe_read(&health->probe);

	if (result == PROBE_OPEN && now - health->probed_at < PROBE_WAIT_MS)
		return HEALTH_NOTHING;
	probe_end(&health->probe);
	if (health->probe.answered != 0)
		return probe_answered(health, now);
	health->every_ms = PROBE_EVERY_MS;
	health->state = result == PROBE_REFUSED ? HEALTH_REFUSED :
	    HEALTH_SILENT;
	return result == PROBE_REFUSED ? HEALTH_IS_REFUSED : HEALTH_NOTHING;
}

int64_t
health_next(const struct health *health)
{
	int64_t quiet = health->quiet_since + QUIET_MS;
	int64_t again = health->probed_at + health->every_ms;

	if (health->probe.count > 0)
		return health->probed_at + PROBE_WAIT_MS;
	if (health->state == HEALTH_REFUSED)
		return health->probed_at;
	return quiet > again ? quiet : again;
}

enum health_event
health_tick(struct health *health, const struct nameservers *servers,
    int64_t now)
{
	if (health->probe.count == 0) {
		if (now < health_next(health))
			return HEALTH_NOTHING;
		probe_start(&health->probe, servers);
		health->probed_at = now;
	}
	return read_probe(health, now);
}

void
health_again(struct health *health, int64_t now)
{
	probe_end(&health->probe);
	health->state = HEALTH_UP;
	health->quiet_since = now;
	health->heard_at = now;
	health->every_ms = PROBE_EVERY_MS;
}

void
health_reset(struct health *health, const struct nameservers *servers,
    int64_t now)
{
	health_again(health, now);
	health->in_use = (1u << servers->count) - 1;
}
