/*
 * verifyreport.h - what postern-verify found out about a message, as JSON.
 */
#ifndef POSTERN_ADMIN_VERIFYREPORT_H
#define POSTERN_ADMIN_VERIFYREPORT_H

#include "common/base/json.h"
#include "milters/verify/verify.h"

/*
 * Members of the object that is open, always the same ones: what was not
 * checked is null, a list of things of which there are none is empty. verdict
 * is what happens with the message in the end. report may be NULL: the message
 * was decided about before anything was checked.
 */
void verifyreport_json(const struct verify_report *report,
    const struct verdict *verdict, struct json *json);

/* A field's value as it reads without its folds. */
void verifyreport_unfold(struct span value, struct strbuf *out);

/* The code of the MTA's answer to the message: 550, or 250. */
unsigned verifyreport_code(const struct verdict *verdict);

#endif
