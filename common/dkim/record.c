#include "common/dkim/record.h"

#include "common/base/base64.h"
#include "common/base/mem.h"
#include "common/dkim/rsapub.h"

enum { ED25519_SIZE = 32 };

const char *
dkim_record_result_text(enum dkim_record_result result)
{
	static const char *const texts[] = {
		[DKIM_RECORD_OK] = "good",
		[DKIM_RECORD_SYNTAX] = "no list of tags, or a tag twice",
		[DKIM_RECORD_VERSION] = "v= is not DKIM1 or does not come "
		    "first",
		[DKIM_RECORD_NO_KEY] = "no p=",
		[DKIM_RECORD_REVOKED] = "revoked (p= is empty)",
		[DKIM_RECORD_KEY_TYPE] = "k= is neither rsa nor ed25519",
		[DKIM_RECORD_BAD_KEY] = "p= holds no key of the type in k=, "
		    "or one that is not safe to use",
		[DKIM_RECORD_SHORT_KEY] = "an RSA key under 1024 bits, which "
		    "is refused (RFC 8301)",
		[DKIM_RECORD_TOO_LONG] = "too long",
	};

	return texts[result];
}

/* True where item is in a list separated by colons, or value is NULL. */
static bool
lists(const struct tag *tag, const char *item)
{
	struct span rest, head;
	bool more;

	if (tag == NULL)
		return true;
	rest = tag->value;
	do {
		more = span_cut(&rest, ':', &head);
		if (span_is_nocase(span_trim(head), item))
			return true;
	} while (more);
	return false;
}

static bool
read_key_type(const struct tag *tag, enum dkim_algorithm *algorithm)
{
	static const enum dkim_algorithm all[] = { DKIM_RSA_SHA256,
	    DKIM_ED25519_SHA256 };
	size_t i;

	*algorithm = DKIM_RSA_SHA256;
	for (i = 0; i < ARRAY_LEN(all) && tag != NULL; i++)
		if (span_is_nocase(tag->value,
		    dkim_algorithm_key_type(all[i]))) {
			*algorithm = all[i];
			return true;
		}
	return tag == NULL;
}

static enum dkim_record_result
read_rsa(struct dkim_record *record)
{
	struct rsa_public key;

	if (!rsa_public_read(strbuf_span(&record->public_key), &key) ||
	    rsa_public_trouble(&key) != NULL)
		return DKIM_RECORD_BAD_KEY;
	record->bits = rsa_public_bits(&key);
	return record->bits < DKIM_RSA_BITS_MIN ? DKIM_RECORD_SHORT_KEY :
	    DKIM_RECORD_OK;
}

/*
 * The second coordinates, little-endian and without the sign, of the points
 * whose order is 1, 2, 4 or 8: for each there are signatures that hold for any
 * message, or for one in eight.
 */
