#include "common/dns/rdata.h"

#include "common/mail/domain.h"

bool
dns_txt_join(struct span data, struct arena *arena, struct span *text)
{
	char *p = arena_alloc(arena, data.len + 1);
	size_t len, total = 0;

	if (data.len == 0)
		return false;
	while (data.len > 0) {
		len = (unsigned char)data.p[0];
		if (len > data.len - 1 ||
		    memchr(data.p + 1, '\0', len) != NULL)
			return false;
		memcpy(p + total, data.p + 1, len);
		total += len;
		data = span_skip(data, 1 + len);
	}
	p[total] = '\0';
	*text = span_make(p, total);
	return true;
}

static bool
is_plain_label(struct span label)
{
	return !span_has(label, '.') && !span_has(label, '\0');
}

bool
dns_record_name(struct span data, struct arena *arena, struct span *name)
{
	char text[DOMAIN_MAX + 1];
	struct span label;
	size_t len, total = 0;

	for (;;) {
		if (data.len == 0)
			return false;
		len = (unsigned char)data.p[0];
		data = span_skip(data, 1);
		if (len == 0)
			break;
		label = span_first(data, len);
		if (len > LABEL_MAX || label.len < len ||
		    total + len + 1 > sizeof(text) || !is_plain_label(label))
			return false;
		memcpy(text + total, label.p, len);
		text[total + len] = '.';
		total += len + 1;
		data = span_skip(data, len);
	}
	if (data.len != 0)
		return false;
	*name = arena_dup(arena, span_make(text, total > 0 ? total - 1 : 0));
	return true;
}

bool
dns_record_mx(struct span data, struct arena *arena, unsigned *preference,
    struct span *name)
{
	if (data.len < 2 ||
	    !dns_record_name(span_skip(data, 2), arena, name))
		return false;
	*preference = (unsigned)(unsigned char)data.p[0] << 8 |
	    (unsigned char)data.p[1];
	return true;
}

bool
dns_record_address(struct span data, struct ipaddr *address)
{
	if (data.len != 4 && data.len != 16)
		return false;
	*address = (struct ipaddr){ .family = data.len == 4 ? 4 : 6,
	    .bits = (unsigned char)(data.len * 8) };
	memcpy(address->octets, data.p, data.len);
	return true;
}
