#include "common/dmarc/walk.h"

#include "common/dmarc/psl.h"

/* ---- what they say ---- */

bool
dmarc_step_stops(const struct dmarc_published *found)
{
	return found->state == DMARC_PRESENT &&
	    found->record->psd != DMARC_PSD_UNKNOWN;
}

/* The part of name that has one label more than its ancestor parent. */
static struct span
one_below(struct span name, struct span parent)
{
	struct span rest = span_first(name, name.len - parent.len - 1);
	size_t dot = span_rfind(rest, '.');

	return dot == rest.len ? name : span_skip(name, dot + 1);
}

struct span
dmarc_organization(struct span start, const struct dmarc_step *steps,
    size_t count)
{
	struct span org = start;
	size_t i;

	for (i = 0; i < count; i++) {
		if (steps[i].found.state != DMARC_PRESENT)
			continue;
		if (steps[i].found.record->psd == DMARC_PSD_YES && i > 0)
			return one_below(start, steps[i].domain);
		org = steps[i].domain;
	}
	return org;
}

/* ---- the walk ---- */

struct walker {
	struct dmarc_walk *walk;
	enum dmarc_discovery discovery;
	struct lookups *lookups;
	struct arena *arena;
};

static bool
has_trouble(const struct dmarc_step *step)
{
	return step->found.state == DMARC_TROUBLE ||
	    step->found.state == DMARC_UNASKED;
}

static const struct dmarc_step *
first_trouble(const struct dmarc_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->step_count; i++)
		if (has_trouble(&walk->steps[i]))
			return &walk->steps[i];
	return NULL;
}

/* A record on the way that asks for something. */
static bool
saw_record(const struct dmarc_walk *walk)
{
	size_t i;

	for (i = 0; i < walk->step_count; i++)
		if (walk->steps[i].found.state == DMARC_PRESENT &&
		    walk->steps[i].found.record->p != DMARC_POLICY_UNSET)
			return true;
	return false;
}

/*
 * Behind trouble the walk goes on among names that are no top-level domain,
 * all asked together, since DNS that is dead takes its time.
 */
static bool
go_on(struct walker *walker, const struct dmarc_path *path, size_t i,
    bool in_trouble)
{
	if (i == path->count)
		return false;
	if (!in_trouble)
		return true;
	if (!span_has(path->names[i], '.'))
		return false;
	dmarc_walk_ask(path->names[i], walker->discovery, walker->lookups);
	return true;
}

static bool
climb(struct walker *walker, enum dmarc_extent extent)
{
	struct dmarc_walk *walk = walker->walk;
	struct dmarc_path path;
	struct dmarc_step *step;
	bool in_trouble = false;
	size_t i;

	dmarc_path_make(walk->domain, walker->discovery, &path);
	for (i = 0; go_on(walker, &path, i, in_trouble); i++) {
		step = &walk->steps[i];
		step->domain = path.names[i];
		if (!dmarc_published_get(step->domain, walker->lookups,
		    &step->found))
			return false;
		walk->step_count++;
		in_trouble = in_trouble || has_trouble(step);
		if (step->found.state == DMARC_UNASKED)
			return true;
		if (walker->discovery == DMARC_TREEWALK &&
		    dmarc_step_stops(&step->found))
			return true;
		if (i == 0 && step->found.state == DMARC_PRESENT &&
		    (extent == DMARC_WALK_POLICY ||
		    walker->discovery == DMARC_PSL))
			return true;
	}
	return true;
}

static struct span
organization(const struct walker *walker)
{
	const struct dmarc_walk *walk = walker->walk;

	if (walker->discovery == DMARC_PSL)
		return psl_organizational_domain(walk->domain);
	return dmarc_organization(walk->domain, walk->steps,
	    walk->step_count);
}

/* The domain's own, its organizational domain's or, last, that of the public
 * suffix domain where the walk ended (4.10.1). */
static const struct dmarc_step *
choose(const struct walker *walker, struct span org)
{
	const struct dmarc_walk *walk = walker->walk;
	const struct dmarc_step *chosen = NULL, *step;
	size_t i;

	for (i = 0; i < walk->step_count; i++) {
		step = &walk->steps[i];
		if (step->found.state != DMARC_PRESENT)
			continue;
		if (i == 0)
			return step;
		if (span_eq(step->domain, org) || (chosen == NULL &&
		    walker->discovery == DMARC_TREEWALK &&
		    step->found.record->psd == DMARC_PSD_YES))
			chosen = step;
	}
	return chosen;
}

/* Whether the domain exists (3.2.13): any answer but NXDOMAIN for the name
 * itself; one for what an alias points to says that there is an alias. */
