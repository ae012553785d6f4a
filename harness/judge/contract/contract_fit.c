/* Variants with a parameter: the one at which a row comes closest to what it is. That it is right is for others to see.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/contract/contract_makers.h"

enum { GRID = 25, STEPS = 40 };

/* ---- one number -------------------------------------------------------------------------------------------------- */

/* Puts a parameter into the trial. */
typedef void put_parameter(struct contract_trial *trial, float *slopes, double parameter);

struct parameter {
    struct contract_trial *trial;
    const struct contract_clue *clue;
    put_parameter *put;
    float *slopes; /* the trial's, of its own; NULL where they are not changed */
    bool by_lse;   /* it is fitted to the row's lse, not to its out */
};

static double squares_at(const struct parameter *of, double parameter)
{
    of->put(of->trial, of->slopes, parameter);
    double lse = contract_screen_attend(of->clue->screen, &of->trial->problem, of->clue->row);
    double off = of->by_lse ? lse - (double)of->trial->output.lse[of->clue->row] : 0;
    double squares = of->by_lse ? off * off : contract_screen_squares(of->clue->screen, of->trial, of->clue->row, 1);
    return isnan(squares) ? INFINITY : squares;
}

/* Golden section between logarithms, where the best of a grid lies between its neighbours. */
static double refine(const struct parameter *of, double low, double high)
{
    const double ratio = (sqrt(5) - 1) / 2;
    double left = high - ratio * (high - low), right = low + ratio * (high - low);
    double at_left = squares_at(of, exp(left)), at_right = squares_at(of, exp(right));
    for (int step = 0; step < STEPS; step++)
        if (at_left <= at_right) {
            high = right;
            right = left;
            at_right = at_left;
            left = high - ratio * (high - low);
            at_left = squares_at(of, exp(left));
        } else {
            low = left;
            left = right;
            at_left = at_right;
            right = low + ratio * (high - low);
            at_right = squares_at(of, exp(right));
        }
    return exp((low + high) / 2);
}

/* The most that a sum of squares is by chance where another is the least: errors of D elements, which are alike, leave
 * a parameter open by so much that the sum grows by 1/D of itself, and this is three times as far. */
static double by_chance(const struct contract_screen *screen, double least)
{
    return least * (1 + 9.0 / screen->dim);
}

/* The same of a parameter's own squares: an lse in f32 is off by what logits of tens are rounded by. */
static double as_close_as(const struct parameter *of, double least)
{
    return of->by_lse ? fmax(least, 0x1p-36) : by_chance(of->clue->screen, least);
}

/* The fewest digits that leave the row as close, but for what is chance. */
static double rounded(const struct parameter *of, double parameter)
{
    double close = as_close_as(of, squares_at(of, parameter));
    for (int digits = 1; digits <= 6; digits++) {
        char text[32];
        snprintf(text, sizeof text, "%.*g", digits, parameter);
        double shorter = strtod(text, NULL);
        if (squares_at(of, shorter) <= close)
            return shorter;
    }
    return parameter;
}

/* Whether twice or half of it does as well, as where all logits are held by a soft cap, or none is: then it is not
 * known.
 */
static bool is_open(const struct parameter *of, double parameter)
{
    double as_well = as_close_as(of, squares_at(of, parameter));
    return squares_at(of, 2 * parameter) <= as_well || squares_at(of, parameter / 2) <= as_well;
}

/* The parameter between two at which the row comes closest; NAN if that is at an end, or not the only one. */
static double fit(const struct parameter *of, double low, double high)
{
    double step = log(high / low) / (GRID - 1), least = INFINITY;
    int best = 0;
    for (int i = 0; i < GRID; i++) {
        double squares = squares_at(of, low * exp(i * step));
        if (squares < least) {
            least = squares;
            best = i;
        }
    }
    if (best == 0 || best == GRID - 1 || !isfinite(least))
        return NAN;
    double parameter = rounded(of, refine(of, log(low) + (best - 1) * step, log(low) + (best + 1) * step));
    return is_open(of, parameter) ? NAN : parameter;
}

static void put_scale(struct contract_trial *trial, float *slopes, double factor)
{
    (void)slopes;
    trial->problem.scale = (float)((double)trial->before.scale * factor);
}

