#include "harness/judge/cause/error_lean.h"

#include <math.h>
#include <stdio.h>

/*
 * Signs that are drawn give a sum of D errors over the root of their squares that is above x with a chance of at most
 * exp(-x^2 / 2) (Hoeffding, given the sizes), and so does the sum of R such figures over the root of R.
 */
static const double LEAN_MAX = 4.5;

/* Elements off by less than a quarter of their root mean square, or no more than their own rounding: 1 of 5 where
 * errors are normal, half where values are of many sizes, 6 of 7 where every seventh is wrong. */
static const double SMALL = 0.25, SMALL_SHARE_MAX = 0.75;

/*
 * Sizes of errors spread over octaves: of normal ones 19% at least lie in any octave that has a fifth below it and a
 * fifth above, and a third at most in any. So 64 leave such an octave empty with a chance below 1e-5, and 64 of which
 * 95% lie in one are not normal at all.
 */
enum { SIZES_MIN = 64, BINS_OF_OCTAVE = ERROR_SIZES / ERROR_OCTAVES };
static const double SIDE_MIN = 0.2, LUMP_MIN = 0.95;

/* One row. */
struct row_errors {
    const struct exhibit *exhibit;
    size_t first, dim;
    double factor, squares, rest; /* along the truth; of the errors, and of what is left of them */
    double outs;                  /* squares of the output */
};

static double error_at(const struct row_errors *row, size_t d)
{
    float out;
    dtype_widen(row->exhibit->problem->dtype, row->exhibit->output->out, row->first + d, 1, &out);
    return (double)out - row->exhibit->truth->value[row->first + d];
}

/* An error without its share along the truth. */
static double rest_at(const struct row_errors *row, size_t d)
{
    return error_at(row, d) - row->factor * row->exhibit->truth->value[row->first + d];
}

/* False where there is nothing to look at. */
static bool row_errors_of(struct row_errors *row, const struct exhibit *exhibit, size_t r)
{
    double along = 0, truth_squares = 0;
    size_t dim = (size_t)exhibit->problem->head_dim;
    *row = (struct row_errors){.exhibit = exhibit, .first = r * dim, .dim = dim};
    for (size_t d = 0; d < dim; d++) {
        double truth = exhibit->truth->value[row->first + d], err = error_at(row, d);
        along += err * truth;
        truth_squares += truth * truth;
        row->squares += err * err;
        row->outs += (truth + err) * (truth + err);
    }
    row->factor = truth_squares > 0 ? along / truth_squares : 0;
    for (size_t d = 0; d < dim; d++)
        row->rest += rest_at(row, d) * rest_at(row, d);
    return isfinite(row->squares) && row->rest > 0 && isfinite(exhibit->truth->lse[r]);
}

/* How many elements of a row are hardly off, by their errors or by what is left of these, where one is off by far more;
 * else 0. */
static double count_small(const struct row_errors *row, double (*off_at)(const struct row_errors *, size_t))
{
    double squares = 0, count = 0, peak = 0;
    const double *magnitude = row->exhibit->truth->magnitude + row->first,
                 *truth = row->exhibit->truth->value + row->first;
    for (size_t d = 0; d < row->dim; d++)
        squares += magnitude[d] > 0 ? pow(off_at(row, d) / magnitude[d], 2) : 0;
    for (size_t d = 0; d < row->dim; d++) {
        double small = SMALL * sqrt(squares / (double)row->dim) * magnitude[d];
        double rounding = 0.5 * dtype_ulp(row->exhibit->problem->dtype, truth[d]);
        count += fabs(off_at(row, d)) <= fmax(small, rounding);
        peak = fmax(peak, fabs(off_at(row, d)) / fmax(small, rounding));
    }
    return peak > 4 ? count : 0;
}

/* What a size is against: sum w|v| of the element, or 1. */
static double unit_of(const struct row_errors *row, size_t d, bool by_magnitude)
{
    return by_magnitude ? row->exhibit->truth->magnitude[row->first + d] : 1;
}

/* Sizes into a histogram, whose last octave but one begins at the row's root mean square. */
static void add_sizes(struct error_sizes *sizes, const struct row_errors *row, bool by_magnitude)
{
    double squares = 0, count = 0;
    for (size_t d = 0; d < row->dim; d++) {
        double unit = unit_of(row, d, by_magnitude);
        squares += unit > 0 ? pow(error_at(row, d) / unit, 2) : 0;
        count += unit > 0;
    }
    for (size_t d = 0; d < row->dim && squares > 0; d++) {
        double unit = unit_of(row, d, by_magnitude);
        double size = fabs(error_at(row, d)) / (unit * sqrt(squares / count));
        double bin = BINS_OF_OCTAVE * (ERROR_OCTAVES - 2 + log2(size));
        if (unit > 0)
            sizes->count[(int)fmin(fmax(bin, 0), ERROR_SIZES - 1)]++;
    }
}

