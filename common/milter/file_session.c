#include "common/milter/file_session.h"

#include "common/base/mem.h"

/* "{name}" and "name" are the same macro. */
static struct span
bare_name(struct span s)
{
	if (s.len > 2 && s.p[0] == '{' && s.p[s.len - 1] == '}')
		return span_make(s.p + 1, s.len - 2);
	return s;
}

static bool
is_listed(struct span wanted, const char *list)
{
	struct span rest = span_of(list), item;

	while (span_item(&rest, &item))
		if (span_eq(bare_name(item), wanted))
			return true;
	return false;
}

/* Whether the MTA has sent a macro of that name by now: it was asked for at a
 * stage that was reached. The drivers themselves ask for "i". */
static bool
was_asked_for(const struct file_session *fs, struct span wanted)
{
	const struct filter *filter = fs->filter;
	const struct {
		enum file_stage stage;
		const char *list;
	} lists[] = {
		{ STAGE_CONNECT, filter->connect_macros },
		{ STAGE_HELO, filter->helo_macros },
		{ STAGE_MAIL, filter->mail_macros },
		{ STAGE_RCPT, filter->rcpt_macros },
		{ STAGE_HEADERS, filter->eoh_macros },
		{ STAGE_HEADERS, "i" },
		{ STAGE_END, filter->eom_macros },
		{ STAGE_END, "i" },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(lists); i++)
		if ((fs->stages & lists[i].stage) != 0 &&
		    is_listed(wanted, lists[i].list))
			return true;
	return filter->extra_macros != NULL &&
	    is_listed(wanted, filter->extra_macros(fs->conf));
}

static const char *
get_macro(const struct session *session, const char *name)
{
	const struct file_session *fs = session->driver;
	const struct file_envelope *envelope = fs->envelope;
	struct span wanted = bare_name(span_of(name));
	const struct {
		const char *name, *value;
	} known[] = {
		{ "client_addr", fs->client_address },
		{ "client_name", session->client_name.p },
		{ "mail_addr", fs->sender },
		{ "rcpt_addr", fs->recipient },
	};
	size_t i;

	if (!was_asked_for(fs, wanted))
		return NULL;
	for (i = 0; i < envelope->macro_count; i++)
		if (span_eq(bare_name(span_of(envelope->macros[i].name)),
		    wanted))
			return envelope->macros[i].value;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (span_is(wanted, known[i].name))
			return known[i].value;
	return NULL;
}

static bool
is_loopback(const struct ipaddr *address)
{
	static const unsigned char one[16] = { [15] = 1 };

	return address->family == 4 ? address->octets[0] == 127 :
	    address->family == 6 && memcmp(address->octets, one, 16) == 0;
}

int
file_session_start(struct file_session *fs, const struct filter *filter,
    const void *conf, const struct file_envelope *envelope,
    struct strbuf *err)
{
	struct session *session = &fs->session;
	const char *address = envelope->client_address != NULL ?
	    envelope->client_address : "127.0.0.1";

	*fs = (struct file_session){
		.filter = filter,
		.conf = conf,
		.envelope = envelope,
		.client_address = address,
	};
	if (!span_is_nocase(span_of(address), "unknown") &&
	    !ipaddr_parse(span_of(address), &session->client)) {
		strbuf_addf(err, "the client address \"%s\" is neither an "
		    "IPv4 nor an IPv6 address", address);
		return -1;
	}
	session->client_name = span_of(envelope->client_name != NULL ?
	    envelope->client_name :
	    is_loopback(&session->client) ? "localhost" : "unknown");
	session->macro = get_macro;
	session->driver = fs;
	return 0;
}
