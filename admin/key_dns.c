#include "admin/key.h"

#include "admin/zonetext.h"
#include "common/base/mem.h"
#include "common/dkim/record.h"

struct values {
	struct setup_options setup;
	struct keyset_hints hints;
	int format;
};

static int
print_record(struct keyset *set, const struct values *values)
{
	const struct keyset_key *key = &set->keys[0];
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT,
	    err = STRBUF_INIT;
	struct dkim_key *private;
	struct span name;
	int rc = EX_DATAERR;

	private = keyset_load(set, key, &err);
	if (private != NULL)
		strbuf_reset(&err);
	if (private != NULL && keyset_record_name(set, key, &name, &err) &&
	    dkim_record_format(private, "", &text, &err) == 0) {
		zonetext_format(values->setup.json ? ZONETEXT_JSON :
		    (enum zonetext_format)values->format, name,
		    strbuf_span(&text), &out);
		cli_print(&out);
		rc = EX_OK;
	} else {
		cli_error("%.*s: %s", SPAN_ARG(key->name), strbuf_str(&err));
	}
	dkim_key_free(private);
	strbuf_clear(&text);
	strbuf_clear(&out);
	strbuf_clear(&err);
	return rc;
}

static int
run(const void *arg, const char *const *args, size_t count)
{
	const struct values *values = arg;
	struct keyset set;
	int rc;

	(void)count;
	keyset_init(&set, &values->setup);
	rc = keyset_add(&set, args[0], &values->hints, false);
	if (rc == EX_OK)
		rc = print_record(&set, values);
	keyset_clear(&set);
	return rc;
}

static const struct cli_option options[] = {
	{ .name = "format", .kind = CLI_WORD,
	    .offset = offsetof(struct values, format), .argument = "FORMAT",
	    .help = "bind (a zone file's line), plain (the value alone),\n"
	    "split (for web forms), nsupdate or json",
	    .words = zonetext_words },
	KEY_HINTS(struct values, hints),
	SETUP_TABLES(struct values, setup),
	SETUP_JSON(struct values, setup),
};

const struct cli_command key_dns_command = {
	.name = "dns",
	.arguments = "NAME|DOMAIN",
	.least = 1,
	.most = 1,
	.summary = "print a key's DNS record",
	.description =
	    "Prints the TXT record that has to be published for a key. NAME "
	    "is a row of the\nKeyTable, a domain that has one key, or the "
	    "path of a key file; of one that\nopendkim-genkey made, the .txt "
	    "file beside it tells selector and domain. Strings\nhave at most "
	    "255 octets.",
	.examples =
	    "  postern key dns s202611._domainkey.example.com\n"
	    "  postern key dns s202611._domainkey.example.com --format split\n"
	    "  postern key dns s202611._domainkey.example.com --format "
	    "nsupdate | nsupdate -l\n"
	    "  postern key dns /etc/dkimkeys/mail.private --domain "
	    "example.com\n",
	.options = options,
	.option_count = ARRAY_LEN(options),
	.values_size = sizeof(struct values),
	.run = run,
};
