/*
 * record.h - DMARC policy records (RFC 9989 4.7, 4.8).
 *
 * Tag names and words are read in any case, as the formal definition has them
 * but for "DMARC1". What is wrong behind the version costs the tag it stands
 * in, not the record; only a tag given twice makes it worthless (RFC 6376 3.2).
 */
#ifndef POSTERN_DMARC_RECORD_H
#define POSTERN_DMARC_RECORD_H

#include "common/base/arena.h"

enum { DMARC_RECORD_MAX = 16384, DMARC_URIS_MAX = 20 };

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE,
    DMARC_POLICY_REJECT, DMARC_POLICY_UNSET };
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };
enum dmarc_alignment { DMARC_RELAXED, DMARC_STRICT };

enum {				/* fo= */
	DMARC_FO_ALL = 1,	/* 0 */
	DMARC_FO_ANY = 2,	/* 1 */
	DMARC_FO_DKIM = 4,	/* d */
	DMARC_FO_SPF = 8	/* s */
};

struct dmarc_record {
	struct span text;		/* as published */
	enum dmarc_policy p, sp, np;	/* DMARC_POLICY_UNSET: not there */
	enum dmarc_psd psd;
	enum dmarc_alignment adkim, aspf;
	bool is_testing;		/* t=y */
	unsigned fo;			/* DMARC_FO_ALL without ruf */
	struct span rua[DMARC_URIS_MAX];	/* well-formed URIs only, without
						   the obsolete "!10m" */
	size_t rua_count;
	struct span ruf[DMARC_URIS_MAX];
	size_t ruf_count;
	const char *note;		/* what was taken for p=none and why, or
					   passed over; NULL: nothing */
};

enum dmarc_record_result {
	DMARC_RECORD_OK,
	DMARC_RECORD_NOT_DMARC,	/* no v=DMARC1 at its start: discarded */
	DMARC_RECORD_SYNTAX,	/* a tag twice, more than TAGLIST_MAX tags, or
				   over DMARC_RECORD_MAX: as if not there */
	DMARC_RECORD_INVALID	/* no valid p=, or a bad sp= or np=, and no
				   rua= to save it: it stands there and asks
				   for nothing (4.10.1); p is unset */
};

/* Text is copied into the arena. record->note says why it is not OK. */
enum dmarc_record_result dmarc_record_parse(struct span text,
    struct arena *arena, struct dmarc_record *record);

/* "none", "quarantine", "reject"; "" for DMARC_POLICY_UNSET. */
const char *dmarc_policy_name(enum dmarc_policy policy);

/* What is asked for where the record is_testing (t=y): one level less. */
enum dmarc_policy dmarc_policy_in_force(enum dmarc_policy policy,
    bool is_testing);

#endif
