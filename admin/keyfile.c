#include "admin/keyfile.h"

#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { DIRECTORY_MODE = 0700, KEY_MODE = 0600 };

/* What a row of the KeyTable cannot say in a path. */
static const char *
find_fault(struct span path)
{
	size_t i;

	for (i = 0; i < path.len; i++) {
		if ((unsigned char)path.p[i] < ' ' || path.p[i] == 0x7f)
			return "a control character";
		if (path.p[i] == '#')
			return "\"#\", which begins a comment";
		if (path.p[i] == '%')
			return "\"%\", which stands for the domain";
		if (path.p[i] == ':')
			return "\":\", which divides the row's parts";
	}
	return NULL;
}

bool
keyfile_place(struct keyfile *file, const char *root, struct span domain,
    struct span selector, struct strbuf *err)
{
	char here[PATH_MAX];
	const char *fault;

	*file = (struct keyfile){ .is_written = false };
	if (root[0] != '/' && getcwd(here, sizeof(here)) != NULL)
		strbuf_addf(&file->directory, "%s/", here);
	strbuf_addf(&file->directory, "%s/%.*s", root, SPAN_ARG(domain));
	strbuf_addf(&file->path, "%s/%.*s.private", file->directory.s,
	    SPAN_ARG(selector));
	fault = find_fault(strbuf_span(&file->path));
	if (fault != NULL)
		strbuf_addf(err, "%s: a path in a KeyTable cannot have %s; "
		    "choose another --directory", file->path.s, fault);
	return fault == NULL;
}

/* Makes the directory where it is missing. One that others can redirect, with
 * a link say, is none to write keys into as root. */
static int
make_directory(const char *path, const struct identity *owner, bool *made,
    struct strbuf *err)
{
	struct stat st;

	*made = mkdir(path, DIRECTORY_MODE) == 0;
	if (!*made && errno != EEXIST) {
		strbuf_addf(err, "%s: the directory cannot be made: %s%s",
		    path, strerror(errno), errno == EACCES ?
		    "; run this as root" : "");
		return -1;
	}
	if (*made && geteuid() == 0 && lchown(path, owner->uid,
	    owner->gid) != 0) {
		strbuf_addf(err, "%s: its owner cannot be set: %s", path,
		    strerror(errno));
		return -1;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	strbuf_addf(err, "%s: not a directory", path);
	return -1;
}

static int
make_directories(struct keyfile *file, const struct identity *owner,
    struct strbuf *err)
{
	struct strbuf root = STRBUF_INIT;
	struct stat st;
	int rc;

	strbuf_add(&root, file->directory.s,
	    span_rfind(strbuf_span(&file->directory), '/'));
	rc = make_directory(root.s, owner, &file->made_root, err);
	if (rc == 0)
		rc = make_directory(file->directory.s, owner,
		    &file->made_directory, err);
	if (rc == 0 && lstat(file->directory.s, &st) == 0 &&
	    S_ISLNK(st.st_mode)) {
		strbuf_addf(err, "%s: a symbolic link; keys are not written "
		    "through one", file->directory.s);
		rc = -1;
	}
	strbuf_clear(&root);
	return rc;
}

int
keyfile_write(struct keyfile *file, const struct dkim_key *key,
    const struct identity *owner, struct strbuf *err)
{
	bool as_root = geteuid() == 0;
	struct strbuf pem = STRBUF_INIT;
	int rc = EX_CANTCREAT;

	if (access(file->path.s, F_OK) == 0) {
		strbuf_addf(err, "%s: a key is there already, and is never "
		    "overwritten; choose another --selector or --directory",
		    file->path.s);
		return EX_CANTCREAT;
	}
	if (make_directories(file, owner, err) != 0)
		return EX_CANTCREAT;
	if (dkim_key_format(key, &pem, err) != 0)
		rc = EX_SOFTWARE;
	else if (file_create(file->path.s, strbuf_span(&pem), KEY_MODE,
	    as_root ? owner->uid : (uid_t)-1, as_root ? owner->gid : (gid_t)-1,
	    err) == 0)
		rc = EX_OK;
	file->is_written = rc == EX_OK;
	strbuf_wipe(&pem);
	return rc;
}

/* In a child that becomes the user: the answer has the directories on the way,
 * further groups and access lists in it. */
bool
keyfile_is_readable_for(const char *path, const struct identity *user)
{
	struct strbuf err = STRBUF_INIT;
	int status = 0;
	pid_t pid;

	if (geteuid() != 0 || user->uid == 0)
		return true;
	pid = fork();
	if (pid == 0) {
		if (identity_become(user, &err) != 0)
			_exit(0);
		_exit(open(path, O_RDONLY | O_CLOEXEC) < 0 ? 1 : 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) == 0;
}

void
keyfile_undo(struct keyfile *file)
{
	size_t slash = span_rfind(strbuf_span(&file->directory), '/');

	if (file->is_written)
		unlink(file->path.s);
	if (file->made_directory)
		rmdir(file->directory.s);
	if (file->made_root) {
		strbuf_truncate(&file->directory, slash);
		rmdir(file->directory.s);
	}
	file->is_written = file->made_directory = file->made_root = false;
}

void
keyfile_clear(struct keyfile *file)
{
	strbuf_clear(&file->path);
	strbuf_clear(&file->directory);
}
