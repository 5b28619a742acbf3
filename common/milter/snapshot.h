/*
 * snapshot.h - one loaded configuration, shared by count: settings, tables,
 * keys. It never changes; a reload makes another one and the old one goes when
 * its last message is done.
 */
#ifndef POSTERN_MILTER_SNAPSHOT_H
#define POSTERN_MILTER_SNAPSHOT_H

#include "common/milter/filter.h"

struct snapshot {
	const struct filter *filter;
	void *conf;
	struct config_origin *origins;
	struct arena arena;
	_Atomic unsigned refs;
};

struct snapshot_override {	/* a setting given on the command line */
	const char *name;
	const char *value;
};

struct snapshot_options {
	const char *file;	/* NULL: defaults only */
	bool check_all;
	uid_t uid;
	gid_t gid;
	const struct snapshot_override *overrides;
	size_t override_count;
};

/*
 * NULL where diag got an error; what was loaded is freed then. Wrong settings
 * do not keep the filter's load() from looking for more that is wrong; a file
 * that cannot be read does.
 */
struct snapshot *snapshot_load(const struct filter *filter,
    const struct snapshot_options *options, struct diag *diag);

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot *snapshot);	/* NULL is fine */

/*
 * The process's current snapshot: current returns a reference of the caller's
 * own, NULL before the first swap; swap takes over the caller's reference to
 * next (NULL: none any more) and drops the old one's.
 */
struct snapshot *snapshot_current(void);
void snapshot_swap(struct snapshot *next);

#endif
