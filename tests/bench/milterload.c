/*
 * milterload - plays the MTA's side of the milter protocol (version 2 to 6)
 * against any milter, with the macros, the steps and the batching of Postfix:
 * loads it, holds idle connections, or shows what it does to one message.
 * Policy services of Postfix get the same envelopes with --policy.
 */
#include "common/base/mem.h"
#include "tests/bench/bench.h"
#include "tests/bench/load_chain.h"
#include "tests/bench/load_macros.h"
#include "tests/bench/load_options.h"
#include "tests/bench/load_report.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { STACK = 128 << 10, SESSIONS_ON_A_CONNECTION = 1000 };

struct worker {
	pthread_t thread;
	struct load_chain chain;
	struct samples latency, connect;
	uint64_t verdicts[LOAD_VERDICTS];
	uint64_t troubles[WIRE_TROUBLES];
};

static struct load_messages messages;
static atomic_long next_message;
static atomic_bool stopping;
static long message_limit;	/* 0: none */
static double phase_start, deadline;	/* deadline 0: none */

static void
on_signal(int sig)
{
	(void)sig;
	atomic_store(&stopping, true);
}

/* With --rate each number has its time. */
static void
wait_for_turn(long number)
{
	double wait;

	if (opt.rate <= 0)
		return;
	wait = phase_start + (double)number / opt.rate - bench_now();
	if (wait > 0)
		usleep((useconds_t)(wait * 1e6));
}

static bool
claim_message(long *number)
{
	if (atomic_load(&stopping) ||
	    (deadline > 0 && bench_now() >= deadline))
		return false;
	*number = atomic_fetch_add(&next_message, 1);
	if (message_limit != 0 && *number >= message_limit)
		return false;
	wait_for_turn(*number);
	return true;
}

static void
count_trouble(struct worker *w)
{
	static atomic_int reported;
	const struct wire *wire = &w->chain.broken->wire;

	w->troubles[wire->trouble]++;
	if (!opt.quiet && atomic_fetch_add(&reported, 1) < 5)
		fprintf(stderr, "milterload: %s error: %s\n",
		    wire_trouble_names[wire->trouble], wire->problem);
	load_chain_close(&w->chain);
}

static bool
is_about_connection(enum load_verdict verdict)
{
	return verdict == LOAD_CONNFAIL || verdict == LOAD_SHUTDOWN ||
	    (verdict == LOAD_ABORTED && opt.drop_every != 0);
}

/* Messages until the session is to end. *number is the next one to send, false
 * in *more where there is none. */
static enum load_outcome
send_messages(struct worker *w, struct load_transaction *t, long *number,
    bool *more, bool *gone)
{
	enum load_verdict verdict;
	double start;
	long sent = 0;

	for (;;) {
		start = bench_now();
		if (load_chain_transact(&w->chain, t, &verdict) ==
		    LOAD_BROKEN)
			return LOAD_BROKEN;
		if (verdict != LOAD_ABORTED)
			samples_add(&w->latency, bench_now() - start -
			    load_chain_paused(&w->chain));
		w->verdicts[verdict]++;
		*more = claim_message(number);
		*gone = is_about_connection(verdict);
		if (!*more || *gone || opt.print ||
		    ++sent == opt.per_connection)
			return LOAD_GO_ON;
		load_transaction_describe(t, *number, &messages);
	}
}

/* One session; true where another is to follow on the connection. */
static bool
serve_session(struct worker *w, long *number, bool *more, double start,
    bool may_reuse)
{
	struct load_transaction t;
	enum load_outcome outcome;
	enum load_verdict verdict;
	bool gone = false;

	load_transaction_describe(&t, *number, &messages);
	outcome = load_chain_greet(&w->chain, &t, &verdict);
	if (outcome == LOAD_GO_ON) {
		samples_add(&w->connect, bench_now() - start);
		outcome = send_messages(w, &t, number, more, &gone);
	} else {
		*more = claim_message(number);
		if (outcome == LOAD_DONE)
			w->verdicts[verdict]++;
		gone = outcome == LOAD_DONE && is_about_connection(verdict);
		may_reuse = false;
	}
	if (outcome == LOAD_BROKEN) {
		count_trouble(w);
		*more = *more && claim_message(number);
		return false;
	}
	return !gone && load_chain_quit(&w->chain, *more && may_reuse);
}

static void
serve_connection(struct worker *w, long *number, bool *more)
{
	double start = bench_now();
	long sessions = 1;

	if (!load_chain_open(&w->chain)) {
		count_trouble(w);
		if (w->chain.broken->wire.trouble == WIRE_CONNECT)
			usleep(10000);
		*more = claim_message(number);
		return;
	}
	while (serve_session(w, number, more, start, opt.quit_nc &&
	    sessions < SESSIONS_ON_A_CONNECTION)) {
		start = bench_now();
		sessions++;
	}
	load_chain_close(&w->chain);
}

