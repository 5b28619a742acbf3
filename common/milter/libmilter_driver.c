#include "common/milter/libmilter_driver.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/milter/gate.h"
#include "common/milter/libmilter_link.h"

#include <stdio.h>
#include <sys/socket.h>

enum {
	BACKLOG = 1024,
	PACKET_MIN = 1 << 20	/* a header field of Postfix may have 100 KB */
};

static void
find_queue_id(struct link *link)
{
	const char *id;

	if (link->message.queue_id.len > 0)
		return;
	id = smfi_getsymval(link->mta, (char *)"i");
	if (id != NULL)
		link->message.queue_id = arena_dup(&link->message.arena,
		    span_of(id));
}

/* A message stage's outcome; bit: its SMFIP_NR_*, 0 where it has none. */
static sfsistat
finish_stage(struct link *link, struct verdict verdict, unsigned long bit)
{
	link_decide(link, verdict);
	if ((driver.quiet & bit) != 0)
		return SMFIS_NOREPLY;
	return link_answer(link);
}

/* An old MTA may send what this configuration does not want. */
static bool
is_wanted(const struct link *link, enum filter_step step)
{
	return (generation_steps(link->generation) & step) != 0;
}

static struct verdict
run_handler(struct link *link, filter_handler *handler, enum filter_step step)
{
	if (handler == NULL || link->is_decided || !is_wanted(link, step))
		return VERDICT(CONTINUE);
	return handler(&link->context);
}

/* ---- the session's stages ---- */

static void
keep_session_verdict(struct link *link, struct verdict verdict)
{
	if (verdict.text != NULL)
		verdict.text = arena_strdup(&link->arena, verdict.text);
	if (verdict.enhanced != NULL)
		verdict.enhanced = arena_strdup(&link->arena, verdict.enhanced);
	link->session_verdict = verdict;
	link->session_is_decided = true;
}

/*
 * Connect and helo. Where the verdict cannot be told now, or is one for
 * messages only, every message of the session gets it.
 */
static sfsistat
session_stage(struct link *link, filter_handler *handler, unsigned long bit)
{
	struct verdict verdict = VERDICT(CONTINUE);

	if (link->in_message)
		link_end_message(link);
	if (!link->session_is_decided && handler != NULL) {
		link_take_snapshot(link);
		verdict = handler(&link->context);
		if (verdict_is_final(&verdict))
			keep_session_verdict(link, verdict);
		link_drop_snapshot(link);
		message_reset(&link->message);
	}
	if ((driver.quiet & bit) != 0)
		return SMFIS_NOREPLY;
	switch (verdict.action) {
	case VERDICT_ACCEPT:
		return SMFIS_ACCEPT;
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		return link_refuse(link, &verdict);
	default:
		return SMFIS_CONTINUE;
	}
}

