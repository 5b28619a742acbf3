/*
 * accessblock.h - if and endif of the tables that have patterns.
 */
#ifndef POSTERN_TABLES_ACCESSBLOCK_H
#define POSTERN_TABLES_ACCESSBLOCK_H

#include "common/tables/accesssource.h"

enum access_block_word { ACCESS_RULE, ACCESS_IF, ACCESS_ENDIF };

/* Takes "if" or "endif" off *row; what is wrong with an endif, and that it has
 * no if where depth is 0, is said. */
enum access_block_word access_block_word(struct access_source *source,
    struct span *row, unsigned depth);

/* At the end of the file: says that the if of that line has no endif where
 * depth is not 0. */
void access_block_end(struct access_source *source, unsigned depth,
    unsigned line);

#endif
