#include "milters/sign/settings.h"

#include "common/base/mem.h"
#include "common/mail/domain.h"

#define TEXT(name, field, def, max) \
	{ name, SETTING_STRING, offsetof(struct sign_conf, field), def, \
	    1, max, NULL, 0 }
#define SPEC(name, field, def) \
	{ name, SETTING_SPEC, offsetof(struct sign_conf, field), def, \
	    0, 0, NULL, 0 }
#define YESNO(name, field, def) \
	{ name, SETTING_BOOL, offsetof(struct sign_conf, field), def, \
	    0, 0, NULL, 0 }
#define ACTION(name, field, def) \
	{ name, SETTING_WORD, offsetof(struct sign_conf, field), def, \
	    0, 0, failure_action_words, 0 }

static const char *const mode_letters[] = { "sv", NULL };

static const struct setting settings[] = {
	DAEMON_SETTINGS(struct sign_conf, daemon),
	SPEC("KeyTable", key_table, NULL),
	SPEC("SigningTable", signing_table, NULL),
	SPEC("Domain", domain, NULL),
	TEXT("Selector", selector, NULL, DOMAIN_MAX),
	{ "KeyFile", SETTING_PATH, offsetof(struct sign_conf, key_file), NULL,
	    1, 4096, NULL, 0 },
	YESNO("SubDomains", sub_domains, "no"),
	SPEC("InternalHosts", internal_hosts, "127.0.0.1, ::1"),
	SPEC("ExternalIgnoreList", external_ignore_list, NULL),
	SPEC("PeerList", peer_list, NULL),
	SPEC("ExemptDomains", exempt_domains, NULL),
	SPEC("DontSignMailTo", dont_sign_mail_to, NULL),
	TEXT("MTA", mta, NULL, 4096),
	TEXT("MacroList", macro_list, NULL, 4096),
	TEXT("SenderHeaders", sender_headers, "From", 4096),
	{ "Mode", SETTING_LETTERS, offsetof(struct sign_conf, mode), "s",
	    0, 0, mode_letters, 0 },
	TEXT("Canonicalization", canonicalization, "relaxed/relaxed", 32),
	TEXT("SignatureAlgorithm", signature_algorithm, NULL, 32),
	SPEC("SignHeaders", sign_headers, NULL),
	SPEC("OmitHeaders", omit_headers, NULL),
	SPEC("OversignHeaders", oversign_headers, NULL),
	YESNO("MultipleSignatures", multiple_signatures, "no"),
	YESNO("RemoveOldSignatures", remove_old_signatures, "no"),
	YESNO("KeepOwnSignatures", keep_own_signatures, "yes"),
	{ "SignatureTTL", SETTING_SECONDS,
	    offsetof(struct sign_conf, signature_ttl), "0", 0,
	    10 * 365 * 86400, NULL, 0 },
	{ "MinimumKeyBits", SETTING_NUMBER,
	    offsetof(struct sign_conf, minimum_key_bits), "1024",
	    DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_MAX, NULL, 0 },
	YESNO("RequireSafeKeys", require_safe_keys, "yes"),
	YESNO("Diagnostics", diagnostics, "no"),
	ACTION("OnBadMessage", on_bad_message, "accept"),
	ACTION("OnKeyError", on_key_error, "tempfail"),
	ACTION("OnInternalError", on_internal_error, "tempfail"),
};

/* What opendkim.conf has besides; postern-sign(8) says the same. */
#define IGNORED(name, why)	{ name, true, why }
#define REFUSED(name, why)	{ name, false, why }
#define VERIFIES(name)		{ name, true, "checking incoming mail is " \
				    "postern-verify's work" }
#define REPORTS(name)		{ name, true, "reports are not sent by the " \
				    "signer" }

