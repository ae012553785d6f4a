#include "harness/judge/contract/planted.h"

#include <math.h>
#include <string.h>

#include "reference/slopes.h"

enum { PAGE = 64 };

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Removes keys [first, last) that were visible; false if there is none, or no other. */
static bool remove_keys(struct contract_trial *trial, int64_t first, int64_t last, int64_t step)
{
    int64_t keys = trial->problem.seq_len, removed = 0, left = 0;
    uint8_t *visible = keys > 0 ? contract_own_mask(trial) : NULL;
    for (int64_t key = first < 0 ? 0 : first; visible && key < last && key < keys; key += step) {
        removed += visible[key];
        visible[key] = 0;
    }
    for (int64_t key = 0; visible && key < keys; key++)
        left += visible[key];
    return removed > 0 && left > 0;
}

static bool drop_newest(struct contract_trial *trial)
{
    return remove_keys(trial, trial->problem.seq_len - 1, trial->problem.seq_len, 1);
}

/* The page before the one with the newest key. */
static bool drop_page(struct contract_trial *trial)
{
    int64_t page = (trial->problem.seq_len - 1) / PAGE - 1;
    return page >= 0 && remove_keys(trial, page * PAGE, (page + 1) * PAGE, 1);
}

static bool drop_one_of_16(struct contract_trial *trial)
{
    return remove_keys(trial, 0, trial->problem.seq_len, 16);
}

static bool drop_oldest_quarter(struct contract_trial *trial)
{
    return remove_keys(trial, 0, trial->problem.seq_len / 4, 1);
}

static bool exchange_kv(struct contract_trial *trial)
{
    const void *k = trial->problem.k;
    trial->problem.k = trial->problem.v;
    trial->problem.v = k;
    return true;
}

/* ---- scales and slopes ------------------------------------------------------------------------------------------- */

static bool scale_of_smaller_head(struct contract_trial *trial)
{
    trial->problem.scale = (float)((double)trial->problem.scale * sqrt(16.0 / 15));
    return trial->problem.scale != trial->stated->problem->scale;
}

static bool scale_twice(struct contract_trial *trial)
{
    trial->problem.scale *= trial->problem.scale;
    return trial->problem.scale != trial->stated->problem->scale;
}

static bool change_slopes(struct contract_trial *trial, double factor, int step)
{
    const float *stated = trial->stated->problem->slopes;
    int heads = trial->problem.num_heads;
    float *slopes = contract_own_slopes(trial);
    for (int h = 0; slopes && h < heads; h++)
        slopes[h] = (float)((double)stated[(h + step) % heads] * factor);
    return slopes && memcmp(slopes, stated, (size_t)heads * sizeof *slopes) != 0;
}

static bool drop_bias(struct contract_trial *trial)
{
    return change_slopes(trial, 0, 0);
}

static bool scale_bias(struct contract_trial *trial)
{
    return change_slopes(trial, (double)trial->problem.scale, 0);
}

static bool slopes_of_next_head(struct contract_trial *trial)
{
    return trial->problem.num_heads > 1 && change_slopes(trial, 1, 1);
}

/* `geometric` slopes, or `bloom` ones where it is those that are stated: for a power of two heads the two are one. A
 * stated slope of 0 is of neither, and is passed over. */
static bool slopes_of_another_convention(struct contract_trial *trial)
{
    const float *stated = trial->stated->problem->slopes;
    int heads = trial->problem.num_heads;
    float *slopes = contract_own_slopes(trial);
    if (!slopes || problem_whole_heads(&trial->problem) != heads)
        return false;
    for (int convention = SLOPES_GEOMETRIC; convention >= SLOPES_BLOOM; convention--) {
        double apart = 0;
        bool any = false;
        slopes_fill(slopes, heads, (enum slope_convention)convention, 8, 0, heads);
        for (int h = 0; h < heads; h++) {
            if (stated[h] == 0)
                continue;
            apart = fmax(apart, fabs((double)slopes[h] / (double)stated[h] - 1));
            any = true;
        }
        if (any && apart > 0x1p-7)
            return true;
    }
    return false;
}

