#include "common/dkim/rsapub.h"

#include "common/dkim/key.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_BIT_STRING = 0x03,
	TAG_OID = 0x06,
	TAG_SEQUENCE = 0x30,
	LONG_LENGTH = 0x80,		/* or'ed to the number of its octets */
	EXPONENT_OCTETS = 8
};

/* 1.2.840.113549.1.1.1, rsaEncryption (RFC 3279 2.3.1) */
#define RSA_OID	"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"

static bool
take_octet(struct span *rest, unsigned *octet)
{
	if (rest->len == 0)
		return false;
	*octet = (unsigned char)rest->p[0];
	*rest = span_skip(*rest, 1);
	return true;
}

/* Lengths in more octets than they need are taken, as OpenSSL takes them. */
static bool
take_length(struct span *rest, size_t *len)
{
	unsigned octet, count;

	if (!take_octet(rest, &octet))
		return false;
	*len = octet;
	if (octet < LONG_LENGTH)
		return true;
	count = octet - LONG_LENGTH;
	if (count == 0 || count > 4)
		return false;
	for (*len = 0; count > 0; count--) {
		if (!take_octet(rest, &octet))
			return false;
		*len = *len << 8 | octet;
	}
	return true;
}

/* Takes the next element off *rest, which must be of that type. */
static bool
take(struct span *rest, unsigned tag, struct span *content)
{
	unsigned octet;
	size_t len;

	if (!take_octet(rest, &octet) || octet != tag ||
	    !take_length(rest, &len) || len > rest->len)
		return false;
	*content = span_first(*rest, len);
	*rest = span_skip(*rest, len);
	return true;
}

/* The sign is not looked at: encoders forget the zero before a high bit. */
static bool
take_number(struct span *rest, struct span *number)
{
	if (!take(rest, TAG_INTEGER, number))
		return false;
	while (number->len > 0 && number->p[0] == '\0')
		*number = span_skip(*number, 1);
	return true;
}

/* What is left of *rest once the SubjectPublicKeyInfo around is gone. */
static bool
unwrap(struct span *rest)
{
	struct span algorithm, oid, bits;
	unsigned unused;

	if (!take(rest, TAG_SEQUENCE, &algorithm) ||
	    !take(&algorithm, TAG_OID, &oid) || !span_is(oid, RSA_OID) ||
	    !take(rest, TAG_BIT_STRING, &bits) || rest->len != 0 ||
	    !take_octet(&bits, &unused) || unused != 0)
		return false;
	return take(&bits, TAG_SEQUENCE, rest) && bits.len == 0;
}

bool
rsa_public_read(struct span der, struct rsa_public *key)
{
	struct span rest;

	if (!take(&der, TAG_SEQUENCE, &rest) || der.len != 0)
		return false;
	if (rest.len != 0 && rest.p[0] == TAG_SEQUENCE && !unwrap(&rest))
		return false;
	return take_number(&rest, &key->modulus) &&
	    take_number(&rest, &key->exponent) && rest.len == 0;
}

unsigned
rsa_public_bits(const struct rsa_public *key)
{
	const struct span n = key->modulus;
	unsigned top, bits;

	if (n.len == 0)
		return 0;
	top = (unsigned char)n.p[0];
	for (bits = 0; top != 0; top >>= 1)
		bits++;
	return bits + 8 * (unsigned)(n.len - 1);
}

static bool
is_odd(struct span number)
{
	return number.len != 0 && (number.p[number.len - 1] & 1) != 0;
}

const char *
rsa_public_trouble(const struct rsa_public *key)
{
	if (rsa_public_bits(key) > DKIM_RSA_BITS_MAX)
		return "an RSA key over 8192 bits";
	if (!is_odd(key->modulus))
		return "an RSA key with an even modulus";
	if (key->exponent.len > EXPONENT_OCTETS)
		return "an RSA key with an exponent over 64 bits";
	if (!is_odd(key->exponent) || span_is(key->exponent, "\x01"))
		return "an RSA key with an even exponent or 1";
	return NULL;
}
