/*
 * The backend whose state lies on memcached servers. A call is one exchange
 * with all servers concerned, at the same time: what changes counters goes
 * without answers, and behind it, on the same connection, the question for all
 * values, so that one round trip tells what has come of it (a server does the
 * commands of a connection in order).
 *
 * A counter is changed by "add" of zero, which does nothing where there is one,
 * and "incr" or "decr". What a server in trouble was sent it may still do, when
 * it wakes; then this process counted it alone as well (see cache.c): a counter
 * may be too high by what was under way, never too low.
 */
#include "common/cache/backend.h"

#include "common/base/mem.h"
#include "common/cache/cachevalue.h"
#include "common/cache/mcexchange.h"
#include "common/cache/mcitem.h"
#include "common/cache/mckeeper.h"
#include "common/cache/mcring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* How long cache_serve() waits for the servers to be tried. */
enum { SERVE_WAIT_MS = 500 };

struct memcached {
	struct mcnames names;
	struct mcring *ring;
	struct mcserver *servers[MCNAME_MAX];
	struct mckeeper *keepers[MCNAME_MAX];
	int64_t (*wall)(void);
	atomic_bool is_ready;		/* names were looked up once */
	bool is_served;
	pthread_mutex_t lock;		/* of both */
};

/* ---- a call ---- */

struct slot {				/* of an item */
	char name[MCITEM_NAME + 1];
	unsigned server;
	bool is_answered;
	bool is_outside;		/* a counter to be put back */
};

struct call {
	struct memcached *mc;
	struct cache_item *items;
	struct slot *slots;
	size_t count;
	struct mcexchange exchanges[MCNAME_MAX];
	struct mcgets gets[MCNAME_MAX];
	size_t cursors[MCNAME_MAX];	/* behind the last answered item */
};

/* Without a keeper (a command of the admin), names are looked up when they are
 * needed first. */
static void
be_ready(struct memcached *mc)
{
	struct strbuf err = STRBUF_INIT;
	size_t i;

	if (mc->is_ready)
		return;
	pthread_mutex_lock(&mc->lock);
	for (i = 0; i < mc->names.count && !mc->is_ready; i++)
		if (!mcserver_resolve(mc->servers[i], &err)) {
			mcserver_note(mc->servers[i], err.s);
			strbuf_reset(&err);
		}
	mc->is_ready = true;
	pthread_mutex_unlock(&mc->lock);
	strbuf_clear(&err);
}

/* What has one name is on one server, whatever the slot: a window is known
 * whole or not at all, and asks one server. */
static void
place(const struct memcached *mc, const struct cache_key *key,
    enum cache_kind kind, struct slot *slot)
{
	struct cache_key whole = *key;
	char text[CACHE_KEY_TEXT + 1];

	whole.slot = 0;
	cache_key_text(&whole, text);
	mcitem_name(key, kind, slot->name);
	slot->server = mcring_find(mc->ring, text);
	slot->is_answered = slot->is_outside = false;
}

static void
call_start(struct call *call, struct memcached *mc, size_t count)
{
	size_t i;

	be_ready(mc);
	call->mc = mc;
	call->count = count;
	call->slots = xmalloc(count * sizeof(*call->slots));
	for (i = 0; i < mc->names.count; i++) {
		call->exchanges[i] = (struct mcexchange){
			.server = mc->servers[i]
		};
		call->gets[i] = (struct mcgets){ .lines = 0 };
		call->cursors[i] = 0;
	}
}

static void
call_end(struct call *call)
{
	size_t i;

	for (i = 0; i < call->mc->names.count; i++)
		strbuf_clear(&call->exchanges[i].out);
	free(call->slots);
}

static struct strbuf *
to_server(struct call *call, const struct slot *slot)
{
	return &call->exchanges[slot->server].out;
}

/* ---- asking for values ---- */

/*
 * The item of that server and name that is not answered yet; call->count where
 * there is none. Servers answer in the order of the question, so this is the
 * next one or, where there were misses, a later one.
 */
