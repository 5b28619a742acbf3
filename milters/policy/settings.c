#include "milters/policy/settings.h"

#include "milters/policy/check.h"
#include "milters/policy/score.h"

#include "common/base/mem.h"
#include "common/base/units.h"
#include "common/milter/ownname.h"

#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

#define FIELD(field)	offsetof(struct policy_conf, field)
#define TEXT(name, field, def, max) \
	{ name, SETTING_STRING, FIELD(field), def, 1, max, NULL, 0 }
#define PATH(name, field, def) \
	{ name, SETTING_PATH, FIELD(field), def, 1, 4096, NULL, 0 }
#define SPEC(name, field, def) \
	{ name, SETTING_SPEC, FIELD(field), def, 0, 0, NULL, 0 }
#define YESNO(name, field, def) \
	{ name, SETTING_BOOL, FIELD(field), def, 0, 0, NULL, 0 }
#define NUMBER(name, type, field, def, min, max) \
	{ name, type, FIELD(field), def, min, max, NULL, 0 }
#define WORD(name, field, def, words) \
	{ name, SETTING_WORD, FIELD(field), def, 0, 0, words, 0 }
#define ROWS(name, field) \
	{ name, SETTING_ROWS, FIELD(field), NULL, 0, POLICY_ROWS_MAX, NULL, 0 }

static const char *const results_words[] = { "ignore", "trust", NULL };
static const char *const score_at_words[] = { "rcpt", "end", NULL };

#define STATE	LOCALSTATEDIR "/lib/postern-policy"
#define RUN	"/run/postern-policy"

static const struct setting settings[] = {
	DAEMON_SETTINGS(struct policy_conf, daemon),
	{ "ControlSocket", SETTING_PATH, FIELD(control_socket), NULL, 1, 4096,
	    NULL, SETTING_AT_START },
	{ "ControlMode", SETTING_OCTAL, FIELD(control_mode), "0600", 0, 0777,
	    NULL, SETTING_AT_START },
	TEXT("Cache", cache_spec, "local", 4096),
	NUMBER("CacheSize", SETTING_BYTES, cache_size, "64M", 1 << 20,
	    (int64_t)1 << 36),
	PATH("CacheFile", cache_file, NULL),
	PATH("CacheSecretFile", cache_secret_file, NULL),
	SPEC("AccessClient", access_specs[ACCESS_CLIENT], NULL),
	SPEC("AccessHelo", access_specs[ACCESS_HELO], NULL),
	SPEC("AccessSender", access_specs[ACCESS_SENDER], NULL),
	SPEC("AccessRecipient", access_specs[ACCESS_RECIPIENT], NULL),
	SPEC("AccessHeader", access_specs[ACCESS_HEADER], NULL),
	SPEC("InternalHosts", internal_hosts_spec, "127.0.0.1, ::1"),
	ROWS("RateLimit", rate_rows),
	NUMBER("RetryMemory", SETTING_SECONDS, retry_memory, "1h", 0,
	    7 * 86400),
	TEXT("AlertCommand", alert_command, NULL, 4096),
	ROWS("WarmUp", warmup_rows),
	ROWS("Greylist", greylist_rows),
	SPEC("GreylistClients", greylist_clients_spec, NULL),
	SPEC("GreylistRecipients", greylist_recipients_spec, NULL),
	ROWS("DnsList", dnslist_rows),
	ROWS("HostCheck", hostcheck_rows),
	ROWS("Reputation", reputation_rows),
	TEXT("ScoreReject", score_reject_text, "off", 16),
	TEXT("ScoreDefer", score_defer_text, "off", 16),
	TEXT("ScoreQuarantine", score_quarantine_text, "off", 16),
	TEXT("ScoreTag", score_tag_text, "off", 16),
	WORD("ScoreAt", score_at, "rcpt", score_at_words),
	YESNO("ScoreHeader", score_header, "no"),
	TEXT("MonitorOnly", monitor_text, "no", 255),
	WORD("AuthResults", results, "ignore", results_words),
	TEXT("AuthservID", authserv_id, NULL, 255),
	TEXT("Nameservers", nameservers, NULL, 4096),
	NUMBER("DNSTimeout", SETTING_SECONDS, dns_timeout, "3s", 1, 60),
	NUMBER("MessageTimeout", SETTING_SECONDS, message_timeout, "10s", 1,
	    250),
	NUMBER("DNSCacheSize", SETTING_BYTES, dns_cache_size, "16M", 0,
	    1 << 30),
	WORD("OnInternalError", on_internal_error, "accept",
	    failure_action_words),
	WORD("OnBadMessage", on_bad_message, "accept", failure_action_words),
};

/* What the admin of other software writes for the same. */
#define IGNORED(name, why)	{ name, true, why }
#define REFUSED(name, why)	{ name, false, why }

