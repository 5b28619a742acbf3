#include "milters/policy/check.h"

#include "common/base/escape.h"
#include "common/base/mem.h"

enum {
	FIELDS_MAX = 2000,	/* of a header that are looked at */
	PREPENDS_MAX = 64,	/* fields */
	SHOWN_MAX = 100		/* octets of what was looked up, in a reason */
};

static const struct subject {
	const char *setting;
	const char *word;	/* in reasons */
} subjects[ACCESS_SUBJECTS] = {
	[ACCESS_CLIENT] = { "AccessClient", "client" },
	[ACCESS_HELO] = { "AccessHelo", "helo" },
	[ACCESS_SENDER] = { "AccessSender", "sender" },
	[ACCESS_RECIPIENT] = { "AccessRecipient", "rcpt" },
	[ACCESS_HEADER] = { "AccessHeader", "header" },
};

/* A field that goes in front of the message if it passes. */
struct prepend {
	struct prepend *next;	/* the one before it */
	struct span text;	/* "Name: value" */
};

/* What the tables said about a subject. */
struct outcome {
	enum access_subject subject;
	struct span who;
	struct access_action action;
};

struct own {
	bool is_asked;		/* client, HELO and sender were looked up */
	bool is_refused;	/* by one of them: refusal says how */
	struct outcome refusal;
	struct prepend *prepends;	/* the last one first */
	struct span redirect;	/* the last one; empty: there is none */
};

/* ---- loading ---- */

static void
load(struct filter_load *load, struct policy_conf *conf)
{
	struct dataset_place place;
	int i;

	for (i = 0; i < ACCESS_SUBJECTS; i++) {
		place = filter_place(load, subjects[i].setting);
		conf->access[i] = access_map_load(conf->access_specs[i],
		    (enum access_subject)i, &place, load->diag);
	}
	if (conf->access_specs[ACCESS_HEADER] != NULL)
		conf->wants_header = true;
}

static void
unload(struct policy_conf *conf)
{
	int i;

	for (i = 0; i < ACCESS_SUBJECTS; i++)
		access_map_free(conf->access[i]);
}

/* ---- what a row says is done ---- */

static struct own *
own_of(struct policy_state *state)
{
	return policy_own(state, &access_check, sizeof(struct own));
}

/* "client mx.example.com[192.0.2.1]: text" */
static struct policy_finding *
find(struct policy_state *state, const struct outcome *outcome,
    enum policy_action action)
{
	const struct access_action *said = &outcome->action;
	struct policy_finding *finding;
	struct strbuf who = STRBUF_INIT;

	escape_add(&who, outcome->who, SHOWN_MAX, 0);
	finding = policy_find(state, &access_check, action, 0, said->row,
	    "%s %s%s%.*s", subjects[outcome->subject].word, strbuf_str(&who),
	    said->text.len > 0 ? ": " : "", SPAN_ARG(said->text));
	strbuf_clear(&who);
	return finding;
}

static void
refuse(struct policy_state *state, const struct outcome *outcome,
    bool is_for_recipient)
{
	static const enum policy_action actions[] = {
		[ACCESS_REJECT] = POLICY_REJECT,
		[ACCESS_DEFER] = POLICY_DEFER,
		[ACCESS_DISCARD] = POLICY_DISCARD,
	};
	const struct access_action *said = &outcome->action;
	struct policy_finding *finding = find(state, outcome,
	    actions[said->verb]);

	finding->is_for_recipient = is_for_recipient;
	if (outcome->subject < ACCESS_RECIPIENT && !finding->is_monitored)
		state->is_banned |= said->verb != ACCESS_DEFER;
	if (said->verb == ACCESS_DISCARD)
		return;
	finding->code = said->code;
	if (said->enhanced.len > 0)
		finding->enhanced = arena_dup(policy_arena(state),
		    said->enhanced).p;
	finding->text = said->text.len == 0 ? "Access denied" :
	    arena_dup(policy_arena(state), said->text).p;
}

static void
exempt(struct policy_state *state, const struct outcome *outcome)
{
	struct policy_finding *finding = find(state, outcome, POLICY_OK);

	finding->is_for_recipient = outcome->subject == ACCESS_RECIPIENT;
	if (finding->is_monitored)
		return;
	if (finding->is_for_recipient)
		state->recipient->is_exempt = true;
	else
		state->is_exempt = true;
}

static void
hold(struct policy_state *state, const struct outcome *outcome)
{
	find(state, outcome, POLICY_QUARANTINE);
}

