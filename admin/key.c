#include "admin/key.h"

#include "common/base/mem.h"

#include <stdlib.h>

int
key_uses(struct setup *setup, struct span name, struct arena *arena,
    struct key_use **uses, size_t *count)
{
	struct dataset_place place = sign_place(&setup->load, "SigningTable");
	struct key_use *found = NULL;
	struct dataset_row row;
	struct dataset set;
	struct span head;
	size_t cap = 0;

	*count = 0;
	*uses = NULL;
	if (setup->conf.signing_table == NULL)
		return 0;
	if (dataset_open(setup->conf.signing_table, &place, &set,
	    &setup->diag) != 0) {
		cli_report(&setup->diag);
		return -1;
	}
	while (dataset_next(&set, &row, &setup->diag)) {
		span_cut(&row.value, ':', &head);
		if (!span_eq_nocase(span_trim(head), name))
			continue;
		if (*count == cap) {
			cap = cap != 0 ? cap * 2 : 16;
			found = xreallocarray(found, cap, sizeof(*found));
		}
		found[(*count)++] = (struct key_use){
		    arena_dup(arena, row.key), row.line };
	}
	dataset_close(&set);
	if (*count > 0) {
		*uses = arena_alloc(arena, *count * sizeof(**uses));
		memcpy(*uses, found, *count * sizeof(*found));
	}
	free(found);
	return 0;
}

void
key_describe(const struct dkim_key *key, struct strbuf *out)
{
	if (dkim_key_algorithm(key) == DKIM_ED25519_SHA256)
		strbuf_adds(out, "Ed25519");
	else
		strbuf_addf(out, "RSA, %u bits", dkim_key_bits(key));
}

static const struct cli_command *const commands[] = {
	&key_generate_command, &key_list_command, &key_show_command,
	&key_remove_command, &key_dns_command, &key_test_command,
};

const struct cli_group key_group = {
	"key", "make, look at and test DKIM keys", commands,
	ARRAY_LEN(commands)
};
