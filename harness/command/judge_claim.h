/*
 * A bundle without k and v (harness/library/exhibit_bundle.h) as what `alibicheck judge` judges: by the numbers in it,
 * or, where its tensors are at hand, by these, and then the bundle is held against what comes out.
 */
#ifndef HARNESS_COMMAND_JUDGE_CLAIM_H
#define HARNESS_COMMAND_JUDGE_CLAIM_H

#include "harness/command/judge_bundle.h"
#include "harness/command/judge_exhibit.h"
#include "harness/evaluate/evaluation.h"
#include "harness/library/exhibit_bundle.h"

struct judge_claim {
    struct exhibit_bundle bundle;
    struct judge_bundle said; /* what it says as options, where its tensors are given */
    struct dumped_point own;  /* the arithmetic that it was made with; the bundle's texts */
    struct given_claim given;
    bool has_tensors;
};

/* Whether what options name is one. */
bool judge_claim_is(const struct judge_options *options);

/* Opens options->exhibit as input->claim, and what is judged of it. ERROR_USAGE with the option or the file, what is
 * wrong and what is allowed. */
enum error_kind judge_claim_open(struct judge_input *input, const struct judge_options *options, struct error *error);

/* Of an output that was judged by its tensors: that these are the bundle's, and that truth, bounds, class, status and
 * cause are what it says (judge_claim_check.c). Nothing to check otherwise. */
enum error_kind judge_claim_check(const struct judge_input *input, const struct evaluation *evaluation,
                                  struct error *error);
void judge_claim_clear(struct judge_input *input);

#endif
