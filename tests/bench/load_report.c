#include "tests/bench/load_report.h"

#include "common/base/mem.h"
#include "tests/bench/bench.h"
#include "tests/bench/load_options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void
samples_add(struct samples *s, double seconds)
{
	if (s->count == s->cap) {
		s->cap = s->cap > 0 ? s->cap * 2 : 256;
		s->ms = xreallocarray(s->ms, s->cap, sizeof(*s->ms));
	}
	s->ms[s->count++] = (float)(seconds * 1000);
}

void
samples_append(struct samples *to, const struct samples *from)
{
	if (from->count == 0)
		return;
	to->cap = to->count + from->count;
	to->ms = xreallocarray(to->ms, to->cap, sizeof(*to->ms));
	memcpy(to->ms + to->count, from->ms, from->count * sizeof(*to->ms));
	to->count = to->cap;
}

static int
by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

void
samples_sort(struct samples *s)
{
	if (s->count > 0)
		qsort(s->ms, s->count, sizeof(*s->ms), by_value);
}

static double
percentile(const struct samples *s, double p)
{
	size_t i = (size_t)(p / 100 * (double)s->count);

	if (s->count == 0)
		return 0;
	return (double)s->ms[i < s->count ? i : s->count - 1];
}

/* ---- observed processes ---- */

static bool
read_proc(const char *pid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, file);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	got = read(fd, text, size - 1);
	close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0;
}

static long
status_field(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p != NULL ? strtol(p + strlen(name), NULL, 10) : 0;
}

/* utime and stime, the 12th and 13th field behind the program's name. */
static void
add_stat(struct usage *usage, const char *text)
{
	const char *p = strrchr(text, ')');
	double ticks = (double)sysconf(_SC_CLK_TCK);
	char *end;
	int i;

	for (i = 0; p != NULL && i < 12; i++)
		p = strchr(p + 1, ' ');
	if (p == NULL)
		return;
	usage->user += (double)strtoul(p, &end, 10) / ticks;
	usage->sys += (double)strtoul(end, NULL, 10) / ticks;
}

