/*
 * load_report.h - what milterload measures and how it tells.
 */
#ifndef POSTERN_TESTS_LOAD_REPORT_H
#define POSTERN_TESTS_LOAD_REPORT_H

#include "tests/bench/load_session.h"

struct samples {
	float *ms;
	size_t count, cap;
};

void samples_add(struct samples *s, double seconds);
void samples_append(struct samples *to, const struct samples *from);
void samples_sort(struct samples *s);

/* Of the processes named with --pid, together. */
struct usage {
	double cpu, user, sys;	/* seconds */
	long rss_kb, peak_kb, threads;
};

struct usage usage_observe(void);

struct load_result {
	double seconds;
	uint64_t messages, failed, body_bytes;
	struct samples latency, connect;	/* sorted */
	uint64_t verdicts[LOAD_VERDICTS];
	uint64_t done[LOAD_ACTIONS];
	uint64_t troubles[WIRE_TROUBLES];
	struct usage before, after;
	double own_cpu;		/* of milterload itself, seconds */
};

void load_report_print(const struct load_result *result);
void load_report_idle(long open, double seconds, const struct usage *before,
    const struct usage *after);

#endif
