/*
 * cachekey.h - what a thing in the cache is called. The name is a SHA-256 over
 * its parts, keyed with a secret of the site (HMAC, RFC 2104): no text from
 * outside gets into a key, nobody can make two meet, and whoever reads the
 * cache finds no addresses in it.
 */
#ifndef POSTERN_CACHE_CACHEKEY_H
#define POSTERN_CACHE_CACHEKEY_H

#include "common/base/strbuf.h"

enum {
	CACHE_SECRET_OCTETS = 32,
	CACHE_KEY_OCTETS = 32,
	CACHE_KEY_TEXT = 64		/* octets of cache_key_text(), at most */
};

struct cache_secret {
	unsigned char octets[CACHE_SECRET_OCTETS];
};

/* slot tells apart what has one name: the parts of a sliding window. */
struct cache_key {
	unsigned char digest[CACHE_KEY_OCTETS];
	uint64_t slot;
};

/*
 * kind is a word of ours ("greylist"); parts are any octets, and their borders
 * count: ("ab", "c") is not ("a", "bc"). Not for secrets of zero.
 */
void cache_key_make(const struct cache_secret *secret, const char *kind,
    const struct span *parts, size_t count, struct cache_key *key);

/*
 * Its name on a memcached server: prefix, version, base64url of 24 octets of
 * the digest, and the slot where it is not 0. Printable, no blanks; under 60
 * octets, so a backend may append to it.
 */
void cache_key_text(const struct cache_key *key, char text[CACHE_KEY_TEXT + 1]);

/* Eight octets that a stored value bears of its key: the other 8 of the digest,
 * and the slot. Not part of its name. */
uint64_t cache_key_check(const struct cache_key *key);

/*
 * Reads the secret from a file that nobody but its owner can read: 32 octets
 * in base64 or hexadecimal, blanks around them allowed. Where the file does not
 * exist and make is true it is made, mode 0600, with a random one; *was_made
 * (may be NULL) says so. -1, a sentence in err.
 */
int cache_secret_load(const char *path, bool make, bool *was_made,
    struct cache_secret *secret, struct strbuf *err);

/* One that this process made up at random, for as long as it lives. */
void cache_secret_of_process(struct cache_secret *secret);

#endif
