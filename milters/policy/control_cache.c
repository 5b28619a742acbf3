#include "milters/policy/control.h"

#include "common/base/json.h"
#include "common/base/units.h"

#include <inttypes.h>
#include <sysexits.h>

static void
show_json(const struct policy_conf *conf, const struct cache_stats *stats,
    struct strbuf *out)
{
	struct strbuf text = STRBUF_INIT;
	struct json json;

	cache_describe(conf->cache, &text);
	json_start(&json, out);
	json_object(&json, NULL);
	json_string(&json, "cache", strbuf_span(&text));
	json_number(&json, "age", cache_age(conf->cache));
	json_number(&json, "hits", (int64_t)stats->hits);
	json_number(&json, "misses", (int64_t)stats->misses);
	json_number(&json, "troubles", (int64_t)stats->troubles);
	json_number(&json, "failures", (int64_t)stats->failures);
	json_number(&json, "entries", (int64_t)stats->entries);
	json_number(&json, "bytes", (int64_t)stats->bytes);
	json_number(&json, "evictions", (int64_t)stats->evictions);
	json_number(&json, "servers", stats->servers);
	json_number(&json, "servers_away", stats->servers_away);
	json_object_end(&json);
	strbuf_addc(out, '\n');
	strbuf_clear(&text);
}

static void
show_text(const struct policy_conf *conf, const struct cache_stats *stats,
    struct strbuf *out)
{
	int64_t age = cache_age(conf->cache);

	strbuf_adds(out, "cache      ");
	cache_describe(conf->cache, out);
	strbuf_addf(out, "\nanswers    %" PRIu64 " found, %" PRIu64
	    " not there, %" PRIu64 " not known\n", stats->hits,
	    stats->misses, stats->troubles);
	strbuf_addf(out, "failures   %" PRIu64 "\n", stats->failures);
	if (age < 0)
		strbuf_adds(out, "state      not known: no server answers\n");
	else
		strbuf_addf(out, "state      complete for %" PRId64
		    " seconds\n", age);
	if (stats->servers != 0)
		strbuf_addf(out, "servers    %u, %u of them away\n",
		    stats->servers, stats->servers_away);
	else
		strbuf_addf(out, "entries    %" PRIu64 " in %" PRIu64
		    " KB, %" PRIu64 " thrown out for want of room\n",
		    stats->entries, stats->bytes >> 10, stats->evictions);
}

static int
save(const struct policy_conf *conf, struct control_answer *answer)
{
	if (cache_save(conf->cache, &answer->error) != 0)
		return EX_IOERR;
	strbuf_adds(&answer->output, cache_is_remote(conf->cache) ?
	    "nothing to save: the state is on memcached servers\n" :
	    conf->cache_file == NULL ?
	    "nothing was saved: CacheFile is not set\n" : "saved\n");
	return EX_OK;
}

int
control_cache(const struct policy_conf *conf, const struct span *words,
    size_t count, struct control_answer *answer)
{
	struct cache_stats stats = { 0 };
	bool as_json = count > 2 && span_is(words[count - 1], "--json");

	if (count >= 2 && span_is(words[1], "save"))
		return save(conf, answer);
	if (count < 2 || !span_is(words[1], "show")) {
		strbuf_adds(&answer->error, "usage: postern cache show | save");
		return EX_USAGE;
	}
	cache_count(conf->cache, &stats);
	(as_json ? show_json : show_text)(conf, &stats, &answer->output);
	return EX_OK;
}
