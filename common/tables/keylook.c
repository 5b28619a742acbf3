#include "common/tables/keylook.h"

#include "common/base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void
findings_clear(struct findings *found)
{
	strbuf_clear(&found->errors);
	strbuf_clear(&found->warnings);
}

static void
find_error(struct findings *found, const char *path, const char *text)
{
	strbuf_addf(&found->errors, "%s: %s\n", path, text);
}

/* Why a file cannot be opened, and what to do. */
static void
find_missing(struct findings *found, const char *path, int error)
{
	static const struct {
		int error;
		const char *remedy;
	} remedies[] = {
		{ ENOENT, "correct the path, or make the key with \"postern "
		    "key generate\"" },
		{ EACCES, "the user the daemon runs as must be able to read "
		    "it and to enter its directories" },
		{ ENOTDIR, "a part of the path is no directory; correct it" },
	};
	size_t i;

	strbuf_addf(&found->errors, "%s: %s", path, strerror(error));
	for (i = 0; i < ARRAY_LEN(remedies); i++)
		if (remedies[i].error == error)
			strbuf_addf(&found->errors, "; %s",
			    remedies[i].remedy);
	strbuf_addc(&found->errors, '\n');
}

/* Whether that user could read a file of that mode: the one who checks may be
 * root, the one who reads it later is not. */
static bool
can_read(const struct stat *st, uid_t uid, gid_t gid)
{
	if (uid == 0)
		return true;
	if (st->st_uid == uid)
		return (st->st_mode & S_IRUSR) != 0;
	if (st->st_gid == gid)
		return (st->st_mode & S_IRGRP) != 0;
	return (st->st_mode & S_IROTH) != 0;
}

static void
look_at_file(const struct keytable_options *options, const char *path,
    const struct stat *st, struct findings *found)
{
	struct strbuf err = STRBUF_INIT;

	if (!dkim_key_file_is_safe(path, st, options->uid, options->gid, &err))
		strbuf_addf(options->require_safe_keys ? &found->errors :
		    &found->warnings, "%s\n", strbuf_str(&err));
	else if (!can_read(st, options->uid, options->gid))
		strbuf_addf(&found->errors, "%s: user %lu, as whom the daemon "
		    "runs, cannot read it; chown it to that user\n", path,
		    (unsigned long)options->uid);
	strbuf_clear(&err);
}

static void
look_at_key(const struct keytable_options *options, const char *name,
    const struct dkim_key *key, struct findings *found)
{
	bool is_rsa = dkim_key_algorithm(key) == DKIM_RSA_SHA256;
	unsigned bits = dkim_key_bits(key);
	struct strbuf err = STRBUF_INIT;

	if (is_rsa && bits < options->minimum_bits)
		strbuf_addf(&found->errors, "%s: an RSA key of %u bits, and "
		    "MinimumKeyBits is %u; make a new key of %d bits\n", name,
		    bits, options->minimum_bits, DKIM_RSA_BITS_GOOD);
	else if (is_rsa && bits < DKIM_RSA_BITS_GOOD)
		strbuf_addf(&found->warnings, "%s: an RSA key of %u bits; "
		    "%d are usual today, make a new key\n", name, bits,
		    DKIM_RSA_BITS_GOOD);
	if (dkim_key_probe(key, &err) != 0)
		find_error(found, name, strbuf_str(&err));
	strbuf_clear(&err);
}

/*
 * What the file's owner and mode say, and the key where that was read. A file
 * that could not be opened may be there and closed to us only.
 */
static void
look_at_path(const struct keytable_options *options, const char *path,
    struct stat *st, struct findings *found)
{
	if (st->st_mode == 0 && stat(path, st) != 0)
		find_missing(found, path, errno);
	else if (!S_ISREG(st->st_mode))
		find_error(found, path, "not a regular file; name the file "
		    "that holds the private key");
	else
		look_at_file(options, path, st, found);
}

static struct dkim_key *
read_path(const struct keytable_options *options, const char *path,
    struct findings *found)
{
	struct strbuf err = STRBUF_INIT;
	struct stat st = { .st_mode = 0 };
	struct dkim_key *key = dkim_key_load(path, &st, &err);
	bool was_open = S_ISREG(st.st_mode);

	look_at_path(options, path, &st, found);
	if (key != NULL)
		look_at_key(options, path, key, found);
	else if (was_open || found->errors.len == 0)
		strbuf_addf(&found->errors, "%s\n", strbuf_str(&err));
	strbuf_clear(&err);
	return key;
}

/* Inline keys are never shown: where something is wrong with one, somebody
 * may have pasted a private key that only lacks a letter. */
static struct dkim_key *
read_inline(const struct keytable_options *options, struct span text,
    struct findings *found)
{
	struct strbuf err = STRBUF_INIT;
	struct dkim_key *key = dkim_key_parse(text, &err);

	if (key != NULL)
		look_at_key(options, "the key in the row", key, found);
	else
		strbuf_addf(&found->errors, "the key in the row is %s; a "
		    "path starts with \"/\", \"./\" or \"../\"\n",
		    strbuf_str(&err));
	strbuf_clear(&err);
	return key;
}

struct dkim_key *
keylook_read(const struct keytable_options *options, struct span source,
    bool is_path, struct findings *found)
{
	struct dkim_key *key;
	char *path;

	if (!is_path) {
		key = read_inline(options, source, found);
	} else {
		path = xmemdup0(source.p, source.len);
		key = read_path(options, path, found);
		free(path);
	}
	if (found->errors.len == 0)
		return key;
	dkim_key_free(key);
	return NULL;
}

void
keylook_file(const struct keytable_options *options, struct span source,
    struct findings *found)
{
	struct stat st = { .st_mode = 0 };
	char *path = xmemdup0(source.p, source.len);

	look_at_path(options, path, &st, found);
	free(path);
}

static bool
can_enter(const struct stat *st, uid_t uid, gid_t gid)
{
	if (st->st_uid == uid)
		return (st->st_mode & S_IXUSR) != 0;
	if (st->st_gid == gid)
		return (st->st_mode & S_IXGRP) != 0;
	return (st->st_mode & S_IXOTH) != 0;
}

void
keylook_directories(const struct keytable_options *options,
    struct span source, struct findings *found)
{
	char *path = xmemdup0(source.p, source.len);
	struct stat st;
	size_t i;

	for (i = 1; options->uid != 0 && options->uid != geteuid() &&
	    i < source.len; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		if (stat(path, &st) != 0)
			break;		/* the key's own check told that */
		if (!can_enter(&st, options->uid, options->gid)) {
			strbuf_addf(&found->warnings, "%s: user %lu, as whom "
			    "the daemon runs, cannot enter this directory by "
			    "its owner and mode %04o; chown or chgrp it\n",
			    path, (unsigned long)options->uid,
			    (unsigned)st.st_mode & 07777);
			break;
		}
		path[i] = '/';
	}
	free(path);
}