static size_t
find_item(struct call *call, unsigned server, struct span name)
{
	size_t i, n, at = call->cursors[server];

	for (n = 0; n < call->count; n++) {
		i = (at + n) % call->count;
		if (call->slots[i].server == server &&
		    !call->slots[i].is_answered &&
		    span_is(name, call->slots[i].name))
			return i;
	}
	return call->count;
}

static bool
on_value(void *arg, struct mcexchange *x, const struct mcreply *reply)
{
	struct call *call = arg;
	unsigned server = (unsigned)(x - call->exchanges);
	enum cachevalue_result result;
	struct cache_item *item;
	size_t i;

	if (reply->kind == MCREPLY_END)
		return true;
	if (reply->kind != MCREPLY_VALUE ||
	    (i = find_item(call, server, reply->key)) == call->count)
		return false;
	item = &call->items[i];
	result = cachevalue_read(reply->data, reply->flags, item);
	item->state = result == CACHEVALUE_WRONG ? CACHE_MISS : CACHE_HIT;
	item->version = reply->version;
	x->is_suspect |= result == CACHEVALUE_WRONG;
	call->slots[i].is_outside = result == CACHEVALUE_OUTSIDE;
	call->slots[i].is_answered = true;
	call->cursors[server] = i + 1;
	return true;
}

static void
ask_for_values(struct call *call)
{
	size_t i;

	for (i = 0; i < call->count; i++)
		mcwire_gets(to_server(call, &call->slots[i]),
		    &call->gets[call->slots[i].server], call->slots[i].name);
	for (i = 0; i < call->mc->names.count; i++) {
		mcwire_gets_end(&call->exchanges[i].out, &call->gets[i]);
		call->exchanges[i].awaited = call->gets[i].lines;
	}
	mcexchange_run(call->exchanges, call->mc->names.count, on_value,
	    call);
	for (i = 0; i < call->count; i++)
		if (!call->slots[i].is_answered)
			call->items[i].state =
			    call->exchanges[call->slots[i].server].is_well ?
			    CACHE_MISS : CACHE_TROUBLE;
}

/* ---- sending without an answer ---- */

static bool
on_nothing(void *arg, struct mcexchange *x, const struct mcreply *reply)
{
	(void)arg;
	(void)x;
	(void)reply;
	return false;
}

static void
send_only(struct call *call)
{
	mcexchange_run(call->exchanges, call->mc->names.count, on_nothing,
	    NULL);
}

/* Puts counters that are out of their bounds back to them, unless they were
 * changed meanwhile: then whoever did that sees it. */
static void
put_back(struct call *call)
{
	int64_t wall = call->mc->wall();
	size_t i, n = 0;

	for (i = 0; i < call->mc->names.count; i++) {
		strbuf_reset(&call->exchanges[i].out);
		call->exchanges[i].awaited = 0;
	}
	for (i = 0; i < call->count; i++) {
		if (!call->slots[i].is_outside)
			continue;
		mcitem_store(to_server(call, &call->slots[i]), "cas",
		    call->slots[i].name, &call->items[i], wall, true);
		n++;
	}
	if (n > 0)
		send_only(call);
}

/* ---- the backend: many items ---- */

static int64_t
clamp_change(int64_t add)
{
	if (add > CACHE_COUNTER_MAX)
		return CACHE_COUNTER_MAX;
	return add < -CACHE_COUNTER_MAX ? -CACHE_COUNTER_MAX : add;
}

static void
get(void *state, struct cache_item *items, size_t count)
{
	struct memcached *mc = state;
	struct call call;
	size_t i;

	call_start(&call, mc, count);
	call.items = items;
	for (i = 0; i < count; i++)
		place(mc, &items[i].key, items[i].kind, &call.slots[i]);
	ask_for_values(&call);
	call_end(&call);
}

/* Makes the counter where there is none, unless something is taken off, and
 * changes it. */