/* Each once, however many recipients ask for it. */
static bool
may_prepend(const struct own *own, struct span text)
{
	const struct prepend *field;
	size_t count = 0;

	for (field = own->prepends; field != NULL; field = field->next)
		if (span_eq(field->text, text) || ++count == PREPENDS_MAX)
			return false;
	return true;
}

static void
prepend(struct policy_state *state, const struct outcome *outcome)
{
	struct own *own = own_of(state);
	struct prepend *field;

	if (find(state, outcome, POLICY_NONE)->is_monitored ||
	    !may_prepend(own, outcome->action.text))
		return;
	field = arena_alloc(policy_arena(state), sizeof(*field));
	*field = (struct prepend){ own->prepends, outcome->action.text };
	own->prepends = field;
}

static void
redirect(struct policy_state *state, const struct outcome *outcome)
{
	if (!find(state, outcome, POLICY_NONE)->is_monitored)
		own_of(state)->redirect = outcome->action.text;
}

static void
warn(struct policy_state *state, const struct outcome *outcome)
{
	find(state, outcome, POLICY_NONE);
}

static void
pass_over(struct policy_state *state, const struct outcome *outcome)
{
	filter_explain(state->ctx, "access %.*s: DUNNO",
	    SPAN_ARG(outcome->action.row));
}

/* What is done besides refusing; NULL: it refuses. */
static void (*const doers[])(struct policy_state *state,
    const struct outcome *outcome) = {
	[ACCESS_OK] = exempt,
	[ACCESS_REJECT] = NULL,
	[ACCESS_DEFER] = NULL,
	[ACCESS_DUNNO] = pass_over,
	[ACCESS_HOLD] = hold,
	[ACCESS_DISCARD] = NULL,
	[ACCESS_PREPEND] = prepend,
	[ACCESS_REDIRECT] = redirect,
	[ACCESS_WARN] = warn,
};

/* False where the outcome is a refusal, which is left to the caller. */
static bool
carry_out(struct policy_state *state, const struct outcome *outcome)
{
	if (doers[outcome->action.verb] == NULL)
		return false;
	doers[outcome->action.verb](state, outcome);
	return true;
}

/* ---- looking up ---- */

/* A path that is no address by its syntax has a local part and a domain all
 * the same, and a table may well be about them: "postmaster" has no domain. */
static struct address
split_path(struct span path)
{
	struct address address;
	size_t at;

	path = span_trim(path);
	if (span_starts(path, SPAN_LIT("<")))
		path = span_skip(path, 1);
	if (path.len > 0 && path.p[path.len - 1] == '>')
		path.len--;
	at = span_rfind(path, '@');
	address.local = span_first(path, at);
	address.domain = span_skip(path, at + 1);
	return address;
}

static bool
look_up_path(const struct access_map *map, const struct address *known,
    struct span path, struct policy_state *state,
    struct access_action *action)
{
	struct address address = *known;

	if (address.local.len == 0 && address.domain.len == 0)
		address = split_path(path);
	/* What is empty would be the null sender. */
	return (address.local.len > 0 || address.domain.len > 0) &&
	    access_map_address(map, &address, policy_arena(state),
	    &state->patterns, action);
}

static bool
ask_client(struct policy_state *state, struct outcome *outcome)
{
	const struct session *session = state->ctx->session;
	struct arena *arena = policy_arena(state);
	const struct policy_facts *facts = &state->facts;

	outcome->who = span_of(arena_printf(arena, "%.*s[%.*s]",
	    SPAN_ARG(span_first(facts->client_name, SHOWN_MAX / 2)),
	    SPAN_ARG(facts->client_text)));
	return access_map_client(state->conf->access[ACCESS_CLIENT],
	    session->client_name, &session->client, arena, &state->patterns,
	    &outcome->action);
}

static bool
ask_helo(struct policy_state *state, struct outcome *outcome)
{
	outcome->who = state->facts.helo;
	return access_map_helo(state->conf->access[ACCESS_HELO],
	    state->ctx->session->helo, policy_arena(state), &state->patterns,
	    &outcome->action);
}

static bool
ask_sender(struct policy_state *state, struct outcome *outcome)
{
	const struct access_map *map = state->conf->access[ACCESS_SENDER];
	const struct policy_facts *facts = &state->facts;

	outcome->who = facts->sender_text;
	if (facts->sender_is_null)
		return access_map_address(map, NULL, policy_arena(state),
		    &state->patterns, &outcome->action);
	return look_up_path(map, &facts->sender,
	    state->ctx->message->sender_text, state, &outcome->action);
}