static void *
run_worker(void *arg)
{
	struct worker *w = arg;
	long number;
	bool more = claim_message(&number);

	while (more)
		serve_connection(w, &number, &more);
	return NULL;
}

/* ---- modes ---- */

static struct worker *
run_phase(long limit, double seconds)
{
	size_t i, count = (size_t)opt.concurrency;
	struct worker *workers = xcalloc(count, sizeof(*workers));
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	atomic_store(&next_message, 0);
	message_limit = limit;
	phase_start = bench_now();
	deadline = seconds > 0 ? phase_start + seconds : 0;
	for (i = 0; i < count; i++) {
		load_chain_start(&workers[i].chain);
		if (pthread_create(&workers[i].thread, &attr, run_worker,
		    &workers[i]) != 0)
			bench_die("milterload: cannot start a thread");
	}
	for (i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_attr_destroy(&attr);
	return workers;
}

static void
add_counts(uint64_t *to, const uint64_t *from, size_t n, uint64_t *sum)
{
	size_t i;

	for (i = 0; i < n; i++) {
		to[i] += from[i];
		*sum += from[i];
	}
}

static void
add_worker(struct load_result *r, const struct worker *w)
{
	add_counts(r->verdicts, w->verdicts, LOAD_VERDICTS, &r->messages);
	add_counts(r->troubles, w->troubles, WIRE_TROUBLES, &r->failed);
	load_chain_add_done(&w->chain, r->done, &r->body_bytes);
	samples_append(&r->latency, &w->latency);
	samples_append(&r->connect, &w->connect);
}

static int
load_mode(void)
{
	struct load_result result = { 0 };
	struct worker *workers;
	double start, cpu;
	long i;

	if (opt.warmup > 0)
		free(run_phase(opt.warmup, 0));
	result.before = usage_observe();
	cpu = bench_cpu();
	start = bench_now();
	workers = run_phase(opt.messages, opt.seconds);
	result.seconds = bench_now() - start;
	result.own_cpu = bench_cpu() - cpu;
	result.after = usage_observe();
	for (i = 0; i < opt.concurrency; i++)
		add_worker(&result, &workers[i]);
	samples_sort(&result.latency);
	samples_sort(&result.connect);
	load_report_print(&result);
	return result.failed > 0 ? 1 : 0;
}

static bool
open_idle(struct worker *w, long number)
{
	struct load_transaction t;
	enum load_verdict verdict;

	load_transaction_describe(&t, number, &messages);
	if (load_chain_open(&w->chain) &&
	    load_chain_greet(&w->chain, &t, &verdict) != LOAD_BROKEN &&
	    load_chain_flush(&w->chain))
		return true;
	count_trouble(w);
	return false;
}

static int
idle_mode(void)
{
	struct worker *all = xcalloc((size_t)opt.idle, sizeof(*all));
	struct usage before = usage_observe(), after;
	double start = bench_now(), opened;
	long i, up = 0;

	for (i = 0; i < opt.idle && !atomic_load(&stopping); i++)
		if (open_idle(&all[i], i))
			up++;
	opened = bench_now() - start;
	usleep((useconds_t)((opt.seconds > 0 ? opt.seconds : 1) * 1e6));
	after = usage_observe();
	load_report_idle(up, opened, &before, &after);
	return up == opt.idle ? 0 : 1;
}

static int
print_mode(void)
{
	struct worker w = { 0 };
	int i, rc = 3;

	load_chain_start(&w.chain);
	message_limit = 1;
	run_worker(&w);
	for (i = 0; i < WIRE_TROUBLES; i++)
		if (w.troubles[i] != 0)
			return 1;
	for (i = 0; i < LOAD_VERDICTS; i++)
		if (w.verdicts[i] != 0)
			fprintf(stderr, "verdict  %s\n",
			    load_verdict_names[i]);
	if (w.verdicts[LOAD_ACCEPT] + w.verdicts[LOAD_CONTINUE] > 0)
		rc = 0;
	load_message_print(&w.chain.edited, stdout);
	return rc;
}

static void
prepare_process(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct rlimit files;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int
main(int argc, char **argv)
{
	size_t i;

	load_options_read(argc, argv);
	load_chain_init();
	load_macros_init();
	for (i = 0; i < opt.inputs.count; i++)
		load_messages_read(&messages, opt.inputs.items[i]);
	if (opt.inputs.count > 0 && messages.count == 0)
		bench_die("milterload: no message in the input");
	if (messages.count == 0)
		load_messages_generate(&messages, (size_t)opt.size);
	prepare_process();
	if (opt.print)
		return print_mode();
	return opt.idle > 0 ? idle_mode() : load_mode();
}
