#include "common/cache/cachekey.h"

#include "common/base/base64.h"
#include "common/base/file.h"
#include "common/base/mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	BLOCK = 64,			/* of SHA-256 */
	NAME_OCTETS = 24,		/* of the digest, in a key's text */
	CHECK_AT = NAME_OCTETS,		/* the rest is the check */
	SECRET_FILE_MAX = 4096
};

/* ---- HMAC ---- */

/*
 * A thread's own: SHA-256 after the first block of either pass of HMAC, which
 * depends on the secret alone. A key then costs two blocks instead of four.
 */
struct hmac {
	struct cache_secret secret;
	EVP_MD_CTX *inner, *outer, *work;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t hmac_key;
static EVP_MD *sha256;

static void
hmac_free(void *p)
{
	struct hmac *hmac = p;

	EVP_MD_CTX_free(hmac->inner);
	EVP_MD_CTX_free(hmac->outer);
	EVP_MD_CTX_free(hmac->work);
	OPENSSL_cleanse(&hmac->secret, sizeof(hmac->secret));
	free(hmac);
}

/* Without SHA-256 there is no milter at all, no more than without memory. */
static void
must(int rc)
{
	if (rc != 1)
		abort();
}

static void
prepare(void)
{
	sha256 = xnonnull(EVP_MD_fetch(NULL, "SHA256", NULL));
	must(pthread_key_create(&hmac_key, hmac_free) == 0);
}

static void
start_pass(EVP_MD_CTX *ctx, const struct cache_secret *secret,
    unsigned char pad)
{
	unsigned char block[BLOCK];
	size_t i;

	for (i = 0; i < BLOCK; i++)
		block[i] = (i < CACHE_SECRET_OCTETS ? secret->octets[i] : 0) ^
		    pad;
	must(EVP_DigestInit_ex2(ctx, sha256, NULL));
	must(EVP_DigestUpdate(ctx, block, BLOCK));
	OPENSSL_cleanse(block, sizeof(block));
}

static struct hmac *
hmac_new(void)
{
	struct hmac *hmac = xcalloc(1, sizeof(*hmac));

	hmac->inner = xnonnull(EVP_MD_CTX_new());
	hmac->outer = xnonnull(EVP_MD_CTX_new());
	hmac->work = xnonnull(EVP_MD_CTX_new());
	must(pthread_setspecific(hmac_key, hmac) == 0);
	return hmac;
}

static struct hmac *
hmac_for(const struct cache_secret *secret)
{
	struct hmac *hmac;
	bool is_new;

	pthread_once(&once, prepare);
	hmac = pthread_getspecific(hmac_key);
	is_new = hmac == NULL;
	if (is_new)
		hmac = hmac_new();
	if (is_new || CRYPTO_memcmp(&hmac->secret, secret,
	    sizeof(*secret)) != 0) {
		hmac->secret = *secret;
		start_pass(hmac->inner, secret, 0x36);	/* RFC 2104 2 */
		start_pass(hmac->outer, secret, 0x5c);
	}
	return hmac;
}

/* ---- keys ---- */

/* Collects what is hashed: a call to the library costs more than a copy. */
struct feed {
	EVP_MD_CTX *ctx;
	size_t len;
	unsigned char octets[4 * BLOCK];
};

static void
feed_flush(struct feed *feed)
{
	must(EVP_DigestUpdate(feed->ctx, feed->octets, feed->len));
	feed->len = 0;
}

static void
feed_add(struct feed *feed, const void *data, size_t len)
{
	if (len > sizeof(feed->octets) - feed->len)
		feed_flush(feed);
	if (len > sizeof(feed->octets)) {
		must(EVP_DigestUpdate(feed->ctx, data, len));
	} else if (len > 0) {
		memcpy(feed->octets + feed->len, data, len);
		feed->len += len;
	}
}

/* Its length goes before it, so borders count. */
static void
feed_part(struct feed *feed, struct span part)
{
	unsigned char prefix[8];
	size_t i;

	for (i = 0; i < sizeof(prefix); i++)
		prefix[i] = (unsigned char)((uint64_t)part.len >> 8 * i);
	feed_add(feed, prefix, sizeof(prefix));
	feed_add(feed, part.p, part.len);
}

void
cache_key_make(const struct cache_secret *secret, const char *kind,
    const struct span *parts, size_t count, struct cache_key *key)
{
	struct hmac *hmac = hmac_for(secret);
	struct feed feed;
	size_t i;

	must(EVP_MD_CTX_copy_ex(hmac->work, hmac->inner));
	feed.ctx = hmac->work;
	feed.len = 0;
	feed_part(&feed, span_of(kind));
	for (i = 0; i < count; i++)
		feed_part(&feed, parts[i]);
	feed_flush(&feed);
	must(EVP_DigestFinal_ex(hmac->work, key->digest, NULL));
	must(EVP_MD_CTX_copy_ex(hmac->work, hmac->outer));
	must(EVP_DigestUpdate(hmac->work, key->digest, sizeof(key->digest)));
	must(EVP_DigestFinal_ex(hmac->work, key->digest, NULL));
	key->slot = 0;
}

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
cache_key_text(const struct cache_key *key, char text[CACHE_KEY_TEXT + 1])
{
	static const char prefix[] = "pst1:";
	char *p = text + sizeof(prefix) - 1;
	const unsigned char *in;
	unsigned group;
	uint64_t slot;

	memcpy(text, prefix, sizeof(prefix) - 1);
	for (in = key->digest; in < key->digest + NAME_OCTETS; in += 3) {
		group = (unsigned)in[0] << 16 | (unsigned)in[1] << 8 | in[2];
		*p++ = alphabet[group >> 18];
		*p++ = alphabet[group >> 12 & 63];
		*p++ = alphabet[group >> 6 & 63];
		*p++ = alphabet[group & 63];
	}
	if (key->slot != 0)
		*p++ = '.';
	for (slot = key->slot; slot != 0; slot >>= 6)
		*p++ = alphabet[slot & 63];
	*p = '\0';
}

uint64_t
cache_key_check(const struct cache_key *key)
{
	uint64_t check = 0, slot = key->slot;
	size_t i;

	for (i = CHECK_AT; i < CACHE_KEY_OCTETS; i++)
		check = check << 8 | key->digest[i];
	/* A slot that differs in one bit changes about half of the check. */
	slot *= UINT64_C(0x9e3779b97f4a7c15);
	slot ^= slot >> 32;
	slot *= UINT64_C(0xd6e8feb86659fd93);
	return check ^ slot ^ slot >> 29;
}

/* ---- the secret ---- */

static int
hex_value(char c)
{
	c = ascii_lower(c);
	if (is_digit(c))
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
hex_decode(struct span text, struct strbuf *out)
{
	int high, low;
	size_t i;

	for (i = 0; i + 1 < text.len; i += 2) {
		high = hex_value(text.p[i]);
		low = hex_value(text.p[i + 1]);
		if (high < 0 || low < 0)
			return false;
		strbuf_addc(out, (char)(high << 4 | low));
	}
	return text.len % 2 == 0;
}

/* 64 digits are hexadecimal: base64 of 32 octets has 43 or 44. */
static bool
secret_decode(struct span text, struct cache_secret *secret)
{
	struct strbuf octets = STRBUF_INIT;
	bool ok;

	text = span_trim(text);
	ok = text.len == 2 * CACHE_SECRET_OCTETS ?
	    hex_decode(text, &octets) : base64_decode(text, &octets);
	ok = ok && octets.len == CACHE_SECRET_OCTETS;
	if (ok)
		memcpy(secret->octets, octets.s, CACHE_SECRET_OCTETS);
	strbuf_wipe(&octets);
	return ok;
}

static int
secret_read(const char *path, struct cache_secret *secret, struct strbuf *err)
{
	struct strbuf text = STRBUF_INIT;
	struct stat st;
	int rc = -1;

	if (file_read(path, SECRET_FILE_MAX, &text, &st, err) != 0)
		goto out;
	if ((st.st_mode & 077) != 0)
		strbuf_addf(err, "%s: others than its owner may use it; "
		    "chmod 600 it", path);
	else if (!secret_decode(strbuf_span(&text), secret))
		strbuf_addf(err, "%s: not a secret of 32 octets in base64 or "
		    "hexadecimal", path);
	else
		rc = 0;
out:
	strbuf_wipe(&text);
	return rc;
}

static int
secret_make(const char *path, struct strbuf *err)
{
	unsigned char octets[CACHE_SECRET_OCTETS];
	struct strbuf text = STRBUF_INIT;
	int rc;

	if (RAND_bytes(octets, sizeof(octets)) != 1) {
		strbuf_addf(err, "%s: no random octets to make it of", path);
		return -1;
	}
	base64_encode(span_make(octets, sizeof(octets)), &text);
	strbuf_addc(&text, '\n');
	rc = file_create(path, strbuf_span(&text), 0600, (uid_t)-1, (gid_t)-1,
	    err);
	OPENSSL_cleanse(octets, sizeof(octets));
	strbuf_wipe(&text);
	return rc;
}

/* Two who start at once make one secret: the slower reads the other's. */
int
cache_secret_load(const char *path, bool make, bool *was_made,
    struct cache_secret *secret, struct strbuf *err)
{
	size_t start = err->len;
	bool made = false;

	if (make && access(path, F_OK) != 0) {
		made = secret_make(path, err) == 0;
		if (!made && access(path, F_OK) != 0)
			return -1;
		strbuf_truncate(err, start);
	}
	if (was_made != NULL)
		*was_made = made;
	return secret_read(path, secret, err);
}

/* ---- without a file ---- */

static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static struct cache_secret process_secret;

static void
make_process_secret(void)
{
	must(RAND_bytes(process_secret.octets,
	    sizeof(process_secret.octets)));
}

void
cache_secret_of_process(struct cache_secret *secret)
{
	must(pthread_once(&process_once, make_process_secret) == 0);
	*secret = process_secret;
}
