#include "tests/unit/unit.h"

#include "common/base/file.h"
#include "common/milter/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct conf {
	const char *table;
	int64_t number;
	char *loaded;		/* made by load() */
};

static const struct setting settings[] = {
	{ "Table", SETTING_STRING, offsetof(struct conf, table), NULL, 1, 99,
	    NULL, 0 },
	{ "Number", SETTING_NUMBER, offsetof(struct conf, number), "7", 1, 99,
	    NULL, 0 },
};

static const struct config_schema schema = {
	settings, ARRAY_LEN(settings), NULL, 0
};

static atomic_int loads, unloads, alive;

static void
load(struct filter_load *l)
{
	struct conf *conf = l->conf;

	atomic_fetch_add(&loads, 1);
	atomic_fetch_add(&alive, 1);
	conf->loaded = xstrdup(conf->table != NULL ? conf->table : "none");
	if (strcmp(conf->loaded, "bad") == 0)
		diag_error(l->diag, l->file, 0, "the table is bad");
	if (l->check_all)
		diag_note(l->diag, NULL, 0, "all was looked at");
}

static void
unload(void *arg)
{
	struct conf *conf = arg;

	atomic_fetch_add(&unloads, 1);
	if (conf->loaded == NULL)
		return;
	memset(conf->loaded, 'x', strlen(conf->loaded));
	free(conf->loaded);
	atomic_fetch_sub(&alive, 1);
}

static const struct filter filter = {
	.name = "test",
	.schema = &schema,
	.conf_size = sizeof(struct conf),
	.load = load,
	.unload = unload,
};

static struct snapshot *
load_text(const char *text, struct diag *diag)
{
	char path[] = "postern-snapshot-XXXXXX";
	struct strbuf err = STRBUF_INIT;
	struct snapshot_options options = { .file = path };
	struct snapshot *snapshot;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_replace(path, span_of(text), 0600, (uid_t)-1,
	    (gid_t)-1, &err), 0);
	snapshot = snapshot_load(&filter, &options, diag);
	unlink(path);
	return snapshot;
}

static const struct {
	const char *text;
	bool ok;
	int errors;
} files[] = {
	{ "", true, 0 },
	{ "Table good\n", true, 0 },
	{ "Table bad\n", false, 1 },
	{ "Nomber 3\nNumber 100\n", false, 2 },
	/* a wrong setting does not hide a wrong table */
	{ "Table bad\nNumber 0\n", false, 2 },
};

static void
test_load(void **state)
{
	struct snapshot *snapshot;
	struct diag diag;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(files); i++) {
		diag = (struct diag)DIAG_INIT;
		snapshot = load_text(files[i].text, &diag);
		ROW_IS(files[i].text, (snapshot != NULL) == files[i].ok);
		ROW_IS(files[i].text, diag.found[DIAG_ERROR] ==
		    (size_t)files[i].errors);
		snapshot_unref(snapshot);
		diag_clear(&diag);
	}
	assert_int_equal(loads, ARRAY_LEN(files));
	assert_int_equal(unloads, ARRAY_LEN(files));
	assert_int_equal(alive, 0);
}

static void
test_missing_file(void **state)
{
	struct snapshot_options options = { .file = "/nonexistent/x.conf" };
	struct diag diag = DIAG_INIT;
	int before = loads;

	(void)state;
	assert_null(snapshot_load(&filter, &options, &diag));
	assert_int_equal(diag.count, 1);
	assert_int_equal(loads, before);
	assert_int_equal(alive, 0);
	diag_clear(&diag);
}

static void
test_overrides(void **state)
{
	static const struct snapshot_override overrides[] = {
		{ "Number", "9" }, { "table", "given" },
	};
	struct snapshot_options options = { .overrides = overrides,
	    .override_count = ARRAY_LEN(overrides), .check_all = true };
	struct diag diag = DIAG_INIT;
	struct snapshot *snapshot = snapshot_load(&filter, &options, &diag);
	const struct conf *conf;

	(void)state;
	assert_non_null(snapshot);
	conf = snapshot->conf;
	assert_int_equal(conf->number, 9);
	assert_string_equal(conf->loaded, "given");
	assert_string_equal(snapshot->origins[1].file, "command line");
	assert_true(diag_has(&diag, DIAG_NOTE, "all was looked at"));
	snapshot_unref(snapshot);
	diag_clear(&diag);
}

static atomic_bool stop;
static atomic_int seen, seen_freed;

/* A reader must never see a snapshot that was freed (its text is wiped). */
static void *
read_current(void *arg)
{
	struct snapshot *snapshot;
	const struct conf *conf;

	while (!atomic_load(&stop)) {
		snapshot = snapshot_current();
		conf = snapshot->conf;
		if (strcmp(conf->loaded, "good") != 0)
			atomic_fetch_add(&seen_freed, 1);
		atomic_fetch_add(&seen, 1);
		snapshot_unref(snapshot);
	}
	return arg;
}

static void
test_swap(void **state)
{
	enum { READERS = 4, SWAPS = 200 };
	struct diag diag = DIAG_INIT;
	pthread_t threads[READERS];
	int i;

	(void)state;
	assert_null(snapshot_current());
	snapshot_swap(load_text("Table good\n", &diag));
	for (i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
		    read_current, NULL), 0);
	for (i = 0; i < SWAPS; i++)
		snapshot_swap(load_text("Table good\n", &diag));
	while (atomic_load(&seen) < SWAPS)
		usleep(100);
	atomic_store(&stop, true);
	for (i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(seen_freed, 0);
	assert_int_equal(alive, 1);
	snapshot_swap(NULL);
	assert_int_equal(alive, 0);
	assert_null(snapshot_current());
	diag_clear(&diag);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_missing_file),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
