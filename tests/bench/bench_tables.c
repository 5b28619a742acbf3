/*
 * bench_tables - what KeyTable and SigningTable cost by themselves, without a
 * daemon: loading, memory, look-ups of each class of pattern, and a second load
 * beside the first, as a reload does it.
 *
 *	bench_tables [ROWS...]		(1000 100000 1000000)
 *
 * Prints a line of key=value pairs for each measurement. Look-ups go to random
 * rows, so that large tables are not served from the processor's cache.
 */
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/tables/signtable.h"
#include "tests/bench/bench.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY_ROWS_MAX = 100000, KEY_FILES = 10, GLOBS = 10, LOOKUPS = 200000 };

/* Of ten rows, those from first on are of the class; "#" is the row. */
static const struct class {
	const char *name;
	const char *refile;
	const char *file;
	const char *sender;	/* one the row matches */
	size_t first;
} classes[] = {
	{ "domain", "*@d#.example", "d#.example", "any@d#.example", 0 },
	{ "address", "user#@a.example", "user#@a.example", "user#@a.example",
	    5 },
	{ "below", "*@*.b#.example", ".b#.example", "any@x.y.b#.example", 7 },
	{ "user", "u#@*", "u#@*", "u#@anywhere.example", 8 },
	{ "user_below", "w@*.c#.example", "w@.c#.example", "w@x.c#.example",
	    9 },
};

static struct strbuf dir;

static const struct class *
class_of(size_t row)
{
	size_t i = ARRAY_LEN(classes) - 1;

	while (row % 10 < classes[i].first)
		i--;
	return &classes[i];
}

/* text with the row's number in place of "#". */
static void
add_numbered(struct strbuf *out, const char *text, size_t row)
{
	struct span rest = span_of(text), head;

	if (span_cut(&rest, '#', &head))
		strbuf_addf(out, "%.*s%zu", SPAN_ARG(head), row);
	else
		rest = head;
	strbuf_addspan(out, rest);
}

/* ---- the tables ---- */

static const char *
path_of(const char *name)
{
	static struct strbuf path;

	strbuf_reset(&path);
	strbuf_addf(&path, "%s/%s", dir.s, name);
	return path.s;
}

static void
write_file(const char *name, const struct strbuf *text)
{
	struct strbuf err = STRBUF_INIT;

	if (file_publish(path_of(name), strbuf_span(text), 0600, &err) != 0)
		bench_die("bench_tables: %s", err.s);
}

static void
write_key_files(void)
{
	struct strbuf pem = STRBUF_INIT, err = STRBUF_INIT;
	char name[] = "key0";
	struct dkim_key *key;

	for (; name[3] < '0' + KEY_FILES; name[3]++) {
		key = dkim_key_generate(DKIM_ED25519_SHA256, 0, &err);
		strbuf_reset(&pem);
		if (key == NULL || dkim_key_format(key, &pem, &err) != 0)
			bench_die("bench_tables: %s", err.s);
		write_file(name, &pem);
		dkim_key_free(key);
	}
	strbuf_wipe(&pem);
}

static size_t
key_rows(size_t rows)
{
	return rows < KEY_ROWS_MAX ? rows : KEY_ROWS_MAX;
}

static void
write_tables(size_t rows, bool is_refile)
{
	struct strbuf text = STRBUF_INIT;
	const struct class *class;
	size_t i;

	for (i = 0; i < key_rows(rows); i++)
		strbuf_addf(&text, "k%zu %%:s%zu:%s/key%zu\n", i, i, dir.s,
		    i % KEY_FILES);
	write_file("KeyTable", &text);
	strbuf_reset(&text);
	for (i = 0; i < rows; i++) {
		class = class_of(i);
		add_numbered(&text, is_refile ? class->refile : class->file,
		    i);
		strbuf_addf(&text, " k%zu\n", i % key_rows(rows));
	}
	for (i = 0; is_refile && i < GLOBS; i++)
		strbuf_addf(&text, "a*z@glob%zu*.example k0\n", i);
	write_file("SigningTable", &text);
	strbuf_clear(&text);
}

static void
remove_files(void)
{
	char name[] = "key0";

	for (; name[3] < '0' + KEY_FILES; name[3]++)
		unlink(path_of(name));
	unlink(path_of("KeyTable"));
	unlink(path_of("SigningTable"));
	rmdir(dir.s);
}

/* ---- measuring ---- */

struct tables {
	struct keytable *keys;
	struct signtable *signing;
	double keys_s;		/* of the time to load: the KeyTable's */
	double s;
};

static struct tables
load(bool is_refile)
{
	static const struct dataset_place place = { "bench", 1, "Table",
	    NULL };
	struct keytable_options options = { true, 1024, KEYTABLE_EAGER_KEYS,
	    geteuid(), getegid() };
	struct strbuf spec = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct tables tables;
	double start = bench_now();

	tables.keys = keytable_load(path_of("KeyTable"), &place, &options,
	    &diag);
	tables.keys_s = bench_now() - start;
	strbuf_addf(&spec, "%s%s", is_refile ? "refile:" : "file:",
	    path_of("SigningTable"));
	tables.signing = signtable_load(spec.s, &place, tables.keys, false,
	    &diag);
	tables.s = bench_now() - start;
	if (diag.count != 0) {
		diag_print(&diag, stderr);
		bench_die("bench_tables: the tables are not what they should "
		    "be");
	}
	strbuf_clear(&spec);
	return tables;
}