/* 2^(-8 h / H) in place of 2^(-8 (h + 1) / H). */
static bool slope_exponent_off(struct contract_trial *trial)
{
    return change_slopes(trial, exp2(8.0 / problem_whole_heads(&trial->problem)), 0);
}

/* ---- heads ------------------------------------------------------------------------------------------------------- */

static void next_head(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)key;
    *kv_head = (*kv_head + 1) % map->num_kv_heads;
}

/* Of two KV heads the next one is the other: that is the next fault. */
static bool next_kv_head(struct contract_trial *trial)
{
    return trial->problem.num_kv_heads > 2 && contract_move_keys(trial, MOVE_K | MOVE_V, next_head, 0);
}

static void head_of_pair(const struct key_map *map, int64_t *key, int *kv_head)
{
    (void)key;
    *kv_head = (*kv_head ^ 1) < map->num_kv_heads ? *kv_head ^ 1 : *kv_head;
}

static bool kv_heads_swapped(struct contract_trial *trial)
{
    return trial->problem.num_kv_heads > 1 && contract_move_keys(trial, MOVE_K | MOVE_V, head_of_pair, 0);
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static void zeros(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out, double *lse)
{
    (void)screen, (void)row;
    memset(out, 0, (size_t)trial->problem.head_dim * sizeof *out);
    *lse = 0;
}

static void query_alone(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                        double *lse)
{
    const struct problem *problem = &trial->problem;
    size_t dim = (size_t)problem->head_dim;
    dtype_widen(problem->dtype, problem->q, (size_t)row * dim, dim, screen->row);
    for (size_t d = 0; d < dim; d++)
        out[d] = (double)problem->scale * (double)screen->row[d];
    *lse = 0;
}

/* Sums of weight * v over keys that a row sees; the sum of weights. */
static double weigh(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                    double (*weight_of)(double logit, double lse), double lse)
{
    const struct problem *problem = &trial->problem, one = problem_query(problem, row / problem->num_heads);
    size_t dim = (size_t)problem->head_dim;
    int kv_head = problem_kv_head(problem, row % problem->num_heads);
    double sum = 0;
    memset(out, 0, dim * sizeof *out);
    for (int64_t key = 0; key < one.seq_len; key++) {
        if (!problem_visible(&one, key))
            continue;
        double weight = weight_of(screen->logits[key], lse);
        sum += weight;
        dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, kv_head), dim, screen->row);
        for (size_t d = 0; d < dim; d++)
            out[d] += weight * (double)screen->row[d] * problem_value_scale(problem);
    }
    return sum;
}

static double equal_weight(double logit, double lse)
{
    (void)logit, (void)lse;
    return 1;
}

static void mean_of_v(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                      double *lse)
{
    double count = weigh(trial, screen, row, out, equal_weight, 0);
    for (int d = 0; d < trial->problem.head_dim && count > 0; d++)
        out[d] /= count;
    *lse = log(count);
}

/* Weights against the row's lse, rounded: 448 times them fills what e4m3 has, and is taken off again. */
static double fp8_weight(double logit, double lse)
{
    return (double)dtype_round(DTYPE_E4M3, (float)(448 * exp(logit - lse)));
}

static void fp8_weights(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                        double *lse)
{
    double sum = *lse > -INFINITY ? weigh(trial, screen, row, out, fp8_weight, *lse) : 0;
    for (int d = 0; d < trial->problem.head_dim && sum > 0; d++)
        out[d] /= sum;
    if (sum > 0)
        *lse += log(sum / 448);
}

/* A thousandth of the weight on the row's oldest key, masked or not. */
static void leak(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out, double *lse)
{
    const struct problem *problem = &trial->problem;
    size_t dim = (size_t)problem->head_dim;
    int kv_head = problem_kv_head(problem, row % problem->num_heads);
    if (problem->seq_len == 0)
        return;
    dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, 0, kv_head), dim, screen->row);
    for (size_t d = 0; d < dim; d++)
        out[d] += 1e-3 * ((double)screen->row[d] * problem_value_scale(problem) - out[d]);
    *lse -= log1p(-1e-3);
}

static void multiply(const struct contract_trial *trial, double *out, double factor)
{
    for (int d = 0; d < trial->problem.head_dim; d++)
        out[d] *= factor;
}

