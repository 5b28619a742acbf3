#include "milters/verify/settings.h"

#include "milters/verify/answer.h"
#include "milters/verify/overrides.h"

#include "common/base/mem.h"
#include "common/base/clock.h"
#include "common/mail/domain.h"
#include "common/milter/ownname.h"


#define TEXT(name, field, def, max) \
	{ name, SETTING_STRING, offsetof(struct verify_conf, field), def, \
	    1, max, NULL, 0 }
#define SPEC(name, field, def) \
	{ name, SETTING_SPEC, offsetof(struct verify_conf, field), def, \
	    0, 0, NULL, 0 }
#define YESNO(name, field, def) \
	{ name, SETTING_BOOL, offsetof(struct verify_conf, field), def, \
	    0, 0, NULL, 0 }
#define NUMBER(name, type, field, def, min, max) \
	{ name, type, offsetof(struct verify_conf, field), def, \
	    min, max, NULL, 0 }
#define WORD(name, field, def, words) \
	{ name, SETTING_WORD, offsetof(struct verify_conf, field), def, \
	    0, 0, words, 0 }

static const char *const bad_from_words[] = {
	[FAILURE_ACCEPT] = "accept",
	[FAILURE_TEMPFAIL] = "tempfail",
	[FAILURE_REJECT] = "reject",
	[FAILURE_DISCARD] = "discard",
	[FAILURE_QUARANTINE] = "quarantine",
	[VERIFY_BY_POLICY] = "policy",
	NULL
};
static const char *const spf_reject_words[] = { "none", "fail", "softfail",
    NULL };
/* By enum dkim_result, from DKIM_PASS on. */
static const char *const partial_words[] = { "pass", "fail", "policy",
    "neutral", NULL };

#define REJECT_TEXT \
	"message from {from} refused by that domain's DMARC policy " \
	"(p={policy}): {reason}"

static const struct setting settings[] = {
	DAEMON_SETTINGS(struct verify_conf, daemon),
	TEXT("AuthservID", authserv_id, NULL, 255),
	SPEC("RemoveARFrom", remove_from, NULL),
	TEXT("Checks", checks, "iprev, spf, dkim, arc, dmarc", 255),
	TEXT("Nameservers", nameservers, NULL, 4096),
	NUMBER("DNSTimeout", SETTING_SECONDS, dns_timeout, "5s", 1, 60),
	NUMBER("MessageTimeout", SETTING_SECONDS, message_timeout, "20s", 1,
	    250),
	{ "TrustAnchorFile", SETTING_PATH,
	    offsetof(struct verify_conf, trust_anchor_file), NULL, 1, 4096,
	    NULL, 0 },
	NUMBER("DNSCacheSize", SETTING_BYTES, dns_cache_size, "16M", 0,
	    1 << 30),
	NUMBER("MaximumSignatures", SETTING_NUMBER, maximum_signatures, "8",
	    1, DKIM_VERIFY_SIGNATURES_MAX),
	NUMBER("MinimumKeyBits", SETTING_NUMBER, minimum_key_bits, "1024",
	    DKIM_RSA_BITS_MIN, DKIM_RSA_BITS_MAX),
	WORD("PartialSignatures", partial_signatures, "policy",
	    partial_words),
	YESNO("RejectFailures", reject_failures, "no"),
	YESNO("HoldQuarantinedMessages", hold_quarantined, "no"),
	TEXT("RejectText", reject_text, REJECT_TEXT, VERIFY_REJECT_TEXT_MAX),
	SPEC("IgnoreHosts", ignore_hosts, NULL),
	YESNO("IgnoreAuthenticatedClients", ignore_authenticated, "yes"),
	SPEC("IgnoreMailFrom", ignore_mail_from, NULL),
	SPEC("DMARCOverrides", overrides_spec, NULL),
	WORD("DMARCDiscovery", discovery, "treewalk",
	    dmarc_discovery_words),
	SPEC("TrustedSealers", trusted_sealers, NULL),
	YESNO("ADSP", adsp, "no"),
	YESNO("ReceivedSPF", received_spf, "no"),
	WORD("SPFReject", spf_reject, "none", spf_reject_words),
	YESNO("MonitorOnly", monitor_only, "no"),
	WORD("OnBadFrom", on_bad_from, "policy", bad_from_words),
	WORD("OnDnsError", on_dns_error, "tempfail", failure_action_words),
	WORD("OnInternalError", on_internal_error, "tempfail",
	    failure_action_words),
	WORD("OnBadMessage", on_bad_message, "reject", failure_action_words),
};

