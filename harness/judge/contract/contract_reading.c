#include "harness/judge/contract/contract_reading.h"

#include <math.h>
#include <stdlib.h>

#include "harness/judge/contract/contract_evidence.h"

/* Further off than so many bounds is no rounding (contract_evidence.c). */
enum { FAR = 8 };

/* What is looked at is nearer than this share of sum w|v| / l. */
static const double NEAR = 0x1p-4;

/* What a set of roundings says of an output as it was stated, and of what is read. */
struct answer {
    bool covers, covers_stated;
    struct contract_off off; /* of the output as it was stated, in rows that are read otherwise */
};

static int row_of(const struct contract_reading *reading, int row)
{
    return reading->of_row ? reading->of_row[row] : row;
}

static double stated_at(const struct exhibit *stated, size_t i)
{
    float value;
    dtype_widen(stated->problem->dtype, stated->output->out, i, 1, &value);
    return (double)value;
}

static bool is_within(double value, const struct truth *truth, size_t i, double bound)
{
    double off = fabs(value - truth->value[i] - truth->tail[i]);
    return isfinite(bound) && off <= bound + truth->radius[i];
}

/* Half a unit in the last place of what a number is rounded to. */
static double half_ulp(enum dtype dtype, double exact)
{
    return isfinite(exact) ? dtype_ulp(dtype, exact) / 2 : INFINITY;
}

/* What an element may be off by as it is read: bounds are of an output in the type that was stated. */
static double bound_as_read(const struct contract_reading *reading, const struct exhibit *stated, size_t i,
                            double bound)
{
    double largest = fabs(stated->truth->value[i]) + bound;
    return bound + (reading->dtype == stated->problem->dtype ? 0 : half_ulp(reading->dtype, largest));
}

static void look_at_elements(struct answer *answer, const struct contract_reading *reading,
                             const struct exhibit *stated, const double *bound)
{
    const struct truth *truth = stated->truth;
    size_t dim = (size_t)truth->head_dim;
    for (int row = 0; row < truth->num_rows; row++) {
        int64_t far = 0;
        for (size_t d = 0; d < dim; d++) {
            size_t at = (size_t)row * dim + d, of = (size_t)row_of(reading, row) * dim + d;
            double was = stated_at(stated, at), allowed = bound[at] + truth->radius[at];
            answer->covers_stated &= is_within(was, truth, at, bound[at]);
            if ((int64_t)at >= reading->count)
                continue;
            answer->covers &= is_within(reading->values[at], truth, of, bound_as_read(reading, stated, of, bound[of]));
            far += !(fabs(was - truth->value[at] - truth->tail[at]) <= FAR * allowed);
        }
        answer->off.elements += far;
        answer->off.rows += far > 0;
    }
}

static void look_at_lse(struct answer *answer, const struct contract_reading *reading, const struct exhibit *stated,
                        const double *bound)
{
    const struct truth *truth = stated->truth;
    for (int row = 0; row < truth->num_rows && stated->output->lse; row++) {
        int of = reading->with_lse ? row_of(reading, row) : row;
        double lse = (double)stated->output->lse[row];
        answer->covers &= lse == truth->lse[of] || fabs(lse - truth->lse[of]) <= bound[of] + truth->lse_radius[of];
        answer->covers_stated &=
            lse == truth->lse[row] || fabs(lse - truth->lse[row]) <= bound[row] + truth->lse_radius[row];
    }
}

static enum error_kind ask(struct answer *answer, const struct contract_reading *reading,
                           const struct contract_inquiry *inquiry, class_set set, struct error *error)
{
    const struct exhibit *stated = inquiry->stated;
    struct problem rounded = *stated->problem;
    rounded.dtype = reading->dtype;
    const struct rounding_model model = class_rounding_model(set, &rounded);
    size_t elements = (size_t)problem_elements(stated->problem), rows = (size_t)problem_rows(stated->problem);
    double *bound = malloc((elements + rows) * sizeof *bound);
    *answer = (struct answer){.covers = true, .covers_stated = true};
    enum error_kind kind = bound ? error_bounds(bound, bound + elements, &model, stated->problem, stated->truth,
                                                inquiry->threads, inquiry->progress, error)
                                 : error_memory(error, "bounds", (double)(elements + rows) * sizeof *bound);
    if (!kind) {
        look_at_elements(answer, reading, stated, bound);
        look_at_lse(answer, reading, stated, bound + elements);
    }
    free(bound);
    return kind;
}

/* Whether each number is the exact one, rounded once. */
static bool is_exact(const struct contract_reading *reading, const struct exhibit *stated)
{
    const struct truth *truth = stated->truth;
    size_t dim = (size_t)truth->head_dim;
    bool exact = true;
    for (size_t i = 0; i < (size_t)reading->count && exact; i++) {
        size_t of = (size_t)row_of(reading, (int)(i / dim)) * dim + i % dim;
        exact = is_within(reading->values[i], truth, of, half_ulp(reading->dtype, truth->value[of]));
    }
    for (int row = 0; row < truth->num_rows && stated->output->lse && exact; row++) {
        int of = reading->with_lse ? row_of(reading, row) : row;
        double off = fabs((double)stated->output->lse[row] - truth->lse[of]);
        exact = (double)stated->output->lse[row] == truth->lse[of] ||
                off <= half_ulp(DTYPE_F32, truth->lse[of]) + truth->lse_radius[of];
    }
    return exact;
}

/* Whether it is worth any bounds: no rounding that is looked for makes more of what v adds up to. */
static bool is_near(const struct contract_reading *reading, const struct exhibit *stated)
{
    const struct truth *truth = stated->truth;
    size_t dim = (size_t)truth->head_dim;
    bool near = reading->count > 0;
    for (size_t i = 0; i < (size_t)reading->count && near; i++) {
        size_t of = (size_t)row_of(reading, (int)(i / dim)) * dim + i % dim;
        near = is_within(reading->values[i], truth, of,
                         NEAR * truth->magnitude[of] + 2 * half_ulp(reading->dtype, truth->value[of]));
    }
    return near;
}

static bool is_asked_for(const struct class_demand *demand, bool exact, class_set set)
{
    return !demand->asked || exact ||
           (!demand->arithmetic.output && (class_closed(demand->arithmetic.set) & set) == set);
}

enum error_kind contract_reading_weigh(bool *right, struct contract_fit *fit, const struct contract_reading *reading,
                                       const struct contract_inquiry *inquiry, struct error *error)
{
    static const class_set coarse = 1u << CLASS_WEIGHTS8 | 1u << CLASS_SUMS16;
    const bool exact = is_exact(reading, inquiry->stated);
    enum error_kind kind = ERROR_NONE;
    *right = false;
    if (!is_near(reading, inquiry->stated))
        return ERROR_NONE;
    for (int rounding = -1; rounding < CLASS_ROUNDING_COUNT && !kind && !(*right && fit->num_roundings <= 0);
         rounding++) {
        const class_set set = rounding < 0 ? CLASS_F32 : 1u << rounding;
        struct answer answer;
        if (set & coarse)
            continue;
        kind = ask(&answer, reading, inquiry, set, error);
        if (!kind && answer.covers_stated) {
            *right = false;
            return ERROR_NONE;
        }
        if (kind || *right || !answer.covers || !contract_is_enough(&answer.off) ||
            !is_asked_for(inquiry->demand, exact, set))
            continue;
        *right = true;
        fit->set = set;
        fit->num_roundings = exact ? -1 : rounding >= 0;
        class_format(fit->class_name, &(struct arithmetic_class){.output = exact, .set = set});
    }
    return kind;
}