static void one_percent(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                        double *lse)
{
    (void)screen, (void)row, (void)lse;
    multiply(trial, out, 1.01);
}

static void half_as_large_again(const struct contract_trial *trial, struct contract_screen *screen, int row,
                                double *out, double *lse)
{
    (void)screen, (void)row, (void)lse;
    multiply(trial, out, 1.49);
}

static void lse_of_base_2(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                          double *lse)
{
    (void)trial, (void)screen, (void)row, (void)out;
    *lse /= M_LN2;
}

static void lse_of_empty_row(const struct contract_trial *trial, struct contract_screen *screen, int row, double *out,
                             double *lse)
{
    (void)trial, (void)screen, (void)row, (void)out;
    *lse = *lse == -INFINITY ? 0 : *lse;
}

const struct planted_fault planted_faults[] = {
    {"newest key dropped", "the query's own key is not looked at", drop_newest, NULL},
    {"a page dropped", "64 keys, the page before the newest one", drop_page, NULL},
    {"6% of keys dropped", "one key of 16", drop_one_of_16, NULL},
    {"oldest quarter dropped", "a quarter of the keys, the oldest", drop_oldest_quarter, NULL},
    {"scale of another head", "that of a head_dim 15/16 as large", scale_of_smaller_head, NULL},
    {"scale taken twice", "q.k is multiplied by the scale twice", scale_twice, NULL},
    {"bias dropped", "slopes are 0", drop_bias, NULL},
    {"bias times scale", "the bias is added before the scale is multiplied", scale_bias, NULL},
    {"slopes one head off", "each head has the next one's slope", slopes_of_next_head, NULL},
    {"other convention", "slopes of `geometric` where they are those of `bloom`, or the other way round",
     slopes_of_another_convention, NULL},
    {"slope exponent off", "2^(-8 h / H) in place of 2^(-8 (h + 1) / H)", slope_exponent_off, NULL},
    {"KV heads swapped", "query heads read the other KV head of a pair", kv_heads_swapped, NULL},
    {"next KV head", "query heads read the next KV head", next_kv_head, NULL},
    {"k and v exchanged", "weights by v, of k", exchange_kv, NULL},
    {"weights in fp8", "e4m3, in both sums", NULL, fp8_weights},
    {"a leak of 1e-3", "a thousandth of the weight is with the oldest key", NULL, leak},
    {"1% too large", "the output times 1.01", NULL, one_percent},
    {"49% too large", "the output times 1.49", NULL, half_as_large_again},
    {"mean of v", "q and k are ignored", NULL, mean_of_v},
    {"scaled q", "q times the scale, k and v are ignored", NULL, query_alone},
    {"zeros", "the output is 0", NULL, zeros},
    {"lse in base 2", "lse is divided by ln 2", NULL, lse_of_base_2},
    {"lse of an empty row", "0 where no key is visible and -inf is right", NULL, lse_of_empty_row},
};

const int num_planted_faults = sizeof planted_faults / sizeof *planted_faults;

enum error_kind planted_answer(double *out, double *lse, bool *is_none, const struct planted_fault *fault,
                               const struct exhibit *stated, struct error *error)
{
    struct contract_screen screen;
    struct contract_trial trial = contract_trial_begin(stated);
    size_t dim = (size_t)stated->problem->head_dim;
    enum error_kind kind = contract_screen_init(&screen, stated->problem, SCREEN_ALL_ELEMENTS, error);
    *is_none = !kind && fault->make && !(fault->make(&trial) && contract_place_keys(&trial));
    if (!kind && trial.is_short)
        kind = error_memory(error, "a fault", (double)stated->problem->seq_len);
    for (int row = 0; row < problem_rows(stated->problem) && !kind && !*is_none; row++) {
        double *of_row = out + (size_t)row * dim;
        lse[row] = contract_screen_attend(&screen, &trial.problem, row);
        memcpy(of_row, screen.sums, dim * sizeof *out);
        if (fault->spoil)
            fault->spoil(&trial, &screen, row, of_row, &lse[row]);
    }
    contract_screen_clear(&screen);
    contract_trial_clear(&trial);
    return kind;
}