bool contract_fit_scale(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct parameter of = {trial, clue, put_scale, NULL, false};
    double factor = trial->problem.scale != 0 ? fit(&of, 1.0 / 128, 128) : NAN;
    (void)variant;
    if (isnan(factor))
        return false;
    put_scale(trial, NULL, factor);
    const int digits = fabs(factor - 1) < 0x1p-16 ? 9 : 6; /* as many as tell the two apart, and no noise of the fit */
    return trial->problem.scale != trial->before.scale &&
           contract_say(trial, "scale %.*g in place of %.9g (%.*g times it)", digits, (double)trial->problem.scale,
                        (double)trial->before.scale, digits, factor);
}

static void put_slopes(struct contract_trial *trial, float *slopes, double factor)
{
    for (int h = 0; h < trial->problem.num_heads; h++)
        slopes[h] = (float)((double)trial->before.slopes[h] * factor);
}

bool contract_fit_slopes(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    const struct parameter of = {trial, clue, put_slopes, contract_own_slopes(trial), false};
    (void)variant;
    if (!of.slopes || trial->problem.slopes[clue->row % trial->problem.num_heads] == 0)
        return false;
    double factor = fit(&of, 1.0 / 1024, 1024);
    if (isnan(factor) || factor == 1)
        return false;
    put_slopes(trial, of.slopes, factor);
    return contract_say(trial, "biases multiplied by %.6g", factor);
}

static void put_cap(struct contract_trial *trial, float *slopes, double cap)
{
    (void)slopes;
    trial->problem.soft_cap_value = (float)cap;
}

bool contract_fit_soft_cap(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    static const char *const sides[] = {" before the bias", " after the bias"};
    struct parameter of = {trial, clue, put_cap, NULL, false};
    bool biased = false;
    for (int h = 0; h < trial->problem.num_heads; h++)
        biased = biased || trial->problem.slopes[h] != 0;
    if (variant && !biased) /* both sides of no bias are one */
        return false;
    trial->problem.soft_cap = variant ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_BEFORE_BIAS;
    const bool moved = trial->problem.soft_cap != trial->before.soft_cap && (biased || !trial->before.soft_cap);
    double cap = fit(&of, 1.0 / 8, 1024);
    if (isnan(cap) && trial->output.lse) { /* an out of 16 bits is the same under twice the cap, its lse is not */
        of.by_lse = true;
        cap = fit(&of, 1.0 / 8, 1024);
    }
    if (isnan(cap) || (!moved && (float)cap == trial->before.soft_cap_value))
        return false;
    put_cap(trial, NULL, cap);
    return contract_say(trial, "a soft cap of %.6g%s", cap, biased ? sides[variant] : "");
}

/* ---- which keys -------------------------------------------------------------------------------------------------- */

/* weight * v of a key, added to screen->sums. */
static void add_key(struct contract_screen *screen, const struct problem *problem, int64_t key, int kv_head,
                    double weight)
{
    size_t dim = (size_t)screen->dim;
    contract_screen_read(screen, problem, 1, key, kv_head, dim);
    for (size_t d = 0; d < dim; d++)
        screen->sums[d] += weight * (double)screen->row[d];
}

/* The largest logit that the last attention has left, over keys that a query sees. */
static double largest_logit(const struct contract_screen *screen, int64_t keys)
{
    double max = -INFINITY;
    for (int64_t key = 0; key < keys; key++)
        max = fmax(max, screen->logits[key]);
    return max;
}

/* The newest keys that make the row what it is, and no others. */
bool contract_fit_window(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    struct contract_screen *screen = clue->screen;
    const struct problem *problem = &trial->problem, one = problem_query(problem, clue->row / problem->num_heads);
    int kv_head = problem_kv_head(problem, clue->row % problem->num_heads);
    double least = INFINITY, second = INFINITY, value_scale = problem_value_scale(problem);
    int64_t window = 0;
    (void)variant;
    if (contract_screen_attend(screen, problem, clue->row) == -INFINITY)
        return false;
    double sink = problem->sink_logits ? (double)problem->sink_logits[clue->row % problem->num_heads] : -INFINITY;
    double max = fmax(largest_logit(screen, one.seq_len), sink), sum = exp(sink - max);
    memset(screen->sums, 0, (size_t)screen->dim * sizeof *screen->sums);
    for (int64_t key = one.seq_len - 1; key >= 0; key--) {
        double weight = exp(screen->logits[key] - max);
        if (!(weight > 0))
            continue;
        sum += weight;
        add_key(screen, &one, key, kv_head, weight);
        double squares = contract_screen_squares(screen, trial, clue->row, value_scale / sum);
        if (squares < least) {
            second = least;
            least = squares;
            window = problem->seq_len - key;
        } else if (squares < second)
            second = squares;
    }
    if (screen->dim == problem->head_dim && second <= by_chance(screen, least))
        return false; /* another one is as good; of a sample that is not to be asked */
    uint8_t *visible = window > 0 && window < problem->seq_len ? contract_own_mask(trial) : NULL;
    if (!visible)
        return false;
    memset(visible, 0, (size_t)(problem->seq_len - window));
    return contract_say(trial, "a window of the newest %lld keys", (long long)window);
}

