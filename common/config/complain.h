/*
 * complain.h - what the admin is told about a line of a configuration file:
 * what is wrong with it and what to write instead.
 */
#ifndef POSTERN_CONFIG_COMPLAIN_H
#define POSTERN_CONFIG_COMPLAIN_H

#include "common/config/settings.h"

/* at is the line's place. */
void complain_unknown(const struct config_schema *schema, struct span name,
    const struct config_origin *at, struct diag *diag);
void complain_foreign(const struct setting_foreign *foreign,
    const struct config_origin *at, struct diag *diag);
/* value is none that the setting takes. */
void complain_value(const struct setting *setting, struct span value,
    const struct config_origin *at, struct diag *diag);
/* The setting has a value from the place before already. */
void complain_again(const struct setting *setting,
    const struct config_origin *before, const struct config_origin *at,
    struct diag *diag);
/* A warning where value is in quotes: there is no quoting, as there is none in
 * opendkim.conf. */
void complain_quotes(const struct setting *setting, struct span value,
    const struct config_origin *at, struct diag *diag);

#endif
