/*
 * The numerical choices a kernel is run with. A recipe is data: kernels read it, nothing is compiled for one.
 *
 * Kernels hold logits in base 2: scale and slopes are multiplied by log2(e) in f32 before the launch and weights are
 * powers of 2. A sentinel stands in the same units, as in the kernels in use.
 */
#ifndef KERNELS_RECIPE_H
#define KERNELS_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "reference/problem.h"

/* What stands in for -inf, both as a masked key's logit and as the maximum before the first key. */
enum sentinel_policy {
    SENTINEL_VALUE,    /* a finite number the user chose */
    SENTINEL_INFINITY, /* IEEE -inf, guarded so that inf - inf is never formed */
    SENTINEL_ADAPTIVE, /* a finite number below every logit that the problem can reach */
    SENTINEL_EXCLUDE,  /* nothing: masked keys are skipped by index, the maximum starts at the first visible key */
    SENTINEL_COUNT
};

struct sentinel {
    enum sentinel_policy policy;
    float value; /* SENTINEL_VALUE only; finite, < 0 */
};

enum bias_form {
    BIAS_RELATIVE, /* slope * (j - P): 0 at the query, exact distances */
    BIAS_ABSOLUTE, /* slope * j: differs from relative by a constant a row, which softmax ignores and f32 does not */
    BIAS_COUNT
};

enum exponential {
    EXPONENTIAL_POLYNOMIAL, /* degree-6 polynomial on fmaf: the same bits on every device */
    EXPONENTIAL_EX2_APPROX, /* ex2.approx.ftz.f32 on a GPU; on the host a model of it, 2^x correctly rounded, flushed */
    EXPONENTIAL_COUNT
};

struct recipe {
    struct sentinel sentinel;
    enum bias_form bias;
    enum exponential exponential;
};

extern const char *const bias_form_names[BIAS_COUNT];
extern const char *const exponential_names[EXPONENTIAL_COUNT];

enum { SENTINEL_TEXT_SIZE = 32, RECIPE_TEXT_SIZE = 64 };

/* The sentinel as a case file spells it: "-50000", "-inf", "adaptive", "exclude". text: SENTINEL_TEXT_SIZE. */
char *sentinel_format(char *text, const struct sentinel *sentinel);

/* Reads what sentinel_format writes, and any finite negative f32 number ("-5e4"). False if it is neither. */
bool sentinel_parse(const char *text, struct sentinel *sentinel);

/* A name for everything but the sentinel: "BIAS-EXPONENTIAL", as in "relative-polynomial". text: RECIPE_TEXT_SIZE. */
char *recipe_format(char *text, const struct recipe *recipe);

/*
 * The value of SENTINEL_ADAPTIVE where no logit, base 2, lies below lowest <= 0: max(160, 2^-10 |lowest|) lower, so
 * that a masked key weighs less than 2^-126 of any visible one, which the exponential flushes to 0. ERROR_SYSTEM if no
 * f32 is low enough.
 */
enum error_kind adaptive_sentinel_below(float *sentinel, double lowest, struct error *error);

/* The value for a problem, from the largest |q| and |k| of its tensors and its slopes. */
enum error_kind adaptive_sentinel(float *sentinel, const struct problem *problem, enum bias_form bias,
                                  struct error *error);

#endif
