#include "admin/ask.h"

#include "common/base/mem.h"
#include "common/config/settings.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * What is wrong elsewhere in the configuration must not keep anybody from a
 * daemon that runs with the one before: only these are looked at.
 */
struct place {
	const char *socket;
	const char *base;
};

static const struct setting settings[] = {
	{ "ControlSocket", SETTING_PATH, offsetof(struct place, socket),
	    "/run/postern-policy/control", 1, 4096, NULL, 0 },
	{ "BaseDirectory", SETTING_STRING, offsetof(struct place, base),
	    NULL, 1, 4096, NULL, 0 },
};

static const struct config_schema schema = {
	settings, ARRAY_LEN(settings), NULL, 0
};

/* NULL, said why, where a file that was named cannot be read. */
static const char *
find_socket(const struct ask_options *options, struct arena *arena)
{
	struct config_origin origins[ARRAY_LEN(settings)];
	struct place place = { 0 };
	struct diag diag = DIAG_INIT;
	const char *file = options->config;
	bool was_read;

	if (options->socket != NULL)
		return options->socket;
	if (file == NULL)
		file = SYSCONFDIR "/postern/policy.conf";
	was_read = config_load(file, &schema, &place, origins, arena, &diag);
	if (!was_read && options->config != NULL) {
		cli_report(&diag);
		place.socket = NULL;
	}
	diag_clear(&diag);
	return place.socket;
}

static void
add_word(struct ask *ask, const char *word)
{
	assert(ask->count < CONTROL_WORDS_MAX);
	ask->words[ask->count++] = span_of(word);
}

void
ask_start(struct ask *ask, const struct ask_options *options,
    const char *group, const char *command, const char *const *args,
    size_t count)
{
	size_t i;

	*ask = (struct ask){ .options = options };
	add_word(ask, group);
	add_word(ask, command);
	for (i = 0; i < count; i++)
		add_word(ask, args[i]);
}

void
ask_number(struct ask *ask, const char *name, int64_t number)
{
	add_word(ask, arena_printf(&ask->arena, "--%s=%" PRId64, name,
	    number));
}

static int
print_answer(const struct control_answer *answer)
{
	fwrite(strbuf_str(&answer->output), 1, answer->output.len, stdout);
	if (answer->error.len != 0)
		cli_error("%s", strbuf_str(&answer->error));
	return answer->status;
}

int
ask_end(struct ask *ask)
{
	struct control_answer answer = { 0 };
	struct strbuf err = STRBUF_INIT;
	const char *path = find_socket(ask->options, &ask->arena);
	int status = EX_CONFIG;

	if (ask->options->json)
		add_word(ask, "--json");
	if (path != NULL && control_ask(path, ask->words, ask->count, &answer,
	    &err) == 0) {
		status = print_answer(&answer);
	} else if (path != NULL) {
		cli_error("%s", strbuf_str(&err));
		status = EX_UNAVAILABLE;
	}
	strbuf_clear(&answer.output);
	strbuf_clear(&answer.error);
	strbuf_clear(&err);
	arena_clear(&ask->arena);
	return status;
}

int
ask_run(const struct ask_options *options, const char *group,
    const char *command, const char *const *args, size_t count)
{
	struct ask ask;

	ask_start(&ask, options, group, command, args, count);
	return ask_end(&ask);
}