/* What opendmarc.conf and opendkim.conf have besides. */
#define IGNORED(name, why)	{ name, true, why }
#define REFUSED(name, why)	{ name, false, why }
#define SIGNS(name)		{ name, false, "signing is postern-sign's " \
				    "work: see sign.conf(5)" }
#define REPORTS(name)		{ name, true, "no reports are sent" }

static const struct setting_foreign foreign[] = {
	IGNORED("Syslog", "LogTarget chooses where the log goes"),
	IGNORED("SyslogName", "the log's name is postern-verify"),
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
	IGNORED("SPFSelfValidate", "SPF is always evaluated here"),
	IGNORED("SPFIgnoreResults", "SPF is always evaluated here, "
	    "Received-SPF fields are not believed"),
	IGNORED("AlwaysAddARHeader", "the field is always added"),
	IGNORED("AddAuthenticationResults", "the field is always added"),
	IGNORED("AuthservIDWithJobID", "the queue id is in the log"),
	IGNORED("PublicSuffixList", "DMARCDiscovery psl uses the system's "
	    "list; RFC 9989 needs none"),
	IGNORED("DNSConnect", "Nameservers says who is asked"),
	IGNORED("ResolverTracing", "postern message verify --explain shows "
	    "every question"),
	IGNORED("TemporaryDirectory", "nothing is written to files"),
	IGNORED("KeepTemporaryFiles", "nothing is written to files"),
	IGNORED("ClockDrift", "300 seconds are allowed"),
	IGNORED("QueryCache", "answers are always cached: DNSCacheSize"),
	REPORTS("HistoryFile"), REPORTS("FailureReports"),
	REPORTS("FailureReportsBcc"), REPORTS("FailureReportsOnNone"),
	REPORTS("FailureReportsSentBy"), REPORTS("CopyFailuresTo"),
	REPORTS("ReportCommand"), REPORTS("ReportAddress"),
	REPORTS("SendReports"), REPORTS("SendADSPReports"),
	REPORTS("RequestReports"), REPORTS("Statistics"),
	REPORTS("RecordAllMessages"), REPORTS("ReportBccAddress"),
	REFUSED("TrustedAuthservIDs", "nobody's results are believed: SPF "
	    "and DKIM are evaluated here; see TrustedSealers for forwarders"),
	REFUSED("RejectMultiValueFrom", "write OnBadFrom reject"),
	REFUSED("RequiredHeaders", "OnBadMessage and OnBadFrom decide"),
	REFUSED("StrictHeaders", "OnBadMessage and OnBadFrom decide"),
	REFUSED("RejectString", "write RejectText, with {from} for %s"),
	REFUSED("IgnoreMailTo", "one decision holds for all recipients; see "
	    "smtpd_milter_maps in postconf(5)"),
	REFUSED("DomainWhitelist", "write TrustedSealers"),
	REFUSED("DomainWhitelistFile", "write TrustedSealers file:PATH"),
	IGNORED("DomainWhitelistSize", "TrustedSealers may be of any length"),
	REFUSED("TestMode", "write MonitorOnly yes"),
	IGNORED("Mode", "postern-verify only verifies"),
	REFUSED("PeerList", "write IgnoreHosts"),
	REFUSED("BogusKey", "forged DNS answers are DNS trouble: OnDnsError"),
	IGNORED("UnprotectedKey", "keys count without DNSSEC too"),
	REFUSED("MustBeSigned", "DMARC says which mail must be signed"),
	REFUSED("Minimum", "write PartialSignatures"),
	REFUSED("TrustSignaturesFrom", "DMARC says whose signatures count"),
	REFUSED("BypassTrustedMTA", "write IgnoreHosts"),
	REFUSED("MaximumSignaturesToVerify", "write MaximumSignatures"),
	REFUSED("RemoveARAll", "others' results are kept; name those that "
	    "go in RemoveARFrom"),
	REFUSED("KeepAuthResults", "fields that bear our id are forged and "
	    "go; see IgnoreHosts"),
	REFUSED("On-BadSignature", "DMARC decides; see RejectFailures"),
	REFUSED("On-NoSignature", "DMARC decides; see RejectFailures"),
	REFUSED("On-KeyNotFound", "DMARC decides; see RejectFailures"),
	REFUSED("On-Security", "see PartialSignatures and MinimumKeyBits"),
	REFUSED("On-DNSError", "write OnDnsError"),
	REFUSED("On-InternalError", "write OnInternalError"),
	REFUSED("On-Default", "set OnBadFrom, OnBadMessage, OnDnsError and "
	    "OnInternalError"),
	REFUSED("ResolverConfiguration", "write Nameservers and "
	    "TrustAnchorFile"),
	REFUSED("ChangeRootDirectory", "the systemd unit confines the daemon"),
	SIGNS("KeyTable"), SIGNS("SigningTable"), SIGNS("KeyFile"),
	SIGNS("Selector"), SIGNS("Domain"), SIGNS("InternalHosts"),
	SIGNS("Canonicalization"), SIGNS("SignHeaders"),
	SIGNS("OversignHeaders"), SIGNS("OmitHeaders"),
	SIGNS("MultipleSignatures"), SIGNS("SenderHeaders"),
	SIGNS("SignatureAlgorithm"), SIGNS("SignatureTTL"),
	SIGNS("SubDomains"), SIGNS("RemoveOldSignatures"),
	SIGNS("DontSignMailTo"), SIGNS("ExemptDomains"),
	SIGNS("ExternalIgnoreList"), SIGNS("MTA"), SIGNS("MacroList"),
	SIGNS("RequireSafeKeys"), SIGNS("Diagnostics"),
};

