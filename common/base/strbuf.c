#include "common/base/strbuf.h"

#include "common/base/mem.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

void
strbuf_clear(struct strbuf *b)
{
	free(b->s);
	*b = (struct strbuf)STRBUF_INIT;
}

void
strbuf_wipe(struct strbuf *b)
{
	if (b->s != NULL)
		OPENSSL_cleanse(b->s, b->cap);
	strbuf_clear(b);
}

void
strbuf_reset(struct strbuf *b)
{
	strbuf_truncate(b, 0);
}

void
strbuf_reserve(struct strbuf *b, size_t more)
{
	size_t cap = b->cap != 0 ? b->cap : 64;

	if (b->cap - b->len > more)
		return;
	while (cap - b->len <= more)
		cap = cap <= SIZE_MAX / 2 ? cap * 2 : b->len + more + 1;
	b->s = xreallocarray(b->s, cap, 1);
	b->cap = cap;
	b->s[b->len] = '\0';
}

void
strbuf_truncate(struct strbuf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->s[len] = '\0';
}

void
strbuf_add(struct strbuf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	strbuf_reserve(b, len);
	memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void
strbuf_adds(struct strbuf *b, const char *s)
{
	strbuf_add(b, s, strlen(s));
}

void
strbuf_addspan(struct strbuf *b, struct span s)
{
	strbuf_add(b, s.p, s.len);
}

void
strbuf_addlower(struct strbuf *b, struct span s)
{
	size_t i;

	strbuf_reserve(b, s.len);
	for (i = 0; i < s.len; i++)
		strbuf_addc(b, ascii_lower(s.p[i]));
}

void
strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	strbuf_reserve(b, 0);
	room = b->cap - b->len;
	va_copy(again, ap);
	n = vsnprintf(b->s + b->len, room, fmt, again);
	va_end(again);
	if (n > 0 && (size_t)n >= room) {
		strbuf_reserve(b, (size_t)n);
		vsnprintf(b->s + b->len, (size_t)n + 1, fmt, ap);
	}
	if (n > 0)
		b->len += (size_t)n;
	else
		b->s[b->len] = '\0';
}

void
strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

char *
strbuf_detach(struct strbuf *b)
{
	char *s = b->s != NULL ? b->s : xstrdup("");

	*b = (struct strbuf)STRBUF_INIT;
	return s;
}