static const struct setting_foreign foreign[] = {
	IGNORED("Syslog", "LogTarget chooses where the log goes"),
	IGNORED("SyslogName", "the log's name is postern-sign"),
	IGNORED("SyslogSuccess", "every decision is logged"),
	IGNORED("LogWhy", "the reason is always logged"),
	IGNORED("LogResults", "every decision is logged"),
	IGNORED("MilterDebug", "use LogLevel debug"),
	IGNORED("SoftwareHeader", "no such field is added"),
	IGNORED("Background", "use -f to stay in the foreground"),
	IGNORED("AutoRestart", "systemd restarts the service"),
	IGNORED("AutoRestartCount", "systemd restarts the service"),
	IGNORED("AutoRestartRate", "systemd restarts the service"),
	IGNORED("EnableCoredumps", "use LimitCORE= in the unit"),
	IGNORED("DNSTimeout", "the signer asks no DNS"),
	IGNORED("DNSConnect", "the signer asks no DNS"),
	IGNORED("Nameservers", "the signer asks no DNS"),
	IGNORED("ResolverConfiguration", "the signer asks no DNS"),
	IGNORED("ResolverTracing", "the signer asks no DNS"),
	IGNORED("TrustAnchorFile", "the signer asks no DNS"),
	IGNORED("KeepTemporaryFiles", "nothing is written to files"),
	IGNORED("TemporaryDirectory", "nothing is written to files"),
	IGNORED("CheckSigningTable", "tables are always checked"),
	IGNORED("StdoutLog", "use LogTarget stderr with -f"),
	IGNORED("StrictHeaders", "OnBadMessage decides"),
	IGNORED("RequiredHeaders", "OnBadMessage decides"),
	IGNORED("IgnoreMalformedMail", "OnBadMessage decides"),
	VERIFIES("AuthservID"), VERIFIES("AuthservIDWithJobID"),
	VERIFIES("AlwaysAddARHeader"), VERIFIES("KeepAuthResults"),
	VERIFIES("RemoveARFrom"), VERIFIES("RemoveARAll"),
	VERIFIES("ClockDrift"), VERIFIES("MaximumSignaturesToVerify"),
	VERIFIES("Minimum"), VERIFIES("MustBeSigned"),
	VERIFIES("TrustSignaturesFrom"), VERIFIES("UnprotectedKey"),
	VERIFIES("BogusKey"), VERIFIES("On-BadSignature"),
	VERIFIES("On-KeyNotFound"), VERIFIES("On-NoSignature"),
	VERIFIES("On-DNSError"), VERIFIES("On-Security"),
	VERIFIES("DisableCryptoInit"), VERIFIES("Quarantine"),
	VERIFIES("CaptureUnknownErrors"), VERIFIES("RedirectFailuresTo"),
	VERIFIES("TestPublicKeys"), VERIFIES("QueryCache"),
	VERIFIES("WeakSyntaxChecks"), VERIFIES("BypassTrustedMTA"),
	REPORTS("SendReports"), REPORTS("SendADSPReports"),
	REPORTS("ReportAddress"), REPORTS("ReportBccAddress"),
	REPORTS("RequestReports"), REPORTS("Statistics"),
	REPORTS("StatisticsName"), REPORTS("StatisticsPrefix"),
	REFUSED("On-InternalError", "write OnInternalError"),
	REFUSED("On-SignatureError", "write OnKeyError or OnInternalError"),
	REFUSED("On-Default",
	    "set OnBadMessage, OnKeyError and OnInternalError"),
	REFUSED("BodyLengthDB", "l= lets others append to signed mail and is "
	    "never written"),
	REFUSED("BodyLengths", "l= lets others append to signed mail and is "
	    "never written"),
	REFUSED("MaximumSignedBytes", "l= lets others append to signed mail "
	    "and is never written"),
	REFUSED("SelectCanonicalizationHeader", "a sender could choose the "
	    "form; set Canonicalization"),
	REFUSED("SelectorHeader", "a sender could choose the key; use "
	    "SigningTable"),
	REFUSED("ChangeRootDirectory", "the systemd unit confines the daemon"),
	REFUSED("ResignMailTo", "not supported; use SigningTable"),
	REFUSED("ResignAll", "use InternalHosts and SigningTable"),
	REFUSED("ReplaceRules", "a signature over text that is not sent is "
	    "of no use"),
	REFUSED("ReplaceHeaders", "a signature over text that is not sent is "
	    "of no use"),
	REFUSED("FixCRLF", "Postfix sends CRLF"),
	REFUSED("SetupPolicyScript", "Lua is not supported; use "
	    "SigningTable"),
	REFUSED("ScreenPolicyScript", "Lua is not supported"),
	REFUSED("StatsPolicyScript", "Lua is not supported"),
	REFUSED("FinalPolicyScript", "Lua is not supported"),
	REFUSED("POPDBFile", "use submission with SASL"),
	REFUSED("POPDBTimeout", "use submission with SASL"),
	REFUSED("VBR-Certifiers", "VBR (RFC 5518) is not in use any more"),
	REFUSED("VBR-PurgeFields", "VBR (RFC 5518) is not in use any more"),
	REFUSED("VBR-TrustedCertifiers",
	    "VBR (RFC 5518) is not in use any more"),
	REFUSED("VBR-TrustedCertifiersOnly",
	    "VBR (RFC 5518) is not in use any more"),
	REFUSED("VBR-Type", "VBR (RFC 5518) is not in use any more"),
	REFUSED("ATPSDomains", "ATPS (RFC 6541) is not in use"),
	REFUSED("ATPSHashAlgorithm", "ATPS (RFC 6541) is not in use"),
	REFUSED("LDAPAuthMechanism", "dump the directory to a file: table"),
	REFUSED("LDAPAuthName", "dump the directory to a file: table"),
	REFUSED("LDAPAuthRealm", "dump the directory to a file: table"),
	REFUSED("LDAPAuthUser", "dump the directory to a file: table"),
	REFUSED("LDAPBindPassword", "dump the directory to a file: table"),
	REFUSED("LDAPBindUser", "dump the directory to a file: table"),
	REFUSED("LDAPKeepaliveIdle", "dump the directory to a file: table"),
	REFUSED("LDAPKeepaliveInterval",
	    "dump the directory to a file: table"),
	REFUSED("LDAPKeepaliveProbes",
	    "dump the directory to a file: table"),
	REFUSED("LDAPTimeout", "dump the directory to a file: table"),
	REFUSED("LDAPUseTLS", "dump the directory to a file: table"),
};

