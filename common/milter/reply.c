#include "common/milter/reply.h"

#include "common/base/escape.h"

#include <stdio.h>

/* "5.7.1": the class, then two numbers of up to three digits (RFC 3463 2). */
static bool
is_enhanced(struct span s, char class)
{
	struct span first, second, third = s;
	uint64_t n;

	return span_cut(&third, '.', &first) &&
	    span_cut(&third, '.', &second) && first.len == 1 &&
	    first.p[0] == class && second.len <= 3 && third.len <= 3 &&
	    span_number(second, 999, &n) && span_number(third, 999, &n);
}

static void
add_line(struct reply *reply, struct span s)
{
	char *to = reply->lines[reply->count++];
	size_t i;

	for (i = 0; i < s.len; i++) {
		*to++ = s.p[i];
		if (s.p[i] == '%')
			*to++ = '%';
	}
	*to = '\0';
}

/* Breaks at the last blank that leaves a line short enough. */
static void
add_text(struct reply *reply, struct span text)
{
	struct span line;
	size_t blank;

	while (text.len > 0 && reply->count < REPLY_LINES) {
		line = span_first(text, REPLY_COLUMNS);
		blank = span_rfind(line, ' ');
		if (line.len < text.len && blank < line.len && blank > 0)
			line.len = blank;
		text = span_trim(span_skip(text, line.len));
		add_line(reply, line);
	}
}

bool
reply_make(const struct verdict *verdict, struct reply *reply)
{
	bool refuse = verdict->action == VERDICT_REJECT;
	unsigned lowest = refuse ? 500 : 400;
	unsigned code = verdict->code;
	struct span enhanced = span_of(verdict->enhanced);
	struct span text = span_of(verdict->text);
	struct strbuf clean = STRBUF_INIT;

	*reply = (struct reply){ .count = 0 };
	if (code == 0 && enhanced.len == 0 && text.len == 0)
		return false;
	if (code < lowest || code > lowest + 99)
		code = refuse ? 550 : 451;
	if (!is_enhanced(enhanced, refuse ? '5' : '4'))
		enhanced = span_of(refuse ? "5.7.1" : "4.7.1");
	if (text.len == 0)
		text = span_of(refuse ? "Message refused" :
		    "Service unavailable, try again later");
	snprintf(reply->code, sizeof(reply->code), "%u", code % 1000);
	memcpy(reply->enhanced, enhanced.p, enhanced.len);
	escape_add(&clean, text, REPLY_LINES * REPLY_COLUMNS, ESCAPE_AGAIN);
	add_text(reply, strbuf_span(&clean));
	strbuf_clear(&clean);
	return true;
}
