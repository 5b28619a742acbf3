#include "common/milter/libmilter_driver.h"

#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/milter/daemon_settings.h"
#include "common/milter/gate.h"
#include "common/milter/generation.h"
#include "common/milter/reply.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	BACKLOG = 1024,
	PACKET_MIN = 1 << 20	/* a header field of Postfix may have 100 KB */
};

static struct {
	const struct filter *filter;
	struct counters *counters;
	unsigned long quiet;	/* SMFIP_NR_* bits: stages without an answer */
	atomic_bool complained;	/* about an MTA that allows too little */
} driver;

/* One connection of the MTA. */
struct link {
	SMFICTX *mta;
	struct generation *generation;
	struct snapshot *snapshot;	/* while a handler or message needs it */
	struct session session;
	struct strbuf client_name;
	struct strbuf helo;
	struct arena arena;		/* texts of session_verdict */
	struct message message;
	struct edits edits;
	struct filter_context context;
	struct verdict verdict;		/* of the message, once is_decided */
	struct verdict session_verdict;	/* given at connect or helo */
	bool is_decided;
	bool session_is_decided;
	bool in_message;
	bool body_is_done;
	bool keeps_space;	/* values come and go with their first blank */
	bool can_skip;		/* the MTA knows SMFIS_SKIP */
};

/* ---- a link ---- */

static const char *
get_macro(const struct session *session, const char *name)
{
	const struct link *link = session->driver;

	return smfi_getsymval(link->mta, (char *)name);
}

static struct link *
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
	smfi_setpriv(mta, link);
	return link;
}

static void
take_snapshot(struct link *link)
{
	if (link->snapshot == NULL)
		link->snapshot = generation_snapshot(link->generation);
	link->context.conf = link->snapshot->conf;
	link->context.now = clock_wall();
}

static void
drop_snapshot(struct link *link)
{
	snapshot_unref(link->snapshot);
	link->snapshot = NULL;
	link->context.conf = NULL;
}

static void
begin_message(struct link *link)
{
	const struct daemon_settings *settings;

	if (link->in_message)
		return;
	take_snapshot(link);
	settings = daemon_settings_of(driver.filter, link->snapshot->conf);
	link->message.header_bytes_max = (size_t)settings->max_header_bytes;
	link->edits = (struct edits){ .tail = &link->edits.first };
	link->verdict = link->session_verdict;
	link->is_decided = link->session_is_decided;
	link->body_is_done = false;
	link->in_message = true;
}

static void
end_message(struct link *link)
{
	if (!link->in_message)
		return;
	if (driver.filter->message_done != NULL)
		driver.filter->message_done(&link->context);
	link->context.state = NULL;
	message_reset(&link->message);
	drop_snapshot(link);
	link->in_message = false;
}

static void
link_free(struct link *link)
{
	end_message(link);
	smfi_setpriv(link->mta, NULL);
	generation_leave(link->generation);
	message_clear(&link->message);
	arena_clear(&link->arena);
	strbuf_clear(&link->client_name);
	strbuf_clear(&link->helo);
	free(link);
}

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

/* ---- replies ---- */

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

static bool
is_final(const struct verdict *verdict)
{
	return verdict->action != VERDICT_CONTINUE &&
	    verdict->action != VERDICT_SKIP_BODY;
}

/* Whether it means one recipient alone, where the stage is rcpt. */
static bool
is_refusal(const struct verdict *verdict)
{
	return verdict->action == VERDICT_REJECT ||
	    verdict->action == VERDICT_TEMPFAIL;
}

static sfsistat
refuse(struct link *link, const struct verdict *verdict)
{
	set_reply(link->mta, verdict);
	return verdict->action == VERDICT_REJECT ? SMFIS_REJECT :
	    SMFIS_TEMPFAIL;
}

static sfsistat
refuse_message(struct link *link)
{
	sfsistat reply = refuse(link, &link->verdict);

	end_message(link);
	return reply;
}

/*
 * What the MTA gets at a stage before the end of the message that has an
 * answer. What is still to be done at the end keeps the message going; its
 * handlers stay out of it.
 */
static sfsistat
answer(struct link *link)
{
	if (!link->is_decided)
		return SMFIS_CONTINUE;
	switch (link->verdict.action) {
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		return refuse_message(link);
	case VERDICT_DISCARD:
		end_message(link);
		return SMFIS_DISCARD;
	case VERDICT_ACCEPT:
		if (link->edits.count > 0)
			return SMFIS_CONTINUE;
		end_message(link);
		return SMFIS_ACCEPT;
	default:
		return SMFIS_CONTINUE;
	}
}

static void
decide(struct link *link, struct verdict verdict)
{
	if (link->is_decided || !is_final(&verdict))
		return;
	link->verdict = verdict;
	link->is_decided = true;
}

