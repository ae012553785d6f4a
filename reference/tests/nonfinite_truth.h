/*
 * The certified truth of inputs that are no numbers held against the plain one, bit for bit where something is no
 * number or rounds to 0.
 */
#ifndef REFERENCE_TESTS_NONFINITE_TRUTH_H
#define REFERENCE_TESTS_NONFINITE_TRUTH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference/tests/same_truth.h"

static inline struct truth solve(enum error_kind (*solver)(struct truth *, const struct problem *,
                                                           const struct truth_options *, struct error *),
                                 const struct problem *problem, int threads)
{
    struct truth truth;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = threads};
    struct error error;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(solver(&truth, problem, &options, &error), ERROR_NONE);
    return truth;
}

static inline bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* No number, or one that rounds to 0 and is none: then every bit is the plain truth's. */
static inline bool has_its_bits(const struct truth *certified, const struct truth *plain, size_t i)
{
    double value = plain->value[i], magnitude = plain->magnitude[i];
    if (isfinite(value) && (value != 0 || magnitude >= 0x1p-1000 || isinf(plain->radius[i])))
        return isfinite(certified->value[i]) || isinf(plain->radius[i]);
    bool same = (same_bits(certified->value[i], value) && same_bits(certified->tail[i], plain->tail[i])) ||
                (magnitude == 0 && certified->value[i] == 0 && certified->tail[i] == 0);
    if (!isfinite(value))
        return same && certified->radius[i] == 0 && isnan(certified->magnitude[i]) == isnan(magnitude) &&
               isinf(certified->magnitude[i]) == isinf(magnitude);
    return same && (certified->radius[i] == 0) == (plain->radius[i] == 0) && certified->radius[i] <= 0x1p-1073 &&
           (certified->magnitude[i] == 0) == (magnitude == 0);
}

static inline bool keeps_promises(const struct truth *certified, const struct truth *plain)
{
    bool kept = true;
    for (size_t i = 0; i < (size_t)certified->num_rows * (size_t)certified->head_dim && kept; i++) {
        double radius = certified->radius[i], magnitude = certified->magnitude[i];
        bool small = !isfinite(certified->value[i]) || radius <= 0x1p-64 * magnitude + 0x1p-1072 || isinf(radius);
        kept = small && has_its_bits(certified, plain, i);
        if (!kept)
            fprintf(stderr, "row %zu dim %zu: %a + %a, radius %g, magnitude %g, but %a + %a, %g, %g\n",
                    i / (size_t)certified->head_dim, i % (size_t)certified->head_dim, certified->value[i],
                    certified->tail[i], radius, magnitude, plain->value[i], plain->tail[i], plain->radius[i],
                    plain->magnitude[i]);
    }
    for (int row = 0; row < certified->num_rows && kept; row++)
        kept = isfinite(plain->lse[row]) ||
               (same_bits(certified->lse[row], plain->lse[row]) && certified->lse_radius[row] == 0);
    return kept;
}

#endif
