/*
 * evaluation.h - one pass over the records of a check: which record is under
 * evaluation, what was seen of it, what is spent of the limits, and why it
 * ended. Used by the files of this folder only.
 *
 * A pass that meets an answer that is not there yet stops as pending; it is
 * thrown away and a new one begins when answers came (lookups.h).
 */
#ifndef POSTERN_SPF_EVALUATION_H
#define POSTERN_SPF_EVALUATION_H

#include "common/spf/macro.h"
#include "common/spf/record.h"
#include "common/spf/spf.h"

enum {
	/* The first record, and one for each term that may open another. */
	SPF_FRAMES_MAX = SPF_TERMS_MAX + 1,
	SPF_STEPS_MAX = 1000,		/* what is beyond is not shown */
	SPF_AHEAD_MAX = 6		/* questions asked before their turn */
};

/* A record under evaluation. */
struct spf_frame {
	unsigned index;			/* in evaluation->frames */
	const struct spf_record *record;	/* lasts as long as lookups */
	struct span domain;		/* <domain> */
	unsigned depth;
	struct spf_frame *parent;	/* whose include or redirect this is;
					   NULL: the first */
	bool is_included;		/* by include, not by redirect */
	size_t seen;			/* terms before this one are over */
	size_t step;			/* of the term seen last: its number
					   from 1; 0: none that is open */
	struct span *hosts;		/* of the mx term seen last */
	size_t host_count;
	bool has_address;		/* one of those asked for so far */
};

struct spf_evaluation {
	const struct spf_question *question;
	struct lookups *lookups;
	struct arena *arena;
	struct spf_macros macros;	/* domain and validated: as they were
					   used last */
	unsigned *ahead;		/* questions asked before their turn,
					   over all passes */

	struct spf_frame *frames[SPF_FRAMES_MAX];
	unsigned frame_count;
	struct spf_frame *current;	/* seen last */
	struct spf_frame *main;		/* the first, or where redirect led */

	struct spf_step *steps;
	size_t step_count, step_cap;

	unsigned terms, voids;
	bool is_stopped;		/* the result is known, or cannot be */
	bool is_pending;
	enum spf_result result;		/* stopped, and not pending */
	const char *reason;		/* "": the records came to it */
};

/* The pass is over: an error, a limit, no record. The first one counts. */
void spf_stop(struct spf_evaluation *evaluation, enum spf_result result,
    const char *reason);

/* What text holds, in the arena; text is cleared. */
const char *spf_keep(struct spf_evaluation *evaluation, struct strbuf *text);

/* Asks; NULL where the pass has to stop: not there yet, over the bound. */
const struct dns_answer *spf_ask(struct spf_evaluation *evaluation,
    struct span name, enum dns_type type);
/* The same where only found and not found matter: all trouble stops it, as
 * temperror. */
const struct dns_answer *spf_ask_surely(struct spf_evaluation *evaluation,
    struct span name, enum dns_type type);
/* A or AAAA, by the client's kind. */
enum dns_type spf_address_type(const struct spf_evaluation *evaluation);

/* One more of the terms that are limited; false, stopped, beyond ten. */
bool spf_count_term(struct spf_evaluation *evaluation);
/* One more term whose question had no answer; false, stopped, beyond two. */
bool spf_count_void(struct spf_evaluation *evaluation);

/*
 * The name a domain-spec stands for; "" is the frame's domain. False, stopped,
 * where %{p} has to wait. See spf_name_is_askable().
 */
bool spf_target(struct spf_evaluation *evaluation,
    const struct spf_frame *frame, struct span spec, struct span *name);

#endif
