#include "common/tables/accessnets.h"

#include "common/base/mem.h"

#include <stdlib.h>

static struct span
key_of(const struct ipaddr *network)
{
	return span_make(network, sizeof(*network));
}

static bool
is_row(const void *table, uint32_t row, struct span key)
{
	const struct access_nets *nets = table;

	return span_eq(key_of(&nets->rows[row].network), key);
}

void
access_nets_init(struct access_nets *nets)
{
	memset(nets, 0, sizeof(*nets));
	rowindex_init(&nets->index, nets, is_row);
}

void
access_nets_clear(struct access_nets *nets)
{
	rowindex_clear(&nets->index);
	free(nets->rows);
}

void
access_nets_add(struct access_nets *nets, struct access_source *source,
    const struct ipaddr *network, const struct access_rule *rule)
{
	struct access_net *row;
	uint32_t found;

	if (nets->count == nets->cap) {
		nets->cap = nets->cap != 0 ? nets->cap * 2 : 16;
		nets->rows = xreallocarray(nets->rows, nets->cap,
		    sizeof(*nets->rows));
	}
	row = &nets->rows[nets->count];
	*row = (struct access_net){ *network, source->line, rule };
	found = rowindex_add(&nets->index, key_of(network),
	    (uint32_t)nets->count);
	if (found != nets->count) {
		access_advise(source, "the network is there already, on line "
		    "%u, and that row counts; remove one of them",
		    nets->rows[found].line);
		return;
	}
	nets->count++;
	(network->family == 4 ? nets->has_bits4 : nets->has_bits6)
	    [network->bits] = true;
}

const struct access_net *
access_nets_find(const struct access_nets *nets,
    const struct ipaddr *address, enum access_net_order order)
{
	const bool *has = address->family == 4 ? nets->has_bits4 :
	    nets->has_bits6;
	uint32_t row, best = ROWINDEX_NONE;
	struct ipaddr network;
	int bits;

	if (address->family == 0)
		return NULL;
	for (bits = address->bits; bits >= 0; bits--) {
		if (!has[bits])
			continue;
		network = ipaddr_mask(*address, (unsigned)bits);
		row = rowindex_get(&nets->index, key_of(&network));
		if (row < best)
			best = row;
		if (row != ROWINDEX_NONE && order == ACCESS_NETS_LONGEST)
			break;
	}
	return best != ROWINDEX_NONE ? &nets->rows[best] : NULL;
}