static void
unload(struct tables *tables)
{
	signtable_free(tables->signing);
	keytable_free(tables->keys);
}

/* What is in use: the daemon too gives back what a reload leaves. */
static double
resident_mb(void)
{
	FILE *fp = fopen("/proc/self/statm", "r");
	long pages = 0;

	malloc_trim(0);
	if (fp == NULL || fscanf(fp, "%*d %ld", &pages) != 1)
		bench_die("bench_tables: /proc/self/statm cannot be read");
	fclose(fp);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* Another row of the class each time, all over the table. */
static size_t
random_row(const struct class *class, size_t rows)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % (rows / 10) * 10 + class->first;
}

/* Addresses are made beforehand: making one costs as much as looking it up. */
static struct address *
make_senders(const char *sender, const struct class *class, size_t rows,
    struct arena *arena)
{
	struct address *senders = xcalloc(LOOKUPS, sizeof(*senders));
	struct strbuf text = STRBUF_INIT;
	struct span rest;
	size_t i;

	for (i = 0; i < LOOKUPS; i++) {
		strbuf_reset(&text);
		add_numbered(&text, sender, random_row(class, rows));
		rest = arena_dup(arena, strbuf_span(&text));
		span_cut(&rest, '@', &senders[i].local);
		senders[i].domain = rest;
	}
	strbuf_clear(&text);
	return senders;
}

static void
measure_lookups(const struct tables *tables, const char *type, size_t rows,
    const char *name, const char *sender, bool is_hit)
{
	const struct class *class = &classes[0];
	struct arena arena = ARENA_INIT, scratch = ARENA_INIT;
	struct signtable_match match;
	struct address *senders;
	size_t i, found = 0;
	double start;

	for (i = 0; i < ARRAY_LEN(classes); i++)
		if (strcmp(classes[i].name, name) == 0)
			class = &classes[i];
	senders = make_senders(sender, class, rows, &arena);
	start = bench_cpu();
	for (i = 0; i < LOOKUPS; i++) {
		found += signtable_lookup(tables->signing, &senders[i],
		    &scratch, &match, 1, NULL, NULL);
		arena_reset(&scratch);
	}
	printf("measure=lookup type=%s rows=%zu class=%s ns=%.0f\n", type, rows,
	    name, (bench_cpu() - start) * 1e9 / LOOKUPS);
	if (found != (is_hit ? LOOKUPS : 0))
		bench_die("bench_tables: %s: %zu of %d found", name, found,
		    LOOKUPS);
	free(senders);
	arena_clear(&arena);
	arena_clear(&scratch);
}

static void
measure_classes(const struct tables *tables, const char *type, size_t rows)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(classes); i++)
		measure_lookups(tables, type, rows, classes[i].name,
		    classes[i].sender, true);
	measure_lookups(tables, type, rows, "miss", "nobody#@no.such.invalid",
	    false);
	measure_lookups(tables, type, rows, "miss_deep",
	    "nobody#@a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
	    "invalid", false);
}

static void
measure(size_t rows, bool is_refile)
{
	const char *type = is_refile ? "refile" : "file";
	double before = resident_mb(), start, cpu = bench_cpu();
	struct tables tables = load(is_refile), again;

	printf("measure=load type=%s rows=%zu key_rows=%zu s=%.3f keys_s=%.3f "
	    "cpu_s=%.3f mb=%.1f\n", type, rows, key_rows(rows), tables.s,
	    tables.keys_s, bench_cpu() - cpu, resident_mb() - before);
	measure_classes(&tables, type, rows);
	again = load(is_refile);
	printf("measure=reload type=%s rows=%zu s=%.3f mb=%.1f", type, rows,
	    again.s, resident_mb() - before);
	start = bench_now();
	unload(&tables);
	printf(" free_s=%.3f mb_after=%.1f\n", bench_now() - start,
	    resident_mb() - before);
	unload(&again);
}

/* Each in a process of its own: memory that one used is not there for the next
 * to use again. */
static void
measure_apart(size_t rows, bool is_refile)
{
	int status;
	pid_t pid;

	write_tables(rows, is_refile);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		bench_die("bench_tables: fork failed");
	if (pid == 0) {
		measure(rows, is_refile);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bench_die("bench_tables: %zu rows: not measured", rows);
}

static void
measure_rows(const char *number)
{
	uint64_t rows;

	if (!span_number(span_of(number), 100000000, &rows) || rows < 10)
		bench_die("usage: bench_tables [ROWS...]");
	measure_apart(rows, true);
	measure_apart(rows, false);
}

int
main(int argc, char **argv)
{
	static const char *const usual[] = { "1000", "100000", "1000000" };
	char name[] = "/tmp/postern-bench-XXXXXX";
	size_t i;

	if (mkdtemp(name) == NULL)
		bench_die("bench_tables: no directory in /tmp");
	strbuf_adds(&dir, name);
	write_key_files();
	for (i = 0; argc < 2 && i < ARRAY_LEN(usual); i++)
		measure_rows(usual[i]);
	for (i = 1; i < (size_t)argc; i++)
		measure_rows(argv[i]);
	remove_files();
	return 0;
}
