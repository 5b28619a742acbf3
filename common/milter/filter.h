/*
 * filter.h - a filter is a function from a message to a verdict.
 *
 * A filter fills a struct filter and never calls libmilter. Two drivers run
 * it: libmilter_driver.h between Postfix and the filter, file_driver.h over a
 * message file. What the filter wants changed it records as edits; the driver
 * carries them out at the end of the message.
 */
#ifndef POSTERN_MILTER_FILTER_H
#define POSTERN_MILTER_FILTER_H

#include "common/base/ipaddr.h"
#include "common/config/settings.h"
#include "common/mail/message.h"
#include "common/milter/counters.h"
#include "common/tables/dataset.h"

/*
 * After any verdict but VERDICT_CONTINUE and VERDICT_SKIP_BODY no handler is
 * called for this message any more (at rcpt a refusal is that recipient's
 * alone, with FILTER_REPLIES_RCPT). Edits recorded by then are carried out
 * where the message is accepted or quarantined.
 */
enum verdict_action {
	VERDICT_CONTINUE,	/* go on; at the end of the message: accept */
	VERDICT_ACCEPT,		/* this message (at connect, helo: the whole
				   connection) needs nothing more */
	VERDICT_SKIP_BODY,	/* body only: no more pieces, on to the end */
	VERDICT_REJECT,
	VERDICT_TEMPFAIL,
	VERDICT_DISCARD,
	VERDICT_QUARANTINE	/* text is the reason; from headers on */
};

/* code 0 means 550 or 451, enhanced NULL "5.7.1" or "4.7.1", text NULL a
 * standard text. Texts last as long as the message. */
struct verdict {
	enum verdict_action action;
	unsigned code;
	const char *enhanced;
	const char *text;
};

#define VERDICT(what)	((struct verdict){ .action = VERDICT_ ## what })

/*
 * What an admin may choose for a class of trouble (On* settings), in the order
 * of failure_action_words[] ("accept", "tempfail", "reject", "discard",
 * "quarantine", NULL): use with SETTING_WORD.
 */
enum failure_action { FAILURE_ACCEPT, FAILURE_TEMPFAIL, FAILURE_REJECT,
    FAILURE_DISCARD, FAILURE_QUARANTINE };
extern const char *const failure_action_words[];
struct verdict failure_verdict(enum failure_action action, const char *text);
/* The word for what happens to the message: "accept" for all that lets it
 * pass. */
const char *verdict_word(const struct verdict *verdict);

enum edit_kind {
	EDIT_INSERT_HEADER,	/* at position (0: topmost) */
	EDIT_CHANGE_HEADER,	/* the n-th (1: topmost) of that name */
	EDIT_DELETE_HEADER,	/* the n-th (1: topmost) of that name */
	EDIT_ADD_RECIPIENT,
	EDIT_DELETE_RECIPIENT
};

/*
 * Edits are carried out in the order they were recorded. Deleting shifts the
 * numbers of later fields of that name, so delete from the last one up.
 * Values hold CRLF + WSP folds and keep their leading space.
 */
struct edit {
	struct edit *next;
	enum edit_kind kind;
	unsigned n;
	struct span name;	/* header, or the recipient */
	struct span value;
};

struct edits {
	struct edit *first;
	struct edit **tail;
	size_t count;
};

struct session {
	struct ipaddr client;		/* family 0: none (a Unix socket) */
	struct span client_name;	/* as the MTA has it, or "unknown" */
	struct span helo;
	/* The value of an MTA macro ("{auth_type}", "i"), NULL where it is not
	 * set. Lasts until the stage handler returns. */
	const char *(*macro)(const struct session *session, const char *name);
	void *driver;			/* the driver's own */
};

/* All a stage handler gets. */
struct filter_context {
	const struct session *session;
	struct message *message;
	struct edits *edits;
	const void *conf;	/* the snapshot this message began with */
	void *state;		/* the filter's own for this message; NULL at
				   first; message_done() frees it */
	int64_t now;		/* wall clock, seconds */
	struct counters *counters;
	struct strbuf *explain;	/* where the decision path is told, a line a
				   step; NULL in a daemon */
	void (*will_wait)(void);	/* the driver's; NULL: it need not
					   know */
};

/* To be said by a handler before it sits still, for answers of DNS and the
 * like: the driver sees to it that other sessions go on meanwhile. */
void filter_will_wait(const struct filter_context *ctx);

/* A line for ctx->explain; nothing where nobody asked. Outside bytes are
 * escaped here. */