const struct config_schema sign_schema = {
	settings, ARRAY_LEN(settings), foreign, ARRAY_LEN(foreign)
};

static struct config_origin
origin_of(const struct filter_load *load, const char *name)
{
	return config_find_origin(&sign_schema, load->origins, name);
}

static void
load_lists(struct filter_load *load, struct sign_conf *conf)
{
	const struct {
		const char *name, *spec;
		struct hostlist **list;
	} hosts[] = {
		{ "InternalHosts", conf->internal_hosts, &conf->internal },
		{ "ExternalIgnoreList", conf->external_ignore_list,
		    &conf->external_ignore },
		{ "PeerList", conf->peer_list, &conf->peers },
	};
	const struct {
		const char *name, *spec;
		enum namelist_kind kind;
		struct namelist **list;
	} names[] = {
		{ "ExemptDomains", conf->exempt_domains, NAMELIST_DOMAINS,
		    &conf->exempt },
		{ "DontSignMailTo", conf->dont_sign_mail_to,
		    NAMELIST_ADDRESSES, &conf->unsigned_recipients },
	};
	struct dataset_place place;
	size_t i;

	for (i = 0; i < ARRAY_LEN(hosts); i++) {
		place = filter_place(load, hosts[i].name);
		*hosts[i].list = hostlist_load(hosts[i].spec, &place,
		    load->diag);
	}
	for (i = 0; i < ARRAY_LEN(names); i++) {
		place = filter_place(load, names[i].name);
		*names[i].list = namelist_load(names[i].spec, names[i].kind,
		    &place, load->diag);
	}
}

struct keytable_options
sign_key_options(const struct filter_load *load)
{
	const struct sign_conf *conf = load->conf;

	return (struct keytable_options){
		.require_safe_keys = conf->require_safe_keys,
		.minimum_bits = (unsigned)conf->minimum_key_bits,
		.eager_keys = load->check_all ? SIZE_MAX : KEYTABLE_EAGER_KEYS,
		.uid = load->uid,
		.gid = load->gid,
	};
}