static bool
look_at_existence(struct walker *walker, enum dmarc_policy otherwise)
{
	struct dmarc_walk *walk = walker->walk;
	const struct dns_answer *answer;

	answer = lookups_get(walker->lookups, LOOKUP_DMARC, walk->domain,
	    DNS_A);
	if (answer == NULL)
		return false;
	switch (answer->result) {
	case DNS_FOUND:
	case DNS_NODATA:
		return true;
	case DNS_NXDOMAIN:
		walk->does_not_exist = answer->canonical_name.len == 0 ||
		    span_eq_nocase(answer->canonical_name, walk->domain);
		return true;
	case DNS_REFUSED:
		/* Nobody shall get the milder policy by asking too much. */
		walk->does_not_exist = walk->record->np > otherwise;
		return true;
	default:
		walk->is_uncertain = walk->record->np != otherwise;
		walk->reason = arena_printf(walker->arena,
		    "whether %.*s exists: %s", SPAN_ARG(walk->domain),
		    dns_result_text(answer->result));
		return true;
	}
}

static bool
apply(struct walker *walker, const struct dmarc_step *step)
{
	const struct dmarc_record *record = step->found.record;
	struct dmarc_walk *walk = walker->walk;

	if (record->p == DMARC_POLICY_UNSET) {
		walk->reason = arena_printf(walker->arena, "_dmarc.%.*s: %s",
		    SPAN_ARG(step->domain), record->note);
		return true;
	}
	walk->record = record;
	walk->policy_domain = step->domain;
	walk->policy = record->p;
	walk->source = "p";
	if (step == walk->steps)
		return true;
	if (record->sp != DMARC_POLICY_UNSET) {
		walk->policy = record->sp;
		walk->source = "sp";
	}
	if (record->np == DMARC_POLICY_UNSET)
		return true;
	if (!look_at_existence(walker, walk->policy))
		return false;
	if (walk->does_not_exist) {
		walk->policy = record->np;
		walk->source = "np";
	}
	return true;
}

/* From the steps to the policy. */
static bool
conclude(struct walker *walker)
{
	struct dmarc_walk *walk = walker->walk;
	struct span org = organization(walker);
	const struct dmarc_step *step = choose(walker, org);

	walk->result = DMARC_WALK_DONE;
	if (step == NULL) {
		walk->reason = "no policy is published";
		return true;
	}
	return apply(walker, step);
}

static const char *
describe_trouble(const struct walker *walker, const struct dmarc_step *step)
{
	return arena_printf(walker->arena, "_dmarc.%.*s: %s",
	    SPAN_ARG(step->domain), step->found.note);
}

/*
 * The organizational domain is known where nothing above may change it. A
 * walk that was refused a question is taken as far as it came once there is a
 * record: a message must not get rid of a policy by using up its look-ups.
 */
static bool
judge(struct walker *walker, enum dmarc_extent extent)
{
	struct dmarc_walk *walk = walker->walk;
	const struct dmarc_step *trouble = first_trouble(walk);
	bool is_own = walk->steps[0].found.state == DMARC_PRESENT;
	bool is_refused = trouble != NULL &&
	    trouble->found.state == DMARC_UNASKED;

	if (walker->discovery == DMARC_PSL ||
	    (trouble == NULL && (!is_own || extent == DMARC_WALK_ALL ||
	    dmarc_step_stops(&walk->steps[0].found))))
		walk->organizational_domain = organization(walker);
	if (trouble != NULL)
		walk->reason = describe_trouble(walker, trouble);
	if (trouble == NULL || is_own ||
	    (is_refused && saw_record(walk)))
		return conclude(walker);
	walk->result = is_refused ? DMARC_WALK_PERMERROR :
	    DMARC_WALK_TEMPERROR;
	return true;
}

bool
dmarc_walk(struct span domain, enum dmarc_discovery discovery,
    enum dmarc_extent extent, struct lookups *lookups, struct arena *arena,
    struct dmarc_walk *walk)
{
	struct walker walker = { walk, discovery, lookups, arena };

	*walk = (struct dmarc_walk){ .domain = domain, .reason = "",
	    .policy = DMARC_POLICY_UNSET };
	return climb(&walker, extent) && judge(&walker, extent);
}

bool
dmarc_walk_settle(struct dmarc_walk *walk, enum dmarc_discovery discovery,
    struct lookups *lookups, struct arena *arena)
{
	struct walker walker = { walk, discovery, lookups, arena };

	return conclude(&walker);
}

void
dmarc_walk_ask(struct span domain, enum dmarc_discovery discovery,
    struct lookups *lookups)
{
	struct dmarc_published found;
	struct dmarc_path path;
	size_t i;

	dmarc_path_make(domain, discovery, &path);
	for (i = 0; i < path.count; i++)
		if (i == 0 || span_has(path.names[i], '.'))
			dmarc_published_get(path.names[i], lookups, &found);
}
