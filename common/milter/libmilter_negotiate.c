#include "common/milter/libmilter_link.h"

#include "common/base/log.h"
#include "common/base/mem.h"

#include <stdatomic.h>

static atomic_bool complained;	/* about an MTA that allows too little */

struct bit {
	unsigned ours;
	unsigned long theirs;
};

static const struct bit action_bits[] = {
	{ FILTER_ADDS_HEADERS, SMFIF_ADDHDRS },
	{ FILTER_CHANGES_HEADERS, SMFIF_CHGHDRS },
	{ FILTER_ADDS_RECIPIENTS, SMFIF_ADDRCPT },
	{ FILTER_DELETES_RECIPIENTS, SMFIF_DELRCPT },
	{ FILTER_QUARANTINES, SMFIF_QUARANTINE },
};

/* Stages left out where the filter does not want them. */
static const struct bit step_bits[] = {
	{ FILTER_WANTS_HELO, SMFIP_NOHELO },
	{ FILTER_WANTS_MAIL, SMFIP_NOMAIL },
	{ FILTER_WANTS_RCPT, SMFIP_NORCPT },
	{ FILTER_WANTS_HEADERS, SMFIP_NOHDRS | SMFIP_NOEOH },
	{ FILTER_WANTS_BODY, SMFIP_NOBODY },
};

/* Stages without an answer where the filter does not need one. */
static const struct bit reply_bits[] = {
	{ FILTER_REPLIES_CONNECT, SMFIP_NR_CONN },
	{ FILTER_REPLIES_HELO, SMFIP_NR_HELO },
	{ FILTER_REPLIES_MAIL, SMFIP_NR_MAIL },
	{ FILTER_REPLIES_RCPT, SMFIP_NR_RCPT },
	{ FILTER_REPLIES_BODY, SMFIP_NR_BODY },
};

/* Their bits for those of ours. */
static unsigned long
translate(unsigned ours, const struct bit *bits, size_t count)
{
	unsigned long theirs = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if ((ours & bits[i].ours) != 0)
			theirs |= bits[i].theirs;
	return theirs;
}

unsigned long
negotiate_actions(const struct filter *filter)
{
	return translate(filter->actions, action_bits,
	    ARRAY_LEN(action_bits));
}

static unsigned long
unwanted_steps(unsigned wants)
{
	return SMFIP_NODATA | SMFIP_NOUNKNOWN |
	    translate(~wants, step_bits, ARRAY_LEN(step_bits));
}

unsigned long
negotiate_quiet(const struct filter *filter)
{
	return SMFIP_NR_HDR |
	    translate(~filter->replies, reply_bits, ARRAY_LEN(reply_bits));
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

sfsistat
on_negotiate(SMFICTX *mta, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *my_actions,
    unsigned long *my_steps, unsigned long *my_f2, unsigned long *my_f3)
{
	unsigned long needed = negotiate_actions(driver.filter);
	struct link *link = smfi_getpriv(mta);

	(void)f2;
	(void)f3;
	if ((needed & ~actions) != 0) {
		if (!atomic_exchange(&complained, true))
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
