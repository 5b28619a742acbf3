/*
 * accessnets.h - the networks of an access table: found in the time of one
 * look-up for each prefix length there is, however many there are.
 */
#ifndef POSTERN_TABLES_ACCESSNETS_H
#define POSTERN_TABLES_ACCESSNETS_H

#include "common/tables/accessrule.h"
#include "common/tables/rowindex.h"

struct access_net {
	struct ipaddr network;
	unsigned line;
	const struct access_rule *rule;
};

struct access_nets {
	struct access_net *rows;	/* in file order */
	size_t count, cap;
	struct rowindex index;
	bool has_bits4[32 + 1];	/* which prefix lengths there are */
	bool has_bits6[128 + 1];
};

/* nets must stay where it is. */
void access_nets_init(struct access_nets *nets);
void access_nets_clear(struct access_nets *nets);

/* A network that is there already is not added, and said to source. */
void access_nets_add(struct access_nets *nets, struct access_source *source,
    const struct ipaddr *network, const struct access_rule *rule);

enum access_net_order { ACCESS_NETS_LONGEST, ACCESS_NETS_FIRST };

/* Of the networks that hold the address the one of the longest prefix, or the
 * first in the file; NULL: there is none. */
const struct access_net *access_nets_find(const struct access_nets *nets,
    const struct ipaddr *address, enum access_net_order order);

#endif