/* A message stage's outcome; bit: its SMFIP_NR_*, 0 where it has none. */
static sfsistat
finish_stage(struct link *link, struct verdict verdict, unsigned long bit)
{
	decide(link, verdict);
	if ((driver.quiet & bit) != 0)
		return SMFIS_NOREPLY;
	return answer(link);
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

/*
 * The protocol has a way to begin another session on a connection without
 * agreeing on the options anew (SMFIC_QUIT_NC); neither Postfix nor Sendmail
 * uses it, and libmilter says no more than that a session is closed. What was
 * agreed is forgotten then, so no message can be handled.
 */
static struct link *
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
		end_message(link);
	if (!link->session_is_decided && handler != NULL) {
		take_snapshot(link);
		verdict = handler(&link->context);
		if (is_final(&verdict))
			keep_session_verdict(link, verdict);
		drop_snapshot(link);
		message_reset(&link->message);
	}
	if ((driver.quiet & bit) != 0)
		return SMFIS_NOREPLY;
	switch (verdict.action) {
	case VERDICT_ACCEPT:
		return SMFIS_ACCEPT;
	case VERDICT_REJECT:
	case VERDICT_TEMPFAIL:
		return refuse(link, &verdict);
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

	begin_message(link);
	return link;
}

static sfsistat
on_mail(SMFICTX *mta, char **argv)
{
	struct link *link = link_of(mta);

	end_message(link);	/* one that the MTA did not end */
	begin_message(link);
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
	if (!is_refusal(&verdict) &&
	    !message_add_recipient(&link->message, path))
		verdict = too_many_recipients;
	/* a refusal is this recipient's alone: the message goes on */
	if (is_refusal(&verdict) && (driver.quiet & SMFIP_NR_RCPT) == 0)
		return refuse(link, &verdict);
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

/* ---- edits ---- */

/* libmilter takes C strings, and LF between the lines of a field. */
static const char *
outgoing(struct link *link, struct span s, bool is_value)
{
	char *text, *to;
	size_t i;

	if (span_has(s, '\0'))
		return NULL;
	if (is_value && !link->keeps_space && s.len > 0 && s.p[0] == ' ')
		s = span_skip(s, 1);	/* the MTA adds it */
	to = text = arena_alloc(&link->message.arena, s.len + 1);
	for (i = 0; i < s.len; i++)
		if (s.p[i] != '\r')
			*to++ = s.p[i];
	*to = '\0';
	return text;
}

static int
apply_edit(struct link *link, const struct edit *edit)
{
	char *name = (char *)outgoing(link, edit->name, false);
	char *value = (char *)outgoing(link, edit->value, true);

	if (name == NULL || value == NULL)
		return MI_FAILURE;
	switch (edit->kind) {
	case EDIT_INSERT_HEADER:
		return smfi_insheader(link->mta, (int)edit->n, name, value);
	case EDIT_CHANGE_HEADER:
		return smfi_chgheader(link->mta, name, (int)edit->n, value);
	case EDIT_DELETE_HEADER:
		return smfi_chgheader(link->mta, name, (int)edit->n, NULL);
	case EDIT_ADD_RECIPIENT:
		return smfi_addrcpt(link->mta, name);
	case EDIT_DELETE_RECIPIENT:
		return smfi_delrcpt(link->mta, name);
	}
	return MI_FAILURE;
}

static bool
apply_edits(struct link *link)
{
	const struct edit *edit;
	char *reason = (char *)link->verdict.text;

	for (edit = link->edits.first; edit != NULL; edit = edit->next)
		if (apply_edit(link, edit) != MI_SUCCESS)
			return false;
	if (!link->is_decided || link->verdict.action != VERDICT_QUARANTINE)
		return true;
	return smfi_quarantine(link->mta, reason != NULL && *reason != '\0' ?
	    reason : (char *)"held by policy") == MI_SUCCESS;
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
	return refuse_message(link);
}

static sfsistat
on_eom(SMFICTX *mta)
{
	struct link *link = message_of(mta);

	find_queue_id(link);
	link->context.now = clock_wall();
	if (!link->is_decided && driver.filter->end != NULL)
		decide(link, driver.filter->end(&link->context));
	if (link->is_decided && (is_refusal(&link->verdict) ||
	    link->verdict.action == VERDICT_DISCARD))
		return answer(link);
	if (!apply_edits(link))
		return answer_failed_edit(link);
	end_message(link);
	return SMFIS_ACCEPT;
}

static sfsistat
on_abort(SMFICTX *mta)
{
	struct link *link = smfi_getpriv(mta);

	if (link != NULL)
		end_message(link);
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

/* ---- what is agreed with the MTA ---- */

static const struct { unsigned ours; unsigned long theirs; }
action_bits[] = {
	{ FILTER_ADDS_HEADERS, SMFIF_ADDHDRS },
	{ FILTER_CHANGES_HEADERS, SMFIF_CHGHDRS },
	{ FILTER_ADDS_RECIPIENTS, SMFIF_ADDRCPT },
	{ FILTER_DELETES_RECIPIENTS, SMFIF_DELRCPT },
	{ FILTER_QUARANTINES, SMFIF_QUARANTINE },
},
/* Stages left out where the filter does not want them. */
step_bits[] = {
	{ FILTER_WANTS_HELO, SMFIP_NOHELO },
	{ FILTER_WANTS_MAIL, SMFIP_NOMAIL },
	{ FILTER_WANTS_RCPT, SMFIP_NORCPT },
	{ FILTER_WANTS_HEADERS, SMFIP_NOHDRS | SMFIP_NOEOH },
	{ FILTER_WANTS_BODY, SMFIP_NOBODY },
},
/* Stages without an answer where the filter does not need one. */
reply_bits[] = {
	{ FILTER_REPLIES_CONNECT, SMFIP_NR_CONN },
	{ FILTER_REPLIES_HELO, SMFIP_NR_HELO },
	{ FILTER_REPLIES_MAIL, SMFIP_NR_MAIL },
	{ FILTER_REPLIES_RCPT, SMFIP_NR_RCPT },
	{ FILTER_REPLIES_BODY, SMFIP_NR_BODY },
};

static unsigned long
needed_actions(void)
{
	unsigned long bits = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(action_bits); i++)
		if ((driver.filter->actions & action_bits[i].ours) != 0)
			bits |= action_bits[i].theirs;
	return bits;
}

static unsigned long
unwanted_steps(unsigned wants)
{
	unsigned long bits = SMFIP_NODATA | SMFIP_NOUNKNOWN;
	size_t i;

	for (i = 0; i < ARRAY_LEN(step_bits); i++)
		if ((wants & step_bits[i].ours) == 0)
			bits |= step_bits[i].theirs;
	return bits;
}

static unsigned long
quiet_steps(void)
{
	unsigned long bits = SMFIP_NR_HDR;
	size_t i;

	for (i = 0; i < ARRAY_LEN(reply_bits); i++)
		if ((driver.filter->replies & reply_bits[i].ours) == 0)
			bits |= reply_bits[i].theirs;
	return bits;
}

static void
add_names(struct strbuf *names, const char *more)
{
	if (more == NULL || *more == '\0')
		return;
	if (names->len > 0)
		strbuf_addc(names, ' ');
	strbuf_adds(names, more);
}

/* What nobody names is not sent: each macro costs both sides. */
static void
ask_macros(const struct link *link)
{
	const struct filter *f = driver.filter;
	const struct { int stage; const char *list, *more; } stages[] = {
		{ SMFIM_CONNECT, f->connect_macros, NULL },
		{ SMFIM_HELO, f->helo_macros, NULL },
		{ SMFIM_ENVFROM, f->mail_macros, NULL },
		{ SMFIM_ENVRCPT, f->rcpt_macros, NULL },
		{ SMFIM_DATA, f->data_macros, NULL },
		{ SMFIM_EOH, f->eoh_macros, "i" },
		{ SMFIM_EOM, f->eom_macros, "i" },
	};
	struct strbuf names = STRBUF_INIT;
	size_t i;

	for (i = 0; i < ARRAY_LEN(stages); i++) {
		strbuf_reset(&names);
		add_names(&names, stages[i].list);
		add_names(&names, stages[i].more);
		add_names(&names, generation_macros(link->generation));
		smfi_setsymlist(link->mta, stages[i].stage,
		    (char *)strbuf_str(&names));
	}
	strbuf_clear(&names);
}

static sfsistat
on_negotiate(SMFICTX *mta, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *my_actions,
    unsigned long *my_steps, unsigned long *my_f2, unsigned long *my_f3)
{
	unsigned long needed = needed_actions();
	struct link *link = smfi_getpriv(mta);

	(void)f2;
	(void)f3;
	if ((needed & ~actions) != 0) {
		if (!atomic_exchange(&driver.complained, true))
			log_error("the MTA does not allow what this filter "
			    "does to messages (actions 0x%lx, needed 0x%lx)",
			    actions, needed);
		return SMFIS_REJECT;
	}
	if (link == NULL)
		link = link_new(mta);
	link->keeps_space = (steps & SMFIP_HDR_LEADSPC) != 0;
	link->can_skip = (steps & SMFIP_SKIP) != 0;
	/* libmilter answers in our place where the MTA has no SMFIP_NR_* */
	*my_steps = driver.quiet | (steps & (SMFIP_HDR_LEADSPC | SMFIP_SKIP |
	    unwanted_steps(generation_steps(link->generation))));
	*my_actions = needed | (actions & SMFIF_SETSYMLIST);
	*my_f2 = 0;
	*my_f3 = 0;
	if ((actions & SMFIF_SETSYMLIST) != 0)
		ask_macros(link);
	return SMFIS_CONTINUE;
}

/* ---- the process ---- */

static struct smfiDesc
describe(const struct filter *filter)
{
	return (struct smfiDesc){
		.xxfi_name = (char *)filter->name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = needed_actions(),
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
	driver.quiet = quiet_steps();
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
