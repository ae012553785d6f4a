/*
 * What is known of where two subjects part.
 */
#ifndef HARNESS_JUDGE_PARTING_PARTING_FOUND_H
#define HARNESS_JUDGE_PARTING_PARTING_FOUND_H

#include <stdbool.h>
#include <stdint.h>

enum parting_step {
    PARTING_UNKNOWN,
    PARTING_DOT,      /* q.k of a key, with its scale */
    PARTING_BIAS,     /* slope times distance */
    PARTING_LOGIT,    /* of a key, neither of both alone */
    PARTING_WEIGHT,   /* of a key: its exponential, what it is rounded to, what it is rescaled by */
    PARTING_VALUE,    /* v of a key, as it is read and widened, or out of it is rounded */
    PARTING_SUM,      /* over keys, and the merging of parts */
    PARTING_DIVISION, /* by the sum of weights, or out of it is rounded */
    PARTING_LSE,      /* what maximum and sum become */
    PARTING_STEP_COUNT
};

extern const char *const parting_step_names[PARTING_STEP_COUNT];

enum { PARTING_KEYS_SHOWN = 4, PARTING_OTHERS = 8, PARTING_WHY_SIZE = 200 };

struct parting {
    enum parting_step step;
    int64_t key;                      /* where the step is that of one key; -1: nobody knows, or it is of several */
    int64_t num_keys;                 /* with which alone the row still differs */
    int64_t keys[PARTING_KEYS_SHOWN]; /* the first of them */
    bool least;                       /* without any one of those it does not */
    bool sharpened;                   /* v of heavy ones was changed for it, such that out is near 0 */
    int others_tried, others_differ;  /* other keys, alone */
    int64_t runs;                     /* of one subject */
    char why[PARTING_WHY_SIZE];       /* the step is unknown: why; else "" */
};

/* A sentence on it, without its full stop. */
enum { PARTING_TEXT_SIZE = 560 };
const char *parting_say(char *text, const struct parting *parting);

#endif
