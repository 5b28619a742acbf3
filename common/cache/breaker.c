#include "common/cache/breaker.h"

bool
breaker_probe(struct breaker *breaker, int64_t now)
{
	if (!breaker->is_open || (now >= breaker->probed_at &&
	    now - breaker->probed_at < BREAKER_PROBE_MS))
		return false;
	breaker->probed_at = now;
	return true;
}

bool
breaker_failed(struct breaker *breaker, int64_t now)
{
	if (breaker->is_open)
		return false;
	if (++breaker->failures < BREAKER_FAILURES)
		return false;
	breaker->is_open = true;
	breaker->probed_at = now;
	return true;
}

bool
breaker_succeeded(struct breaker *breaker)
{
	bool was_open = breaker->is_open;

	breaker->is_open = false;
	breaker->failures = 0;
	return was_open;
}
