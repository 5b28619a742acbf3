#include "admin/key.h"

#include "common/base/mem.h"
#include "common/dkim/record.h"

#include <stdlib.h>

int
key_uses(struct setup *setup, struct span name, struct arena *arena,
    struct key_use **uses, size_t *count)
{
	struct dataset_place place = filter_place(&setup->load, "SigningTable");
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

/* Whether the .txt file beside a key is the key's: its p= counts. */
static bool
is_published_key(const struct keyset_key *key, const struct dkim_key *private)
{
	struct dkim_record record;
	bool same;

	same = dkim_record_parse(key->published, &record) == DKIM_RECORD_OK &&
	    dkim_record_matches(&record, private);
	dkim_record_clear(&record);
	return same;
}

void
key_facts_find(struct key_facts *facts, const struct keyset *set,
    const struct keyset_key *key)
{
	memset(facts, 0, sizeof(*facts));
	facts->key = keyset_load(set, key, &facts->trouble);
	if (facts->key == NULL)
		return;
	key_describe(facts->key, &facts->what);
	if (key->published.len > 0 && !is_published_key(key, facts->key))
		strbuf_adds(&facts->trouble, "the .txt file beside it is of "
		    "another key");
}

void
key_facts_clear(struct key_facts *facts)
{
	dkim_key_free(facts->key);
	strbuf_clear(&facts->trouble);
	strbuf_clear(&facts->what);
}

static void
json_facts(struct json *json, const struct key_facts *facts)
{
	if (facts->key != NULL) {
		json_cstring(json, "type",
		    dkim_algorithm_key_type(dkim_key_algorithm(facts->key)));
		json_number(json, "bits", dkim_key_bits(facts->key));
	}
	if (facts->trouble.len > 0)
		json_string(json, "trouble", strbuf_span(&facts->trouble));
}

void
key_json(struct json *json, const struct keyset *set,
    const struct keyset_key *key, const struct key_facts *facts)
{
	json_string(json, "name", key->name);
	if (key->domain.len > 0)
		json_string(json, "domain", key->domain);
	json_string(json, "selector", key->selector);
	if (key->path != NULL)
		json_cstring(json, "file", key->path);
	if (key->line != 0) {
		json_cstring(json, "table", keytable_file(set->table));
		json_number(json, "line", key->line);
	}
	json_facts(json, facts);
}

static const struct cli_command *const commands[] = {
	&key_generate_command, &key_list_command, &key_show_command,
	&key_remove_command, &key_dns_command, &key_test_command,
};

const struct cli_group key_group = {
	.name = "key",
	.summary = "make, look at and test DKIM keys",
	.commands = commands,
	.count = ARRAY_LEN(commands),
};
