/*
 * Any octets as a request and as an answer: what is complete says the same when
 * it is written anew, and no beginning of it is more than a part of it.
 */
#include "tests/fuzz/fuzz.h"

#include "common/milter/controlwire.h"

static void
check_request(struct span text)
{
	struct span words[CONTROL_WORDS_MAX], again[CONTROL_WORDS_MAX];
	struct strbuf out = STRBUF_INIT;
	size_t i, count, same;

	if (control_read_request(text, words, &count) != CONTROL_COMPLETE)
		return;
	MUST(control_add_request(&out, words, count));
	MUST(control_read_request(strbuf_span(&out), again, &same) ==
	    CONTROL_COMPLETE);
	MUST(same == count);
	for (i = 0; i < count; i++)
		MUST(span_eq(words[i], again[i]));
	for (i = 0; i < text.len; i++)
		MUST(control_read_request(span_first(text, i), again,
		    &same) == CONTROL_PART);
	strbuf_clear(&out);
}

static void
check_answer(struct span text)
{
	struct control_answer answer = { 0 };
	struct control_reply reply, again;
	struct strbuf out = STRBUF_INIT;
	size_t i;

	if (control_read_answer(text, &reply) != CONTROL_COMPLETE)
		return;
	answer.status = reply.status;
	strbuf_addspan(&answer.output, reply.output);
	strbuf_addspan(&answer.error, reply.error);
	control_add_answer(&out, &answer);
	MUST(control_read_answer(strbuf_span(&out), &again) ==
	    CONTROL_COMPLETE);
	MUST(again.status == reply.status);
	MUST(span_eq(again.output, reply.output));
	MUST(span_eq(again.error, reply.error));
	for (i = 0; i < text.len; i++)
		MUST(control_read_answer(span_first(text, i), &again) ==
		    CONTROL_PART);
	strbuf_clear(&answer.output);
	strbuf_clear(&answer.error);
	strbuf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make(data, size);

	check_request(text);
	check_answer(text);
	return 0;
}
