/*
 * reload.h - reads the configuration anew beside the traffic and swaps it in,
 * or refuses it and leaves everything as it was.
 */
#ifndef POSTERN_MILTER_RELOAD_H
#define POSTERN_MILTER_RELOAD_H

#include "common/milter/service.h"
#include "common/milter/vitals.h"

/* With the snapshot the service starts with; both arguments are kept. */
void reload_open(const struct service *service, struct vitals *vitals);

/*
 * Starts one in a thread of its own. Requests that come while one runs make
 * one more after it, however many they are.
 */
void reload_request(void);

bool reload_is_running(void);

#endif
