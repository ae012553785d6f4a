/*
 * The stand-ins for -inf in use: those of the recipe library, and what is known of each.
 */
#ifndef HARNESS_SENTINEL_STAND_INS_H
#define HARNESS_SENTINEL_STAND_INS_H

#include "harness/sentinel/sentinel.h"
#include "reference/error.h"

struct stand_in_list {
    struct stand_in *rows; /* finite ones first */
    int count;
};

/* Every recipe of the library, which is opened, has the stand-in of one row; a row that says nothing but the recipe's
 * name is of one that is not described. The list is freed by stand_ins_clear, which accepts a zeroed one; its texts are
 * the library's. ERROR_SYSTEM if memory is short. */
enum error_kind stand_ins_make(struct stand_in_list *list, struct error *error);
void stand_ins_clear(struct stand_in_list *list);

/* The kind, value, base and dtype of a recipe's stand-in; the rest is zeroed. */
struct stand_in stand_in_of(const struct recipe *recipe);

#endif