static void
change(struct call *call, const struct cache_item *item,
    const struct slot *slot)
{
	struct strbuf *out = to_server(call, slot);
	struct cache_item zero;

	if (item->add > 0) {
		zero = (struct cache_item){
			.key = item->key, .kind = CACHE_COUNTER,
			.ttl = item->ttl
		};
		mcitem_store(out, "add", slot->name, &zero, call->mc->wall(),
		    true);
	}
	mcwire_change(out, slot->name, clamp_change(item->add));
}

static void
increment(void *state, struct cache_item *items, size_t count)
{
	struct memcached *mc = state;
	struct call call;
	size_t i;

	call_start(&call, mc, count);
	call.items = items;
	for (i = 0; i < count; i++) {
		place(mc, &items[i].key, CACHE_COUNTER, &call.slots[i]);
		if (items[i].add != 0)
			change(&call, &items[i], &call.slots[i]);
	}
	ask_for_values(&call);
	put_back(&call);
	call_end(&call);
}

static void
take_back(void *state, const struct cache_item *items, size_t count)
{
	struct memcached *mc = state;
	struct call call;
	size_t i;

	call_start(&call, mc, count);
	for (i = 0; i < count; i++) {
		place(mc, &items[i].key, CACHE_COUNTER, &call.slots[i]);
		if (items[i].add != 0)
			mcwire_change(to_server(&call, &call.slots[i]),
			    call.slots[i].name, -clamp_change(items[i].add));
	}
	send_only(&call);
	call_end(&call);
}

/* ---- the backend: one item ---- */

static bool
on_word(void *arg, struct mcexchange *x, const struct mcreply *reply)
{
	enum mcreply_kind *kind = arg;

	(void)x;
	*kind = reply->kind;
	return reply->kind != MCREPLY_VALUE && reply->kind != MCREPLY_END;
}

static enum cache_outcome
store(struct memcached *mc, const char *verb, const struct cache_item *item,
    bool is_silent)
{
	struct mcexchange x = { .awaited = is_silent ? 0 : 1 };
	enum mcreply_kind kind = MCREPLY_END;
	struct slot slot;

	be_ready(mc);
	place(mc, &item->key, item->kind, &slot);
	x.server = mc->servers[slot.server];
	mcitem_store(&x.out, verb, slot.name, item, mc->wall(), is_silent);
	mcexchange_run(&x, 1, on_word, &kind);
	strbuf_clear(&x.out);
	if (!x.is_well)
		return CACHE_FAILED;
	return kind == MCREPLY_STORED ? CACHE_DONE : CACHE_NOT_DONE;
}

static enum cache_outcome
add(void *state, const struct cache_item *item)
{
	return store(state, "add", item, false);
}

static enum cache_outcome
update(void *state, const struct cache_item *item)
{
	return store(state, item->state == CACHE_HIT ? "cas" : "add", item,
	    false);
}

static void
put(void *state, const struct cache_item *item)
{
	store(state, "set", item, true);
}

static void
discard(void *state, const struct cache_key *key, enum cache_kind kind)
{
	struct mcexchange x = { .awaited = 0 };
	struct memcached *mc = state;
	struct slot slot;

	be_ready(mc);
	place(mc, key, kind, &slot);
	x.server = mc->servers[slot.server];
	mcwire_delete(&x.out, slot.name);
	mcexchange_run(&x, 1, on_nothing, NULL);
	strbuf_clear(&x.out);
}

/* ---- the backend: about it ---- */

static int64_t
age(void *state)
{
	struct memcached *mc = state;
	int64_t since = 0, one, now = mc->wall();
	size_t i;

	for (i = 0; i < mc->names.count; i++) {
		one = mckeeper_since(mc->keepers[i]);
		if (one < 0 || mcserver_is_away(mc->servers[i]))
			return -1;
		since = one > since ? one : since;
	}
	return now > since ? now - since : 0;
}

static void
count(void *state, struct cache_stats *stats)
{
	struct memcached *mc = state;
	struct mcserver_state server;
	size_t i;

	stats->servers = (unsigned)mc->names.count;
	for (i = 0; i < mc->names.count; i++) {
		mcserver_look(mc->servers[i], &server);
		stats->failures += server.failures;
		stats->servers_away += server.is_away;
	}
}