static void
add_process(struct usage *usage, const char *pid)
{
	struct timespec cpu;
	char text[4096];
	clockid_t clock;
	uint64_t number;

	if (!span_number(span_of(pid), INT32_MAX, &number))
		bench_die("milterload: bad process id: %s", pid);
	if (clock_getcpuclockid((pid_t)number, &clock) == 0 &&
	    clock_gettime(clock, &cpu) == 0)
		usage->cpu += (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9;
	if (read_proc(pid, "stat", text, sizeof(text)))
		add_stat(usage, text);
	if (!read_proc(pid, "status", text, sizeof(text)))
		return;
	usage->rss_kb += status_field(text, "VmRSS:");
	usage->peak_kb += status_field(text, "VmHWM:");
	usage->threads += status_field(text, "Threads:");
}

struct usage
usage_observe(void)
{
	struct usage usage = { 0 };
	size_t i;

	for (i = 0; i < opt.pids.count; i++)
		add_process(&usage, opt.pids.items[i]);
	return usage;
}

/* ---- the report ---- */

struct figures {
	double per_second, mb_per_second;
	double cpu, user, sys, own;	/* ms a message */
};

static struct figures
derive(const struct load_result *r)
{
	double per_message = r->messages > 0 ? 1000 / (double)r->messages : 0;

	return (struct figures){
		.per_second = (double)r->messages / r->seconds,
		.mb_per_second = (double)r->body_bytes / 1e6 / r->seconds,
		.cpu = (r->after.cpu - r->before.cpu) * per_message,
		.user = (r->after.user - r->before.user) * per_message,
		.sys = (r->after.sys - r->before.sys) * per_message,
		.own = r->own_cpu * per_message,
	};
}

static void
text_distribution(const char *name, const struct samples *s)
{
	printf("%-8s ms: min %.3f  p50 %.3f  p90 %.3f  p99 %.3f  max %.3f\n",
	    name, percentile(s, 0), percentile(s, 50), percentile(s, 90),
	    percentile(s, 99), percentile(s, 100));
}

static void
text_counts(const char *title, const uint64_t *counts,
    const char *const *names, size_t n)
{
	const char *separator = "";
	size_t i;

	printf("%s:", title);
	for (i = 0; i < n; i++)
		if (counts[i] != 0) {
			printf("%s %s %ju", separator, names[i],
			    (uintmax_t)counts[i]);
			separator = ",";
		}
	puts(*separator != '\0' ? "" : " none");
}

static void
print_text(const struct load_result *r, const struct figures *f)
{
	printf("messages %ju in %.3f s: %.2f/s, %.2f MB/s of body\n",
	    (uintmax_t)r->messages, r->seconds, f->per_second,
	    f->mb_per_second);
	text_distribution("latency", &r->latency);
	text_distribution("connect", &r->connect);
	text_counts("verdicts", r->verdicts, load_verdict_names,
	    LOAD_VERDICTS);
	text_counts("actions", r->done, load_action_names, LOAD_ACTIONS);
	text_counts("errors", r->troubles, wire_trouble_names, WIRE_TROUBLES);
	if (opt.pids.count > 0)
		printf("milter: %.4f CPU-ms/message (user %.4f, system %.4f),"
		    " RSS %ld KB, peak %ld KB, %ld threads\n", f->cpu,
		    f->user, f->sys, r->after.rss_kb, r->after.peak_kb,
		    r->after.threads);
	printf("generator: %.4f CPU-ms/message\n", f->own);
}

static void
json_distribution(const char *name, const struct samples *s)
{
	printf(",\"%s_ms\":{\"min\":%.3f,\"p50\":%.3f,\"p90\":%.3f,"
	    "\"p99\":%.3f,\"max\":%.3f}", name, percentile(s, 0),
	    percentile(s, 50), percentile(s, 90), percentile(s, 99),
	    percentile(s, 100));
}

static void
json_counts(const char *title, const uint64_t *counts,
    const char *const *names, size_t n)
{
	const char *separator = "";
	size_t i;

	printf(",\"%s\":{", title);
	for (i = 0; i < n; i++)
		if (counts[i] != 0) {
			printf("%s\"%s\":%ju", separator, names[i],
			    (uintmax_t)counts[i]);
			separator = ",";
		}
	putchar('}');
}

static void
print_json(const struct load_result *r, const struct figures *f)
{
	printf("{\"messages\":%ju,\"seconds\":%.3f,\"per_second\":%.2f,"
	    "\"mb_per_second\":%.2f", (uintmax_t)r->messages, r->seconds,
	    f->per_second, f->mb_per_second);
	json_distribution("latency", &r->latency);
	json_distribution("connect", &r->connect);
	json_counts("verdicts", r->verdicts, load_verdict_names,
	    LOAD_VERDICTS);
	json_counts("actions", r->done, load_action_names, LOAD_ACTIONS);
	json_counts("errors", r->troubles, wire_trouble_names, WIRE_TROUBLES);
	if (opt.pids.count > 0)
		printf(",\"cpu_ms\":%.4f,\"user_ms\":%.4f,\"sys_ms\":%.4f,"
		    "\"rss_kb\":%ld,\"peak_kb\":%ld,\"threads\":%ld", f->cpu,
		    f->user, f->sys, r->after.rss_kb, r->after.peak_kb,
		    r->after.threads);
	printf(",\"generator_cpu_ms\":%.4f}\n", f->own);
}

void
load_report_print(const struct load_result *result)
{
	struct figures figures = derive(result);

	if (opt.json)
		print_json(result, &figures);
	else
		print_text(result, &figures);
}

void
load_report_idle(long open, double seconds, const struct usage *before,
    const struct usage *after)
{
	double cpu_ms = (after->cpu - before->cpu) * 1000;

	if (opt.json)
		printf("{\"idle\":%ld,\"open_seconds\":%.3f,"
		    "\"threads_before\":%ld,\"threads\":%ld,"
		    "\"rss_kb_before\":%ld,\"rss_kb\":%ld,\"cpu_ms\":%.1f}\n",
		    open, seconds, before->threads, after->threads,
		    before->rss_kb, after->rss_kb, cpu_ms);
	else
		printf("%ld connections idle, opened in %.3f s; threads %ld ->"
		    " %ld, RSS %ld -> %ld KB, CPU %.1f ms\n", open, seconds,
		    before->threads, after->threads, before->rss_kb,
		    after->rss_kb, cpu_ms);
}
