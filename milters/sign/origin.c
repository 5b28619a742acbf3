#include "milters/sign/origin.h"

#include "common/base/escape.h"

static bool
daemon_is_listed(struct filter_context *ctx, const struct sign_conf *conf)
{
	struct span name;
	size_t i;

	if (conf->daemon_name_count == 0)
		return false;
	name = session_macro(ctx->session, "{daemon_name}");
	for (i = 0; i < conf->daemon_name_count; i++)
		if (name.len != 0 && span_eq(name, conf->daemon_names[i])) {
			filter_explain(ctx, "origin: {daemon_name} is in MTA");
			return true;
		}
	return false;
}

/* Without values any setting of the macro counts, with values one of them. */
static bool
value_counts(struct span values, struct span value)
{
	struct span item;

	if (values.len == 0)
		return true;
	while (values.len > 0) {
		span_cut(&values, '|', &item);
		if (span_eq(item, value))
			return true;
	}
	return false;
}

static bool
macro_is_listed(struct filter_context *ctx, const struct sign_conf *conf)
{
	struct span value;
	size_t i;

	for (i = 0; i < conf->macro_count; i++) {
		value = session_macro(ctx->session, conf->macros[i].name);
		if (value.len == 0 ||
		    !value_counts(conf->macros[i].values, value))
			continue;
		filter_explain(ctx, "origin: MacroList, %s is set",
		    conf->macros[i].name);
		return true;
	}
	return false;
}

static bool
client_is_internal(struct filter_context *ctx, const struct sign_conf *conf)
{
	struct span entry;

	if (!hostlist_match(conf->internal, ctx->session->client_name,
	    &ctx->session->client, &entry))
		return false;
	filter_explain(ctx, "origin: the client is in InternalHosts, entry "
	    "%.*s", SPAN_ARG(entry));
	return true;
}

static bool
client_is_authenticated(struct filter_context *ctx)
{
	if (session_macro(ctx->session, "{auth_type}").len == 0)
		return false;
	filter_explain(ctx, "origin: the client is authenticated");
	return true;
}

bool
sign_origin_is_ours(struct filter_context *ctx)
{
	const struct sign_conf *conf = ctx->conf;

	return daemon_is_listed(ctx, conf) || macro_is_listed(ctx, conf) ||
	    client_is_internal(ctx, conf) || client_is_authenticated(ctx);
}
