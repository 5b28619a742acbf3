#include "tests/bench/load_options.h"

#include "common/base/mem.h"
#include "common/base/units.h"
#include "tests/bench/bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_MAX = 65535, ACTIONS_ALL = 0x1ff, STEPS_ALL = 0x1fffff };

struct load_options opt = {
	.concurrency = 1,
	.per_connection = 1,
	.timeout = 120,
	.size = 2048,
	.chunk = CHUNK_MAX,
	.from = "sender@d0000000.example",
	.helo = "client.example",
	.client = "192.0.2.10",
	.client_name = "client.example",
	.client_port = 40123,
	.version = 6,
	.actions = ACTIONS_ALL,
	.steps = STEPS_ALL,
};

enum kind { FLAG, NUMBER, MASK, REAL, TEXT, LIST };

struct row {
	const char *name;
	int letter;		/* of the short option, or 0 */
	enum kind kind;
	size_t at;		/* in struct load_options */
	long min;
	const char *arg, *help;
};

#define AT(field)	offsetof(struct load_options, field)

static const struct row rows[] = {
	{ "socket", 'S', LIST, AT(sockets), 0, "SPEC",
	    "unix:PATH or inet:PORT@HOST; of several each gets the message "
	    "as the one before left it" },
	{ "policy", 0, FLAG, AT(policy), 0, NULL,
	    "they are policy services of Postfix, asked about each "
	    "recipient" },
	{ "concurrency", 'c', NUMBER, AT(concurrency), 1, "N",
	    "connections at a time (1)" },
	{ "messages", 'n', NUMBER, AT(messages), 1, "N",
	    "messages in total (1 without -t)" },
	{ "seconds", 't', REAL, AT(seconds), 0, "S",
	    "run for S seconds" },
	{ "rate", 0, REAL, AT(rate), 0, "N",
	    "start no more than N messages a second in total" },
	{ "pause", 0, REAL, AT(pause), 0, "S",
	    "a client's round trip: waited before RCPT, DATA and the header, "
	    "not counted as latency" },
	{ "per-connection", 'm', NUMBER, AT(per_connection), 1, "N",
	    "messages on one connection (1)" },
	{ "warmup", 'w', NUMBER, AT(warmup), 0, "N",
	    "messages sent before measuring" },
	{ "idle", 0, NUMBER, AT(idle), 1, "N",
	    "open N connections up to HELO, hold them for -t seconds" },
	{ "quit-nc", 0, FLAG, AT(quit_nc), 0, NULL,
	    "reuse the connection with QUIT_NC, as Sendmail does" },
	{ "abort-every", 0, NUMBER, AT(abort_every), 1, "K",
	    "ABORT every K-th message before its end" },
	{ "drop-every", 0, NUMBER, AT(drop_every), 1, "K",
	    "drop the connection in every K-th message" },
	{ "timeout", 0, REAL, AT(timeout), 0, "S",
	    "for each read and write (120)" },
	{ "input", 'i', LIST, AT(inputs), 0, "PATH",
	    "message file, directory of them, or - (repeatable)" },
	{ "size", 's', NUMBER, AT(size), 0, "OCTETS",
	    "of a generated body (2k); k and m are units" },
	{ "chunk", 0, NUMBER, AT(chunk), 1, "OCTETS",
	    "of one body packet (65535)" },
	{ "domains", 0, NUMBER, AT(domains), 1, "N",
	    "From: and MAIL FROM vary over d0000000.example and on" },
	{ "from", 'f', TEXT, AT(from), 0, "ADDR",
	    "MAIL FROM; '' is the null sender" },
	{ "rcpt", 'r', LIST, AT(rcpts), 0, "ADDR", "RCPT TO (repeatable)" },
	{ "rcpts", 0, NUMBER, AT(generated_rcpts), 1, "N",
	    "N generated recipients" },
	{ "mail-arg", 0, LIST, AT(mail_args), 0, "ARG",
	    "ESMTP argument of MAIL (repeatable)" },
	{ "client", 'a', TEXT, AT(client), 0, "ADDR",
	    "client: IPv4, IPv6, /path or unknown (192.0.2.10)" },
	{ "clients", 0, NUMBER, AT(clients), 1, "N",
	    "vary the client's address over N addresses" },
	{ "client-name", 0, TEXT, AT(client_name), 0, "NAME",
	    "(client.example)" },
	{ "client-port", 0, NUMBER, AT(client_port), 0, "PORT", "(40123)" },
	{ "helo", 0, TEXT, AT(helo), 0, "NAME", "(client.example)" },
	{ "auth", 0, TEXT, AT(auth), 0, "USER",
	    "sends {auth_type} and {auth_authen}" },
	{ "macro", 'M', LIST, AT(macros), 0, "[S:]N=V",
	    "macro N at stage S (C H M R T L N E); an empty V: not sent" },
	{ "protocol", 0, NUMBER, AT(version), 2, "VERSION", "offered (6)" },
	{ "actions", 0, MASK, AT(actions), 0, "MASK", "offered (0x1ff)" },
	{ "steps", 0, MASK, AT(steps), 0, "MASK", "offered (0x1fffff)" },
	{ "pid", 'p', LIST, AT(pids), 0, "PID",
	    "report CPU time and memory of that process (repeatable)" },
	{ "json", 0, FLAG, AT(json), 0, NULL, "report one JSON object" },
	{ "quiet", 'q', FLAG, AT(quiet), 0, NULL, "no error messages" },
	{ "print", 0, FLAG, AT(print), 0, NULL,
	    "send one message: replies to stderr, the edited message to "
	    "stdout" },
};