static const struct setting_foreign foreign[] = {
	IGNORED("Syslog", "LogTarget chooses where the log goes"),
	IGNORED("Background", "use -f to stay in the foreground"),
	REFUSED("Whitelist", "write AccessClient and AccessRecipient, or "
	    "GreylistClients and GreylistRecipients"),
	REFUSED("KeyTable", "signing is postern-sign's work: see "
	    "sign.conf(5)"),
	REFUSED("SigningTable", "signing is postern-sign's work: see "
	    "sign.conf(5)"),
	REFUSED("RejectFailures", "DMARC is postern-verify's work: see "
	    "verify.conf(5)"),
	REFUSED("TrustAnchorFile", "lists are asked without DNSSEC"),
};

const struct config_schema policy_schema = {
	settings, ARRAY_LEN(settings), foreign, ARRAY_LEN(foreign)
};

/* ---- cache ---- */

/* The directory that path is to be made in, where it is not there. NULL: it is,
 * or systemd makes it when the daemon starts. */
static const char *
missing_directory(struct filter_load *load, const char *path)
{
	static const char *const made[] = { STATE, RUN };
	size_t len = span_rfind(span_of(path), '/'), i;
	char *directory = arena_printf(load->arena, "%.*s",
	    len > 0 ? (int)len : 1, path);

	for (i = 0; i < ARRAY_LEN(made); i++)
		if (strcmp(directory, made[i]) == 0)
			return NULL;
	return access(directory, F_OK) != 0 && errno == ENOENT ? directory :
	    NULL;
}

/* It can do without, or not. */
static void
check_directory(struct filter_load *load, const char *setting,
    const char *path, bool is_needed)
{
	const char *missing = missing_directory(load, path);

	if (missing != NULL)
		(is_needed ? filter_refuse : filter_advise)(load, setting,
		    arena_printf(load->arena, "there is no directory %s; make "
		    "it, for the daemon's user to write to", missing));
}

/* Not there yet; the daemon alone makes it, for it has to be its own. */
static void
tell_of_secret(struct filter_load *load, const char *path)
{
	check_directory(load, "CacheSecretFile", path, true);
	filter_advise(load, "CacheSecretFile", "is not there yet; the daemon "
	    "makes it when it starts");
}

static void
read_secret(struct filter_load *load, const char *path,
    struct cache_secret *secret)
{
	bool was_made = false, may_make;
	struct strbuf err = STRBUF_INIT;

	may_make = !load->check_all && load->uid == geteuid();
	if (!may_make && access(path, F_OK) != 0 && errno == ENOENT)
		tell_of_secret(load, path);
	else if (cache_secret_load(path, may_make, &was_made, secret,
	    &err) != 0)
		filter_refuse(load, "CacheSecretFile", strbuf_str(&err));
	else if (was_made)
		filter_advise(load, "CacheSecretFile", "was not there; a new "
		    "secret was made. Machines that share memcached servers "
		    "need the same file");
	strbuf_clear(&err);
}

/* What is neither saved nor shared does with one that lives as long as the
 * process; so does a cache that is only looked at for what is wrong. */
static void
load_secret(struct filter_load *load, const struct policy_conf *conf,
    struct cache_secret *secret)
{
	bool is_local = span_is_nocase(span_of(conf->cache_spec), "local");

	cache_secret_of_process(secret);
	if (conf->cache_secret_file != NULL)
		read_secret(load, conf->cache_secret_file, secret);
	else if (conf->cache_file != NULL || !is_local)
		filter_refuse(load, "CacheSecretFile", "not set: what is saved "
		    "or shared needs it; such as " STATE "/cache.secret");
}

static void
warn_of_servers(struct filter_load *load, const struct policy_conf *conf)
{
	struct strbuf text = STRBUF_INIT;

	cache_warn(conf->cache, &text);
	if (text.len != 0)
		filter_advise(load, "Cache", text.s);
	strbuf_clear(&text);
}

static void
check_cache(struct filter_load *load, const struct policy_conf *conf)
{
	warn_of_servers(load, conf);
	if (conf->cache_file == NULL)
		return;
	if (cache_is_remote(conf->cache))
		filter_advise(load, "CacheFile", "no effect: what is "
		    "remembered is on memcached servers");
	else
		check_directory(load, "CacheFile", conf->cache_file, false);
}

static void
load_cache(struct filter_load *load, struct policy_conf *conf)
{
	struct cache_options options = {
		.spec = conf->cache_spec,
		.size = (size_t)conf->cache_size,
		.file = conf->cache_file,
		.is_logged = true,
	};
	struct strbuf err = STRBUF_INIT;

	load_secret(load, conf, &options.secret);
	conf->cache = cache_open(&options, &err);
	if (conf->cache == NULL)
		filter_refuse(load, "Cache", strbuf_str(&err));
	else
		check_cache(load, conf);
	strbuf_clear(&err);
}

/* ---- the rest ---- */

