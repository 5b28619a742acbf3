#include "common/dmarc/library.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"

#include <stdio.h>
#include <sys/types.h>
#include <opendmarc/dmarc.h>

static const struct {
	OPENDMARC_STATUS_T status;
	const char *name;
} verdicts[] = {
	{ DMARC_POLICY_PASS,		"pass" },
	{ DMARC_POLICY_NONE,		"none" },
	{ DMARC_POLICY_QUARANTINE,	"quarantine" },
	{ DMARC_POLICY_REJECT,		"reject" },
};

/* The aligned identifiers go in under the author domain: alignment is ours. */
static OPENDMARC_STATUS_T
ask(DMARC_POLICY_T *context, u_char *author, u_char *record, bool by_spf,
    bool by_dkim)
{
	if (opendmarc_policy_store_from_domain(context, author) !=
	    DMARC_PARSE_OKAY ||
	    opendmarc_policy_store_dmarc(context, record, author, NULL) !=
	    DMARC_PARSE_OKAY)
		return DMARC_POLICY_ABSENT;
	if (by_spf && opendmarc_policy_store_spf(context, author,
	    DMARC_POLICY_SPF_OUTCOME_PASS, DMARC_POLICY_SPF_ORIGIN_MAILFROM,
	    NULL) != DMARC_PARSE_OKAY)
		return DMARC_POLICY_ABSENT;
	if (by_dkim && opendmarc_policy_store_dkim(context, author, NULL,
	    DMARC_POLICY_DKIM_OUTCOME_PASS, NULL) != DMARC_PARSE_OKAY)
		return DMARC_POLICY_ABSENT;
	return opendmarc_get_policy_to_enforce(context);
}

const char *
dmarc_library_verdict(struct span author, const char *policy, bool by_spf,
    bool by_dkim)
{
	static u_char client[] = "127.0.0.1";	/* it wants one, that is all */
	u_char name[DOMAIN_MAX + 1], record[64];
	OPENDMARC_STATUS_T status;
	DMARC_POLICY_T *context;
	size_t i;

	if (author.len > DOMAIN_MAX)
		return "?";
	memcpy(name, author.p, author.len);
	name[author.len] = '\0';
	snprintf((char *)record, sizeof(record), "v=DMARC1; p=%s", policy);
	context = opendmarc_policy_connect_init(client,
	    DMARC_POLICY_IP_TYPE_IPV4);
	if (context == NULL)
		return "?";
	status = ask(context, name, record, by_spf, by_dkim);
	opendmarc_policy_connect_shutdown(context);
	for (i = 0; i < ARRAY_LEN(verdicts); i++)
		if (verdicts[i].status == status)
			return verdicts[i].name;
	return "?";
}
