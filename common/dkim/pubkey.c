#include "common/dkim/pubkey.h"

#include "common/base/mem.h"
#include "common/dkim/crypto.h"
#include "common/dkim/rsapub.h"
#include "common/mail/domain.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>

/*
 * One of the two contexts is made ready to verify and copied for each
 * signature: starting from the key takes the library longer than verifying.
 */
struct dkim_public_key {
	struct dkim_record record;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *rsa;
	EVP_MD_CTX *ed25519;
};

/* What the TXT records at a name come to: kept with the answer. */
struct key_answer {
	enum dkim_key_status status;
	const char *reason;
	struct dkim_public_key key;
};

/* ---- into the library ---- */

static bool
push_numbers(OSSL_PARAM_BLD *build, BIGNUM *n, BIGNUM *e)
{
	return n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1;
}

static BIGNUM *
to_bignum(struct span number)
{
	return BN_bin2bn((const unsigned char *)number.p, (int)number.len,
	    NULL);
}

static EVP_PKEY *
load_rsa(struct span der)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = NULL, *e = NULL;
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey = NULL;
	struct rsa_public rsa;

	if (rsa_public_read(der, &rsa)) {
		n = to_bignum(rsa.modulus);
		e = to_bignum(rsa.exponent);
	}
	if (build != NULL && push_numbers(build, n, e))
		params = OSSL_PARAM_BLD_to_param(build);
	if (ctx != NULL && params != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static bool
prepare_rsa(struct dkim_public_key *key)
{
	key->pkey = load_rsa(strbuf_span(&key->record.public_key));
	if (key->pkey == NULL)
		return false;
	key->rsa = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	return key->rsa != NULL && EVP_PKEY_verify_init(key->rsa) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(key->rsa, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(key->rsa, crypto_sha256()) == 1;
}

static bool
prepare_ed25519(struct dkim_public_key *key)
{
	const struct strbuf *raw = &key->record.public_key;

	key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL,
	    (const unsigned char *)raw->s, raw->len);
	key->ed25519 = EVP_MD_CTX_new();
	return key->pkey != NULL && key->ed25519 != NULL &&
	    EVP_DigestVerifyInit(key->ed25519, NULL, NULL, NULL,
	    key->pkey) == 1;
}

/* False: the library refuses numbers that we had nothing against. */
static bool
prepare(struct dkim_public_key *key)
{
	bool ok = key->record.algorithm == DKIM_RSA_SHA256 ?
	    prepare_rsa(key) : prepare_ed25519(key);

	ERR_clear_error();
	return ok;
}

/* ---- from the answer ---- */

static const char *const reasons[] = {
	[DKIM_RECORD_OK] = "",
	[DKIM_RECORD_SYNTAX] = "key record is malformed",
	[DKIM_RECORD_VERSION] = "key record is not of version DKIM1",
	[DKIM_RECORD_NO_KEY] = "key record has no p=",
	[DKIM_RECORD_REVOKED] = "key is revoked",
	[DKIM_RECORD_KEY_TYPE] = "key is of an unknown type",
	[DKIM_RECORD_BAD_KEY] = "key is malformed or out of bounds",
	[DKIM_RECORD_SHORT_KEY] = "",
	[DKIM_RECORD_TOO_LONG] = "key record is too long",
};

/* Whether such a text was meant as a key record: other texts may share the
 * name, by a wildcard above all (RFC 6376 6.1.2). */
static bool
is_key_record(enum dkim_record_result result)
{
	switch (result) {
	case DKIM_RECORD_SYNTAX:
	case DKIM_RECORD_VERSION:
	case DKIM_RECORD_NO_KEY:
	case DKIM_RECORD_TOO_LONG:
		return false;
	default:
		return true;
	}
}

static enum dkim_record_result
read_text(struct span data, struct dkim_record *record)
{
	enum dkim_record_result result = DKIM_RECORD_SYNTAX;
	struct arena arena = ARENA_INIT;
	struct span text;

	*record = (struct dkim_record){ .public_key = STRBUF_INIT };
	if (dns_txt_join(data, &arena, &text))
		result = dkim_record_parse(text, record);
	arena_clear(&arena);
	return result;
}

/* The record that counts into *chosen: a key record rather than another text.
 * *keys gets the number of key records. */
static enum dkim_record_result
choose_record(const struct dns_answer *answer, struct dkim_record *chosen,
    size_t *keys)
{
	enum dkim_record_result best = DKIM_RECORD_SYNTAX, result;
	struct dkim_record record;
	size_t i;

	*keys = 0;
	*chosen = (struct dkim_record){ .public_key = STRBUF_INIT };
	for (i = 0; i < answer->count && *keys < 2; i++) {
		result = read_text(answer->records[i].data, &record);
		*keys += is_key_record(result);
		if (i == 0 || (is_key_record(result) && *keys == 1)) {
			dkim_record_clear(chosen);
			*chosen = record;
			best = result;
		} else {
			dkim_record_clear(&record);
		}
	}
	return best;
}

static void *
make_key_answer(const struct dns_answer *answer)
{
	struct key_answer *made = xcalloc(1, sizeof(*made));
	enum dkim_record_result result;
	size_t keys;

	result = choose_record(answer, &made->key.record, &keys);
	made->status = DKIM_KEY_UNUSABLE;
	made->reason = reasons[result];
	if (keys > 1)
		made->reason = "several key records";
	else if (result != DKIM_RECORD_OK && result != DKIM_RECORD_SHORT_KEY)
		return made;
	else if (prepare(&made->key))
		made->status = DKIM_KEY_FOUND;
	else
		made->reason = "key is refused by the crypto library";
	return made;
}

static void
free_key_answer(void *arg)
{
	struct key_answer *made = arg;

	EVP_PKEY_CTX_free(made->key.rsa);
	EVP_MD_CTX_free(made->key.ed25519);
	EVP_PKEY_free(made->key.pkey);
	dkim_record_clear(&made->key.record);
	free(made);
}

static const struct dns_derivation derivation = {
	make_key_answer, free_key_answer
};

/* ---- looking it up ---- */

static bool
key_name(struct span domain, struct span selector, char name[DOMAIN_MAX],
    size_t *len)
{
	static const char middle[] = "._domainkey.";
	const size_t middle_len = sizeof(middle) - 1;

	*len = selector.len + middle_len + domain.len;
	if (selector.len > DOMAIN_MAX || domain.len > DOMAIN_MAX ||
	    *len > DOMAIN_MAX)
		return false;
	memcpy(name, selector.p, selector.len);
	memcpy(name + selector.len, middle, middle_len);
	memcpy(name + selector.len + middle_len, domain.p, domain.len);
	return true;
}

static void
from_answer(const struct dns_answer *answer, struct dkim_key_lookup *found)
{
	const struct key_answer *made = dns_answer_derive(answer, &derivation);

	found->status = made->status;
	found->reason = made->reason;
	if (made->status == DKIM_KEY_FOUND)
		found->key = &made->key;
}

static void
settle(struct dkim_key_lookup *found, enum dkim_key_status status,
    const char *reason)
{
	found->status = status;
	found->reason = reason;
}

bool
dkim_key_find(struct lookups *lookups, enum lookup_purpose purpose,
    struct span domain, struct span selector, struct dkim_key_lookup *found)
{
	const struct dns_answer *answer;
	char name[DOMAIN_MAX];
	size_t len;

	*found = (struct dkim_key_lookup){ .reason = "" };
	if (!key_name(domain, selector, name, &len)) {
		settle(found, DKIM_KEY_UNUSABLE, "name of the key is too long");
		return true;
	}
	answer = lookups_get(lookups, purpose, span_make(name, len), DNS_TXT);
	if (answer == NULL)
		return false;
	found->is_secure = answer->is_secure;
	switch (answer->result) {
	case DNS_FOUND:
		from_answer(answer, found);
		break;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		settle(found, DKIM_KEY_UNUSABLE, "no key for signature");
		break;
	case DNS_REFUSED:	/* it would be so at any later time */
		settle(found, DKIM_KEY_UNUSABLE,
		    dns_result_text(answer->result));
		break;
	default:
		settle(found, DKIM_KEY_TEMPORARY, answer->detail != NULL ?
		    answer->detail : dns_result_text(answer->result));
	}
	return true;
}

const struct dkim_record *
dkim_public_key_record(const struct dkim_public_key *key)
{
	return &key->record;
}

unsigned
dkim_public_key_bits(const struct dkim_public_key *key)
{
	return key->record.bits;
}

const char *
dkim_public_key_refuse(const struct dkim_public_key *key,
    enum dkim_algorithm algorithm)
{
	if (key->record.algorithm != algorithm)
		return "key is of another type than a=";
	if (!key->record.allows_sha256)
		return "key is not for SHA-256";
	if (!key->record.allows_email)
		return "key is not for mail";
	return NULL;
}

/* ---- verifying ---- */

/* No memory is no answer; anything else is the signature's fault. */
static int
outcome(int rc, struct strbuf *err)
{
	if (rc == 1)
		return 1;
	if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
		return crypto_failed("verifying", err);
	ERR_clear_error();
	return 0;
}

static int
verify_rsa(const struct dkim_public_key *key, const unsigned char hash[32],
    struct span signature, struct strbuf *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->rsa);
	int rc;

	if (ctx == NULL)
		return crypto_failed("verifying", err);
	rc = EVP_PKEY_verify(ctx, (const unsigned char *)signature.p,
	    signature.len, hash, CRYPTO_HASH_SIZE);
	EVP_PKEY_CTX_free(ctx);
	return outcome(rc, err);
}

static int
verify_ed25519(const struct dkim_public_key *key, const unsigned char hash[32],
    struct span signature, struct strbuf *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc;

	if (ctx == NULL || EVP_MD_CTX_copy_ex(ctx, key->ed25519) != 1) {
		EVP_MD_CTX_free(ctx);
		return crypto_failed("verifying", err);
	}
	rc = EVP_DigestVerify(ctx, (const unsigned char *)signature.p,
	    signature.len, hash, CRYPTO_HASH_SIZE);
	EVP_MD_CTX_free(ctx);
	return outcome(rc, err);
}

int
dkim_public_key_verify(const struct dkim_public_key *key,
    const unsigned char hash[32], struct span signature, struct strbuf *err)
{
	return key->record.algorithm == DKIM_RSA_SHA256 ?
	    verify_rsa(key, hash, signature, err) :
	    verify_ed25519(key, hash, signature, err);
}
