#include "common/spf/layer.h"

#include "common/base/mem.h"
#include "common/spf/follow.h"
#include "common/spf/rewrite.h"
#include "common/spf/terms.h"

#include <sys/types.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <netdb.h>

#include <spf2/spf.h>
#include <spf2/spf_dns.h>

enum { NO_LIMIT = 1000 };	/* of the library: ours come first */

/* The first record's name, and whatever else it wants a name for; all others
 * are numbers. */
#define FIRST "first.x"

/* ---- answers as the library has them ---- */

static SPF_dns_rr_t *
new_answer(SPF_dns_server_t *layer, const char *name, ns_type type,
    SPF_dns_stat_t status)
{
	return xnonnull(SPF_dns_rr_new_init(layer, name, type, 0, status));
}

static SPF_dns_rr_data_t *
add_data(SPF_dns_rr_t *rr, size_t len)
{
	bool ok = SPF_dns_rr_buf_realloc(rr, rr->num_rr, len) ==
	    SPF_E_SUCCESS;

	xnonnull(ok ? rr->rr[rr->num_rr] : NULL);
	return rr->rr[rr->num_rr++];
}

static void
add_address(SPF_dns_rr_t *rr, const struct ipaddr *address)
{
	SPF_dns_rr_data_t *data = add_data(rr, sizeof(*data));

	if (address->family == 4)
		memcpy(&data->a, address->octets, sizeof(data->a));
	else
		memcpy(&data->aaaa, address->octets, sizeof(data->aaaa));
}

static void
add_addresses(SPF_dns_rr_t *rr, const struct dns_answer *records,
    unsigned char family)
{
	struct ipaddr address;
	size_t i;

	for (i = 0; i < records->count; i++)
		if (dns_record_address(records->records[i].data, &address) &&
		    address.family == family)
			add_address(rr, &address);
}

static void
add_hosts(SPF_dns_rr_t *rr, const struct spf_asked *asked)
{
	struct strbuf name = STRBUF_INIT;
	size_t i;

	for (i = 0; i < asked->frame->host_count; i++) {
		strbuf_reset(&name);
		spf_rewrite_host(asked, i, &name);
		memcpy(add_data(rr, name.len + 1)->mx, name.s, name.len + 1);
	}
	strbuf_clear(&name);
}

/* ---- the hooks ---- */

static struct spf_answer
find_answer(struct spf_evaluation *evaluation, const struct spf_asked *asked)
{
	if (asked->is_host)
		return spf_host_answer(evaluation, asked->frame, asked->term,
		    asked->host);
	spf_frame_reach(evaluation, asked->frame, asked->term);
	return spf_term_answer(evaluation, asked->frame, asked->term);
}

static SPF_dns_rr_t *
on_lookup(SPF_dns_server_t *layer, const char *name, ns_type type,
    int should_cache)
{
	struct spf_evaluation *evaluation = layer->hook;
	const struct ipaddr *client = &evaluation->question->client;
	struct spf_answer answer;
	struct spf_asked asked;
	SPF_dns_rr_t *rr;

	(void)should_cache;
	if (evaluation->is_stopped ||
	    !spf_rewrite_read(evaluation, name, &asked))
		return new_answer(layer, name, type, TRY_AGAIN);
	answer = find_answer(evaluation, &asked);
	if (answer.kind == SPF_ANSWER_STOP)
		return new_answer(layer, name, type, TRY_AGAIN);
	rr = new_answer(layer, name, type, NETDB_SUCCESS);
	if (answer.kind == SPF_ANSWER_MATCH)
		add_address(rr, client);
	else if (answer.kind == SPF_ANSWER_ADDRESSES)
		add_addresses(rr, answer.records, client->family);
	else if (answer.kind == SPF_ANSWER_HOSTS)
		add_hosts(rr, &asked);
	return rr;
}

/* Without a frame: what never matches (follow.h). */
static SPF_errcode_t
compile(SPF_server_t *server, SPF_response_t *response, SPF_record_t **record,
    const struct spf_evaluation *evaluation, const struct spf_frame *frame)
{
	struct strbuf text = STRBUF_INIT;
	SPF_errcode_t err;

	if (frame != NULL)
		spf_rewrite(evaluation, frame, &text);
	else
		strbuf_adds(&text, "v=spf1");
	err = SPF_record_compile(server, response, record, strbuf_str(&text));
	strbuf_clear(&text);
	return err;
}

