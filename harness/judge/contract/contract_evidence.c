#include "harness/judge/contract/contract_evidence.h"

#include <math.h>
#include <stdlib.h>

enum { EVIDENCE_ELEMENTS = 64, EVIDENCE_ROWS = 2, EVIDENCE_FACTOR = 8 };

/* A row of nothing but 0 is what many mistakes leave of it. */
static bool row_is_zero(const struct exhibit *exhibit, size_t row)
{
    size_t dim = (size_t)exhibit->problem->head_dim;
    bool zero = true;
    for (size_t i = row * dim; i < (row + 1) * dim && zero; i++) {
        float out;
        dtype_widen(exhibit->problem->dtype, exhibit->output->out, i, 1, &out);
        zero = out == 0;
    }
    return zero;
}

/* Elements of a row that are off by so much. */
static int64_t elements_off(const struct exhibit *exhibit, const double *bound, size_t row)
{
    const struct problem *problem = exhibit->problem;
    const struct truth *truth = exhibit->truth;
    size_t dim = (size_t)problem->head_dim;
    int64_t count = 0;
    if (row_is_zero(exhibit, row))
        return 0;
    for (size_t i = row * dim; i < (row + 1) * dim; i++) {
        float out;
        dtype_widen(problem->dtype, exhibit->output->out, i, 1, &out);
        double off = fabs((double)out - truth->value[i] - truth->tail[i]);
        count += isnan(off) || off > EVIDENCE_FACTOR * (bound[i] + truth->radius[i]);
    }
    return count;
}

static bool lse_off(const struct exhibit *exhibit, const double *bound, size_t row)
{
    const struct truth *truth = exhibit->truth;
    double off = exhibit->output->lse ? fabs((double)exhibit->output->lse[row] - truth->lse[row]) : 0;
    return isnan(off) || off > EVIDENCE_FACTOR * (bound[row] + truth->lse_radius[row]);
}

/* What a set of roundings may be off by, of an exhibit's elements and lse. */
struct allowed {
    double *out, *lse; /* [R, D], [R] */
};

static void allowed_clear(struct allowed *allowed)
{
    free(allowed->out);
    free(allowed->lse);
}

static enum error_kind allow(struct allowed *allowed, const struct exhibit *exhibit, class_set set, int threads,
                             struct progress *progress, struct error *error)
{
    const struct problem *problem = exhibit->problem;
    const struct rounding_model model = class_rounding_model(set, problem);
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    *allowed = (struct allowed){malloc(elements * sizeof(double)), malloc(rows * sizeof(double))};
    if (!allowed->out || !allowed->lse)
        return error_memory(error, "bounds", (double)elements * sizeof(double));
    return error_bounds(allowed->out, allowed->lse, &model, problem, exhibit->truth, threads, progress, error);
}

enum error_kind contract_count_off(struct contract_off *off, const struct exhibit *exhibit, class_set set, int threads,
                                   struct progress *progress, struct error *error)
{
    struct allowed allowed;
    enum error_kind kind = allow(&allowed, exhibit, set, threads, progress, error);
    for (size_t row = 0; row < (size_t)problem_rows(exhibit->problem) && !kind; row++) {
        int64_t of_row = elements_off(exhibit, allowed.out, row);
        off->elements += of_row;
        off->rows += of_row > 0;
        off->lses += lse_off(exhibit, allowed.lse, row);
    }
    allowed_clear(&allowed);
    return kind;
}

bool contract_is_enough(const struct contract_off *off)
{
    return (off->elements >= EVIDENCE_ELEMENTS && off->rows >= EVIDENCE_ROWS) || off->lses >= EVIDENCE_ROWS;
}

/*
 * A factor that is no rounding: 16 bits lose 2^-8 of a sum of weights at once, and 2^-9 of each weight, which are not
 * all off the same way. Where few elements tell, any error lies along them.
 */
static const double FACTOR_OFF = 0x1p-6;
enum { FACTOR_ELEMENTS = 16, FACTOR_LEFT = 16 };

