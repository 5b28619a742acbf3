#include "common/tables/accesstable.h"

#include "common/base/mem.h"
#include "common/tables/accessnets.h"
#include "common/tables/accessblock.h"

#include <stdlib.h>

enum { DEPTH_MAX = 32 };	/* of if in if */

/* A row that is more than a network: "!network" or "if network". */
struct special {
	size_t before;		/* how many plain rows there are before it */
	struct ipaddr network;
	bool is_negated;
	unsigned line;
	const struct access_rule *rule;
	struct block *block;	/* of an if; else NULL */
};

/* The rows of a table, or those between if and endif. */
struct block {
	struct access_nets nets;
	struct special *specials;	/* in file order */
	size_t count, cap;
};

struct cidr {
	struct block *rows;
	size_t count;
};

static struct block *
block_new(void)
{
	struct block *block = xcalloc(1, sizeof(*block));

	access_nets_init(&block->nets);
	return block;
}

/* As deep as DEPTH_MAX. */
static void
block_free(struct block *block)
{
	size_t i;

	if (block == NULL)
		return;
	for (i = 0; i < block->count; i++)
		block_free(block->specials[i].block);
	access_nets_clear(&block->nets);
	free(block->specials);
	free(block);
}

static struct special *
add_special(struct block *block, const struct special *special)
{
	if (block->count == block->cap) {
		block->cap = block->cap != 0 ? block->cap * 2 : 4;
		block->specials = xreallocarray(block->specials, block->cap,
		    sizeof(*block->specials));
	}
	block->specials[block->count] = *special;
	return &block->specials[block->count++];
}

/* "!192.0.2.0/24", at the beginning of *row. */
static bool
read_pattern(struct access_source *source, struct span *row,
    struct special *special)
{
	struct span word;
	bool host_bits;

	special->is_negated = false;
	while (row->len > 0 && row->p[0] == '!') {
		special->is_negated = !special->is_negated;
		*row = span_trim(span_skip(*row, 1));
	}
	access_cut_word(row, &word);
	if (!ipaddr_parse_network(word, &special->network, &host_bits))
		access_refuse(source, "%s %s", access_quote(source, word),
		    "is no address or network; write 192.0.2.1, 192.0.2.0/24 "
		    "or 2001:db8::/32");
	else if (host_bits)
		access_refuse(source, "%s has bits set behind its prefix; "
		    "make them 0, or write the address alone",
		    access_quote(source, word));
	else
		return true;
	return false;
}

struct loading {
	struct access_source *source;
	struct cidr *cidr;
	struct block *open[DEPTH_MAX];
	unsigned lines[DEPTH_MAX];	/* where each was opened */
	unsigned depth;
};

static void
take_if(struct loading *load, struct span row)
{
	struct special special = { .line = load->source->line };
	struct block *block = load->open[load->depth];

	if (load->depth == DEPTH_MAX - 1) {
		access_refuse(load->source, "there are over %d if around "
		    "this one; make several tables", DEPTH_MAX - 2);
		return;
	}
	/* A bad one is opened too, for its endif's sake. */
	if (read_pattern(load->source, &row, &special) && row.len > 0)
		access_refuse(load->source, "%s stands behind the network of "
		    "an if; write it on a line of its own",
		    access_quote(load->source, row));
	special.before = block->nets.count;
	special.block = block_new();
	add_special(block, &special);
	load->open[++load->depth] = special.block;
	load->lines[load->depth] = special.line;
}

static void
take_rule(struct loading *load, struct span row)
{
	struct block *block = load->open[load->depth];
	struct special special = { .line = load->source->line,
	    .before = block->nets.count };

	if (!read_pattern(load->source, &row, &special))
		return;
	special.rule = access_rule_read(load->source, row, ACCESS_PLAIN);
	if (special.rule == NULL)
		return;
	load->cidr->count++;
	if (special.is_negated)
		add_special(block, &special);
	else
		access_nets_add(&block->nets, load->source, &special.network,
		    special.rule);
}

static void *
load_cidr(struct access_source *source)
{
	struct loading load = { .source = source };
	struct span row, rest;

	load.cidr = xcalloc(1, sizeof(*load.cidr));
	load.open[0] = load.cidr->rows = block_new();
	while (access_source_next(source, &row)) {
		rest = row;
		switch (access_block_word(source, &rest, load.depth)) {
		case ACCESS_IF:
			take_if(&load, rest);
			break;
		case ACCESS_ENDIF:
			load.depth -= load.depth > 0;
			break;
		default:
			take_rule(&load, row);
			break;
		}
	}
	access_block_end(source, load.depth, load.lines[load.depth]);
	return load.cidr;
}

static void
free_cidr(void *rows)
{
	struct cidr *cidr = rows;

	if (cidr == NULL)
		return;
	block_free(cidr->rows);
	free(cidr);
}

/* As Postfix has it, "!network" is any other address of that family. */
static bool
holds(const struct special *special, const struct ipaddr *address)
{
	return address->family == special->network.family &&
	    ipaddr_in(address, &special->network) != special->is_negated;
}

static bool
find_in(const struct block *block, const struct ipaddr *address,
    struct access_hit *hit)
{
	const struct access_net *net = access_nets_find(&block->nets, address,
	    ACCESS_NETS_FIRST);
	size_t i, before = net != NULL ? (size_t)(net - block->nets.rows) :
	    SIZE_MAX;
	const struct special *special;

	for (i = 0; i < block->count; i++) {
		special = &block->specials[i];
		if (special->before > before)
			break;
		if (!holds(special, address))
			continue;
		if (special->block == NULL) {
			*hit = (struct access_hit){ special->rule,
			    special->rule->text, special->line };
			return true;
		}
		if (find_in(special->block, address, hit))
			return true;
	}
	if (net != NULL)
		*hit = (struct access_hit){ net->rule, net->rule->text,
		    net->line };
	return net != NULL;
}

static bool
find_cidr(const void *rows, const struct access_query *query,
    struct access_hit *hit)
{
	const struct cidr *cidr = rows;

	return query->address->family != 0 &&
	    find_in(cidr->rows, query->address, hit);
}

static size_t
count_cidr(const void *rows)
{
	return ((const struct cidr *)rows)->count;
}

const struct access_kind access_cidr_kind = {
	.subjects = 1 << ACCESS_CLIENT | 1 << ACCESS_HELO,
	.load = load_cidr,
	.free = free_cidr,
	.find = find_cidr,
	.count = count_cidr,
};
