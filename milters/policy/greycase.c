#include "milters/policy/greylist.h"

#include "common/base/mem.h"

/* ---- questions ---- */

static void
ask(const struct policy_conf *conf, const char *kind,
    const struct span *parts, size_t count, struct cache_item *item)
{
	memset(item, 0, sizeof(*item));
	cache_name(conf->cache, kind, parts, count, &item->key);
}

void
grey_ask_client(const struct policy_conf *conf, struct span net,
    struct cache_item *item)
{
	ask(conf, "greyclient", &net, 1, item);
}

void
grey_ask_domain(const struct policy_conf *conf, struct span domain,
    struct cache_item *item)
{
	ask(conf, "greydomain", &domain, 1, item);
}

void
grey_ask_wrote(const struct policy_conf *conf, const struct address *user,
    const struct address *other, struct arena *arena, struct cache_item *item)
{
	struct span parts[] = {
		grey_address(user, false, arena),
		grey_address(other, false, arena),
	};

	ask(conf, "greywrote", parts, ARRAY_LEN(parts), item);
}

void
grey_case_ask(struct grey_case *gc)
{
	const struct policy_facts *facts = gc->facts;
	struct span parts[] = {
		facts->client_net,
		facts->sender.domain.len != 0 ?
		    grey_address(&facts->sender, true, gc->arena) :
		    facts->sender_text,
		gc->recipient->text,
	};

	ask(gc->conf, "greylist", parts, ARRAY_LEN(parts), gc->triplet);
	if (gc->wrote != NULL)
		grey_ask_wrote(gc->conf, &gc->recipient->address,
		    &facts->sender, gc->arena, gc->wrote);
}

/* ---- grounds ---- */

static bool
is_out(const struct grey_case *gc)
{
	return gc->facts->is_out;
}

static bool
is_excluded(const struct grey_case *gc)
{
	return gc->is_excluded;
}

static bool
is_exempt(const struct grey_case *gc)
{
	return gc->is_exempt;
}

static bool
client_is_listed(const struct grey_case *gc)
{
	const struct policy_facts *facts = gc->facts;
	struct access_action action;

	return access_map_client(gc->conf->greylist_clients,
	    facts->client_name, &facts->client, gc->arena, gc->patterns,
	    &action) && action.verb == ACCESS_OK;
}

static bool
recipient_is_listed(const struct grey_case *gc)
{
	struct access_action action;

	return access_map_address(gc->conf->greylist_recipients,
	    &gc->recipient->address, gc->arena, gc->patterns, &action) &&
	    action.verb == ACCESS_OK;
}

static bool
has_waited(const struct grey_case *gc)
{
	return gc->outcome.answer == GREY_RETRIED;
}

static bool
is_known(const struct grey_case *gc)
{
	return gc->outcome.answer == GREY_KNOWN;
}

static bool
client_succeeded(const struct grey_case *gc)
{
	int64_t enough = gc->conf->greylist->autowhitelist;

	return enough != 0 && gc->client_successes >= enough;
}

static bool
client_is_good(const struct grey_case *gc)
{
	return gc->client_is_good;
}

static bool
domain_is_good(const struct grey_case *gc)
{
	return gc->good_domain.len != 0;
}

static bool
was_written_to(const struct grey_case *gc)
{
	return gc->wrote != NULL && grey_is_marked(gc->wrote);
}

/*
 * While the cache is young nearly everybody is new. Who waits then is drawn by
 * the triplet's name, so that one that comes again is told the same.
 */
static bool
is_spared(const struct grey_case *gc)
{
	const struct greylist *rule = gc->conf->greylist;
	const unsigned char *digest = gc->triplet->key.digest;
	int64_t age;

	if (rule->share >= 100 || gc->triplet->state == CACHE_TROUBLE ||
	    (unsigned)(digest[0] << 8 | digest[1]) % 100 < rule->share)
		return false;
	age = cache_age(gc->conf->cache);
	return age < rule->share_for;
}

const struct grey_ground grey_grounds[] = {
	{ "outgoing", "the client is authenticated, local or internal",
	    is_out, false },
	{ "excluded", "the row's when= does not hold", is_excluded, false },
	{ "exempt", "an access table says OK", is_exempt, false },
	{ "client", "the client is in GreylistClients", client_is_listed,
	    false },
	{ "recipient", "the recipient is in GreylistRecipients",
	    recipient_is_listed, false },
	{ "retried", "it came again after the delay", has_waited, true },
	{ "known", "client, sender and recipient are known together",
	    is_known, true },
	{ "autowhitelist", "the client's network came through often enough",
	    client_succeeded, true },
	{ "reputation", "the client's network has a good reputation",
	    client_is_good, false },
	{ "domain", "an aligned domain that passed has come through before",
	    domain_is_good, true },
	{ "correspondent", "the recipient has written to the sender",
	    was_written_to, false },
	{ "share", "the cache is young, and only a share has to wait",
	    is_spared, false },
};
const size_t grey_ground_count = ARRAY_LEN(grey_grounds);

/* ---- judging ---- */

void
grey_case_judge(struct grey_case *gc)
{
	size_t i;

	grey_judge(gc->triplet, &gc->conf->greylist->times, gc->facts->now,
	    &gc->outcome);
	gc->ground = NULL;
	for (i = 0; i < grey_ground_count && gc->ground == NULL; i++)
		if (grey_grounds[i].holds(gc))
			gc->ground = &grey_grounds[i];
}

bool
grey_case_is_unknown(const struct grey_case *gc)
{
	return gc->ground == NULL && gc->triplet->state == CACHE_TROUBLE;
}

bool
grey_case_is_changed(const struct grey_case *gc)
{
	return gc->outcome.is_changed &&
	    gc->triplet->state != CACHE_TROUBLE && (gc->ground == NULL ||
	    has_waited(gc) || is_known(gc) || gc->ground->holds == is_spared);
}
