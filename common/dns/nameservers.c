#include "common/dns/nameservers.h"

#include "common/base/file.h"

enum { RESOLV_CONF_MAX = 1 << 16 };

static int
add_server(struct nameservers *servers, struct span item, struct strbuf *err)
{
	struct nameserver server;
	struct span address;
	uint64_t port = NAMESERVER_PORT;

	if (servers->count == NAMESERVERS_MAX) {
		strbuf_addf(err, "more than %d name servers",
		    NAMESERVERS_MAX);
		return -1;
	}
	if ((span_cut(&item, '@', &address) &&
	    (!span_number(item, 65535, &port) || port == 0)) ||
	    !ipaddr_parse(address, &server.address)) {
		strbuf_adds(err, "a name server is written as an IP address, "
		    "with \"@port\" where the port is not 53: "
		    "\"192.0.2.1\", \"127.0.0.1@5353\", \"2001:db8::1@53\"");
		return -1;
	}
	server.port = (unsigned)port;
	servers->items[servers->count++] = server;
	return 0;
}

int
nameservers_parse(const char *list, struct nameservers *servers,
    struct strbuf *err)
{
	struct span rest = span_of(list), item;

	while (span_item(&rest, &item))
		if (add_server(servers, item, err) != 0)
			return -1;
	if (servers->count > 0)
		return 0;
	strbuf_adds(err, "the list of name servers is empty");
	return -1;
}

int
nameservers_of_file(const char *path, struct nameservers *servers,
    struct strbuf *err)
{
	static const struct span word = { "nameserver", 10 };
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct span rest, line;
	int rc = 0;

	if (file_read(path, RESOLV_CONF_MAX, &text, NULL, &why) != 0)
		strbuf_reset(&text);
	strbuf_reset(&why);
	rest = strbuf_span(&text);
	while (span_line(&rest, &line) && servers->count < NAMESERVERS_MAX)
		if (span_starts(line, word) && line.len > word.len &&
		    is_wsp(line.p[word.len]))
			add_server(servers, span_trim(span_skip(line,
			    word.len)), &why);
	if (servers->count == 0 && why.len > 0) {
		strbuf_addf(err, "%s: %s", path, why.s);
		rc = -1;
	} else if (servers->count == 0) {
		rc = add_server(servers, SPAN_LIT("127.0.0.1"), err);
	}
	strbuf_clear(&text);
	strbuf_clear(&why);
	return rc;
}

bool
nameservers_eq(const struct nameservers *a, const struct nameservers *b)
{
	size_t i;

	if (a->count != b->count)
		return false;
	for (i = 0; i < a->count; i++)
		if (a->items[i].port != b->items[i].port ||
		    !ipaddr_eq(&a->items[i].address, &b->items[i].address))
			return false;
	return true;
}

void
nameserver_add(struct strbuf *out, const struct nameserver *server,
    bool with_port)
{
	ipaddr_add(out, &server->address);
	if (with_port || server->port != NAMESERVER_PORT)
		strbuf_addf(out, "@%u", server->port);
}

void
nameservers_add(struct strbuf *out, const struct nameservers *servers)
{
	size_t i;

	for (i = 0; i < servers->count; i++) {
		strbuf_adds(out, i > 0 ? ", " : "");
		nameserver_add(out, &servers->items[i], false);
	}
}
