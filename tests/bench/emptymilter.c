/*
 * emptymilter - the least a milter can do: it takes every step of a message,
 * answers none it need not answer, and changes nothing. What it costs is what
 * libmilter and the socket cost.
 *
 *	emptymilter SOCKET
 */
#include "tests/bench/bench.h"

#include <signal.h>
#include <stdlib.h>

#include <libmilter/mfapi.h>

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused1, unsigned long unused2, unsigned long *want_actions,
    unsigned long *want_steps, unsigned long *want1, unsigned long *want2)
{
	static const unsigned long no_replies = SMFIP_NR_CONN | SMFIP_NR_HELO |
	    SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR |
	    SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN;

	(void)ctx;
	(void)actions;
	(void)unused1;
	(void)unused2;
	*want_actions = 0;
	*want_steps = steps & no_replies;
	*want1 = 0;
	*want2 = 0;
	return SMFIS_CONTINUE;
}

/* libmilter asks the MTA to leave out steps without a callback: all are here,
 * with the verdict that stands for "no reply". */
static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return SMFIS_NOREPLY;
}

static sfsistat
on_text(SMFICTX *ctx, char *text)
{
	(void)ctx;
	(void)text;
	return SMFIS_NOREPLY;
}

static sfsistat
on_path(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return SMFIS_NOREPLY;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_step(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return SMFIS_NOREPLY;
}

static sfsistat
on_end(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	static char name[] = "emptymilter";
	struct smfiDesc filter = {
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_text,
		.xxfi_envfrom = on_path,
		.xxfi_envrcpt = on_path,
		.xxfi_data = on_step,
		.xxfi_header = on_header,
		.xxfi_eoh = on_step,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_negotiate = on_negotiate,
	};

	if (argc != 2)
		bench_die("usage: emptymilter SOCKET");
	signal(SIGPIPE, SIG_IGN);
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS)
		bench_die("emptymilter: cannot open %s", argv[1]);
	smfi_setbacklog(1024);
	return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
