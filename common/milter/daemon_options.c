#include "common/milter/daemon_options.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

static void
print_usage(FILE *fp, const struct filter *filter)
{
	fprintf(fp, "usage: %s [-f] [-n] [-c FILE]\n"
	    "  -c FILE        configuration (%s/postern/%s)\n"
	    "  -f             stay in the foreground\n"
	    "  -n             check configuration, tables and keys, and exit\n"
	    "  --show-config  show every setting and where it comes from\n"
	    "  -V, --version  show the version\n"
	    "  -h, --help     show this\n",
	    filter->name, SYSCONFDIR, filter->default_config);
}

int
options_parse(struct daemon_options *options, const struct filter *filter,
    int argc, char **argv)
{
	enum { SHOW_CONFIG = 256 };
	static const struct option long_options[] = {
		{ "show-config", no_argument, NULL, SHOW_CONFIG },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	*options = (struct daemon_options){ .config = NULL };
	while ((c = getopt_long(argc, argv, "c:fhnV", long_options,
	    NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'n':
			options->check_only = true;
			break;
		case SHOW_CONFIG:
			options->show_only = true;
			break;
		case 'V':
			printf("%s %s\n", filter->name, VERSION_TEXT);
			return EX_OK;
		case 'h':
			print_usage(stdout, filter);
			return EX_OK;
		default:
			print_usage(stderr, filter);
			return EX_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "%s: unexpected argument \"%s\"\n",
	    filter->name, argv[optind]);
	print_usage(stderr, filter);
	return EX_USAGE;
}
