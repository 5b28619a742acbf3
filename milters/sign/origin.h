/*
 * origin.h - where a message comes from: only what is ours is signed.
 */
#ifndef POSTERN_MILTERS_SIGN_ORIGIN_H
#define POSTERN_MILTERS_SIGN_ORIGIN_H

#include "milters/sign/sign.h"

/*
 * True where one of these holds, tried in this order: {daemon_name} is in MTA;
 * a macro of MacroList is set (to one of its values); the client is in
 * InternalHosts; {auth_type} is set. A client without address, as an MTA
 * passes one it does not know, is in no list.
 */
bool sign_origin_is_ours(struct filter_context *ctx);

#endif
