/* Whether two truths of one problem can both be right: their intervals intersect, everywhere. */
#ifndef REFERENCE_TESTS_SAME_TRUTH_H
#define REFERENCE_TESTS_SAME_TRUTH_H

#include <math.h>
#include <mpfr.h>
#include <stdio.h>

#include "reference/truth.h"

struct enclosure {
    double value, tail, radius;
};

static inline struct enclosure truth_element(const struct truth *truth, size_t i)
{
    return (struct enclosure){truth->value[i], truth->tail[i], truth->radius[i]};
}

static inline struct enclosure truth_lse(const struct truth *truth, int head)
{
    return (struct enclosure){truth->lse[head], truth->lse_tail[head], truth->lse_radius[head]};
}

/*
 * How far apart the two values are, in units of the radii's sum: at most 1 if they intersect. 0 for equal values, so
 * for equal infinities, and for two NaN; NaN if only one is finite. Exact but for the last division: 2300 bits hold any
 * sum of four doubles.
 */
static inline double apart(struct enclosure a, struct enclosure b)
{
    if (isnan(a.value) && isnan(b.value))
        return 0;
    if (!isfinite(a.value) || !isfinite(b.value))
        return a.value == b.value ? 0 : NAN;
    if (isinf(a.radius) || isinf(b.radius))
        return 0;
    mpfr_t difference;
    mpfr_init2(difference, 2300);
    mpfr_set_d(difference, a.value, MPFR_RNDN);
    mpfr_sub_d(difference, difference, b.value, MPFR_RNDN);
    mpfr_add_d(difference, difference, a.tail, MPFR_RNDN);
    mpfr_sub_d(difference, difference, b.tail, MPFR_RNDN);
    mpfr_abs(difference, difference, MPFR_RNDN);
    mpfr_mul_2si(difference, difference, 200, MPFR_RNDN); /* away from subnormals */
    double distance = mpfr_get_d(difference, MPFR_RNDA), radii = (a.radius + b.radius) * 0x1p200;
    mpfr_clear(difference);
    return distance > 0 ? distance / radii : 0;
}

/*
 * Whether every element and lse of both intersect. If not, says where. *largest becomes the largest distance seen if
 * that is larger; it may be NULL.
 */
static inline bool same_truth(const struct truth *a, const struct truth *b, double *largest)
{
    bool same = true;
    for (int head = 0; head < a->num_rows; head++) {
        for (int d = 0; d <= a->head_dim; d++) { /* the last one stands for lse */
            size_t i = (size_t)head * (size_t)a->head_dim + (size_t)d;
            bool is_lse = d == a->head_dim;
            struct enclosure x = is_lse ? truth_lse(a, head) : truth_element(a, i);
            struct enclosure y = is_lse ? truth_lse(b, head) : truth_element(b, i);
            double distance = apart(x, y);
            if (!(distance <= 1)) {
                fprintf(stderr, "head %d %s %d: %.17g + %.17g +- %g but %.17g + %.17g +- %g\n", head,
                        is_lse ? "lse" : "dim", d, x.value, x.tail, x.radius, y.value, y.tail, y.radius);
                same = false;
            }
            if (largest)
                *largest = fmax(*largest, distance);
        }
    }
    return same;
}

#endif
