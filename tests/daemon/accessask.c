/*
 * accessask - looks keys up in an access map, for test_accessmap.py.
 *
 *	accessask SUBJECT MAP
 *
 * SUBJECT is client, helo, sender, recipient or header. Standard input: a key
 * a line; of client "NAME ADDRESS", either may be "-". For each a line
 *	VERB CODE ENHANCED ROW TEXT
 * with "-" for what is not there, or "none". "times N" repeats what follows
 * and prints "ns=N", the time of one look-up. Exit status 1, and what is wrong,
 * where the map is no good.
 */
#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/tables/accessmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const subjects[] = { "client", "helo", "sender",
    "recipient", "header" };
static const char *const verbs[] = { "OK", "REJECT", "DEFER", "DUNNO", "HOLD",
    "DISCARD", "PREPEND", "REDIRECT", "WARN" };

static bool
ask_client(const struct access_map *map, struct span key,
    struct arena *arena, struct access_action *action)
{
	struct ipaddr address = { 0 };
	struct span name;

	span_cut(&key, ' ', &name);
	if (!ipaddr_parse(key, &address))
		address.family = 0;
	if (span_is(name, "-"))
		name = span_of("");
	return access_map_client(map, name, &address, arena, NULL, action);
}

static bool
ask_address(const struct access_map *map, struct span key,
    struct arena *arena, struct access_action *action)
{
	struct address address;

	address_parse_path(key, arena, &address);
	return access_map_address(map, &address, arena, NULL, action);
}

static bool
ask(const struct access_map *map, enum access_subject subject,
    struct span key, struct arena *arena, struct access_action *action)
{
	struct span name;

	switch (subject) {
	case ACCESS_CLIENT:
		return ask_client(map, key, arena, action);
	case ACCESS_HELO:
		return access_map_helo(map, key, arena, NULL, action);
	case ACCESS_HEADER:
		span_cut(&key, ':', &name);
		return access_map_header(map, name, key, arena, NULL, action);
	default:
		return ask_address(map, key, arena, action);
	}
}

static void
print(bool found, const struct access_action *action)
{
	if (!found) {
		puts("none");
		return;
	}
	printf("%s %u %.*s %.*s %.*s\n", verbs[action->verb], action->code,
	    SPAN_ARG(action->enhanced.len ? action->enhanced : span_of("-")),
	    SPAN_ARG(action->row),
	    SPAN_ARG(action->text.len ? action->text : span_of("-")));
}

static void
answer(const struct access_map *map, enum access_subject subject)
{
	struct arena arena = ARENA_INIT;
	struct access_action action;
	unsigned long i, times = 1;
	bool found = false;
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int64_t start;

	while ((len = getline(&line, &cap, stdin)) > 0) {
		len -= line[len - 1] == '\n';
		line[len] = '\0';
		if (sscanf(line, "times %lu", &times) == 1)
			continue;
		start = clock_monotonic_us();
		for (i = 0; i < times; i++) {
			arena_reset(&arena);
			found = ask(map, subject, span_make(line,
			    (size_t)len), &arena, &action);
		}
		if (times > 1)
			printf("ns=%lld\n", (long long)(clock_monotonic_us() -
			    start) * 1000 / (long long)times);
		print(found, &action);
	}
	free(line);
	arena_clear(&arena);
}

int
main(int argc, char **argv)
{
	struct dataset_place place = { NULL, 0, "accessask", NULL };
	struct diag diag = DIAG_INIT;
	struct access_map *map = NULL;
	unsigned i = 0;

	while (argc == 3 && i < ARRAY_LEN(subjects) &&
	    strcmp(argv[1], subjects[i]) != 0)
		i++;
	if (argc != 3 || i == ARRAY_LEN(subjects)) {
		fputs("usage: accessask SUBJECT MAP\n", stderr);
		return 2;
	}
	map = access_map_load(argv[2], (enum access_subject)i, &place, &diag);
	diag_print(&diag, stderr);
	diag_clear(&diag);
	if (map == NULL)
		return 1;
	answer(map, (enum access_subject)i);
	access_map_free(map);
	return 0;
}
