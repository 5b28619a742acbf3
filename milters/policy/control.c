#include "milters/policy/control.h"

#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdatomic.h>
#include <sys/types.h>
#include <sysexits.h>

static atomic_bool is_listening;

static const struct {
	const char *name;
	policy_command *run;
} commands[] = {
	{ "limit", control_limit },
	{ "warmup", control_warmup },
	{ "greylist", control_greylist },
	{ "reputation", control_reputation },
	{ "cache", control_cache },
};

void
policy_control(const void *conf, const struct span *words, size_t count,
    struct control_answer *answer)
{
	size_t i;

	for (i = 0; count != 0 && i < ARRAY_LEN(commands); i++) {
		if (span_is(words[0], commands[i].name)) {
			answer->status = commands[i].run(conf, words, count,
			    answer);
			return;
		}
	}
	answer->status = control_refuse(answer, "postern-policy knows no "
	    "command ", count != 0 ? words[0] : span_of(""));
}

int
control_refuse(struct control_answer *answer, const char *text,
    struct span word)
{
	strbuf_adds(&answer->error, text);
	escape_add(&answer->error, word, ESCAPE_MAX, ESCAPE_QUOTE);
	return EX_USAGE;
}

void
policy_control_serve(const struct policy_conf *conf)
{
	struct strbuf err = STRBUF_INIT;

	/* Where it listens is decided at the start, as for Socket. */
	if (conf->control_socket == NULL || atomic_exchange(&is_listening,
	    true))
		return;
	if (control_start(conf->control_socket, (mode_t)conf->control_mode,
	    (gid_t)-1, policy_control, &err) != 0) {
		log_error("ControlSocket: %s", strbuf_str(&err));
		atomic_store(&is_listening, false);
	}
	strbuf_clear(&err);
}

void
policy_control_stop(void)
{
	if (atomic_exchange(&is_listening, false))
		control_stop();
}
