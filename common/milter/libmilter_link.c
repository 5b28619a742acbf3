#include "common/milter/libmilter_link.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/daemon_settings.h"
#include "common/milter/gate.h"
#include "common/milter/reply.h"

#include <stdlib.h>

struct libmilter_driver driver;

static const char *
get_macro(const struct session *session, const char *name)
{
	const struct link *link = session->driver;

	return smfi_getsymval(link->mta, (char *)name);
}

struct link *
link_new(SMFICTX *mta)
{
	struct link *link = xcalloc(1, sizeof(*link));

	link->mta = mta;
	link->generation = generation_join();
	link->session.macro = get_macro;
	link->session.driver = link;
	link->context.session = &link->session;
	link->context.message = &link->message;
	link->context.edits = &link->edits;
	link->context.counters = driver.counters;
	link->context.will_wait = gate_will_wait;
	smfi_setpriv(mta, link);
	return link;
}

void
link_free(struct link *link)
{
	link_end_message(link);
	smfi_setpriv(link->mta, NULL);
	generation_leave(link->generation);
	message_clear(&link->message);
	arena_clear(&link->arena);
	strbuf_clear(&link->client_name);
	strbuf_clear(&link->helo);
	free(link);
}

/*
 * The protocol has a way to begin another session on a connection without
 * agreeing on the options anew (SMFIC_QUIT_NC); neither Postfix nor Sendmail
 * uses it, and libmilter says no more than that a session is closed. What was
 * agreed is forgotten then, so no message can be handled.
 */
struct link *
link_of(SMFICTX *mta)
{
	struct link *link = smfi_getpriv(mta);

	if (link != NULL)
		return link;
	log_error("the MTA goes on with a milter connection it has closed: its "
	    "messages get a temporary failure");
	gate_entered();
	link = link_new(mta);
	link->session_verdict = (struct verdict){ .action = VERDICT_TEMPFAIL,
	    .code = 451, .enhanced = "4.3.0" };
	link->session_is_decided = true;
	return link;
}

void
link_take_snapshot(struct link *link)
{
	if (link->snapshot == NULL)
		link->snapshot = generation_snapshot(link->generation);
	link->context.conf = link->snapshot->conf;
	link->context.now = clock_wall();
}

void
link_drop_snapshot(struct link *link)
{
	snapshot_unref(link->snapshot);
	link->snapshot = NULL;
	link->context.conf = NULL;
}

void
link_begin_message(struct link *link)
{
	const struct daemon_settings *settings;

	if (link->in_message)
		return;
	link_take_snapshot(link);
	settings = daemon_settings_of(driver.filter,
	    link->snapshot->conf);
	link->message.header_bytes_max = (size_t)settings->max_header_bytes;
	link->edits = (struct edits){ .tail = &link->edits.first };
	link->verdict = link->session_verdict;
	link->is_decided = link->session_is_decided;
	link->body_is_done = false;
	link->in_message = true;
}

void
link_end_message(struct link *link)
{
	if (!link->in_message)
		return;
	if (driver.filter->message_done != NULL)
		driver.filter->message_done(&link->context);
	link->context.state = NULL;
	message_reset(&link->message);
	link_drop_snapshot(link);
	link->in_message = false;
}

bool
verdict_is_final(const struct verdict *verdict)
{
	return verdict->action != VERDICT_CONTINUE &&
	    verdict->action != VERDICT_SKIP_BODY;
}

bool
verdict_is_refusal(const struct verdict *verdict)
{
	return verdict->action == VERDICT_REJECT ||
	    verdict->action == VERDICT_TEMPFAIL;
}

void
link_decide(struct link *link, struct verdict verdict)
{
	if (link->is_decided || !verdict_is_final(&verdict))
		return;
	link->verdict = verdict;
	link->is_decided = true;
}

static void
set_reply(SMFICTX *mta, const struct verdict *verdict)
{
	struct reply reply;
	const char *line[REPLY_LINES] = { NULL };
	size_t i;

	if (!reply_make(verdict, &reply))
		return;
	for (i = 0; i < reply.count; i++)
		line[i] = reply.lines[i];
	/* the first NULL is the end */
	if (smfi_setmlreply(mta, reply.code, reply.enhanced, line[0], line[1],
	    line[2], line[3], NULL) != MI_SUCCESS)
		log_error("libmilter did not take the reply %s %s",
		    reply.code, reply.enhanced);
}

sfsistat
link_refuse(struct link *link, const struct verdict *verdict)
{
	set_reply(link->mta, verdict);
	return verdict->action == VERDICT_REJECT ? SMFIS_REJECT :
	    SMFIS_TEMPFAIL;
}

static sfsistat
refuse_message(struct link *link)
{
	sfsistat reply = link_refuse(link, &link->verdict);

	link_end_message(link);
	return reply;
}

sfsistat
link_answer(struct link *link)
{
	if (!link->is_decided)
		return SMFIS_CONTINUE;
	switch (link->verdict.action) {
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		return refuse_message(link);
	case VERDICT_DISCARD:
		link_end_message(link);
		return SMFIS_DISCARD;
	case VERDICT_ACCEPT:
		if (link->edits.count > 0)
			return SMFIS_CONTINUE;
		link_end_message(link);
		return SMFIS_ACCEPT;
	default:
		return SMFIS_CONTINUE;
	}
}