/* Whether a row's own factor leaves a quarter of its errors at most. */
static bool has_factor(const struct exhibit *exhibit, size_t row)
{
    const struct truth *truth = exhibit->truth;
    size_t dim = (size_t)exhibit->problem->head_dim;
    double exact_squares = 0, squares = 0, along = 0;
    for (size_t i = row * dim; i < (row + 1) * dim; i++) {
        float out;
        dtype_widen(exhibit->problem->dtype, exhibit->output->out, i, 1, &out);
        exact_squares += truth->value[i] * truth->value[i];
        squares += (double)out * (double)out;
        along += (double)out * truth->value[i];
    }
    double factor = along / exact_squares, left = squares - factor * along;
    return isfinite(truth->lse[row]) && dim >= FACTOR_ELEMENTS && fabs(factor - 1) > FACTOR_OFF &&
           FACTOR_LEFT * left <= squares - 2 * along + exact_squares;
}

bool contract_leaves_factor(const struct exhibit *exhibit)
{
    for (size_t row = 0; row < (size_t)problem_rows(exhibit->problem); row++)
        if (has_factor(exhibit, row))
            return true;
    return false;
}

/* What a number of all rows leaves of a row, along what another number would: of its truth, or the same everywhere. */
struct along {
    double size, squares, product; /* squares of the direction, and of what is left; their product */
};

static struct along along_row(const struct exhibit *exhibit, size_t row, bool of_truth)
{
    const struct truth *truth = exhibit->truth;
    size_t dim = (size_t)exhibit->problem->head_dim;
    struct along along = {0, 0, 0};
    for (size_t i = row * dim; i < (row + 1) * dim; i++) {
        float out;
        dtype_widen(exhibit->problem->dtype, exhibit->output->out, i, 1, &out);
        double direction = of_truth ? truth->value[i] : 1, off = (double)out - truth->value[i];
        along.size += direction * direction;
        along.squares += off * off;
        along.product += direction * off;
    }
    return along;
}

/* Whether a row's own number leaves a quarter of its errors at most, and is off by more than a share of all rows'. */
static bool has_number(const struct exhibit *exhibit, size_t row, bool of_truth, double share)
{
    const struct along along = along_row(exhibit, row, of_truth);
    double left = along.squares - along.product * along.product / along.size;
    return isfinite(exhibit->truth->lse[row]) && exhibit->problem->head_dim >= FACTOR_ELEMENTS &&
           fabs(along.product / along.size) > share && FACTOR_LEFT * left <= along.squares;
}

/* What a sum of weights, or a part of it, loses at once where it is kept in 16 bits, and four times that. Other
 * roundings move weight from key to key, and scale no row but to a sink. */
static double share_of_rounding(const struct problem *problem, class_set set)
{
    const class_set of_sums =
        1u << CLASS_WEIGHTS16 | 1u << CLASS_WEIGHTS8 | 1u << CLASS_PARTIALS16 | 1u << CLASS_SUMS16;
    return problem->sink_logits ? INFINITY : set & of_sums ? (problem->dtype == DTYPE_F16 ? 0x1p-9 : 0x1p-6) : 0x1p-12;
}

bool contract_leaves_own_number(const struct exhibit *exhibit, const struct contract_trial *trial, class_set set)
{
    double share = share_of_rounding(exhibit->problem, set);
    bool leaves = false;
    for (size_t row = 0; row < (size_t)problem_rows(exhibit->problem) && !leaves; row++)
        leaves = (trial->factor != 1 && has_number(exhibit, row, true, share)) ||
                 (trial->offset != 0 && has_number(exhibit, row, false, share * fabs(trial->offset)));
    return leaves;
}

bool contract_has_shape(const struct exhibit *exhibit)
{
    const struct truth *truth = exhibit->truth;
    double squares = 0, left = 0;
    for (size_t i = 0; i < (size_t)problem_elements(exhibit->problem); i++) {
        float out;
        dtype_widen(exhibit->problem->dtype, exhibit->output->out, i, 1, &out);
        double value = (double)out, off = value - truth->value[i];
        if (!isfinite(off) || !isfinite(truth->lse[i / (size_t)exhibit->problem->head_dim]))
            continue;
        squares += value * value;
        left += off * off;
    }
    return 4 * left <= squares;
}