const struct config_schema verify_schema = {
	settings, ARRAY_LEN(settings), foreign, ARRAY_LEN(foreign)
};

static void
load_checks(struct filter_load *load, struct verify_conf *conf)
{
	static const struct { const char *word; unsigned bit; } words[] = {
		{ "iprev", VERIFY_IPREV }, { "spf", VERIFY_SPF },
		{ "dkim", VERIFY_DKIM }, { "arc", VERIFY_ARC },
		{ "dmarc", VERIFY_DMARC },
	};
	struct span rest = span_of(conf->checks), item;
	size_t i;

	while (span_item(&rest, &item)) {
		for (i = 0; i < ARRAY_LEN(words); i++)
			if (span_is_nocase(item, words[i].word))
				break;
		if (i == ARRAY_LEN(words))
			filter_refuse(load, "Checks", "a list of iprev, spf, dkim, "
			    "arc and dmarc");
		else
			conf->wanted |= words[i].bit;
	}
	if ((conf->wanted & VERIFY_DMARC) != 0 &&
	    (conf->wanted & (VERIFY_SPF | VERIFY_DKIM)) !=
	    (VERIFY_SPF | VERIFY_DKIM))
		filter_refuse(load, "Checks", "dmarc needs both spf and dkim: "
		    "without one of them good mail fails");
}

