/*
 * An output read otherwise than it was stated: its elements as other numbers, or its rows as the results of other rows.
 * The problem stays what it is, and so does its exact result.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_READING_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_READING_H

#include "harness/judge/contract/contract_confirm.h"

struct contract_reading {
    enum dtype dtype;     /* that its elements were rounded to */
    const double *values; /* [count] what they are */
    int64_t count;        /* from the first element on; of the others nothing is said */
    const int *of_row;    /* [R] whose result a row is; NULL: each its own */
    bool with_lse;        /* and whose lse it has; false: that is its own */
};

/*
 * Whether what is read is right: every element, and every lse, by the output's rounding alone, by f32's, or by one
 * rounding beside that (class_is_coarse), while the output as it was stated is by none of these, and is further off
 * than a contract has to show (contract_is_enough). Then the fit has the class; its texts are the caller's.
 *
 * That a reading of other bits, or another row, is right in each of 64 elements by chance is out of the question. Costs
 * the bounds of one class, or of all with one rounding. ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED.
 */
enum error_kind contract_reading_weigh(bool *right, struct contract_fit *fit, const struct contract_reading *reading,
                                       const struct contract_inquiry *inquiry, struct error *error);

/*
 * Bytes in the opposite order, or numbers of another type than is stated: the one of 16 bits that it is not, f32 of
 * which an output in 16 bits has room for the first half, 16 bits in half the room of f32. And rows in each other's
 * places, or several times: each is another's, whose q is not the same. The first that is right is the finding's only
 * fit, and named; else the finding stays. Of a problem whose keys are not all at hand nothing is found.
 */
enum error_kind contract_find_bits(struct contract_finding *finding, const struct contract_inquiry *inquiry,
                                   struct error *error);
enum error_kind contract_find_rows(struct contract_finding *finding, const struct contract_inquiry *inquiry,
                                   struct error *error);

#endif