bool contract_lse_is_moved(const struct exhibit *exhibit)
{
    const struct truth *truth = exhibit->truth;
    const float *lse = exhibit->output->lse;
    const double moved = (double)lse[0] - truth->lse[0];
    bool alike = isfinite(moved);
    for (int row = 0; row < problem_rows(exhibit->problem) && alike; row++) {
        double size = fmax(fabs((double)lse[row]), fabs(truth->lse[row]));
        alike = fabs((double)lse[row] - truth->lse[row] - moved) <= 4 * dtype_ulp(DTYPE_F32, fmax(1, size));
    }
    return alike;
}

/* Keys that a row sees, and whether its output is the value of one of them, but for what f32 and its dtype round. */
static int64_t keys_of_row(const struct contract_trial *trial, int row, bool *is_one)
{
    const struct problem *problem = &trial->problem, one = problem_query(problem, row / problem->num_heads);
    const int kv_head = problem_kv_head(problem, row % problem->num_heads);
    const size_t dim = (size_t)problem->head_dim;
    int64_t keys = 0;
    *is_one = false;
    for (int64_t key = 0; key < one.seq_len; key++) {
        bool is_this = problem_visible(&one, key);
        keys += is_this;
        for (size_t d = 0; d < dim && is_this && !*is_one; d++) {
            float out, v;
            dtype_widen(problem->dtype, trial->output.out, (size_t)row * dim + d, 1, &out);
            dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, kv_head) + d, 1, &v);
            double value = contract_made_of(trial, problem_value_scale(problem) * (double)v);
            is_this = fabs((double)out - value) <= dtype_ulp(problem->dtype, value) + 0x1p-20 * fabs(value);
        }
        *is_one |= is_this;
    }
    return keys;
}

bool contract_is_told(const struct contract_trial *trial)
{
    enum { BITS_MIN = 24 };
    double bits = trial->stated->parts ? BITS_MIN : 0;
    for (int row = 0; row < problem_rows(&trial->problem) && bits < BITS_MIN; row++) {
        bool is_one;
        int64_t keys = keys_of_row(trial, row, &is_one);
        bits += keys == 0 ? 0 : is_one ? log2((double)keys) : BITS_MIN;
    }
    return bits >= BITS_MIN;
}

/* What an output that is read otherwise has more. */
static double change(double was, double is)
{
    return was == is || (isnan(was) && isnan(is)) ? 0 : is - was;
}

/* Two exact numbers, of which each is known to a radius, further apart than is allowed; where nothing is, any are. */
static bool are_apart(double a, double b, double radii, double allowed)
{
    return a != b && !(fabs(a - b) <= allowed + radii) && !isinf(allowed);
}

enum error_kind contract_differs(bool *differs, const struct contract_trial *trial, const struct truth *truth,
                                 class_set set, int threads, struct progress *progress, struct error *error)
{
    const struct exhibit *stated = trial->stated;
    const struct truth *before = stated->truth;
    size_t elements = (size_t)problem_elements(stated->problem), rows = (size_t)problem_rows(stated->problem);
    struct allowed allowed;
    *differs = false;
    enum error_kind kind = allow(&allowed, stated, set, threads, progress, error);
    for (size_t i = 0; i < elements && !kind && !*differs; i++) {
        float was, is;
        dtype_widen(stated->problem->dtype, stated->output->out, i, 1, &was);
        dtype_widen(stated->problem->dtype, trial->output.out, i, 1, &is);
        *differs = are_apart(before->value[i] + before->tail[i] + change((double)was, (double)is),
                             truth->value[i] + truth->tail[i], before->radius[i] + truth->radius[i], allowed.out[i]);
    }
    for (size_t row = 0; row < rows && !kind && !*differs && stated->output->lse; row++)
        *differs =
            are_apart(before->lse[row] + change((double)stated->output->lse[row], (double)trial->output.lse[row]),
                      truth->lse[row], before->lse_radius[row] + truth->lse_radius[row], allowed.lse[row]);
    allowed_clear(&allowed);
    return kind;
}