static sfsistat
on_connect(SMFICTX *mta, char *name, _SOCK_ADDR *address)
{
	struct link *link = link_of(mta);

	strbuf_reset(&link->client_name);
	strbuf_adds(&link->client_name, name != NULL ? name : "");
	link->session.client_name = strbuf_span(&link->client_name);
	link->session.client = (struct ipaddr){ .family = 0 };
	if (address != NULL)
		ipaddr_from_sockaddr((const struct sockaddr *)address,
		    &link->session.client);
	return session_stage(link, driver.filter->connect, SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *mta, char *helo)
{
	struct link *link = link_of(mta);

	strbuf_reset(&link->helo);
	strbuf_adds(&link->helo, helo);
	link->session.helo = strbuf_span(&link->helo);
	return session_stage(link, is_wanted(link, FILTER_WANTS_HELO) ?
	    driver.filter->helo : NULL, SMFIP_NR_HELO);
}

/* ---- the message's stages ---- */

static struct link *
message_of(SMFICTX *mta)
{
	struct link *link = link_of(mta);

	link_begin_message(link);
	return link;
}

static sfsistat
on_mail(SMFICTX *mta, char **argv)
{
	struct link *link = link_of(mta);

	link_end_message(link);	/* one that the MTA did not end */
	link_begin_message(link);
	link->message.sender_text = arena_dup(&link->message.arena,
	    span_of(argv[0]));
	return finish_stage(link, run_handler(link, driver.filter->mail,
	    FILTER_WANTS_MAIL), SMFIP_NR_MAIL);
}

static const struct verdict too_many_recipients = {
	.action = VERDICT_TEMPFAIL, .code = 452, .enhanced = "4.5.3",
	.text = "Too many recipients"
};

/*
 * Postfix takes a refusal here for a mistake in its configuration where the
 * mail did not come by SMTP (non_smtpd_milters): the mail stays in its queue.
 */
static sfsistat
on_rcpt(SMFICTX *mta, char **argv)
{
	struct link *link = message_of(mta);
	struct verdict verdict = VERDICT(CONTINUE);
	struct span path = span_of(argv[0]);

	if (link->is_decided) {
		verdict = link->verdict;
	} else if (driver.filter->rcpt != NULL &&
	    is_wanted(link, FILTER_WANTS_RCPT)) {
		path = arena_dup(&link->message.arena, path);
		verdict = driver.filter->rcpt(&link->context, path);
	}
	if (!verdict_is_refusal(&verdict) &&
	    !message_add_recipient(&link->message, path))
		verdict = too_many_recipients;
	/* a refusal is this recipient's alone: the message goes on */
	if (verdict_is_refusal(&verdict) &&
	    (driver.quiet & SMFIP_NR_RCPT) == 0)
		return link_refuse(link, &verdict);
	return finish_stage(link, verdict, SMFIP_NR_RCPT);
}

static sfsistat
on_header(SMFICTX *mta, char *name, char *value)
{
	struct link *link = message_of(mta);
	struct strbuf spaced = STRBUF_INIT;

	if (link->is_decided)
		return SMFIS_NOREPLY;
	if (link->keeps_space) {
		message_add_header(&link->message, span_of(name),
		    span_of(value));
		return SMFIS_NOREPLY;
	}
	strbuf_addc(&spaced, ' ');
	strbuf_adds(&spaced, value);
	message_add_header(&link->message, span_of(name),
	    strbuf_span(&spaced));
	strbuf_clear(&spaced);
	return SMFIS_NOREPLY;
}

static sfsistat
on_eoh(SMFICTX *mta)
{
	struct link *link = message_of(mta);

	find_queue_id(link);
	return finish_stage(link, run_handler(link, driver.filter->headers,
	    FILTER_WANTS_HEADERS), 0);
}

static sfsistat
on_body(SMFICTX *mta, unsigned char *piece, size_t len)
{
	struct link *link = message_of(mta);
	struct verdict verdict = VERDICT(CONTINUE);
	sfsistat reply;

	if (!link->is_decided && !link->body_is_done &&
	    driver.filter->body != NULL && is_wanted(link, FILTER_WANTS_BODY)) {
		link->message.body_bytes += len;
		verdict = driver.filter->body(&link->context,
		    span_make(piece, len));
	}
	if (verdict.action == VERDICT_SKIP_BODY)
		link->body_is_done = true;
	reply = finish_stage(link, verdict, SMFIP_NR_BODY);
	if (reply == SMFIS_CONTINUE && link->can_skip &&
	    (link->body_is_done || link->is_decided))
		return SMFIS_SKIP;
	return reply;
}

/* A message that was edited in part must not pass. */
static sfsistat
answer_failed_edit(struct link *link)
{
	struct strbuf id = STRBUF_INIT;

	escape_add(&id, link->message.queue_id, 64, 0);
	log_error("%s: the MTA did not take a change of the message; "
	    "temporary failure", strbuf_str(&id));
	strbuf_clear(&id);
	link->verdict = (struct verdict){ .action = VERDICT_TEMPFAIL,
	    .code = 451, .enhanced = "4.3.0",
	    .text = "Internal error, try again later" };
	link->is_decided = true;
	return link_answer(link);
}

static sfsistat
on_eom(SMFICTX *mta)
{
	struct link *link = message_of(mta);

	find_queue_id(link);
	link->context.now = clock_wall();
	if (!link->is_decided && driver.filter->end != NULL)
		link_decide(link, driver.filter->end(&link->context));
	if (link->is_decided && (verdict_is_refusal(&link->verdict) ||
	    link->verdict.action == VERDICT_DISCARD))
		return link_answer(link);
	if (!link_apply_edits(link))
		return answer_failed_edit(link);
	link_end_message(link);
	return SMFIS_ACCEPT;
}

static sfsistat
on_abort(SMFICTX *mta)
{
	struct link *link = smfi_getpriv(mta);

	if (link != NULL)
		link_end_message(link);
	return SMFIS_CONTINUE;
}

static sfsistat
on_close(SMFICTX *mta)
{
	struct link *link = smfi_getpriv(mta);

	if (link != NULL)
		link_free(link);
	gate_left();
	return SMFIS_CONTINUE;
}

/* ---- the process ---- */

static struct smfiDesc
describe(const struct filter *filter)
{
	return (struct smfiDesc){
		.xxfi_name = (char *)filter->name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = negotiate_actions(filter),
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_eom,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
		.xxfi_negotiate = on_negotiate,
	};
}

int
libmilter_open(const struct filter *filter,
    const struct libmilter_options *options, struct strbuf *err)
{
	size_t packet = (size_t)options->max_header_bytes + 4096;
	char conn[32];

	driver.filter = filter;
	driver.counters = options->counters;
	driver.quiet = negotiate_quiet(filter);
	gate_open(options->fd, options->max_sessions, options->timeout * 1000);
	snprintf(conn, sizeof(conn), "fd:%d", options->fd);
	smfi_setmaxdatasize(packet > PACKET_MIN ? packet : PACKET_MIN);
	if (smfi_register(describe(filter)) != MI_SUCCESS ||
	    smfi_setconn(conn) != MI_SUCCESS ||
	    smfi_settimeout((int)options->timeout) != MI_SUCCESS ||
	    smfi_setbacklog(BACKLOG) != MI_SUCCESS) {
		strbuf_adds(err, "libmilter refuses the filter");
		return -1;
	}
	if (smfi_opensocket(false) != MI_SUCCESS) {
		strbuf_adds(err, "libmilter does not take a socket that is "
		    "open already: Debian's and Ubuntu's libmilter 8.14 and "
		    "later do");
		return -1;
	}
	return 0;
}

int
libmilter_run(void)
{
	return smfi_main() == MI_SUCCESS ? 0 : -1;
}

void
libmilter_stop(void)
{
	gate_close();
}

void
libmilter_tick(void)
{
	gate_tick();
}

size_t
libmilter_sessions(void)
{
	return gate_inside();
}

uint64_t
libmilter_sessions_total(void)
{
	return gate_total();
}

void
libmilter_refresh(void)
{
	generation_refresh();
}