static void
load_tables(struct filter_load *load, struct sign_conf *conf)
{
	struct keytable_options options = sign_key_options(load);
	struct dataset_place place = filter_place(load, "KeyTable");

	if (conf->signing_table == NULL) {
		filter_refuse(load, "KeyTable", "SigningTable is missing: it says "
		    "which senders use which key of the KeyTable");
		return;
	}
	if (conf->domain != NULL || conf->selector != NULL ||
	    conf->key_file != NULL)
		filter_advise(load, conf->domain != NULL ? "Domain" :
		    conf->selector != NULL ? "Selector" : "KeyFile",
		    "not used beside KeyTable; remove Domain, Selector and "
		    "KeyFile, or KeyTable and SigningTable");
	conf->keytable = keytable_load(conf->key_table, &place, &options,
	    load->diag);
	place = filter_place(load, "SigningTable");
	conf->signtable = signtable_load(conf->signing_table, &place,
	    conf->keytable, conf->multiple_signatures, load->diag);
}

/* "example.com" of Domain where that is all it holds; "%" for a list. */
static const char *
single_domain(struct filter_load *load, const struct sign_conf *conf)
{
	struct span text = span_trim(span_of(conf->domain)), ascii;

	if (domain_to_ascii(text, load->arena, &ascii))
		return arena_strdup(load->arena, ascii.p);
	return "%";
}

static void
load_single(struct filter_load *load, struct sign_conf *conf)
{
	struct keytable_options options = sign_key_options(load);
	struct dataset_place place = filter_place(load, "Domain");

	if (conf->signing_table != NULL) {
		filter_refuse(load, "SigningTable", "KeyTable is missing: it says "
		    "where the keys are that SigningTable names");
		return;
	}
	if (conf->domain == NULL || conf->selector == NULL ||
	    conf->key_file == NULL) {
		diag_error(load->diag, load->file, 0, "nothing to sign with: "
		    "set KeyTable and SigningTable (see postern key generate "
		    "--help), or Domain, Selector and KeyFile");
		return;
	}
	conf->domains = namelist_load(conf->domain, NAMELIST_DOMAINS, &place,
	    load->diag);
	if (conf->domains == NULL)
		return;
	place = filter_place(load, "KeyFile");
	conf->keytable = keytable_single(single_domain(load, conf),
	    conf->selector, conf->key_file, &place, &options, load->diag);
}

/* SignatureAlgorithm is only held against the keys: each key knows its own. */
static void
check_algorithm(struct filter_load *load, const struct sign_conf *conf)
{
	const struct keytable_row *row;
	enum dkim_algorithm wanted;
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign_key key;
	struct config_origin origin = origin_of(load, "SignatureAlgorithm");
	size_t i = 0;

	if (conf->signature_algorithm == NULL || conf->keytable == NULL)
		return;
	if (!dkim_algorithm_parse(span_of(conf->signature_algorithm),
	    &wanted)) {
		filter_refuse(load, "SignatureAlgorithm", "must be rsa-sha256 or "
		    "ed25519-sha256; best left out, the key decides");
		return;
	}
	while ((row = keytable_next(conf->keytable, &i)) != NULL &&
	    i <= KEYTABLE_EAGER_KEYS) {
		if (span_is(row->domain, "%") ||
		    keytable_resolve(conf->keytable, row, row->domain,
		    load->arena, &key, &err) != 0)
			continue;
		if (dkim_key_algorithm(key.key) != wanted)
			diag_error(load->diag, origin.file, origin.line,
			    "SignatureAlgorithm %s does not fit the key of "
			    "row %s (%s:%u); remove SignatureAlgorithm, the "
			    "key decides", conf->signature_algorithm,
			    diag_quote(load->diag, row->name),
			    keytable_file(conf->keytable), row->line);
		dkim_key_free(key.key);
	}
	strbuf_clear(&err);
}

static void
load_signset(struct filter_load *load, struct sign_conf *conf)
{
	struct config_origin sign = origin_of(load, "SignHeaders");
	struct config_origin omit = origin_of(load, "OmitHeaders");
	struct config_origin over = origin_of(load, "OversignHeaders");
	struct dkim_signset_options options = {
		.sign = conf->sign_headers,
		.omit = conf->omit_headers,
		.oversign = conf->oversign_headers,
		.file = sign.file != NULL ? sign.file :
		    omit.file != NULL ? omit.file :
		    over.file != NULL ? over.file : load->file,
		.sign_line = sign.line,
		.omit_line = omit.line,
		.oversign_line = over.line,
	};

	conf->signset = dkim_signset_new(&options, load->diag);
}

