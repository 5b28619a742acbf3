/*
 * dnsask - asks as a check of a message does, for test_resolver.py.
 *
 *	dnsask [-n SERVERS | -r RESOLV_CONF] [-a ANCHORS] [-q QUERY_MS]
 *	    [-c CACHE_BYTES]
 *
 * Standard input: lines "TYPE NAME" of one message, a blank line at its end;
 * NAME may hold any octets but the line's end. For each, in order, a line
 *	RESULT ms=N secure=0|1 ttl=N canonical=NAME detail=TEXT data=HEX ...
 * and then a blank one. "times N" before a message repeats it and prints
 * "us=N", the CPU time of one, first.
 */
#include "common/base/clock.h"
#include "common/base/escape.h"
#include "common/base/mem.h"
#include "common/dns/lookups.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ASKED_MAX = 2000 };

static struct asked {
	enum dns_type type;
	char *name;
} asked[ASKED_MAX];
static size_t asked_count;

static void
print_escaped(const char *key, struct span text)
{
	struct strbuf out = STRBUF_INIT;

	escape_value(&out, text, ESCAPE_MAX);
	printf(" %s=%s", key, out.s);
	strbuf_clear(&out);
}

static void
print_answer(const struct lookup *lookup, const struct dns_answer *answer)
{
	static const char *const names[] = { "found", "nodata", "nxdomain",
	    "servfail", "timeout", "bogus", "malformed", "refused" };
	size_t i, j;

	printf("%s ms=%lld secure=%d ttl=%u", names[answer->result],
	    lookup != NULL ? (long long)lookup->took_ms : 0,
	    answer->is_secure, (unsigned)answer->ttl);
	print_escaped("canonical", answer->canonical_name);
	print_escaped("detail", span_of(answer->detail));
	for (i = 0; i < answer->count; i++) {
		printf(" data=");
		for (j = 0; j < answer->records[i].data.len; j++)
			printf("%02x", (unsigned)(unsigned char)
			    answer->records[i].data.p[j]);
	}
	putchar('\n');
}

static const struct lookup *
find_lookup(const struct lookups *lookups, const struct dns_answer *answer)
{
	size_t i;

	for (i = 0; i < lookups_count(lookups); i++)
		if (lookups_at(lookups, i)->answer == answer)
			return lookups_at(lookups, i);
	return NULL;
}

static void
do_message(const struct lookups_options *options, bool print)
{
	struct lookups *lookups = lookups_new(options);
	const struct dns_answer *answer;
	size_t i;

	for (i = 0; i < asked_count; i++)
		lookups_get(lookups, LOOKUP_SPF, span_of(asked[i].name),
		    asked[i].type);
	while (lookups_wait(lookups))
		continue;
	for (i = 0; i < asked_count && print; i++) {
		answer = lookups_get(lookups, LOOKUP_SPF,
		    span_of(asked[i].name), asked[i].type);
		print_answer(find_lookup(lookups, answer), answer);
	}
	lookups_free(lookups);
}

static void
end_message(const struct lookups_options *options, unsigned long times)
{
	clock_t start = clock();
	unsigned long i;

	for (i = 1; i < times; i++)
		do_message(options, false);
	if (times > 1)
		printf("us=%.3f\n", (double)(clock() - start) * 1e6 /
		    CLOCKS_PER_SEC / (double)(times - 1));
	do_message(options, true);
	putchar('\n');
	fflush(stdout);
	while (asked_count > 0)
		free(asked[--asked_count].name);
}

static void
add_question(struct span line)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX,
	    DNS_PTR, DNS_TXT };
	struct span word;
	size_t i;

	span_cut(&line, ' ', &word);
	for (i = 0; i < ARRAY_LEN(types) && asked_count < ASKED_MAX; i++)
		if (span_is(word, dns_type_name(types[i])))
			asked[asked_count++] = (struct asked){ types[i],
			    xmemdup0(line.p, line.len) };
}

static void
read_input(const struct lookups_options *options)
{
	unsigned long times = 1;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		line[--len] = '\0';
		if (len == 0) {
			end_message(options, times);
			times = 1;
		} else if (strncmp(line, "times ", 6) == 0) {
			times = strtoul(line + 6, NULL, 10);
		} else {
			add_question(span_make(line, (size_t)len));
		}
	}
	free(line);
}

int
main(int argc, char **argv)
{
	struct dns_options dns = { .cache_bytes = 1 << 24,
		.is_logged = true };
	struct lookups_options lookups = { .max_queries = ASKED_MAX };
	struct strbuf err = STRBUF_INIT;
	int c;

	while ((c = getopt(argc, argv, "n:r:a:q:c:")) != -1)
		switch (c) {
		case 'n': dns.nameservers = optarg; break;
		case 'r': dns.resolv_conf = optarg; break;
		case 'a': dns.trust_anchor_file = optarg; break;
		case 'q': lookups.query_ms = atoi(optarg); break;
		case 'c': dns.cache_bytes = (size_t)atol(optarg); break;
		default: return 64;
		}
	lookups.dns = dns_new(&dns, &err);
	if (lookups.dns == NULL) {
		fprintf(stderr, "%s\n", err.s);
		strbuf_clear(&err);
		return 78;
	}
	read_input(&lookups);
	dns_free(lookups.dns);
	return 0;
}
