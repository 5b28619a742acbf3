#include "common/dns/anchors.h"

#include "common/base/file.h"
#include "common/dns/dns.h"

#include <unbound.h>

enum { FILE_MAX = 1 << 20, CLASS_IN = 1 };

/* libunbound reads the file with the first question; one that it answers
 * itself needs no server. */
static bool
can_be_loaded(const char *path)
{
	struct ub_ctx *ub = ub_ctx_create();
	struct ub_result *result = NULL;
	bool ok;

	if (ub == NULL)
		return false;
	ub_ctx_debugout(ub, NULL);
	ok = ub_ctx_add_ta_file(ub, path) == 0 && ub_resolve(ub,
	    "localhost.", DNS_A, CLASS_IN, &result) == 0;
	ub_resolve_free(result);
	ub_ctx_delete(ub);
	return ok;
}

/* It does not mind a file in which there is nothing. */
static bool
has_records(struct span text)
{
	struct span line, word;

	while (span_line(&text, &line))
		while (span_item(&line, &word) && word.p[0] != ';')
			if (span_is_nocase(word, "DS") ||
			    span_is_nocase(word, "DNSKEY"))
				return true;
	return false;
}

int
anchors_check(const char *path, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT;
	int rc = file_read(path, FILE_MAX, &text, NULL, err);

	if (rc == 0 && (!has_records(strbuf_span(&text)) ||
	    !can_be_loaded(path))) {
		strbuf_addf(err, "%s: no trust anchors can be read from it: "
		    "DNSKEY or DS records as in a zone file are needed", path);
		rc = -1;
	}
	strbuf_clear(&text);
	return rc;
}
