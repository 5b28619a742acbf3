/*
 * Input: a byte for the subject, one for the type, then the table, ended by a
 * NUL, and what is looked up: a name or an address; of a client or a header
 * field a NUL and the address or the value behind it.
 */
#include "tests/fuzz/fuzz.h"

#include "common/tables/accessmap.h"
#include "common/tables/regex.h"

#include <sys/mman.h>
#include <unistd.h>

static const char *const types[] = { "hash", "cidr", "regexp", "pcre",
    "postgrey" };

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

static struct access_map *
load(enum access_subject subject, const char *type, struct span table)
{
	const struct dataset_place place = { "fuzz", 1, "Access", "/nowhere" };
	int fd = memfd_create("table", MFD_CLOEXEC);
	struct diag diag = DIAG_INIT;
	struct access_map *map;
	char spec[64];

	MUST(fd >= 0 && write(fd, table.p, table.len) == (ssize_t)table.len);
	snprintf(spec, sizeof(spec), "%s:/proc/self/fd/%d", type, fd);
	map = access_map_load(spec, subject, &place, &diag);
	close(fd);
	MUST((map == NULL) == diag_failed(&diag));
	check_diag(&diag);
	return map;
}

static bool
look_up(const struct access_map *map, enum access_subject subject,
    struct span what, struct arena *arena, struct access_action *action)
{
	struct address mail = { SPAN_LIT(""), SPAN_LIT("") };
	struct ipaddr address = { 0 };
	struct span name, rest = what;

	span_cut(&rest, '\0', &name);
	switch (subject) {
	case ACCESS_CLIENT:
		if (!ipaddr_parse(rest, &address))
			address.family = 0;
		return access_map_client(map, name, &address, arena, NULL,
		    action);
	case ACCESS_HELO:
		return access_map_helo(map, what, arena, NULL, action);
	case ACCESS_HEADER:
		return access_map_header(map, name, rest, arena, NULL, action);
	default:
		mail.local = span_first(what, span_rfind(what, '@'));
		mail.domain = span_skip(what, mail.local.len + 1);
		return access_map_address(map, &mail, arena, NULL, action);
	}
}

static void
check_action(const struct access_action *action, struct arena *arena)
{
	struct address address;
	size_t i;

	MUST(action->text.len <= ACCESS_TEXT_MAX && action->row.len > 0);
	for (i = 0; i < action->text.len; i++)
		MUST(action->text.p[i] >= ' ' && action->text.p[i] <= '~');
	MUST(action->code == 0 || (action->code >= 400 &&
	    action->code <= 559));
	if (action->verb == ACCESS_REDIRECT)
		MUST(address_parse_path(action->text, arena, &address) ==
		    ADDRESS_OK);
	if (action->verb == ACCESS_PREPEND)
		MUST(span_has(action->text, ':'));
	if (action->verb == ACCESS_OK || action->verb == ACCESS_DUNNO)
		MUST(action->text.len == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest, table;
	struct arena arena = ARENA_INIT;
	enum access_subject subject;
	struct access_action action;
	struct access_map *map;

	if (size < 2)
		return 0;
	subject = (enum access_subject)(data[0] % ACCESS_SUBJECTS);
	rest = span_make(data + 2, size - 2);
	span_cut(&rest, '\0', &table);
	map = load(subject, types[data[1] % (sizeof(types) /
	    sizeof(types[0]))], table);
	if (map != NULL && look_up(map, subject, rest, &arena, &action))
		check_action(&action, &arena);
	access_map_free(map);
	arena_clear(&arena);
	return 0;
}
