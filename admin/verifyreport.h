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

#endif