/* What octaves of a histogram are. */
struct octaves {
    bool gap;  /* one is empty, with many below it and above */
    bool lump; /* one has next to all */
};

static struct octaves look_at(const struct error_sizes *sizes)
{
    struct octaves octaves = {false, false};
    double all = 0, below = 0;
    for (int i = 0; i < ERROR_SIZES; i++)
        all += sizes->count[i];
    for (int i = 0; i + BINS_OF_OCTAVE <= ERROR_SIZES && all >= SIZES_MIN; i++) {
        double inside = 0;
        for (int j = i; j < i + BINS_OF_OCTAVE; j++)
            inside += sizes->count[j];
        octaves.gap |= inside == 0 && below >= SIDE_MIN * all && below <= (1 - SIDE_MIN) * all;
        octaves.lump |= inside >= LUMP_MIN * all;
        below += sizes->count[i];
    }
    return octaves;
}

/*
 * Errors of one size, or of two. Where v has elements of two sizes, so do errors, though not against sum w|v|; where
 * two keys have all weight, |v_1 - v_2| has gaps against |v_1| + |v_2|, and none by itself.
 */
static bool has_few_sizes(const struct error_lean *lean)
{
    struct octaves by_themselves = look_at(&lean->as_they_are), against = look_at(&lean->against_magnitude);
    return by_themselves.lump || (by_themselves.gap && against.gap);
}

static void add_errors(struct error_lean *lean, const struct row_errors *row)
{
    double sum = 0;
    add_sizes(&lean->against_magnitude, row, true);
    add_sizes(&lean->as_they_are, row, false);
    for (size_t d = 0; d < row->dim; d++) {
        double err = error_at(row, d);
        sum += rest_at(row, d);
        lean->above += err > 0;
        lean->off += err;
    }
    lean->small += fmax(count_small(row, error_at), count_small(row, rest_at));
    lean->rows++;
    lean->elements += (double)row->dim;
    lean->lean += sum / sqrt(row->rest);
    /* Of an output that is next to nothing, any is off by about the truth itself: it has to go along it, too. */
    if (row->rest < 0.5 * row->squares && row->rest < 0.25 * row->outs) {
        lean->along++;
        lean->factor += row->factor;
        lean->factor_squares += row->factor * row->factor;
    }
}

/* Rows that are off by one factor, to a quarter of it. */
static bool is_one_factor(const struct error_lean *lean)
{
    double mean = lean->factor / lean->along, variance = lean->factor_squares / lean->along - mean * mean;
    return lean->along >= 3 && 2 * lean->along > lean->rows && 16 * variance <= mean * mean;
}

void error_lean_add(struct error_lean *lean, const struct exhibit *exhibit, int row)
{
    struct row_errors errors;
    if (row_errors_of(&errors, exhibit, (size_t)row))
        add_errors(lean, &errors);
}

bool error_lean_found(const struct error_lean *lean, char remark[SIGNATURE_DETAIL_SIZE])
{
    bool is_lean = !lean->turned && lean->rows > 0 && fabs(lean->lean) > LEAN_MAX * sqrt(lean->rows);
    bool is_sparse = lean->small > SMALL_SHARE_MAX * lean->elements;
    remark[0] = 0;
    if (is_lean)
        snprintf(remark, SIGNATURE_DETAIL_SIZE, "out is too %s in %.0f of %.0f elements, by %.3g in the mean",
                 lean->lean > 0 ? "large" : "small", lean->lean > 0 ? lean->above : lean->elements - lean->above,
                 lean->elements, fabs(lean->off) / lean->elements);
    else if (is_one_factor(lean))
        snprintf(remark, SIGNATURE_DETAIL_SIZE, "out is %.6g times the exact result in %.0f of %.0f rows",
                 1 + lean->factor / lean->along, lean->along, lean->rows);
    else if (is_sparse)
        snprintf(remark, SIGNATURE_DETAIL_SIZE, "%.0f of %.0f elements are hardly off, the others by far more",
                 lean->small, lean->elements);
    else if (has_few_sizes(lean))
        snprintf(remark, SIGNATURE_DETAIL_SIZE, "errors are of one size, or of two, where roundings have all sizes");
    return remark[0];
}
