#include "common/dkim/record.h"

#include "common/base/base64.h"
#include "common/base/mem.h"
#include "common/dkim/crypto.h"

#include <openssl/err.h>
#include <openssl/x509.h>

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
		    "or one of a size that is not allowed",
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

/*
 * RFC 6376 speaks of an RSAPublicKey and its examples are
 * SubjectPublicKeyInfos; both are in use (erratum 3017). NULL where data is
 * neither, or not to its last octet.
 */
static EVP_PKEY *
read_rsa(struct span data)
{
	const unsigned char *start = (const unsigned char *)data.p, *p = start;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &p, (long)data.len);

	if (pkey == NULL) {
		p = start;
		pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, (long)data.len);
	}
	if (pkey != NULL && p == start + data.len &&
	    EVP_PKEY_is_a(pkey, "RSA")) {
		ERR_clear_error();
		return pkey;
	}
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return NULL;
}

static bool
is_rsa_key(struct span data)
{
	EVP_PKEY *pkey = read_rsa(data);
	int bits = pkey != NULL ? EVP_PKEY_get_bits(pkey) : 0;

	EVP_PKEY_free(pkey);
	return bits >= DKIM_RSA_BITS_MIN && bits <= DKIM_RSA_BITS_MAX;
}

static enum dkim_record_result
read_key(const struct tag *tag, struct dkim_record *record)
{
	struct span key;

	if (tag == NULL)
		return DKIM_RECORD_NO_KEY;
	if (tag->value.len == 0)
		return DKIM_RECORD_REVOKED;
	if (!base64_decode(tag->value, &record->public_key))
		return DKIM_RECORD_BAD_KEY;
	key = strbuf_span(&record->public_key);
	if (record->algorithm == DKIM_ED25519_SHA256 ?
	    key.len != ED25519_SIZE : !is_rsa_key(key))
		return DKIM_RECORD_BAD_KEY;
	return DKIM_RECORD_OK;
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

/* Appends the octets by which two public keys are compared. */
static bool
normalize(const struct dkim_record *record, struct strbuf *out)
{
	unsigned char *der = NULL;
	EVP_PKEY *pkey;
	int len;

	if (record->algorithm == DKIM_ED25519_SHA256) {
		strbuf_addspan(out, strbuf_span(&record->public_key));
		return true;
	}
	pkey = read_rsa(strbuf_span(&record->public_key));
	len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : 0;
	if (len > 0)
		strbuf_add(out, der, (size_t)len);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return len > 0;
}

bool
dkim_record_matches(const struct dkim_record *record,
    const struct dkim_key *key)
{
	struct strbuf ours = STRBUF_INIT, theirs = STRBUF_INIT;
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	bool same;

	same = record->algorithm == dkim_key_algorithm(key) &&
	    normalize(record, &theirs) &&
	    dkim_key_format_public(key, &text, &err) == 0 &&
	    base64_decode(strbuf_span(&text), &ours) &&
	    span_eq(strbuf_span(&ours), strbuf_span(&theirs));
	strbuf_clear(&ours);
	strbuf_clear(&theirs);
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