static void
describe(const void *state, struct strbuf *out)
{
	const struct memcached *mc = state;
	size_t i;

	strbuf_adds(out, "memcached ");
	for (i = 0; i < mc->names.count; i++) {
		strbuf_adds(out, i > 0 ? ", " : "");
		mcname_add(out, &mc->names.items[i]);
	}
}

static void
warn(const void *state, struct strbuf *out)
{
	const struct memcached *mc = state;
	struct strbuf far = STRBUF_INIT;
	size_t i;

	for (i = 0; i < mc->names.count; i++)
		if (!mcname_is_local(&mc->names.items[i])) {
			strbuf_adds(&far, far.len > 0 ? ", " : "");
			mcname_add(&far, &mc->names.items[i]);
		}
	if (far.len > 0)
		strbuf_addf(out, "memcached at %s is neither on loopback nor "
		    "a Unix socket: it has no password, so whoever reaches it "
		    "can read and change what is counted", far.s);
	strbuf_clear(&far);
}

/* ---- its life ---- */

static void
serve(void *state)
{
	struct memcached *mc = state;
	size_t i;

	pthread_mutex_lock(&mc->lock);
	for (i = 0; i < mc->names.count && !mc->is_served; i++)
		mckeeper_start(mc->keepers[i]);
	for (i = 0; i < mc->names.count && !mc->is_served; i++)
		mckeeper_wait(mc->keepers[i], SERVE_WAIT_MS);
	mc->is_ready = true;
	mc->is_served = true;
	pthread_mutex_unlock(&mc->lock);
}

/* A keeper for each server, with the markers that the ring gives it. */
static void
make_keepers(struct memcached *mc, const struct cache_options *options)
{
	struct cache_key keys[MCKEEPER_MARKERS], own[MCKEEPER_MARKERS];
	unsigned of[MCKEEPER_MARKERS];
	unsigned char octet;
	struct span part = span_make(&octet, 1);
	struct slot slot;
	size_t i, n, server;

	for (i = 0; i < MCKEEPER_MARKERS; i++) {
		octet = (unsigned char)i;
		cache_key_make(&options->secret, "marker", &part, 1, &keys[i]);
		place(mc, &keys[i], CACHE_RECORD, &slot);
		of[i] = slot.server;
	}
	for (server = 0; server < mc->names.count; server++) {
		for (i = n = 0; i < MCKEEPER_MARKERS; i++)
			if (of[i] == server)
				own[n++] = keys[i];
		mc->keepers[server] = mckeeper_new(mc->servers[server], own,
		    n, mc->wall, options->is_logged);
	}
}

static void *
make(const struct cache_options *options, struct span rest,
    struct strbuf *err)
{
	struct memcached *mc = xcalloc(1, sizeof(*mc));
	size_t i;

	if (mcnames_parse(rest, &mc->names, err) != 0) {
		free(mc);
		return NULL;
	}
	mc->wall = options->wall;
	pthread_mutex_init(&mc->lock, NULL);
	mc->ring = mcring_new(&mc->names);
	for (i = 0; i < mc->names.count; i++)
		mc->servers[i] = mcserver_new(&mc->names.items[i],
		    options->clock);
	make_keepers(mc, options);
	return mc;
}

static void
discard_all(void *state)
{
	struct memcached *mc = state;
	size_t i;

	for (i = 0; i < mc->names.count; i++)
		mckeeper_free(mc->keepers[i]);
	for (i = 0; i < mc->names.count; i++)
		mcserver_free(mc->servers[i]);
	mcring_free(mc->ring);
	pthread_mutex_destroy(&mc->lock);
	free(mc);
}

static const struct cache_backend backend = {
	.is_remote = true,
	.make = make,
	.free = discard_all,
	.serve = serve,
	.warn = warn,
	.get = get,
	.increment = increment,
	.take_back = take_back,
	.add = add,
	.update = update,
	.put = put,
	.remove = discard,
	.age = age,
	.count = count,
	.describe = describe,
};

const struct cache_backend *const cache_memcached_backend = &backend;
