/*
 * A row of a trial in double precision, to see at little cost whether its contract may be the one. No truth: what
 * passes is held against that.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_SCREEN_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_SCREEN_H

#include "harness/judge/contract/contract_trial.h"

/* Memory for rows of problems with so many keys and elements a head. */
struct contract_screen {
    double *logits; /* [N] */
    double *sums;   /* [D] */
    double *query;  /* [D] */
    float *row;     /* [D] */
};

enum error_kind contract_screen_init(struct contract_screen *screen, const struct problem *problem,
                                     struct error *error);
void contract_screen_clear(struct contract_screen *screen);

/* Attention of one query of one head, of the problem as it stands: into screen->sums, with the logits of its keys, -inf
 * for those that it does not see. The lse; -INFINITY without a key. */
double contract_screen_attend(struct contract_screen *screen, const struct problem *problem, int row);

/* The sum of squares of what the trial's output of a row is off from screen->sums * factor. */
double contract_screen_squares(const struct contract_screen *screen, const struct contract_trial *trial, int row,
                               double factor);

/* Whether the trial's output has row `row` as its problem makes it: closer to it than the stated problem does by a
 * factor of 8, or to within a few roundings of the output. */
bool contract_screen_row(struct contract_screen *screen, const struct contract_trial *trial, int row);

#endif
