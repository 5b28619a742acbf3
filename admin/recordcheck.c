#include "admin/recordcheck.h"

#include "admin/cli.h"

static const struct {
	const char *word;
	const char *text;	/* what to do, or what it means */
	int status;
} outcomes[] = {
	[RECORDCHECK_OK] = { "ok", NULL, EX_OK },
	[RECORDCHECK_NO_KEY] = { "no-private-key", NULL, EXIT_NO },
	[RECORDCHECK_NO_NAME] = { "no-name", NULL, EXIT_NO },
	[RECORDCHECK_DNS] = { "dns-error", NULL, EX_TEMPFAIL },
	[RECORDCHECK_MISSING] = { "missing", "no TXT record is published "
	    "there; postern key dns prints it", EXIT_NO },
	[RECORDCHECK_SEVERAL] = { "several-records", NULL, EXIT_NO },
	[RECORDCHECK_SYNTAX] = { "syntax", NULL, EXIT_NO },
	[RECORDCHECK_REVOKED] = { "revoked", "p= is empty: receivers take the "
	    "key for withdrawn", EXIT_NO },
	[RECORDCHECK_WRONG_KEY] = { "wrong-key", NULL, EXIT_NO },
	[RECORDCHECK_NO_SHA256] = { "no-sha256", "h= does not list sha256, "
	    "which all signatures use; leave h= out or write h=sha256", EXIT_NO },
	[RECORDCHECK_NO_EMAIL] = { "no-email", "s= does not allow email; leave "
	    "s= out", EXIT_NO },
	[RECORDCHECK_TESTING] = { "testing", "t=y: receivers treat the mail as "
	    "if it were not signed; take t=y out when all is well", EXIT_NO },
};

const char *
recordcheck_word(enum recordcheck_outcome outcome)
{
	return outcomes[outcome].word;
}

int
recordcheck_status(enum recordcheck_outcome outcome)
{
	return outcomes[outcome].status;
}

/* p= as published, and as it should be: a web form that cuts at 255 octets
 * leaves a beginning of it. */
static bool
is_cut_short(struct span published, const struct dkim_key *private,
    size_t *have, size_t *want)
{
	struct strbuf is = STRBUF_INIT, should = STRBUF_INIT,
	    err = STRBUF_INIT;
	const struct tag *tag;
	struct taglist list;
	bool cut = false;

	if (taglist_parse(published, &list) == TAGLIST_OK &&
	    (tag = taglist_find(&list, "p")) != NULL &&
	    dkim_key_format_public(private, &should, &err) == 0) {
		tag_value_squeeze(tag->value, &is);
		*have = is.len;
		*want = should.len;
		cut = is.len > 0 && is.len < should.len &&
		    span_starts(strbuf_span(&should), strbuf_span(&is));
	}
	strbuf_clear(&is);
	strbuf_clear(&should);
	strbuf_clear(&err);
	return cut;
}

static enum recordcheck_outcome
judge_key(struct recordcheck *check, enum dkim_record_result parsed,
    const struct dkim_record *record, const struct dkim_key *private)
{
	size_t have, want;

	if (is_cut_short(check->published, private, &have, &want)) {
		strbuf_addf(&check->detail, "the published p= ends after %zu "
		    "of %zu characters; publish it in several strings of at "
		    "most 255 (postern key dns --format split)", have, want);
		return RECORDCHECK_WRONG_KEY;
	}
	if (parsed == DKIM_RECORD_REVOKED)
		return RECORDCHECK_REVOKED;
	if (parsed != DKIM_RECORD_OK) {
		strbuf_adds(&check->detail, dkim_record_result_text(parsed));
		return RECORDCHECK_SYNTAX;
	}
	if (!dkim_record_matches(record, private)) {
		strbuf_addf(&check->detail, "the published key is not the one "
		    "the signer has%s", record->algorithm !=
		    dkim_key_algorithm(private) ? ", nor of its type" : "");
		return RECORDCHECK_WRONG_KEY;
	}
	if (!record->allows_sha256)
		return RECORDCHECK_NO_SHA256;
	if (!record->allows_email)
		return RECORDCHECK_NO_EMAIL;
	return record->is_testing ? RECORDCHECK_TESTING : RECORDCHECK_OK;
}

static enum recordcheck_outcome
judge(struct recordcheck *check, const struct dns_answer *answer,
    const struct dkim_key *private, struct arena *arena)
{
	enum dkim_record_result parsed;
	struct dkim_record record;
	enum recordcheck_outcome outcome;

	if (answer->result == DNS_NXDOMAIN || answer->result == DNS_NODATA)
		return RECORDCHECK_MISSING;
	if (answer->result != DNS_FOUND) {
		strbuf_addf(&check->detail, "%s: %s",
		    dns_result_text(answer->result),
		    answer->detail != NULL ? answer->detail : "");
		return RECORDCHECK_DNS;
	}
	if (answer->count != 1) {
		strbuf_addf(&check->detail, "%zu TXT records are published "
		    "there; receivers may take any of them or none (RFC 6376 "
		    "3.6.2.2): leave one", answer->count);
		return RECORDCHECK_SEVERAL;
	}
	if (!dns_txt_join(answer->records[0].data, arena,
	    &check->published)) {
		strbuf_adds(&check->detail, "a malformed TXT record");
		return RECORDCHECK_DNS;
	}
	parsed = dkim_record_parse(check->published, &record);
	outcome = judge_key(check, parsed, &record, private);
	dkim_record_clear(&record);
	return outcome;
}

void
recordcheck_judge(struct recordcheck *check, const struct dns_answer *answer,
    const struct dkim_key *private, struct arena *arena)
{
	check->outcome = judge(check, answer, private, arena);
	if (check->detail.len == 0 && outcomes[check->outcome].text != NULL)
		strbuf_adds(&check->detail, outcomes[check->outcome].text);
}
