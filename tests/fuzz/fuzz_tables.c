/*
 * Input: a byte of options, then five texts, each ended by a NUL: KeyTable,
 * SigningTable, host list, name list, and the sender, client or host that is
 * looked up in them.
 */
#include "tests/fuzz/fuzz.h"

#include "common/mail/domain.h"
#include "common/tables/hostlist.h"
#include "common/tables/namelist.h"
#include "common/tables/signtable.h"

#include <sys/mman.h>
#include <unistd.h>

enum { REFILE = 1, MULTIPLE = 2, UNSAFE = 4, LATE = 8, LIST = 16 };
enum { MATCHES = 8 };

static struct span
next_text(struct span *rest)
{
	struct span text;

	span_cut(rest, '\0', &text);
	return text;
}

/* A specification of that text: a file that is nowhere but in memory, or the
 * text itself as a list. */
static const char *
spec_of(struct span text, unsigned options, struct strbuf *spec, int *fd)
{
	strbuf_reset(spec);
	*fd = -1;
	if ((options & LIST) != 0) {
		strbuf_addspan(spec, text);
		return strbuf_str(spec);
	}
	*fd = memfd_create("table", MFD_CLOEXEC);
	MUST(*fd >= 0 && write(*fd, text.p, text.len) == (ssize_t)text.len);
	strbuf_addf(spec, "%s/proc/self/fd/%d", (options & REFILE) != 0 ?
	    "refile:" : "file:", *fd);
	return spec->s;
}

static void
check_diag(struct diag *diag)
{
	size_t i;
	const char *p;

	for (i = 0; i < diag->count; i++)
		for (p = diag->items[i].text; *p != '\0'; p++)
			MUST((unsigned char)*p >= ' ' && *p != 0x7f);
	diag_clear(diag);
}

static void
resolve(const struct keytable *keys, const struct signtable_match *match,
    const struct address *sender, struct arena *arena)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_sign_key key;

	if (match->key == NULL)
		return;
	if (keytable_resolve(keys, match->key, sender->domain, arena, &key,
	    &err) != 0) {
		MUST(err.len != 0 && key.key == NULL);
	} else {
		MUST(domain_is_valid(key.domain));
		MUST(domain_is_valid(key.selector));
		dkim_key_free(key.key);
	}
	keytable_path(keys, match->key, sender->domain, arena);
	strbuf_clear(&err);
}

static void
look_up(const struct keytable *keys, const struct signtable *table,
    const struct address *sender, bool is_refile)
{
	struct signtable_match all[MATCHES], one;
	struct arena arena = ARENA_INIT;
	size_t i, count, first;

	count = signtable_lookup(table, sender, &arena, all, MATCHES, NULL,
	    NULL);
	first = signtable_lookup(table, sender, &arena, &one, 1, NULL, NULL);
	MUST(count <= MATCHES && first == (count != 0));
	if (first != 0)
		MUST(one.line == all[0].line &&
		    span_eq(one.pattern, all[0].pattern) &&
		    span_eq(one.identity, all[0].identity));
	for (i = 0; i < count; i++) {
		MUST(!is_refile || i == 0 || all[i].line > all[i - 1].line);
		resolve(keys, &all[i], sender, &arena);
	}
	arena_clear(&arena);
}

static void
try_tables(struct span key_text, struct span sign_text, unsigned options,
    const struct address *sender)
{
	const struct dataset_place place = { "fuzz", 1, "Table", "/nowhere" };
	struct keytable_options key_options = {
		.require_safe_keys = (options & UNSAFE) == 0,
		.minimum_bits = 1024,
		.eager_keys = (options & LATE) != 0 ? 1 : SIZE_MAX,
		.uid = geteuid(),
		.gid = getegid(),
	};
	struct strbuf spec = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct signtable *signing;
	struct keytable *keys;
	int fd;

	keys = keytable_load(spec_of(key_text, options, &spec, &fd), &place,
	    &key_options, &diag);
	close(fd);
	signing = signtable_load(spec_of(sign_text, options, &spec, &fd),
	    &place, keys, (options & MULTIPLE) != 0, &diag);
	close(fd);
	check_diag(&diag);
	if (keys != NULL && signing != NULL)
		look_up(keys, signing, sender, (options & REFILE) != 0 &&
		    (options & LIST) == 0);
	signtable_free(signing);
	keytable_free(keys);
	strbuf_clear(&spec);
}

static void
try_lists(struct span hosts_text, struct span names_text, unsigned options,
    struct span whole, const struct address *sender)
{
	const struct dataset_place place = { "fuzz", 1, "List", "/nowhere" };
	struct strbuf spec = STRBUF_INIT;
	struct diag diag = DIAG_INIT;
	struct ipaddr address = { 0 };
	struct hostlist *hosts;
	struct namelist *names;
	struct span entry;
	int fd;

	hosts = hostlist_load(spec_of(hosts_text, options, &spec, &fd), &place,
	    &diag);
	close(fd);
	names = namelist_load(spec_of(names_text, options, &spec, &fd),
	    (options & MULTIPLE) != 0 ? NAMELIST_ADDRESSES : NAMELIST_DOMAINS,
	    &place, &diag);
	close(fd);
	if (!ipaddr_parse(whole, &address))
		address.family = 0;
	MUST((hosts != NULL && names != NULL) || diag_failed(&diag));
	check_diag(&diag);
	if (hosts != NULL && hostlist_match(hosts, whole, &address, &entry))
		MUST(entry.len != 0 && entry.p[0] != '!');
	if (names != NULL && namelist_match(names, sender, &entry))
		MUST(entry.len != 0 && entry.p[0] != '!');
	if (names != NULL && namelist_match_parents(names, sender->domain,
	    &entry))
		MUST(span_ends_nocase(sender->domain, entry));
	hostlist_free(hosts);
	namelist_free(names);
	strbuf_clear(&spec);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_make(data, size), keys, signing, hosts, names;
	struct address sender;
	unsigned options;

	if (size == 0)
		return 0;
	options = data[0];
	rest = span_skip(rest, 1);
	keys = next_text(&rest);
	signing = next_text(&rest);
	hosts = next_text(&rest);
	names = next_text(&rest);
	sender.local = span_first(rest, span_rfind(rest, '@'));
	sender.domain = span_skip(rest, sender.local.len + 1);
	try_tables(keys, signing, options, &sender);
	try_lists(hosts, names, options, rest, &sender);
	return 0;
}