void filter_explain(struct filter_context *ctx, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Record an edit; texts are copied into the message's arena. */
void edit_insert_header(struct filter_context *ctx, unsigned position,
    struct span name, struct span value);
void edit_delete_header(struct filter_context *ctx, struct span name,
    unsigned n);
void edit_change_header(struct filter_context *ctx, struct span name,
    unsigned n, struct span value);
void edit_add_recipient(struct filter_context *ctx, struct span recipient);
void edit_delete_recipient(struct filter_context *ctx, struct span recipient);

/* Macro as a span; empty where it is not set. */
struct span session_macro(const struct session *session, const char *name);

typedef struct verdict filter_handler(struct filter_context *ctx);

enum filter_step {		/* what a driver may leave out */
	FILTER_WANTS_HELO = 1,
	FILTER_WANTS_MAIL = 2,
	FILTER_WANTS_RCPT = 4,
	FILTER_WANTS_HEADERS = 8,
	FILTER_WANTS_BODY = 16
};

/*
 * What the end of the message may need of the MTA: it is asked for once, when
 * the session begins, and a filter must not record other edits.
 */
enum filter_action {
	FILTER_ADDS_HEADERS = 1,
	FILTER_CHANGES_HEADERS = 2,	/* deletes them, too */
	FILTER_ADDS_RECIPIENTS = 4,
	FILTER_DELETES_RECIPIENTS = 8,
	FILTER_QUARANTINES = 16
};

/*
 * Stages whose verdict the MTA has to get there and then. An answer that is
 * not waited for halves the cost of a session, so at the other stages none is
 * sent: their verdict is kept and given at the next stage that has an answer,
 * the end of the header at the latest. Recipients can be refused one by one
 * only with FILTER_REPLIES_RCPT; VERDICT_SKIP_BODY spares the MTA the sending
 * only with FILTER_REPLIES_BODY.
 */
enum filter_reply {
	FILTER_REPLIES_CONNECT = 1,
	FILTER_REPLIES_HELO = 2,
	FILTER_REPLIES_MAIL = 4,
	FILTER_REPLIES_RCPT = 8,
	FILTER_REPLIES_BODY = 16
};

struct filter;

/*
 * A configuration under way: load() fills conf, which is conf_size bytes laid
 * out as the schema's offsets say and already holds the settings' values.
 */
struct filter_load {
	const struct filter *filter;
	void *conf;
	const struct config_origin *origins;
	const char *file;		/* the main file; NULL: defaults */
	struct arena *arena;		/* lives as long as conf */
	struct diag *diag;
	bool check_all;			/* -n: look at everything */
	uid_t uid;			/* who the daemon runs as */
	gid_t gid;
};

/* Where the setting of that name stands: for messages, and for tables. */
struct dataset_place filter_place(const struct filter_load *load,
    const char *name);
/* What is wrong with the setting of that name, or but odd. */
void filter_refuse(struct filter_load *load, const char *name,
    const char *text);
void filter_advise(struct filter_load *load, const char *name,
    const char *text);

struct filter {
	const char *name;		/* "postern-sign": program, log ident */
	const char *default_config;	/* "sign.conf", in sysconfdir/postern */
	const struct config_schema *schema;	/* with DAEMON_SETTINGS' rows,
						   see daemon_settings.h */
	size_t conf_size;
	size_t daemon_offset;		/* of its struct daemon_settings */
	/* Builds tables and checks all; reports to diag. */
	void (*load)(struct filter_load *load);
	void (*unload)(void *conf);	/* also after a failed load() */
	/*
	 * In a daemon only, never two at a time; NULL: nothing to do. serve:
	 * this configuration is in use from now on, at the start before the
	 * first session and after each reload; threads may be started, and
	 * the configuration served before is there until it returns. tick:
	 * once a second or so, in the main thread; must not wait. stop: once,
	 * when the last session has ended or was cut; what is to outlive the
	 * process is saved here.
	 */
	void (*serve)(const void *conf);
	void (*tick)(const void *conf, struct counters *counters);
	void (*stop)(const void *conf);
	/* enum filter_step bits this configuration needs. */
	unsigned (*wants)(const void *conf);
	unsigned actions;	/* enum filter_action bits */
	unsigned replies;	/* enum filter_reply bits */
	/* MTA macros asked for at each stage; NULL: none. */
	const char *connect_macros, *helo_macros, *mail_macros, *rcpt_macros,
	    *data_macros, *eoh_macros, *eom_macros;
	/* More macros, that the configuration names, asked for at every
	 * stage; NULL or a NULL result: none. Lasts as long as conf. */
	const char *(*extra_macros)(const void *conf);
	/* Stages; NULL: not wanted. */
	filter_handler *connect;
	filter_handler *helo;
	filter_handler *mail;
	/* message->recipients has those accepted before; path comes to it
	 * unless it is refused here. */
	struct verdict (*rcpt)(struct filter_context *ctx, struct span path);
	filter_handler *headers;	/* the header is complete */
	/* message->body_bytes counts piece already. */
	struct verdict (*body)(struct filter_context *ctx, struct span piece);
	filter_handler *end;
	/* After the verdict, or when the MTA gave up: frees ctx->state. */
	void (*message_done)(struct filter_context *ctx);
	const struct counter_schema *counters;
};

#endif
