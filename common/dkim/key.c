#include "common/dkim/key.h"

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/dkim/crypto.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SEED_SIZE = 32 };	/* RFC 8032 5.1.5 */

struct dkim_key {
	atomic_uint refs;
	enum dkim_algorithm algorithm;
	unsigned bits;
	EVP_PKEY *pkey;
	EVP_MD_CTX *signing;	/* ready to sign: copied for each signature */
};

static const struct algorithm {
	const char *name;	/* a= */
	const char *key_type;	/* k= */
} algorithms[] = {
	[DKIM_RSA_SHA256] = { "rsa-sha256", "rsa" },
	[DKIM_ED25519_SHA256] = { "ed25519-sha256", "ed25519" },
};

const char *
dkim_algorithm_name(enum dkim_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

const char *
dkim_algorithm_key_type(enum dkim_algorithm algorithm)
{
	return algorithms[algorithm].key_type;
}

bool
dkim_algorithm_parse(struct span s, enum dkim_algorithm *algorithm)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(algorithms); i++)
		if (span_is_nocase(s, algorithms[i].name)) {
			*algorithm = (enum dkim_algorithm)i;
			return true;
		}
	return false;
}

/* What hashes the data to be signed; NULL: it is hashed before (RFC 8463 3). */
static const EVP_MD *
digest_of(enum dkim_algorithm algorithm)
{
	return algorithm == DKIM_RSA_SHA256 ? crypto_sha256() : NULL;
}

/* Takes over pkey. */
static struct dkim_key *
make_key(EVP_PKEY *pkey, enum dkim_algorithm algorithm, struct strbuf *err)
{
	struct dkim_key *key = xcalloc(1, sizeof(*key));

	atomic_init(&key->refs, 1);
	key->algorithm = algorithm;
	key->bits = (unsigned)EVP_PKEY_get_bits(pkey);
	if (algorithm == DKIM_ED25519_SHA256)
		key->bits = 256;
	key->pkey = pkey;
	key->signing = EVP_MD_CTX_new();
	if (key->signing == NULL || EVP_DigestSignInit(key->signing, NULL,
	    digest_of(algorithm), NULL, pkey) != 1) {
		crypto_failed("preparing to sign", err);
		dkim_key_free(key);
		return NULL;
	}
	return key;
}

static bool
bits_are_good(int bits, struct strbuf *err)
{
	if (bits >= DKIM_RSA_BITS_MIN && bits <= DKIM_RSA_BITS_MAX)
		return true;
	strbuf_addf(err, "an RSA key of %d bits; DKIM keys have %d to %d "
	    "(RFC 8301), %d is the usual size", bits, DKIM_RSA_BITS_MIN,
	    DKIM_RSA_BITS_MAX, DKIM_RSA_BITS_GOOD);
	return false;
}

/* Takes over pkey. */
static struct dkim_key *
accept_key(EVP_PKEY *pkey, struct strbuf *err)
{
	const char *type;

	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return make_key(pkey, DKIM_ED25519_SHA256, err);
	if (EVP_PKEY_is_a(pkey, "RSA")) {
		if (bits_are_good(EVP_PKEY_get_bits(pkey), err))
			return make_key(pkey, DKIM_RSA_SHA256, err);
	} else {
		type = EVP_PKEY_get0_type_name(pkey);
		strbuf_addf(err, "a key of type %s; DKIM keys are RSA or "
		    "Ed25519", type != NULL ? type : "unknown");
	}
	EVP_PKEY_free(pkey);
	return NULL;
}

/* Each tries to read DER as something that is no private key. */

static bool
is_public_key(const unsigned char *der, long len)
{
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &der, len);

	EVP_PKEY_free(pkey);
	return pkey != NULL;
}

static bool
is_rsa_public_key(const unsigned char *der, long len)
{
	EVP_PKEY *pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);

	EVP_PKEY_free(pkey);
	return pkey != NULL;
}

static bool
is_certificate(const unsigned char *der, long len)
{
	X509 *certificate = d2i_X509(NULL, &der, len);

	X509_free(certificate);
	return certificate != NULL;
}

static bool
is_encrypted(const unsigned char *der, long len)
{
	X509_SIG *sig = d2i_X509_SIG(NULL, &der, len);

	X509_SIG_free(sig);
	return sig != NULL;
}

#define IS_ENCRYPTED	"an encrypted private key; a daemon cannot ask for " \
	"the passphrase, decrypt it with \"openssl pkey\""
