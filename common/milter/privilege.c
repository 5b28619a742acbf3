#include "common/milter/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

/* A uid or gid as a number; -1 is no identity but "leave it". */
static bool
parse_id(struct span s, unsigned *id)
{
	uint64_t number;

	if (!span_number(s, UINT32_MAX - 1, &number))
		return false;
	*id = (unsigned)number;
	return true;
}

static void
set_name(struct identity *identity, const char *name)
{
	size_t len = strlen(name);

	if (len < sizeof(identity->name))
		memcpy(identity->name, name, len + 1);
}

static int
find_user(const char *text, struct identity *identity, struct strbuf *err)
{
	const struct passwd *pw = getpwnam(text);
	unsigned id;

	if (pw == NULL && parse_id(span_of(text), &id)) {
		pw = getpwuid(id);
		if (pw == NULL) {
			identity->uid = id;
			identity->gid = id;
			return 0;
		}
	}
	if (pw == NULL) {
		strbuf_addf(err, "there is no user \"%s\": make it with "
		    "systemd-sysusers or adduser --system --group %s", text,
		    text);
		return -1;
	}
	identity->uid = pw->pw_uid;
	identity->gid = pw->pw_gid;
	set_name(identity, pw->pw_name);
	return 0;
}

int
identity_parse(const char *text, struct identity *identity, struct strbuf *err)
{
	struct strbuf user = STRBUF_INIT;
	const char *colon = strchr(text, ':');
	int rc;

	*identity = (struct identity){ .name = "" };
	strbuf_add(&user, text, colon != NULL ? (size_t)(colon - text) :
	    strlen(text));
	rc = find_user(user.s, identity, err);
	if (rc == 0 && colon != NULL)
		rc = identity_group(colon + 1, &identity->gid, err);
	strbuf_clear(&user);
	return rc;
}

int
identity_group(const char *text, gid_t *gid, struct strbuf *err)
{
	const struct group *gr = getgrnam(text);
	unsigned id;

	if (gr != NULL) {
		*gid = gr->gr_gid;
		return 0;
	}
	if (parse_id(span_of(text), &id)) {
		*gid = id;
		return 0;
	}
	strbuf_addf(err, "there is no group \"%s\"", text);
	return -1;
}

bool
identity_is_ours(const struct identity *identity)
{
	return geteuid() == identity->uid && getuid() == identity->uid;
}

static int
fail(const struct identity *identity, const char *what, struct strbuf *err)
{
	strbuf_addf(err, "cannot become uid %u, gid %u: %s: %s",
	    (unsigned)identity->uid, (unsigned)identity->gid, what,
	    strerror(errno));
	return -1;
}

static int
set_groups(const struct identity *identity)
{
	if (identity->name[0] != '\0')
		return initgroups(identity->name, identity->gid);
	return setgroups(1, &identity->gid);
}

int
identity_become(const struct identity *identity, struct strbuf *err)
{
	if (set_groups(identity) != 0)
		return fail(identity, "setgroups", err);
	if (setresgid(identity->gid, identity->gid, identity->gid) != 0)
		return fail(identity, "setresgid", err);
	if (setresuid(identity->uid, identity->uid, identity->uid) != 0)
		return fail(identity, "setresuid", err);
	if (identity->uid != 0 && setuid(0) == 0) {
		strbuf_adds(err, "root's rights could be taken back");
		return -1;
	}
	return 0;
}
