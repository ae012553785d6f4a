/*
 * Trials held against truths and classes on all rows, a part after the other where the problem is in parts.
 *
 * ERROR_SYSTEM if memory is short, ERROR_INTERRUPTED; ERROR_USAGE of a part that cannot be opened.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_CONFIRM_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_CONFIRM_H

#include "harness/judge/contract/contract_trial.h"
#include "reference/progress.h"

struct contract_inquiry {
    const struct exhibit *stated;
    const struct class_demand *demand;
    int kv_head; /* whose part is looked at first: of the row that is furthest off */
    int threads;
    struct progress *progress;
};

/* Holds a trial against its own truth, on all rows. *fits: a class covers the output, which is another one than what is
 * right as it was stated: a key without weight that is missing explains nothing. */
enum error_kind contract_confirm(const struct contract_inquiry *inquiry, const struct contract_trial *trial,
                                 struct class_whole *whole, bool *fits, struct contract_fit *fit, struct error *error);

/* *enough: a trial's output is further off its own truth than a set of roundings allows (contract_is_enough). */
enum error_kind contract_weigh_trial(bool *enough, const struct contract_inquiry *inquiry,
                                     const struct contract_trial *trial, class_set set, struct error *error);

/* The same of the output and the truth as they were stated; without_lse: of out alone. */
enum error_kind contract_weigh_stated(bool *enough, const struct contract_inquiry *inquiry, class_set set,
                                      bool without_lse, struct error *error);

/* The class of the output as it was stated; without_lse: of out alone. */
enum error_kind contract_classify_stated(struct class_whole *whole, const struct contract_inquiry *inquiry,
                                         bool without_lse, struct error *error);

#endif
