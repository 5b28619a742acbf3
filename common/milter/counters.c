#include "common/milter/counters.h"

#include "common/base/mem.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CACHE_LINE = 64 };

/* A cache line each: threads that count different things do not meet. */
struct cell {
	_Atomic int64_t value;
	char padding[CACHE_LINE - sizeof(int64_t)];
};

struct counters {
	const struct counter_schema *schema;
	struct cell *cells;
};

struct counters *
counters_new(const struct counter_schema *schema)
{
	struct counters *counters = xcalloc(1, sizeof(*counters));

	counters->schema = schema;
	counters->cells = xcalloc(schema->count, sizeof(*counters->cells));
	return counters;
}

void
counters_free(struct counters *counters)
{
	if (counters == NULL)
		return;
	free(counters->cells);
	free(counters);
}

void
counters_add(struct counters *counters, size_t i, int64_t n)
{
	if (counters == NULL)
		return;
	assert(i < counters->schema->count);
	atomic_fetch_add_explicit(&counters->cells[i].value, n,
	    memory_order_relaxed);
}

void
counters_set(struct counters *counters, size_t i, int64_t value)
{
	if (counters == NULL)
		return;
	assert(i < counters->schema->count);
	atomic_store_explicit(&counters->cells[i].value, value,
	    memory_order_relaxed);
}

int64_t
counters_get(const struct counters *counters, size_t i)
{
	if (counters == NULL)
		return 0;
	assert(i < counters->schema->count);
	return atomic_load_explicit(&counters->cells[i].value,
	    memory_order_relaxed);
}

static void
format_head(const struct counter_row *row, struct strbuf *out)
{
	if (row->help != NULL)
		strbuf_addf(out, "# HELP %s %s\n", row->metric, row->help);
	strbuf_addf(out, "# TYPE %s %s\n", row->metric,
	    row->kind == GAUGE ? "gauge" : "counter");
}

static void
format_row(const struct counter_row *row, int64_t value, struct strbuf *out)
{
	strbuf_adds(out, row->metric);
	if (row->labels != NULL)
		strbuf_addf(out, "{%s}", row->labels);
	strbuf_addf(out, " %" PRId64 "\n", value);
}

void
counters_format(const struct counters *counters, struct strbuf *out)
{
	const struct counter_row *rows;
	size_t i;

	if (counters == NULL)
		return;
	rows = counters->schema->rows;
	for (i = 0; i < counters->schema->count; i++) {
		if (i == 0 || strcmp(rows[i].metric, rows[i - 1].metric) != 0)
			format_head(&rows[i], out);
		format_row(&rows[i], counters_get(counters, i), out);
	}
}