static void
load_ids(struct filter_load *load, struct verify_conf *conf)
{
	struct dataset_place place = filter_place(load, "RemoveARFrom");
	struct dataset_row row;
	struct dataset set;
	size_t cap = 0;

	conf->host_name = own_host_name(load->arena);
	if (conf->authserv_id != NULL)
		conf->own_id = own_id_load(load, "AuthservID",
		    conf->authserv_id, conf->host_name);
	if (conf->remove_from == NULL || dataset_open(conf->remove_from,
	    &place, &set, load->diag) != 0)
		return;
	while (dataset_next(&set, &row, load->diag)) {
		if (conf->remove_count == cap) {
			struct span *more;

			cap = cap == 0 ? 8 : cap * 2;
			more = arena_alloc(load->arena, cap * sizeof(*more));
			if (conf->remove_count > 0)
				memcpy(more, conf->remove_ids,
				    conf->remove_count * sizeof(*more));
			conf->remove_ids = more;
		}
		conf->remove_ids[conf->remove_count++] = own_id_load(load,
		    "RemoveARFrom", arena_dup(load->arena, row.key).p,
		    conf->host_name);
	}
	dataset_close(&set);
}

static void
load_lists(struct filter_load *load, struct verify_conf *conf)
{
	struct dataset_place place = filter_place(load, "IgnoreHosts");

	conf->ignored_hosts = hostlist_load(conf->ignore_hosts, &place,
	    load->diag);
	place = filter_place(load, "IgnoreMailFrom");
	conf->ignored_authors = namelist_load(conf->ignore_mail_from,
	    NAMELIST_DOMAINS, &place, load->diag);
	place = filter_place(load, "TrustedSealers");
	conf->sealers = namelist_load(conf->trusted_sealers, NAMELIST_DOMAINS,
	    &place, load->diag);
	place = filter_place(load, "DMARCOverrides");
	conf->overrides = verify_overrides_load(conf->overrides_spec, &place,
	    clock_wall(), load->diag);
}

static void
load_resolver(struct filter_load *load, struct verify_conf *conf)
{
	struct dns_options options = {
		.nameservers = conf->nameservers,
		.trust_anchor_file = conf->trust_anchor_file,
		.cache_bytes = (size_t)conf->dns_cache_size,
		.is_logged = true,
	};
	struct strbuf err = STRBUF_INIT;

	conf->dns = dns_new(&options, &err);
	if (conf->dns == NULL)
		filter_refuse(load, conf->trust_anchor_file != NULL &&
		    strstr(strbuf_str(&err), conf->trust_anchor_file) != NULL ?
		    "TrustAnchorFile" : "Nameservers", strbuf_str(&err));
	strbuf_clear(&err);
	if (conf->message_timeout < conf->dns_timeout)
		filter_advise(load, "MessageTimeout", "shorter than DNSTimeout, so "
		    "no question gets that long");
}

/* Settings that need one another. */
static void
check_sense(struct filter_load *load, const struct verify_conf *conf)
{
	struct strbuf err = STRBUF_INIT;

	if (!answer_text_is_valid(span_of(conf->reject_text), &err))
		filter_refuse(load, "RejectText", strbuf_str(&err));
	strbuf_clear(&err);
	if (conf->trusted_sealers != NULL && (conf->wanted & VERIFY_ARC) == 0)
		filter_advise(load, "TrustedSealers", "no effect: Checks has no arc");
	if (conf->reject_failures && (conf->wanted & VERIFY_DMARC) == 0)
		filter_advise(load, "RejectFailures", "no effect: Checks has no "
		    "dmarc");
	if (conf->spf_reject != VERIFY_SPF_NEVER &&
	    (conf->wanted & VERIFY_SPF) == 0)
		filter_advise(load, "SPFReject", "no effect: Checks has no spf");
	if (conf->adsp && (conf->wanted & VERIFY_DKIM) == 0)
		filter_advise(load, "ADSP", "no effect: Checks has no dkim");
}

void
verify_load(struct filter_load *load)
{
	struct verify_conf *conf = load->conf;

	load_checks(load, conf);
	load_ids(load, conf);
	load_lists(load, conf);
	load_resolver(load, conf);
	check_sense(load, conf);
}

void
verify_unload(void *arg)
{
	struct verify_conf *conf = arg;

	dns_free(conf->dns);
	hostlist_free(conf->ignored_hosts);
	namelist_free(conf->ignored_authors);
	namelist_free(conf->sealers);
	verify_overrides_free(conf->overrides);
}
