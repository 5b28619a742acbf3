#include "tests/unit/unit.h"

#include "common/dkim/signature.h"
#include "common/dkim/signset.h"

static const char *const defaults[] = { NULL, NULL, NULL };

/* settings: SignHeaders, OmitHeaders, OversignHeaders. */
static struct dkim_signset *
make(const char *const settings[3], struct diag *diag)
{
	const struct dkim_signset_options options = {
		.sign = settings[0], .omit = settings[1],
		.oversign = settings[2], .file = "sign.conf",
		.sign_line = 1, .omit_line = 2, .oversign_line = 3,
	};

	return dkim_signset_new(&options, diag);
}

/* "Name,Name": fields in the message's order, then what h= says. */
static void
select_names(const struct dkim_signset *set, const char *list,
    struct strbuf *out)
{
	struct header_field fields[64] = { { .is_malformed = false } };
	struct span rest = span_of(list), item, *names;
	struct arena arena = ARENA_INIT;
	size_t count = 0, n, i;

	while (span_item(&rest, &item)) {
		fields[count].is_malformed = item.p[0] == '!';
		fields[count++].name = span_skip(item, item.p[0] == '!');
	}
	dkim_signset_select(set, fields, count, &arena, &names, &n);
	for (i = 0; i < n; i++) {
		if (i != 0)
			strbuf_addc(out, ':');
		strbuf_addspan(out, names[i]);
	}
	arena_clear(&arena);
}

static void
test_select(void **state)
{
	static const struct {
		const char *settings[3];
		const char *fields;
		const char *names;
	} rows[] = {
		{ { NULL, NULL, NULL }, "Received,From,to",
		    "From:to:From:To:Cc:Subject:Date:Reply-To:Message-ID:"
		    "In-Reply-To:References:MIME-Version:Content-Type:"
		    "Content-Transfer-Encoding" },
		{ { NULL, NULL, "From" }, "From,To", "From:To:From" },
		{ { NULL, NULL, "." }, "To,FROM", "FROM:To" },
		{ { NULL, NULL, "." }, "", "From" },
		{ { NULL, NULL, "Cc" }, "To", "From:To:Cc" },
		{ { NULL, NULL, "." },
		    "From,SUBJECT,X-A,Subject,subject,!Subject",
		    "From:subject:Subject:SUBJECT" },
		{ { NULL, NULL, "." }, "From,Return-Path,Received,Bcc,"
		    "DKIM-Signature,ARC-Seal,Authentication-Results,Sender,"
		    "List-Id", "From:List-Id:Sender" },
		{ { "To", NULL, "." }, "From,To,Cc", "From:To" },
		{ { "To,Subject", NULL, "Date" }, "From,To,Cc,Date",
		    "From:Date:To:Date" },
		{ { "*,+X-Mine,-subject", NULL, "." },
		    "Subject,x-mine,To,From", "From:To:x-mine" },
		{ { "*,X-Mine", NULL, "." }, "From,X-Mine", "From:X-Mine" },
		{ { "*,+Comments", NULL, "." }, "From,Comments",
		    "From:Comments" },
		{ { "*,+Comments", "Comments", "." }, "From,Comments",
		    "From" },
		{ { NULL, "*,Subject", NULL }, "From,Subject",
		    "From:From:To:Cc:Date:Reply-To:Message-ID:In-Reply-To:"
		    "References:MIME-Version:Content-Type:"
		    "Content-Transfer-Encoding" },
		{ { NULL, "List-*", "." }, "From,List-Id,List-Post,To",
		    "From:To" },
		{ { "X-*", NULL, "." }, "From,X-A,X-,Y-X-A,X-Original-To",
		    "From:X-:X-A" },
		{ { "X-*,X-Original-To", NULL, "." }, "From,X-Original-To",
		    "From:X-Original-To" },
		{ { "X-*", NULL, "." }, "From,X-a;b=c", "From" },
	};
	struct strbuf out = STRBUF_INIT;
	struct dkim_signset *set;
	struct diag diag;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		diag = (struct diag)DIAG_INIT;
		set = make(rows[i].settings, &diag);
		ROW_IS(rows[i].fields, !diag_failed(&diag));
		strbuf_reset(&out);
		select_names(set, rows[i].fields, &out);
		ROW_EQ(rows[i].fields, strbuf_span(&out),
		    span_of(rows[i].names));
		dkim_signset_free(set);
		diag_clear(&diag);
	}
	strbuf_clear(&out);
}

