#include "tests/bench/load_macros.h"

#include "common/base/mem.h"
#include "tests/bench/bench.h"
#include "tests/bench/load_options.h"

#include <stdio.h>
#include <string.h>

enum { MACROS_MAX = 128 };

/* An empty value is not sent. Postfix has no queue id yet at MAIL. */
static const struct load_macro defaults[] = {
	{ 'C', "j", "mx.example" },
	{ 'C', "{daemon_name}", "mx.example" },
	{ 'C', "{daemon_addr}", "192.0.2.1" },
	{ 'C', "v", "Postfix 3.7.11" },
	{ 'C', "{client_name}", "" },
	{ 'C', "{client_addr}", "%c" },
	{ 'C', "{client_port}", "" },
	{ 'C', "{client_ptr}", "" },
	{ 'C', "{client_connections}", "0" },
	{ 'M', "{auth_type}", "" },
	{ 'M', "{auth_authen}", "" },
	{ 'M', "{mail_addr}", "%f" },
	{ 'M', "{mail_mailer}", "smtp" },
	{ 'R', "{rcpt_addr}", "%r" },
	{ 'R', "{rcpt_mailer}", "local" },
	{ 'T', "i", "%q" },
	{ 'N', "i", "%q" },
	{ 'E', "i", "%q" },
};

static struct load_macro macros[MACROS_MAX];
static size_t count;

/* stage 0: wherever the name is sent, at MAIL where it is new. */
static void
set(char stage, const char *name, const char *value)
{
	size_t i;
	bool found = false;

	for (i = 0; i < count; i++) {
		if (strcmp(macros[i].name, name) != 0 ||
		    (stage != 0 && macros[i].stage != stage))
			continue;
		macros[i].value = value;
		found = true;
	}
	if (found)
		return;
	if (count == MACROS_MAX)
		bench_die("milterload: too many macros");
	macros[count++] = (struct load_macro){ stage != 0 ? stage : 'M', name,
	    value };
}

static void
set_from_text(const char *text)
{
	const char *equals;
	char stage = 0;

	if (text[0] != '\0' && text[1] == ':' &&
	    strchr("CHMRTLNE", text[0]) != NULL) {
		stage = text[0];
		text += 2;
	}
	equals = strchr(text, '=');
	if (equals == NULL || equals == text)
		bench_die("milterload: bad macro: %s", text);
	set(stage, xmemdup0(text, (size_t)(equals - text)), equals + 1);
}

void
load_macros_init(void)
{
	static char port[24];
	size_t i;

	memcpy(macros, defaults, sizeof(defaults));
	count = ARRAY_LEN(defaults);
	snprintf(port, sizeof(port), "%ld", opt.client_port);
	set('C', "{client_port}", port);
	set('C', "{client_name}", opt.client_name);
	set('C', "{client_ptr}", opt.client_name);
	if (opt.auth != NULL) {
		set('M', "{auth_type}", "PLAIN");
		set('M', "{auth_authen}", opt.auth);
	}
	for (i = 0; i < opt.macros.count; i++)
		set_from_text(opt.macros.items[i]);
}

const struct load_macro *
load_macros_next(char stage, size_t *i)
{
	const struct load_macro *macro;

	while (*i < count) {
		macro = &macros[(*i)++];
		if (macro->stage == stage && *macro->value != '\0')
			return macro;
	}
	return NULL;
}
