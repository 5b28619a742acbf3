/*
 * emptymilter - the least a milter can do: it takes every step of a message,
 * answers none it need not answer, and changes nothing. What it costs is what
 * libmilter and the socket cost.
 *
 *	emptymilter SOCKET [STEPS [STAGE=MACROS...]]
 *
 * STEPS is a mask of SMFIP_*, and MACROS a list of those it wants at STAGE
 * (SMFIM_*), for one that leaves out and answers the same steps as another
 * milter and gets the same macros: what that one has negotiated.
 */
#include "tests/bench/bench.h"

#include <signal.h>
#include <stdlib.h>

#include <libmilter/mfapi.h>

static unsigned long wanted = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL |
    SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_NR_EOH |
    SMFIP_NR_BODY | SMFIP_NR_UNKN;

static char **macros;	/* "2={rcpt_addr} i", and NULL */

static void
choose_macros(SMFICTX *ctx)
{
	char **list, *names;
	long stage;

	for (list = macros; *list != NULL; list++) {
		stage = strtol(*list, &names, 10);
		if (*names != '=' || smfi_setsymlist(ctx, (int)stage,
		    names + 1) != MI_SUCCESS)
			bench_die("emptymilter: bad macros: %s", *list);
	}
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long unused1, unsigned long unused2, unsigned long *want_actions,
    unsigned long *want_steps, unsigned long *want1, unsigned long *want2)
{
	(void)actions;
	(void)unused1;
	(void)unused2;
	*want_actions = 0;
	*want_steps = steps & wanted;
	*want1 = 0;
	*want2 = 0;
	choose_macros(ctx);
	return SMFIS_CONTINUE;
}

static sfsistat
reply(unsigned long no_reply)
{
	return (wanted & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* libmilter asks the MTA to leave out steps without a callback: all are here,
 * with the verdict that stands for "no reply" where that was agreed. */
static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return reply(SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *text)
{
	(void)ctx;
	(void)text;
	return reply(SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return reply(SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return reply(SMFIP_NR_RCPT);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	(void)ctx;
	return reply(SMFIP_NR_DATA);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return reply(SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return reply(SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	(void)ctx;
	(void)data;
	(void)len;
	return reply(SMFIP_NR_BODY);
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
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_eoh,
		.xxfi_body = on_body,
		.xxfi_eom = on_end,
		.xxfi_negotiate = on_negotiate,
	};

	char *end = NULL;

	if (argc > 2)
		wanted = strtoul(argv[2], &end, 0);
	if (argc < 2 || (end != NULL && *end != '\0'))
		bench_die("usage: emptymilter SOCKET [STEPS [STAGE=MACROS...]]");
	macros = argv + (argc > 2 ? 3 : 2);
	signal(SIGPIPE, SIG_IGN);
	if (smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(filter) != MI_SUCCESS ||
	    smfi_opensocket(true) != MI_SUCCESS)
		bench_die("emptymilter: cannot open %s", argv[1]);
	smfi_setbacklog(1024);
	return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