enum { HELP = 'h', FIRST_LONG = 256 };

static void
print_usage(void)
{
	const struct row *row;
	char letter[8], option[32];
	size_t i;

	puts("usage: milterload -S SOCKET [options]\n"
	    "Plays the MTA's side of the milter protocol, or of Postfix's "
	    "policy\ndelegation.\n");
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		row = &rows[i];
		snprintf(letter, sizeof(letter), row->letter ? "-%c," : "   ",
		    row->letter);
		snprintf(option, sizeof(option), "%s %s", row->name,
		    row->arg != NULL ? row->arg : "");
		printf("  %s --%-22s %s\n", letter, option, row->help);
	}
	puts("\nIn macro values %q is the queue id, %f the sender, %r the "
	    "recipient,\n%c the client's address.\n"
	    "Exit: 0 no errors, 1 errors, 2 usage, 3 (--print) message not "
	    "accepted.");
}

static long
read_number(const struct row *row, const char *text)
{
	int64_t value;

	if (!units_bytes(span_of(text), &value) || value < row->min)
		bench_die("milterload: --%s: bad number: %s", row->name, text);
	return (long)value;
}

static long
read_mask(const struct row *row, const char *text)
{
	char *end;
	long value = strtol(text, &end, 0);

	if (end == text || *end != '\0' || value < 0)
		bench_die("milterload: --%s: bad mask: %s", row->name, text);
	return value;
}

static double
read_real(const struct row *row, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value > 0))
		bench_die("milterload: --%s: bad number: %s", row->name, text);
	return value;
}

static void
add_item(const struct row *row, struct load_list *list, const char *text)
{
	if (list->count == LOAD_LIST_MAX)
		bench_die("milterload: --%s: too many", row->name);
	list->items[list->count++] = text;
}

static void
take(const struct row *row, const char *text)
{
	void *at = (char *)&opt + row->at;

	switch (row->kind) {
	case FLAG:
		*(bool *)at = true;
		break;
	case NUMBER:
		*(long *)at = read_number(row, text);
		break;
	case MASK:
		*(long *)at = read_mask(row, text);
		break;
	case REAL:
		*(double *)at = read_real(row, text);
		break;
	case TEXT:
		*(const char **)at = text;
		break;
	case LIST:
		add_item(row, at, text);
		break;
	}
}

static const struct row *
find_row(int code)
{
	size_t i;

	if (code >= FIRST_LONG)
		return &rows[code - FIRST_LONG];
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].letter == code)
			return &rows[i];
	return NULL;
}

static void
make_getopt(struct option *options, char *letters)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		options[i] = (struct option){ rows[i].name,
		    rows[i].kind == FLAG ? no_argument : required_argument,
		    NULL, FIRST_LONG + (int)i };
		if (rows[i].letter == 0)
			continue;
		*letters++ = (char)rows[i].letter;
		if (rows[i].kind != FLAG)
			*letters++ = ':';
	}
	options[i] = (struct option){ "help", no_argument, NULL, HELP };
	options[i + 1] = (struct option){ 0 };
	*letters++ = HELP;
	*letters = '\0';
}

void
load_options_read(int argc, char **argv)
{
	struct option options[ARRAY_LEN(rows) + 2];
	char letters[2 * ARRAY_LEN(rows) + 2];
	const struct row *row;
	int code;

	make_getopt(options, letters);
	while ((code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (code == HELP) {
			print_usage();
			exit(0);
		}
		if ((row = find_row(code)) == NULL)
			bench_die("milterload: see --help");
		take(row, optarg);
	}
	if (optind < argc)
		bench_die("milterload: unexpected argument: %s", argv[optind]);
	if (opt.sockets.count == 0)
		bench_die("milterload: -S SOCKET is missing; see --help");
	if (opt.chunk > CHUNK_MAX)
		bench_die("milterload: --chunk is at most %d", CHUNK_MAX);
	if (opt.messages == 0 && opt.seconds <= 0)
		opt.messages = 1;
	if (opt.rcpts.count == 0 && opt.generated_rcpts == 0)
		opt.rcpts.items[opt.rcpts.count++] = "rcpt@dest.example";
}
