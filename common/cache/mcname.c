#include "common/cache/mcname.h"

#include <sys/un.h>

static bool
is_host_char(char c)
{
	return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
}

static bool
is_host(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (!is_host_char(text.p[i]))
			return false;
	return text.len > 0 && text.len <= MCNAME_TEXT;
}

static bool
read_path(struct span item, struct mcname *name)
{
	struct sockaddr_un un;

	if (item.len >= sizeof(un.sun_path) ||
	    memchr(item.p, '\0', item.len) != NULL)
		return false;
	memcpy(name->host, item.p, item.len);
	return true;
}

/* Host and port of "a", "a:1", "[::1]:1" and "::1". */
static bool
split(struct span item, struct span *host, struct span *port)
{
	size_t end = span_rfind(item, ']');

	*host = item;
	*port = span_make("", 0);
	if (item.p[0] == '[') {
		if (end == item.len)
			return false;
		*host = span_skip(span_first(item, end), 1);
		item = span_skip(item, end + 1);
		if (item.len > 0 && item.p[0] != ':')
			return false;
	} else if (span_find(item, ':') != span_rfind(item, ':')) {
		return true;		/* IPv6 without a port */
	} else {
		end = span_find(item, ':');
		*host = span_first(item, end);
		item = span_skip(item, end);
	}
	*port = span_skip(item, 1);
	return item.len != 1;
}

static bool
read_host(struct span item, struct mcname *name)
{
	struct strbuf text = STRBUF_INIT;
	struct span host, port;
	uint64_t number = MCNAME_PORT;
	bool is_good;

	if (!split(item, &host, &port) || (port.len > 0 &&
	    (!span_number(port, 65535, &number) || number == 0)))
		return false;
	name->port = (unsigned)number;
	if (ipaddr_parse(host, &name->address))
		ipaddr_add(&text, &name->address);
	else if (is_host(host))
		strbuf_addlower(&text, host);
	is_good = text.len > 0;
	memcpy(name->host, strbuf_str(&text), text.len);
	strbuf_clear(&text);
	return is_good;
}

static bool
is_there(const struct mcnames *names, const struct mcname *name)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		if (names->items[i].port == name->port &&
		    strcmp(names->items[i].host, name->host) == 0)
			return true;
	return false;
}

static int
add_name(struct mcnames *names, struct span item, struct strbuf *err)
{
	struct mcname name = { .port = 0 };

	if (!(item.p[0] == '/' ? read_path(item, &name) :
	    read_host(item, &name))) {
		strbuf_adds(err, "a memcached server is \"HOST[:PORT]\" or "
		    "\"/path/of/socket\"");
		return -1;
	}
	if (is_there(names, &name)) {
		strbuf_adds(err, "memcached server named twice: ");
		mcname_add(err, &name);
		return -1;
	}
	if (names->count == MCNAME_MAX) {
		strbuf_addf(err, "more than %d memcached servers", MCNAME_MAX);
		return -1;
	}
	names->items[names->count++] = name;
	return 0;
}

int
mcnames_parse(struct span list, struct mcnames *names, struct strbuf *err)
{
	struct span item;

	names->count = 0;
	while (span_item(&list, &item))
		if (add_name(names, item, err) != 0)
			return -1;
	if (names->count > 0)
		return 0;
	strbuf_adds(err, "memcached: no server is named");
	return -1;
}

bool
mcname_is_local(const struct mcname *name)
{
	static const struct ipaddr ipv6 = { 6, 128,
	    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 } };

	if (name->port == 0 || strcmp(name->host, "localhost") == 0)
		return true;
	if (name->address.family == 4)
		return name->address.octets[0] == 127;
	return name->address.family == 6 && ipaddr_eq(&name->address, &ipv6);
}

void
mcname_add(struct strbuf *out, const struct mcname *name)
{
	if (name->port == 0)
		strbuf_adds(out, name->host);
	else
		strbuf_addf(out, name->address.family == 6 ? "[%s]:%u" :
		    "%s:%u", name->host, name->port);
}
