#include "common/milter/ownname.h"

#include "common/mail/authres.h"

#include <unistd.h>

const char *
own_host_name(struct arena *arena)
{
	char name[256];

	if (gethostname(name, sizeof(name)) != 0)
		name[0] = '\0';
	name[sizeof(name) - 1] = '\0';
	return arena_strdup(arena, name[0] != '\0' ? name : "localhost");
}

struct span
own_id_load(struct filter_load *load, const char *setting, const char *text,
    const char *host_name)
{
	struct span id;

	if (span_is_nocase(span_of(text), "HOSTNAME"))
		text = host_name;
	id = authres_own_id(span_of(text), load->arena);
	if (id.len == 0)
		filter_refuse(load, setting, "no authserv-id: a host name such "
		    "as mx.example.com is best");
	return id;
}

struct span
own_id_find(struct filter_context *ctx, struct span id, const char *host_name)
{
	struct arena *arena = &ctx->message->arena;

	if (id.len == 0)
		id = authres_own_id(session_macro(ctx->session, "j"), arena);
	if (id.len == 0)
		id = authres_own_id(span_of(host_name), arena);
	return id;
}
