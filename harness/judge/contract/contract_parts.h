/*
 * A trial gone through part by part: some KV heads of its problem and its output, and of what was stated, with their
 * keys. Where all keys are at hand there is one part, the trial itself.
 *
 * There is memory for the keys of one part. Where the trial reads them elsewhere a part of it has rows of whatever
 * parts, and those that were stated have their turn when it is done with them.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_PARTS_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_PARTS_H

#include "harness/judge/contract/contract_trial.h"

struct contract_part {
    const struct contract_trial *trial; /* of its KV heads; trial->stated has no k and v where the trial moves keys */
    int first_head;                     /* of the part in the whole trial */
    const struct contract_trial *whole; /* these two are contract_parts.c's */
    struct part_view *view;
};

/* What is done with a part. *stop: no other part is needed. */
typedef enum error_kind contract_part_work(void *context, struct contract_part *part, bool *stop, struct error *error);

/* Does the work with each part, that of a KV head first. What work returns, or ERROR_SYSTEM, ERROR_USAGE,
 * ERROR_INTERRUPTED of opening. */
enum error_kind contract_each_part(const struct contract_trial *trial, int kv_head, contract_part_work *work,
                                   void *context, struct error *error);

/* The keys as they were stated, for what looks at part->trial->stated: those of a trial that moves them are then gone.
 * Errors as of opening. */
enum error_kind contract_part_as_stated(struct contract_part *part, struct error *error);

#endif