static SPF_errcode_t
on_get_record(SPF_server_t *server, SPF_request_t *request,
    SPF_response_t *response, SPF_record_t **record)
{
	struct spf_evaluation *evaluation = server->resolver->hook;
	struct spf_frame *frame;
	struct spf_asked asked;

	if (evaluation->is_stopped)
		return SPF_E_DNS_ERROR;
	if (evaluation->frame_count == 0) {
		frame = spf_frame_open(evaluation, evaluation->macros.domain,
		    NULL, false);
	} else {
		if (!spf_rewrite_read(evaluation, request->cur_dom, &asked))
			return SPF_E_DNS_ERROR;
		spf_frame_reach(evaluation, asked.frame, asked.term);
		frame = spf_term_follow(evaluation, asked.frame, asked.term);
	}
	if (evaluation->is_stopped)
		return SPF_E_DNS_ERROR;
	return compile(server, response, record, evaluation, frame);
}

/* ---- a run ---- */

static const struct {
	SPF_result_t theirs;
	enum spf_result ours;
} results[] = {
	{ SPF_RESULT_NEUTRAL, SPF_NEUTRAL },
	{ SPF_RESULT_PASS, SPF_PASS },
	{ SPF_RESULT_FAIL, SPF_FAIL },
	{ SPF_RESULT_SOFTFAIL, SPF_SOFTFAIL },
};

/* All other results of theirs come from us, and we know them better. */
static void
take_result(struct spf_evaluation *evaluation, SPF_response_t *response)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(results); i++)
		if (SPF_response_result(response) == results[i].theirs)
			spf_stop(evaluation, results[i].ours, "");
	spf_stop(evaluation, SPF_TEMPERROR, arena_printf(evaluation->arena,
	    "libspf2: %s", SPF_strerror(SPF_response_errcode(response))));
}

/*
 * What SPF_request_query_mailfrom() does, but for its free pass for clients at
 * 127.0.0.1 and ::1: whose mail is checked is not the library's to decide.
 */
static void
interpret(SPF_server_t *server, SPF_request_t *request,
    struct spf_evaluation *evaluation)
{
	SPF_response_t *response = xnonnull(SPF_response_new(request));
	SPF_record_t *record = NULL;

	request->cur_dom = FIRST;
	if (SPF_server_get_record(server, request, response, &record) ==
	    SPF_E_SUCCESS) {
		response->spf_record_exp = record;
		SPF_record_interpret(record, request, response, 0);
	}
	if (record != NULL)
		SPF_record_free(record);
	take_result(evaluation, response);
	SPF_response_free(response);
}

static void
set_client(SPF_request_t *request, const struct ipaddr *client)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (client->family == 4) {
		memcpy(&ipv4, client->octets, sizeof(ipv4));
		SPF_request_set_ipv4(request, ipv4);
	} else {
		memcpy(&ipv6, client->octets, sizeof(ipv6));
		SPF_request_set_ipv6(request, ipv6);
	}
}

/*
 * Not by SPF_server_new_dns(): it ends the process where the host's name has 64
 * octets. What else it would make, an explanation and a local policy, is of no
 * use here. SPF_server_free() frees it.
 */
static SPF_server_t *
new_server(SPF_dns_server_t *layer)
{
	SPF_server_t *server = xcalloc(1, sizeof(*server));

	server->resolver = layer;
	server->max_dns_mech = NO_LIMIT;
	server->max_dns_mx = NO_LIMIT;
	server->max_dns_ptr = NO_LIMIT;
	server->rec_dom = xstrdup(FIRST);
	return server;
}

void
spf_layer_run(struct spf_evaluation *evaluation, struct span domain)
{
	SPF_dns_server_t layer = {
		.lookup = on_lookup,
		.get_spf = on_get_record,
		.name = "postern",
		.hook = evaluation,
	};
	SPF_server_t *server = new_server(&layer);
	SPF_request_t *request = xnonnull(SPF_request_new(server));

	set_client(request, &evaluation->question->client);
	SPF_request_set_helo_dom(request, FIRST);
	evaluation->macros.domain = domain;
	interpret(server, request, evaluation);
	SPF_request_free(request);
	SPF_server_free(server);
	if (!evaluation->is_pending)
		spf_frames_close(evaluation);
}