/* The masked key that makes the row what it is; false if another one comes nearly as close. */
bool contract_fit_masked_key(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    struct contract_screen *screen = clue->screen;
    struct problem whole = trial->problem;
    const struct problem one = problem_query(&trial->problem, clue->row / trial->problem.num_heads);
    int kv_head = problem_kv_head(&whole, clue->row % whole.num_heads);
    size_t bytes = (size_t)screen->dim * sizeof *screen->sums;
    double least = INFINITY, second = INFINITY, value_scale = problem_value_scale(&whole);
    int64_t masked = -1;
    (void)variant;
    if (!one.visible)
        return false;
    double lse = contract_screen_attend(screen, &trial->problem, clue->row), *sums = malloc(bytes);
    trial->is_short |= !sums;
    if (!sums || lse == -INFINITY) {
        free(sums);
        return false;
    }
    for (int d = 0; d < screen->dim; d++)
        sums[d] = screen->sums[d] / value_scale;
    whole.visible = NULL; /* logits of masked keys, too */
    contract_screen_attend(screen, &whole, clue->row);
    for (int64_t key = 0; key < one.seq_len; key++) {
        double weight = exp(screen->logits[key] - lse);
        if (one.visible[key] || !(weight > 0) || !isfinite(weight))
            continue;
        memcpy(screen->sums, sums, bytes);
        add_key(screen, &one, key, kv_head, weight);
        double squares = contract_screen_squares(screen, trial, clue->row, value_scale / (1 + weight));
        if (squares < least) {
            second = least;
            least = squares;
            masked = key;
        } else if (squares < second)
            second = squares;
    }
    free(sums);
    uint8_t *visible = masked >= 0 && second > 4 * least ? contract_own_mask(trial) : NULL;
    if (!visible)
        return false;
    visible[masked] = 1;
    return contract_say(trial, "masked key %lld let in", (long long)masked);
}

/* The chunk of so many keys that is missing. */
bool contract_fit_chunk(struct contract_trial *trial, int variant, const struct contract_clue *clue)
{
    struct contract_screen *screen = clue->screen;
    const struct problem *problem = &trial->problem, one = problem_query(problem, clue->row / problem->num_heads);
    int kv_head = problem_kv_head(problem, clue->row % problem->num_heads);
    int64_t len = INT64_C(16) << variant, missing = -1;
    size_t bytes = (size_t)screen->dim * sizeof *screen->sums;
    double least = INFINITY, value_scale = problem_value_scale(problem);
    double lse = contract_screen_attend(screen, problem, clue->row);
    double *whole = malloc(bytes);
    trial->is_short |= !whole;
    if (!whole || lse == -INFINITY) {
        free(whole);
        return false;
    }
    for (int d = 0; d < screen->dim; d++)
        whole[d] = screen->sums[d] / value_scale;
    for (int64_t first = 0; first < one.seq_len; first += len) {
        double left = 1;
        memcpy(screen->sums, whole, bytes);
        for (int64_t key = first; key < first + len && key < one.seq_len; key++) {
            double weight = exp(screen->logits[key] - lse);
            left -= weight;
            if (weight > 0)
                add_key(screen, &one, key, kv_head, -weight);
        }
        double squares = left > 0x1p-40 && left < 1
                             ? contract_screen_squares(screen, trial, clue->row, value_scale / left)
                             : INFINITY;
        if (squares < least) {
            least = squares;
            missing = first;
        }
    }
    free(whole);
    uint8_t *visible = missing >= 0 ? contract_own_mask(trial) : NULL;
    if (!visible)
        return false;
    int64_t last = missing + len < problem->seq_len ? missing + len : problem->seq_len;
    memset(visible + missing, 0, (size_t)(last - missing));
    return contract_say(trial, "keys %lld to %lld missing, a chunk of %lld", (long long)missing, (long long)last - 1,
                        (long long)len);
}
