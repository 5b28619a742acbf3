/*
 * libmilter_link.h - one connection of the MTA: for the libmilter_*.c files
 * alone, which are the only ones that know that library.
 */
#ifndef POSTERN_MILTER_LIBMILTER_LINK_H
#define POSTERN_MILTER_LIBMILTER_LINK_H

#include "common/milter/filter.h"
#include "common/milter/generation.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

/* Of the process, set once by libmilter_open(). */
struct libmilter_driver {
	const struct filter *filter;
	struct counters *counters;
	unsigned long quiet;	/* SMFIP_NR_* bits: stages without an answer */
};

extern struct libmilter_driver driver;

struct link {
	SMFICTX *mta;
	struct generation *generation;
	struct snapshot *snapshot;	/* while one is needed */
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

struct link *link_new(SMFICTX *mta);
void link_free(struct link *link);
/* The link of a callback, whatever the MTA does; never NULL. */
struct link *link_of(SMFICTX *mta);

void link_take_snapshot(struct link *link);
void link_drop_snapshot(struct link *link);

/* Where a message is under way already, the first does nothing; where none is,
 * the second. */
void link_begin_message(struct link *link);
void link_end_message(struct link *link);

/* CONTINUE and SKIP_BODY are not. */
bool verdict_is_final(const struct verdict *verdict);
/* Of one recipient alone, where the stage is rcpt. */
bool verdict_is_refusal(const struct verdict *verdict);

/* Sets the message's verdict where it is a final one and the first. */
void link_decide(struct link *link, struct verdict verdict);

/* A refusal's text and what to return; the message stays as it is. */
sfsistat link_refuse(struct link *link, const struct verdict *verdict);

/*
 * What the MTA gets at a stage before the end of the message that has an
 * answer. What is still to be done at the end keeps the message going; its
 * handlers stay out of it.
 */
sfsistat link_answer(struct link *link);

/* Has the edits done, and a quarantine. False where the MTA did not take one
 * of them: then the message must not pass. */
bool link_apply_edits(struct link *link);

/* libmilter_negotiate.c: which stages, actions, macros. */
unsigned long negotiate_actions(const struct filter *filter);
unsigned long negotiate_quiet(const struct filter *filter);
sfsistat on_negotiate(SMFICTX *mta, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *my_actions,
    unsigned long *my_steps, unsigned long *my_f2, unsigned long *my_f3);

#endif