static void
test_diag(void **state)
{
	static const struct {
		const char *settings[3];
		enum diag_level level;
		const char *text;
	} rows[] = {
		{ { "a:b", NULL, NULL }, DIAG_ERROR,
		    "sign.conf:1: error: SignHeaders: \"a:b\" is no header" },
		{ { "caf\xc3\xa9", NULL, NULL }, DIAG_ERROR, "is no header" },
		{ { "*,+", NULL, NULL }, DIAG_ERROR, "is no header" },
		{ { "a*b", NULL, NULL }, DIAG_ERROR, "is no header" },
		{ { "-Subject", NULL, NULL }, DIAG_ERROR,
		    "put \"*\" in front" },
		{ { "+Subject", NULL, NULL }, DIAG_ERROR,
		    "put \"*\" in front" },
		{ { "*,-From", NULL, NULL }, DIAG_ERROR,
		    "sign.conf:1: error: SignHeaders: From cannot" },
		{ { NULL, "from", NULL }, DIAG_ERROR,
		    "sign.conf:2: error: OmitHeaders: From cannot" },
		{ { NULL, "F*", NULL }, DIAG_ERROR, "From cannot" },
		{ { "*,-X-Unknown", NULL, NULL }, DIAG_WARNING,
		    "is not in the list" },
		{ { "DKIM-Signature", NULL, NULL }, DIAG_ERROR,
		    "after they are signed" },
		{ { "*,Received", NULL, NULL }, DIAG_WARNING, "on the way" },
		{ { NULL, NULL, "*,Received" }, DIAG_ERROR,
		    "sign.conf:3: error: OversignHeaders: \"Received\"" },
		{ { NULL, NULL, "ARC-Seal" }, DIAG_ERROR, "after they" },
		{ { NULL, NULL, "X-*" }, DIAG_ERROR, "only whole names" },
		{ { NULL, "Subject", "Subject" }, DIAG_WARNING,
		    "is in OmitHeaders too" },
	};
	struct dkim_signset *set;
	struct diag diag;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		diag = (struct diag)DIAG_INIT;
		set = make(rows[i].settings, &diag);
		assert_non_null(set);
		ROW_IS(rows[i].text, diag_has(&diag, rows[i].level,
		    rows[i].text));
		ROW_IS(rows[i].text, diag_failed(&diag) ==
		    (rows[i].level == DIAG_ERROR));
		ROW_IS(rows[i].text, dkim_signset_signs(set, span_of("From")));
		dkim_signset_free(set);
		diag_clear(&diag);
	}
}

static void
test_queries(void **state)
{
	struct diag diag = DIAG_INIT;
	struct dkim_signset *set = make(defaults, &diag);

	(void)state;
	assert_int_equal(diag.count, 0);
	assert_true(dkim_signset_signs(set, span_of("subject")));
	assert_true(dkim_signset_signs(set, span_of("Sender")));
	assert_false(dkim_signset_signs(set, span_of("X-Mailer")));
	assert_false(dkim_signset_signs(set, span_of("")));
	dkim_signset_free(set);
	dkim_signset_free(NULL);
}

/* From stays in, and h= stays short enough, whatever comes. */
static void
test_many(void **state)
{
	enum { COUNT = 5000 };
	static struct header_field fields[COUNT];
	struct diag diag = DIAG_INIT;
	struct dkim_signset *set = make(defaults, &diag);
	struct arena arena = ARENA_INIT;
	struct span *names;
	size_t n, i, octets = 0;

	(void)state;
	for (i = 0; i < COUNT; i++)
		fields[i].name = i == 0 ? SPAN_LIT("From") :
		    SPAN_LIT("List-Unsubscribe-Post");
	dkim_signset_select(set, fields, COUNT, &arena, &names, &n);
	assert_true(n <= DKIM_HEADER_NAMES_MAX);
	SPAN_IS(names[0], "From");
	SPAN_IS(names[n - 1], "Content-Transfer-Encoding");
	for (i = 0; i < n; i++)
		octets += names[i].len + 1;
	assert_true(octets < DKIM_SIGNATURE_FIELD_MAX / 2);
	arena_clear(&arena);
	dkim_signset_free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