static bool
ask_recipient(struct policy_state *state, struct outcome *outcome)
{
	const struct policy_recipient *recipient = state->recipient;

	outcome->who = recipient->text;
	return look_up_path(state->conf->access[ACCESS_RECIPIENT],
	    &recipient->address, recipient->path, state, &outcome->action);
}

/* Who hands the message over. A user who has authenticated comes from
 * anywhere; what came by no SMTP session has no client, and no HELO. */
static const struct question {
	enum access_subject subject;
	bool (*ask)(struct policy_state *state, struct outcome *outcome);
	bool is_of_strangers;
} questions[] = {
	{ ACCESS_CLIENT, ask_client, true },
	{ ACCESS_HELO, ask_helo, true },
	{ ACCESS_SENDER, ask_sender, false },
};

/* Once a message. The first table that refuses or says OK ends it. */
static void
ask_once(struct policy_state *state, struct own *own)
{
	bool is_known = state->facts.is_authenticated ||
	    state->facts.is_local;
	struct outcome outcome;
	size_t i;

	own->is_asked = true;
	for (i = 0; i < ARRAY_LEN(questions); i++) {
		outcome.subject = questions[i].subject;
		if ((questions[i].is_of_strangers && is_known) ||
		    !questions[i].ask(state, &outcome))
			continue;
		if (!carry_out(state, &outcome)) {
			own->is_refused = true;
			own->refusal = outcome;
			return;
		}
		if (outcome.action.verb == ACCESS_OK)
			return;
	}
}

/*
 * One who is OK is spared what the other tables refuse, so a refusal is always
 * of one recipient, and said again to each.
 */
static void
judge_recipient(struct policy_state *state)
{
	struct own *own = own_of(state);
	struct outcome outcome = { .subject = ACCESS_RECIPIENT };
	bool is_found;

	if (!own->is_asked)
		ask_once(state, own);
	is_found = ask_recipient(state, &outcome);
	if (own->is_refused && !(is_found && outcome.action.verb == ACCESS_OK))
		refuse(state, &own->refusal, true);
	else if (is_found && !carry_out(state, &outcome))
		refuse(state, &outcome, true);
}

static void
judge_header(struct policy_state *state)
{
	const struct message *message = state->ctx->message;
	const struct access_map *map = state->conf->access[ACCESS_HEADER];
	struct outcome outcome = { .subject = ACCESS_HEADER };
	const struct header_field *field;
	size_t i;

	for (i = 0; i < message->header_count && i < FIELDS_MAX; i++) {
		field = &message->headers[i];
		outcome.who = field->name;
		if (!access_map_header(map, field->name, field->value,
		    policy_arena(state), &state->patterns, &outcome.action) ||
		    carry_out(state, &outcome))
			continue;
		refuse(state, &outcome, false);
		return;
	}
}

static void
judge(struct policy_state *state)
{
	if (state->stage == POLICY_RCPT)
		judge_recipient(state);
	else if (state->stage == POLICY_HEADERS)
		judge_header(state);
}

/* ---- a message that passes ---- */

static void
insert(struct policy_state *state, struct span text)
{
	struct span name;

	span_cut(&text, ':', &name);
	edit_insert_header(state->ctx, 0, name, span_of(arena_printf(
	    policy_arena(state), " %.*s", SPAN_ARG(span_trim(text)))));
}

static void
send_elsewhere(struct policy_state *state, struct span address)
{
	const struct policy_facts *facts = &state->facts;
	size_t i;

	for (i = 0; i < facts->recipient_count; i++)
		if (policy_recipient_is_live(&facts->recipients[i]))
			edit_delete_recipient(state->ctx,
			    facts->recipients[i].path);
	edit_add_recipient(state->ctx, span_of(arena_printf(
	    policy_arena(state), "<%.*s>", SPAN_ARG(address))));
}

static void
edit(struct policy_state *state)
{
	const struct own *own = own_of(state);
	const struct prepend *field;

	if (!state->passes)
		return;
	for (field = own->prepends; field != NULL; field = field->next)
		insert(state, field->text);
	if (own->redirect.len > 0)
		send_elsewhere(state, own->redirect);
}

const struct policy_check access_check = {
	.name = "access",
	.load = load,
	.unload = unload,
	.judge = judge,
	.learn = edit,
};