#define IS_PUBLIC	"a public key; the private key is needed here"
#define IS_CERTIFICATE	"a certificate; a DKIM private key is needed here"
#define IS_EC		"an EC key; DKIM keys are RSA or Ed25519"
#define IS_BROKEN	"a damaged private key: its content cannot be read"

static const char *
what_else(const unsigned char *der, long len)
{
	static const struct {
		bool (*is)(const unsigned char *der, long len);
		const char *text;
	} kinds[] = {
		{ is_public_key, IS_PUBLIC },
		{ is_certificate, IS_CERTIFICATE },
		{ is_encrypted, IS_ENCRYPTED },
		{ is_rsa_public_key, IS_PUBLIC },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].is(der, len))
			return kinds[i].text;
	return NULL;
}

/* PKCS#8 or PKCS#1. otherwise: the sentence where it is nothing we know. */
static struct dkim_key *
read_der(struct span data, const char *otherwise, struct strbuf *err)
{
	const unsigned char *der = (const unsigned char *)data.p, *p = der;
	long len = (long)data.len;
	const char *text;
	EVP_PKEY *pkey;

	pkey = d2i_AutoPrivateKey(NULL, &p, len);
	if (pkey != NULL && p != der + len) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	if (pkey == NULL) {
		text = what_else(der, len);
		strbuf_adds(err, text != NULL ? text : otherwise);
		ERR_clear_error();
		return NULL;
	}
	ERR_clear_error();
	return accept_key(pkey, err);
}

/* ---- PEM ---- */

/*
 * Read here and not by PEM_read_bio_PrivateKey(): a key in a table stands on
 * one line, and the library would ask at the terminal for a passphrase.
 */
static const struct label {
	const char *text;
	const char *refusal;	/* NULL: a key we can use */
} labels[] = {
	{ "PRIVATE KEY", NULL },
	{ "RSA PRIVATE KEY", NULL },
	{ "ENCRYPTED PRIVATE KEY", IS_ENCRYPTED },
	{ "PUBLIC KEY", IS_PUBLIC },
	{ "RSA PUBLIC KEY", IS_PUBLIC },
	{ "CERTIFICATE", IS_CERTIFICATE },
	{ "X509 CERTIFICATE", IS_CERTIFICATE },
	{ "TRUSTED CERTIFICATE", IS_CERTIFICATE },
	{ "CERTIFICATE REQUEST",
	    "a certificate request; a DKIM private key is needed here" },
	{ "EC PRIVATE KEY", IS_EC },
	{ "EC PARAMETERS", IS_EC },
	{ "DSA PRIVATE KEY", "a DSA key; DKIM keys are RSA or Ed25519" },
	{ "DH PARAMETERS",
	    "Diffie-Hellman parameters; a DKIM private key is needed here" },
	{ "OPENSSH PRIVATE KEY", "a key in OpenSSH's own format; convert a "
	    "copy with \"ssh-keygen -p -m PEM\"" },
};

struct pem {
	struct span label;
	struct span content;	/* base64, perhaps headers before it */
};

/* Cuts *rest behind the next occurrence of mark: *head gets what is before. */
static bool
cut_at(struct span *rest, const char *mark, struct span *head)
{
	size_t len = strlen(mark);
	const char *at = memmem(rest->p, rest->len, mark, len);

	if (at == NULL)
		return false;
	*head = span_first(*rest, (size_t)(at - rest->p));
	*rest = span_skip(*rest, head->len + len);
	return true;
}

static bool
next_pem(struct span *rest, struct pem *pem)
{
	struct span before, end;

	return cut_at(rest, "-----BEGIN ", &before) &&
	    cut_at(rest, "-----", &pem->label) &&
	    cut_at(rest, "-----END ", &pem->content) &&
	    cut_at(rest, "-----", &end);
}

static const char *
refusal_of(const struct pem *pem)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(labels); i++)
		if (span_is(pem->label, labels[i].text))
			break;
	if (i == ARRAY_LEN(labels))
		return "no private key, but something else in PEM";
	/* "Proc-Type: 4,ENCRYPTED", the only header there is (RFC 1421) */
	if (labels[i].refusal == NULL && span_has(pem->content, ':'))
		return IS_ENCRYPTED;
	return labels[i].refusal;
}

static struct dkim_key *
read_pem_content(const struct pem *pem, struct strbuf *err)
{
	struct strbuf der = STRBUF_INIT;
	struct dkim_key *key = NULL;

	if (base64_decode(pem->content, &der))
		key = read_der(strbuf_span(&der), IS_BROKEN, err);
	else
		strbuf_adds(err, IS_BROKEN);
	strbuf_wipe(&der);
	return key;
}

