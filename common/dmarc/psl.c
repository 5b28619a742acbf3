#include "common/dmarc/psl.h"

#include "common/mail/domain.h"

#include <libpsl.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static psl_ctx_t *list;		/* lasts as long as the process */

static void
load(void)
{
	list = psl_latest(NULL);
}

struct span
psl_organizational_domain(struct span domain)
{
	char name[DOMAIN_MAX + 1];
	const char *found;

	pthread_once(&once, load);
	if (list == NULL || domain.len > DOMAIN_MAX ||
	    span_has(domain, '\0'))
		return domain;
	if (domain.len > 0)
		memcpy(name, domain.p, domain.len);
	name[domain.len] = '\0';
	found = psl_registrable_domain(list, name);	/* within name */
	return found != NULL ?
	    span_skip(domain, (size_t)(found - name)) : domain;
}