/* The value has become an absolute path, whatever it was. */
static void
check_control(struct filter_load *load, const struct policy_conf *conf)
{
	static const char *const kinds[] = { "/unix:", "/local:", "/inet:",
	    "/inet6:" };
	const char *path = conf->control_socket;
	struct sockaddr_un address;
	size_t i;

	if (path == NULL)
		return;
	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (strstr(path, kinds[i]) != NULL) {
			filter_refuse(load, "ControlSocket", "write a path "
			    "alone, such as " RUN "/control");
			return;
		}
	if (strlen(path) >= sizeof(address.sun_path))
		filter_refuse(load, "ControlSocket", arena_printf(load->arena,
		    "the path of a Unix socket has at most %zu characters",
		    sizeof(address.sun_path) - 1));
	else
		check_directory(load, "ControlSocket", path, false);
}

static void
load_names(struct filter_load *load, struct policy_conf *conf)
{
	conf->host_name = own_host_name(load->arena);
	conf->trust_results = conf->results != 0;
	conf->score_at_end = conf->score_at != 0;
	if (conf->authserv_id == NULL)
		return;
	conf->own_id = own_id_load(load, "AuthservID", conf->authserv_id,
	    conf->host_name);
	if (!conf->trust_results)
		filter_advise(load, "AuthservID", "no effect without "
		    "AuthResults trust");
}

static void
load_resolver(struct filter_load *load, struct policy_conf *conf)
{
	struct dns_options options = {
		.nameservers = conf->nameservers,
		.cache_bytes = (size_t)conf->dns_cache_size,
		.is_logged = true,
	};
	struct strbuf err = STRBUF_INIT;

	conf->dns = dns_new(&options, &err);
	if (conf->dns == NULL)
		filter_refuse(load, "Nameservers", strbuf_str(&err));
	strbuf_clear(&err);
}

/* "no", "yes", or the checks it is for. */
static void
load_monitored(struct filter_load *load, struct policy_conf *conf)
{
	struct span rest = span_of(conf->monitor_text), item;
	struct strbuf text = STRBUF_INIT;
	size_t i;
	bool yes;

	if (units_bool(rest, &yes)) {
		conf->all_monitored = yes;
		return;
	}
	while (span_item(&rest, &item)) {
		if (span_is_nocase(item, score_check.name)) {
			conf->score_is_monitored = true;
			continue;
		}
		for (i = 0; i < policy_check_count; i++)
			if (span_is_nocase(item, policy_checks[i]->name))
				break;
		if (i < policy_check_count) {
			conf->monitored |= 1u << i;
			continue;
		}
		strbuf_addf(&text, "%s: write yes, no, or a list of",
		    diag_quote(load->diag, item));
		for (i = 0; i < policy_check_count; i++)
			strbuf_addf(&text, " %s,", policy_checks[i]->name);
		strbuf_adds(&text, " score");
		filter_refuse(load, "MonitorOnly", text.s);
		break;
	}
	strbuf_clear(&text);
}

static void
load_hosts(struct filter_load *load, struct policy_conf *conf)
{
	struct dataset_place place = filter_place(load, "InternalHosts");

	conf->internal_hosts = hostlist_load(conf->internal_hosts_spec, &place,
	    load->diag);
}

/* The first of these that is reached decides. */
static void
check_scores(struct filter_load *load, const struct policy_conf *conf)
{
	const struct {
		const char *name;
		int32_t from;
	} scores[] = {
		{ "ScoreReject", conf->score_reject },
		{ "ScoreDefer", conf->score_defer },
		{ "ScoreQuarantine", conf->score_quarantine },
		{ "ScoreTag", conf->score_tag },
	};
	size_t i, first = 0;

	for (i = 1; i < ARRAY_LEN(scores); i++) {
		if (scores[i].from == POLICY_SCORE_OFF)
			continue;
		if (scores[first].from <= scores[i].from)
			filter_advise(load, scores[i].name,
			    arena_printf(load->arena, "no effect: %s is not "
			    "higher", scores[first].name));
		else
			first = i;
	}
}

static void
check_sense(struct filter_load *load, struct policy_conf *conf)
{
	if (conf->message_timeout < conf->dns_timeout)
		filter_advise(load, "MessageTimeout", "shorter than "
		    "DNSTimeout, so no question gets that long");
	check_scores(load, conf);
	if (conf->trust_results || conf->score_header ||
	    conf->score_tag != POLICY_SCORE_OFF || conf->score_at_end)
		conf->wants_header = true;
}

void
policy_load(struct filter_load *load)
{
	struct policy_conf *conf = load->conf;
	size_t i;

	load_names(load, conf);
	load_cache(load, conf);
	check_control(load, conf);
	load_hosts(load, conf);
	load_resolver(load, conf);
	load_monitored(load, conf);
	score_load(load, conf);
	for (i = 0; i < policy_check_count; i++)
		if (policy_checks[i]->load != NULL)
			policy_checks[i]->load(load, conf);
	check_sense(load, conf);
}

void
policy_unload(void *arg)
{
	struct policy_conf *conf = arg;
	size_t i;

	for (i = 0; i < policy_check_count; i++)
		if (policy_checks[i]->unload != NULL)
			policy_checks[i]->unload(conf);
	cache_close(conf->cache);
	hostlist_free(conf->internal_hosts);
	dns_free(conf->dns);
}