/* The first private key counts, whatever stands before it. */
static struct dkim_key *
read_pem(struct span text, struct strbuf *err)
{
	const char *refusal, *first = NULL;
	struct pem pem;

	while (next_pem(&text, &pem)) {
		refusal = refusal_of(&pem);
		if (refusal == NULL)
			return read_pem_content(&pem, err);
		if (first == NULL)
			first = refusal;
	}
	strbuf_adds(err, first != NULL ? first :
	    "a PEM text without its end (\"-----END ...-----\")");
	return NULL;
}

/* ---- base64 ---- */

static struct dkim_key *
read_seed(struct span seed, struct strbuf *err)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key_ex(NULL, "ED25519", NULL,
	    (const unsigned char *)seed.p, seed.len);

	if (pkey == NULL) {
		crypto_failed("an Ed25519 key", err);
		return NULL;
	}
	return make_key(pkey, DKIM_ED25519_SHA256, err);
}

#define IS_NOTHING	"no private key (PEM, or base64 of its DER form)"

static struct dkim_key *
read_base64(struct span text, struct strbuf *err)
{
	struct strbuf data = STRBUF_INIT;
	struct dkim_key *key = NULL;

	if (!base64_decode(text, &data))
		strbuf_adds(err, IS_NOTHING);
	else if (data.len == SEED_SIZE)
		key = read_seed(strbuf_span(&data), err);
	else
		key = read_der(strbuf_span(&data), IS_NOTHING, err);
	strbuf_wipe(&data);
	return key;
}

struct dkim_key *
dkim_key_parse(struct span text, struct strbuf *err)
{
	struct span rest = span_trim(text), head;

	if (rest.len > DKIM_KEY_FILE_MAX) {
		strbuf_addf(err, "larger than the %d bytes a key may have",
		    DKIM_KEY_FILE_MAX);
		return NULL;
	}
	if (rest.len == 0) {
		strbuf_adds(err, "empty; a private key is needed here");
		return NULL;
	}
	if (cut_at(&rest, "-----BEGIN ", &head))
		return read_pem(text, err);
	return read_base64(rest, err);
}

struct dkim_key *
dkim_key_load(const char *path, struct stat *st, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT, why = STRBUF_INIT;
	struct dkim_key *key = NULL;

	if (file_read(path, DKIM_KEY_FILE_MAX, &text, st, err) == 0) {
		key = dkim_key_parse(strbuf_span(&text), &why);
		if (key == NULL)
			strbuf_addf(err, "%s: %s", path, strbuf_str(&why));
	}
	strbuf_clear(&why);
	strbuf_wipe(&text);
	return key;
}

bool
dkim_key_file_is_safe(const char *path, const struct stat *st, uid_t uid,
    gid_t gid, struct strbuf *err)
{
	unsigned mode = (unsigned)st->st_mode & 07777;

	if (st->st_uid != uid && st->st_uid != 0) {
		strbuf_addf(err, "%s: belongs to user %lu, who could replace "
		    "it; chown it to user %lu or to root", path,
		    (unsigned long)st->st_uid, (unsigned long)uid);
		return false;
	}
	if ((mode & 077) == 0)
		return true;
	if (st->st_uid == 0 && st->st_gid == gid && (mode & 037) == 0)
		return true;
	strbuf_addf(err, "%s: mode %04o lets others than its owner at the "
	    "private key; chmod 0600 it", path, mode);
	return false;
}

struct dkim_key *
dkim_key_generate(enum dkim_algorithm algorithm, unsigned bits,
    struct strbuf *err)
{
	EVP_PKEY *pkey;

	if (algorithm == DKIM_ED25519_SHA256)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else if (!bits_are_good((int)(bits <= INT32_MAX ? bits : INT32_MAX),
	    err))
		return NULL;
	else
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	if (pkey == NULL) {
		crypto_failed("a new key", err);
		return NULL;
	}
	return make_key(pkey, algorithm, err);
}

struct dkim_key *
dkim_key_ref(struct dkim_key *key)
{
	atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
	return key;
}

void
dkim_key_free(struct dkim_key *key)
{
	if (key == NULL || atomic_fetch_sub_explicit(&key->refs, 1,
	    memory_order_acq_rel) != 1)
		return;
	EVP_MD_CTX_free(key->signing);
	EVP_PKEY_free(key->pkey);	/* wipes the private numbers */
	free(key);
}

enum dkim_algorithm
dkim_key_algorithm(const struct dkim_key *key)
{
	return key->algorithm;
}

