/*
 * A row of a trial in double precision, to see at little cost whether its contract may be the one. No truth: what
 * passes is held against that.
 *
 * Most contracts leave q.k of a row what it is, so that products are kept, and so are values where but a few elements
 * of each are looked at.
 */
#ifndef HARNESS_JUDGE_CONTRACT_CONTRACT_SCREEN_H
#define HARNESS_JUDGE_CONTRACT_CONTRACT_SCREEN_H

#include "harness/judge/contract/contract_trial.h"

/* Elements of a row that a screen looks at, the first so many; all of them if there are no more. */
enum { SCREEN_ALL_ELEMENTS = 0, SCREEN_SAMPLE = 16 };

struct screen_memory;

/* Memory for rows of problems with so many keys and elements a head. */
struct contract_screen {
    int dim;                            /* elements that are looked at */
    double *logits;                     /* [N] */
    double *weights;                    /* [N], the largest of all is 1 */
    double whole;                       /* their sum, that of a sink counted */
    double *sums;                       /* [dim] */
    float *query;                       /* [D] */
    float *row;                         /* [D] */
    struct screen_memory *memory;       /* of products and values */
    const struct contract_trial *moved; /* whose keys wait to be moved, while a row of it is looked at; else NULL */
    /* Of a problem in parts: where its keys are, whose part is open, and of what it was that none could be opened. */
    const struct key_parts *parts;
    const struct problem *part;
    int index;  /* of the part */
    bool stays; /* no other part is opened: others look at the one that is open. A row of another one has an lse of */
    bool elsewhere; /* NAN, and this is set */
    enum error_kind failed;
    struct error error;
};

/* dim: SCREEN_ALL_ELEMENTS, or how many. parts is the caller's to set: where they cannot be opened, the lse of a row is
 * NAN, no row passes any more, and `failed` says why. */
enum error_kind contract_screen_init(struct contract_screen *screen, const struct problem *problem, int dim,
                                     struct error *error);
void contract_screen_clear(struct contract_screen *screen);

/* Forgets what is kept of k and v: to be called before memory that a trial has copied them into is freed. */
void contract_screen_forget(struct contract_screen *screen);

/* Opens the part with a row's keys, where there are parts; what looks at a row does so itself. Once it is open, several
 * threads may look at its rows. False where that failed, now or before, or another one is to stay. */
bool contract_screen_open(struct contract_screen *screen, const struct problem *problem, int row);

/* Attention of one query of one head, of the problem as it stands: into screen->sums, with the logits of its keys, -inf
 * for those that it does not see. The lse; -INFINITY without a key. */
double contract_screen_attend(struct contract_screen *screen, const struct problem *problem, int row);

/* An element of k (tensor 0) or v (1) of a key into screen->row, and those behind it, `dim` in all. */
void contract_screen_read(struct contract_screen *screen, const struct problem *problem, int tensor, int64_t key,
                          int kv_head, size_t dim);

/* The sum of squares of what the trial's output of a row is off from screen->sums * factor. */
double contract_screen_squares(const struct contract_screen *screen, const struct contract_trial *trial, int row,
                               double factor);

/* Whether the trial's output has row `row` as its problem makes it: closer to it than the stated problem does by a
 * factor of 8, or to within a few roundings of the output. */
bool contract_screen_row(struct contract_screen *screen, const struct contract_trial *trial, int row);

#endif
