/*
 * Any text as a configuration file: nothing breaks, values keep their bounds,
 * and what is shown reads back as the same values.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/mem.h"
#include "common/config/settings.h"

#include <sys/mman.h>
#include <unistd.h>

struct conf {
	const char *text, *spec, *path, *base, *tags;
	int64_t number, mode, wait, size;
	bool yes;
	int action, letters;
	struct config_rows rules;
};

static const char *const words[] = { "accept", "tempfail", NULL };
static const char *const letters[] = { "sv", NULL };

#define ROW(name, type, field, def, lo, hi, list, flags) \
	{ name, type, offsetof(struct conf, field), def, lo, hi, list, flags }

static const struct setting settings[] = {
	ROW("T", SETTING_STRING, text, NULL, 1, 40, NULL, 0),
	ROW("Spec", SETTING_SPEC, spec, "a, b", 0, 0, NULL, 0),
	ROW("P", SETTING_PATH, path, NULL, 0, 0, NULL, 0),
	ROW("BaseDirectory", SETTING_STRING, base, NULL, 0, 0, NULL, 0),
	ROW("Tag", SETTING_SPEC, tags, NULL, 0, 0, NULL, SETTING_REPEATS),
	ROW("N", SETTING_NUMBER, number, NULL, 0, 0, NULL, 0),
	ROW("Mode", SETTING_OCTAL, mode, "7", 0, 0777, NULL, 0),
	ROW("Wait", SETTING_SECONDS, wait, "5m", 0, 0, NULL, 0),
	ROW("Size", SETTING_BYTES, size, "64k", 0, 0, NULL, 0),
	ROW("Yes", SETTING_BOOL, yes, "yes", 0, 0, NULL, 0),
	ROW("Act", SETTING_WORD, action, "accept", 0, 0, words, 0),
	ROW("L", SETTING_LETTERS, letters, NULL, 0, 0, letters, 0),
	ROW("Rule", SETTING_ROWS, rules, NULL, 1, 5, NULL, 0),
};

static const struct setting_foreign foreign[] = {
	{ "Harmless", true, "it is" },
	{ "Harmful", false, "do not" },
};

static const struct config_schema schema = {
	settings, ARRAY_LEN(settings), foreign, ARRAY_LEN(foreign)
};

struct loaded {
	struct conf conf;
	struct config_origin origins[ARRAY_LEN(settings)];
	struct arena arena;
	struct diag diag;
};

/* A file without a place: config_load() gets it by its descriptor. */
static void
load(struct span text, struct loaded *l)
{
	static int fd = -1;
	static char path[32];

	if (fd < 0) {
		fd = memfd_create("settings", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	MUST(fd >= 0 && ftruncate(fd, 0) == 0);
	MUST(pwrite(fd, text.p, text.len, 0) == (ssize_t)text.len);
	memset(l, 0, sizeof(*l));
	MUST(config_load(path, &schema, &l->conf, l->origins, &l->arena,
	    &l->diag));
}

static void
unload(struct loaded *l)
{
	arena_clear(&l->arena);
	diag_clear(&l->diag);
}

static void
check_bounds(const struct conf *conf)
{
	size_t i;

	MUST(conf->text == NULL || strlen(conf->text) <= 40);
	MUST(conf->path == NULL || conf->path[0] == '/');
	MUST(conf->base != NULL && conf->base[0] == '/');
	MUST(conf->tags == NULL || strlen(conf->tags) <= CONFIG_VALUE_MAX);
	MUST(conf->mode >= 0 && conf->mode <= 0777);
	MUST(conf->wait >= 0 && conf->size >= 0);
	MUST(conf->action >= 0 && conf->action <= 1);
	MUST(conf->letters >= 0 && conf->letters <= 3);
	MUST(conf->rules.count <= 5);
	for (i = 0; i < conf->rules.count; i++)
		MUST(conf->rules.rows[i].text[0] != '\0' &&
		    conf->rules.rows[i].line > (i == 0 ? 0 :
		    conf->rules.rows[i - 1].line));
}

static bool
is_text_line(struct span s)
{
	return !span_has(s, '\n') && !span_has(s, '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf shown = STRBUF_INIT, one = STRBUF_INIT, two = STRBUF_INIT;
	struct loaded first, second;
	size_t i;

	if (size > CONFIG_FILE_MAX)
		return 0;
	load(span_make(data, size), &first);
	check_bounds(&first.conf);
	for (i = 0; i < first.diag.count; i++)
		MUST(is_text_line(span_of(first.diag.items[i].text)));
	config_show(&schema, &first.conf, first.origins, &shown);
	load(strbuf_span(&shown), &second);
	MUST(!diag_failed(&second.diag));
	for (i = 0; i < ARRAY_LEN(settings); i++) {
		strbuf_reset(&one);
		strbuf_reset(&two);
		config_format(&settings[i], &first.conf, &one);
		config_format(&settings[i], &second.conf, &two);
		MUST(span_eq(strbuf_span(&one), strbuf_span(&two)));
	}
	unload(&first);
	unload(&second);
	strbuf_clear(&shown);
	strbuf_clear(&one);
	strbuf_clear(&two);
	return 0;
}
