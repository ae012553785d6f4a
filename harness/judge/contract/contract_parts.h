/*
 * A trial gone through part by part: some KV heads of its problem and its output, and of what was stated, with their
 * keys. Where all keys are at hand there is one part, the trial itself.
 *
 * What moves heads moves q, slopes, sinks and output, so that of each KV head k and v are still what they are. A trial
 * whose k and v are read elsewhere has no parts.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_PARTS_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_PARTS_H

#include "harness/judge/contract/contract_trial.h"

/* What is done with a part; first_head: its first head in the trial. *stop: no other part is needed. */
typedef enum error_kind contract_part_work(void *context, const struct contract_trial *part, int first_head, bool *stop,
                                           struct error *error);

/* Whether the trial can be gone through. */
static inline bool contract_has_parts(const struct contract_trial *trial)
{
    return !trial->stated->parts || !trial->waiting;
}

/* Does the work with each part, that of a KV head first. What work returns, or ERROR_SYSTEM, ERROR_USAGE,
 * ERROR_INTERRUPTED of opening. */
enum error_kind contract_each_part(const struct contract_trial *trial, int kv_head, contract_part_work *work,
                                   void *context, struct error *error);

#endif
