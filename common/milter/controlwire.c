#include "common/milter/controlwire.h"

#include <sysexits.h>

enum {
	DIGITS_MAX = 9,
	STATUS_MAX = 255,
	ERROR_MAX = 65536
};

static const struct span greeting = SPAN_LIT("postern-control 1\n");

/* Takes text itself off *rest, or as much of it as came. */
static enum control_came
read_text(struct span *rest, struct span text)
{
	size_t len = rest->len < text.len ? rest->len : text.len;

	if (!span_eq(span_first(*rest, len), span_first(text, len)))
		return CONTROL_MALFORMED;
	*rest = span_skip(*rest, len);
	return len == text.len ? CONTROL_COMPLETE : CONTROL_PART;
}

/* Takes a number and the octet that ends it off *rest. */
static enum control_came
read_number(struct span *rest, char end, size_t max, size_t *n)
{
	struct span text = span_first(*rest, DIGITS_MAX + 1), digits;
	bool is_whole = span_cut(&text, end, &digits);
	uint64_t value;

	if (digits.len == 0 && !is_whole)
		return CONTROL_PART;
	if (digits.len > DIGITS_MAX || !span_number(digits, max, &value))
		return CONTROL_MALFORMED;
	if (!is_whole)
		return CONTROL_PART;
	*n = (size_t)value;
	*rest = span_skip(*rest, digits.len + 1);
	return CONTROL_COMPLETE;
}

static enum control_came
read_word(struct span *rest, struct span *word)
{
	enum control_came came;
	size_t len;

	came = read_number(rest, '\n', CONTROL_WORD_MAX, &len);
	if (came != CONTROL_COMPLETE)
		return came;
	*word = span_first(*rest, len);
	*rest = span_skip(*rest, len);
	return word->len < len ? CONTROL_PART :
	    read_text(rest, SPAN_LIT("\n"));
}

enum control_came
control_read_request(struct span text, struct span *words, size_t *count)
{
	enum control_came came;
	size_t wanted;

	*count = 0;
	came = read_text(&text, greeting);
	if (came == CONTROL_COMPLETE)
		came = read_number(&text, '\n', CONTROL_WORDS_MAX, &wanted);
	while (came == CONTROL_COMPLETE && *count < wanted) {
		came = read_word(&text, &words[*count]);
		if (came == CONTROL_COMPLETE)
			++*count;
	}
	/* One request a connection. */
	return came == CONTROL_COMPLETE && text.len != 0 ? CONTROL_MALFORMED :
	    came;
}

bool
control_add_request(struct strbuf *out, const struct span *words, size_t count)
{
	size_t i;

	if (count > CONTROL_WORDS_MAX)
		return false;
	for (i = 0; i < count; i++)
		if (words[i].len > CONTROL_WORD_MAX)
			return false;
	strbuf_addspan(out, greeting);
	strbuf_addf(out, "%zu\n", count);
	for (i = 0; i < count; i++) {
		strbuf_addf(out, "%zu\n", words[i].len);
		strbuf_addspan(out, words[i]);
		strbuf_addc(out, '\n');
	}
	return true;
}

enum control_came
control_read_answer(struct span text, struct control_reply *reply)
{
	enum control_came came;
	size_t status = 0, output = 0, error = 0;

	came = read_number(&text, ' ', STATUS_MAX, &status);
	if (came == CONTROL_COMPLETE)
		came = read_number(&text, ' ', CONTROL_OUTPUT_MAX, &output);
	if (came == CONTROL_COMPLETE)
		came = read_number(&text, '\n', ERROR_MAX, &error);
	if (came != CONTROL_COMPLETE)
		return came;
	if (text.len < output + error)
		return CONTROL_PART;
	if (text.len > output + error)
		return CONTROL_MALFORMED;
	*reply = (struct control_reply){ (int)status,
	    span_first(text, output), span_skip(text, output) };
	return CONTROL_COMPLETE;
}

static void
add_answer(struct strbuf *out, int status, struct span output,
    struct span error)
{
	strbuf_addf(out, "%d %zu %zu\n", status, output.len, error.len);
	strbuf_addspan(out, output);
	strbuf_addspan(out, error);
}

void
control_add_answer(struct strbuf *out, const struct control_answer *answer)
{
	if (answer->output.len > CONTROL_OUTPUT_MAX)
		add_answer(out, EX_SOFTWARE, SPAN_LIT(""), SPAN_LIT("the answer"
		    " is too long; ask for less at a time"));
	else
		add_answer(out, answer->status, strbuf_span(&answer->output),
		    span_first(strbuf_span(&answer->error), ERROR_MAX));
}