/* The items of a comma or blank separated list, in the arena. */
static struct span *
split_list(const char *text, struct arena *arena, size_t *count)
{
	struct span rest = span_of(text), item, *items;
	size_t n = 0;

	while (span_item(&rest, &item))
		n++;
	items = arena_alloc(arena, (n + 1) * sizeof(*items));
	rest = span_of(text);
	for (*count = 0; span_item(&rest, &item); (*count)++)
		items[*count] = item;
	return items;
}

static void
load_sender_headers(struct filter_load *load, struct sign_conf *conf)
{
	size_t i;

	conf->sender_names = split_list(conf->sender_headers, load->arena,
	    &conf->sender_name_count);
	for (i = 0; i < conf->sender_name_count; i++)
		if (!header_name_is_valid(conf->sender_names[i]))
			filter_refuse(load, "SenderHeaders", "not a list of header "
			    "field names");
}

/* "{name}" for a macro written as name or {name}; one letter stays bare. */
static const char *
macro_name(struct span name, struct arena *arena)
{
	struct span bare = name;

	if (name.len > 2 && name.p[0] == '{' && name.p[name.len - 1] == '}')
		bare = span_make(name.p + 1, name.len - 2);
	if (bare.len == 1)
		return arena_dup(arena, bare).p;
	return arena_printf(arena, "{%.*s}", SPAN_ARG(bare));
}

static void
load_macros(struct filter_load *load, struct sign_conf *conf)
{
	struct span *items, name;
	struct strbuf names = STRBUF_INIT;
	size_t i;

	items = split_list(conf->macro_list, load->arena, &conf->macro_count);
	conf->macros = arena_zalloc(load->arena,
	    (conf->macro_count + 1) * sizeof(*conf->macros));
	for (i = 0; i < conf->macro_count; i++) {
		conf->macros[i].values = items[i];
		span_cut(&conf->macros[i].values, '=', &name);
		if (name.len == 0)
			filter_refuse(load, "MacroList", "an item has no macro name; "
			    "write name or name=value|value");
		conf->macros[i].name = macro_name(name, load->arena);
		strbuf_addf(&names, "%s%s", i != 0 ? " " : "",
		    conf->macros[i].name);
	}
	if (conf->macro_count != 0)
		conf->macro_names = arena_strdup(load->arena,
		    strbuf_str(&names));
	strbuf_clear(&names);
	conf->daemon_names = split_list(conf->mta, load->arena,
	    &conf->daemon_name_count);
}

static void
check_mode(struct filter_load *load, const struct sign_conf *conf)
{
	if ((conf->mode & SIGN_MODE_SIGN) == 0)
		filter_refuse(load, "Mode", "without s nothing is signed; "
		    "postern-sign only signs, checking is postern-verify's "
		    "work");
	else if ((conf->mode & SIGN_MODE_VERIFY) != 0)
		filter_advise(load, "Mode", "v has no meaning here: postern-sign "
		    "only signs; run postern-verify to check incoming mail");
}

void
sign_load(struct filter_load *load)
{
	struct sign_conf *conf = load->conf;

	check_mode(load, conf);
	if (!canon_parse_pair(span_of(conf->canonicalization),
	    &conf->header_canon, &conf->body_canon))
		filter_refuse(load, "Canonicalization", "must be simple or relaxed, "
		    "or two of them as in relaxed/relaxed");
	load_sender_headers(load, conf);
	load_macros(load, conf);
	load_signset(load, conf);
	load_lists(load, conf);
	if (conf->key_table != NULL)
		load_tables(load, conf);
	else
		load_single(load, conf);
	check_algorithm(load, conf);
}

void
sign_unload(void *arg)
{
	struct sign_conf *conf = arg;

	signtable_free(conf->signtable);
	keytable_free(conf->keytable);
	hostlist_free(conf->internal);
	hostlist_free(conf->external_ignore);
	hostlist_free(conf->peers);
	namelist_free(conf->domains);
	namelist_free(conf->exempt);
	namelist_free(conf->unsigned_recipients);
	dkim_signset_free(conf->signset);
}