unsigned
dkim_key_bits(const struct dkim_key *key)
{
	return key->bits;
}

int
dkim_key_format(const struct dkim_key *key, struct strbuf *out,
    struct strbuf *err)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long len;
	int rc = -1;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, NULL,
	    NULL, 0, NULL, NULL) != 1) {
		crypto_failed("the key as PEM", err);
	} else {
		len = BIO_get_mem_data(bio, &text);
		strbuf_add(out, text, (size_t)len);
		rc = 0;
	}
	BIO_free(bio);
	return rc;
}

static int
add_raw_public(const struct dkim_key *key, struct strbuf *out,
    struct strbuf *err)
{
	unsigned char raw[SEED_SIZE];
	size_t len = sizeof(raw);

	if (EVP_PKEY_get_raw_public_key(key->pkey, raw, &len) != 1)
		return crypto_failed("the public key", err);
	base64_encode(span_make(raw, len), out);
	return 0;
}

int
dkim_key_format_public(const struct dkim_key *key, struct strbuf *out,
    struct strbuf *err)
{
	unsigned char *der = NULL;
	int len;

	if (key->algorithm == DKIM_ED25519_SHA256)
		return add_raw_public(key, out, err);
	len = i2d_PUBKEY(key->pkey, &der);
	if (len <= 0)
		return crypto_failed("the public key", err);
	base64_encode(span_make(der, (size_t)len), out);
	OPENSSL_free(der);
	return 0;
}

/*
 * What goes to the library: for RSA the data itself, hashed there; Ed25519
 * signs the hash as if it were the message (RFC 8463 3).
 */
struct input {
	struct span data;
	unsigned char hash[CRYPTO_HASH_SIZE];
};

static int
prepare(const struct dkim_key *key, struct span data, struct input *input,
    struct strbuf *err)
{
	if (key->algorithm == DKIM_RSA_SHA256) {
		input->data = data;
		return 0;
	}
	input->data = span_make(input->hash, sizeof(input->hash));
	return crypto_hash(data, input->hash, err);
}

/*
 * A copy of what was made with the key: starting from the key takes the library
 * as long as half an Ed25519 signature, most of it in look-ups under locks.
 */
static EVP_MD_CTX *
copy_signing(const struct dkim_key *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_MD_CTX_copy_ex(ctx, key->signing) != 1) {
		EVP_MD_CTX_free(ctx);
		return NULL;
	}
	/* this copy signs once, so the library need not copy it again */
	EVP_MD_CTX_set_flags(ctx, EVP_MD_CTX_FLAG_FINALISE);
	return ctx;
}

int
dkim_key_sign(const struct dkim_key *key, struct span data,
    unsigned char out[DKIM_SIGNATURE_MAX], size_t *len, struct strbuf *err)
{
	EVP_MD_CTX *ctx;
	struct input input;
	int rc = 0;

	if (prepare(key, data, &input, err) != 0)
		return -1;
	*len = DKIM_SIGNATURE_MAX;
	ctx = copy_signing(key);
	if (ctx == NULL || EVP_DigestSign(ctx, out, len,
	    (const unsigned char *)input.data.p, input.data.len) != 1)
		rc = crypto_failed("signing", err);
	EVP_MD_CTX_free(ctx);
	return rc;
}

int
dkim_key_verify(const struct dkim_key *key, struct span data,
    struct span signature, struct strbuf *err)
{
	EVP_MD_CTX *ctx;
	struct input input;
	int rc;

	if (prepare(key, data, &input, err) != 0)
		return -1;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL,
	    digest_of(key->algorithm), NULL, key->pkey) != 1) {
		rc = crypto_failed("verifying", err);
	} else {
		rc = EVP_DigestVerify(ctx,
		    (const unsigned char *)signature.p, signature.len,
		    (const unsigned char *)input.data.p, input.data.len) == 1;
		ERR_clear_error();
	}
	EVP_MD_CTX_free(ctx);
	return rc;
}

int
dkim_key_probe(const struct dkim_key *key, struct strbuf *err)
{
	static const struct span text = { "a probe of this key", 19 };
	unsigned char signature[DKIM_SIGNATURE_MAX];
	size_t len;
	int rc;

	if (dkim_key_sign(key, text, signature, &len, err) != 0)
		return -1;
	rc = dkim_key_verify(key, text, span_make(signature, len), err);
	if (rc == 1)
		return 0;
	if (rc == 0)
		strbuf_adds(err, "a damaged key: what it signs does not "
		    "verify with its own public half");
	return -1;
}
