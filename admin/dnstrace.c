#include "admin/dnstrace.h"

#include <assert.h>
#include <stdio.h>

int
dnstrace_open(struct dnstrace *trace, const struct dnstrace_options *options)
{
	const struct dns_options dns_options = {
		.nameservers = options->nameservers };
	struct lookups_options lookups_options = {
		.query_ms = options->timeout * 1000,
		.message_ms = options->timeout * 4000,
	};
	struct strbuf err = STRBUF_INIT;

	*trace = (struct dnstrace){ NULL, NULL };
	trace->dns = dns_new(&dns_options, &err);
	if (trace->dns == NULL) {
		cli_error("%s%s", options->nameservers != NULL ?
		    "--nameserver: " : "", strbuf_str(&err));
		strbuf_clear(&err);
		return options->nameservers != NULL ? EX_USAGE : EX_OSERR;
	}
	lookups_options.dns = trace->dns;
	trace->lookups = lookups_new(&lookups_options);
	return EX_OK;
}

void
dnstrace_close(struct dnstrace *trace)
{
	lookups_free(trace->lookups);
	dns_free(trace->dns);
}

void
dnstrace_wait(struct lookups *lookups)
{
	bool is_open = lookups_wait(lookups);

	assert(is_open);
	(void)is_open;
}

void
dnstrace_print(const struct dnstrace *trace, const char *indent)
{
	struct strbuf line = STRBUF_INIT;
	size_t i;

	for (i = 0; i < lookups_count(trace->lookups); i++) {
		strbuf_reset(&line);
		lookup_add(&line, lookups_at(trace->lookups, i));
		printf("%s%s\n", indent, line.s);
	}
	strbuf_clear(&line);
}