static const unsigned char small_orders[][ED25519_SIZE] = {
	{ 0 },
	{ 1 },
	{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
	    0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
	    0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
	{ 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
	    0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
	    0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
};

/* RFC 8032 5.1.3: at or over the prime, 2^255 - 19, it is no coordinate. */
static bool
is_reduced(const unsigned char y[ED25519_SIZE])
{
	size_t i;

	if (y[ED25519_SIZE - 1] != 0x7f || y[0] < 0xed)
		return true;
	for (i = 1; i < ED25519_SIZE - 1; i++)
		if (y[i] != 0xff)
			return true;
	return false;
}

static bool
is_usable_point(struct span key)
{
	unsigned char y[ED25519_SIZE];
	size_t i;

	memcpy(y, key.p, sizeof(y));
	y[ED25519_SIZE - 1] &= 0x7f;	/* the sign of the other one */
	for (i = 0; i < ARRAY_LEN(small_orders); i++)
		if (memcmp(y, small_orders[i], sizeof(y)) == 0)
			return false;
	return is_reduced(y);
}

static enum dkim_record_result
read_ed25519(struct dkim_record *record)
{
	struct span key = strbuf_span(&record->public_key);

	record->bits = ED25519_SIZE * 8;
	return key.len == ED25519_SIZE && is_usable_point(key) ?
	    DKIM_RECORD_OK : DKIM_RECORD_BAD_KEY;
}

static enum dkim_record_result
read_key(const struct tag *tag, struct dkim_record *record)
{
	if (tag == NULL)
		return DKIM_RECORD_NO_KEY;
	if (tag->value.len == 0)
		return DKIM_RECORD_REVOKED;
	if (!base64_decode(tag->value, &record->public_key))
		return DKIM_RECORD_BAD_KEY;
	return record->algorithm == DKIM_ED25519_SHA256 ?
	    read_ed25519(record) : read_rsa(record);
}

static void
read_limits(const struct taglist *list, struct dkim_record *record)
{
	const struct tag *services = taglist_find(list, "s");
	const struct tag *flags = taglist_find(list, "t");

	record->allows_sha256 = lists(taglist_find(list, "h"), "sha256");
	record->allows_email = lists(services, "email") || lists(services, "*");
	record->is_testing = flags != NULL && lists(flags, "y");
	record->is_strict = flags != NULL && lists(flags, "s");
}

enum dkim_record_result
dkim_record_parse(struct span text, struct dkim_record *record)
{
	const struct tag *version;
	struct taglist list;

	*record = (struct dkim_record){ .public_key = STRBUF_INIT };
	if (text.len > DKIM_RECORD_MAX)
		return DKIM_RECORD_TOO_LONG;
	if (taglist_parse(text, &list) != TAGLIST_OK)
		return DKIM_RECORD_SYNTAX;
	version = taglist_find(&list, "v");
	if (version != NULL && (version != &list.tags[0] ||
	    !span_is(version->value, "DKIM1")))
		return DKIM_RECORD_VERSION;
	read_limits(&list, record);
	if (!read_key_type(taglist_find(&list, "k"), &record->algorithm))
		return DKIM_RECORD_KEY_TYPE;
	return read_key(taglist_find(&list, "p"), record);
}

void
dkim_record_clear(struct dkim_record *record)
{
	strbuf_clear(&record->public_key);
}

/* Whether both are the same RSA key, in whatever form. */
static bool
same_rsa(struct span a, struct span b)
{
	struct rsa_public one, other;

	return rsa_public_read(a, &one) && rsa_public_read(b, &other) &&
	    span_eq(one.modulus, other.modulus) &&
	    span_eq(one.exponent, other.exponent);
}

bool
dkim_record_matches(const struct dkim_record *record,
    const struct dkim_key *key)
{
	struct strbuf ours = STRBUF_INIT, text = STRBUF_INIT;
	struct strbuf err = STRBUF_INIT;
	struct span theirs = strbuf_span(&record->public_key);
	bool same;

	same = record->algorithm == dkim_key_algorithm(key) &&
	    dkim_key_format_public(key, &text, &err) == 0 &&
	    base64_decode(strbuf_span(&text), &ours) &&
	    (record->algorithm == DKIM_ED25519_SHA256 ?
	    span_eq(strbuf_span(&ours), theirs) :
	    same_rsa(strbuf_span(&ours), theirs));
	strbuf_clear(&ours);
	strbuf_clear(&text);
	strbuf_clear(&err);
	return same;
}

int
dkim_record_format(const struct dkim_key *key, const char *flags,
    struct strbuf *out, struct strbuf *err)
{
	strbuf_addf(out, "v=DKIM1; k=%s; ",
	    dkim_algorithm_key_type(dkim_key_algorithm(key)));
	if (flags[0] != '\0')
		strbuf_addf(out, "t=%s; ", flags);
	strbuf_adds(out, "p=");
	return dkim_key_format_public(key, out, err);
}
