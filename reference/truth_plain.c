/*
 * The plain truth. Per head, with u = 2^-precision and every MPFR operation rounded to nearest:
 *
 *     s_j = scale * sum_i q_i k_ij + slope * distance_j + rounded_j      m = max_j s_j as computed
 *     w_j = exp(s_j - m)      l = sum_j w_j      p_j = w_j / l      o_d = v_scale * sum_j p_j v_jd      lse = m + log l
 *
 * with scale (k_scale included), slope, distance_j and rounded_j of the contract (contract.h). distance_j and rounded_j
 * are exact; so are scale, a product of two f32 in a double, and slope, or they carry GUARD bits more than the rest and
 * add less than 2^-50 u to each bound below.
 *
 * Error (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., sections 3.1 and 4.2; g_n = n u / (1 - n u)).
 * Products q_i k_ij are exact in double: 24 + 24 bits, exponents within [-298, 256]. The shift m cancels exactly.
 *   logit   |ds_j| <= g_(D+2) A_j, A_j = |scale| sum_i |q_i k_ij| + |slope distance_j| + |rounded_j|: D - 1 additions,
 *           one product, one sum; the bias is one product and two sums
 *   weight  w_j (1 + e), |e| <= eta = 1.01 (g_(D+2) A + 2.1 A u + u), A = max_j A_j, as long as eta <= 0.01: the
 *           subtraction adds u |s_j - m|. MPFR's exponents reach -2^62; a weight below that is taken for
 *           2^(TINY - 2^62), which is more than it is and, of l, less than u
 *   sum     l (1 + e), |e| <= eta + 1.01 g_N: terms are positive
 *   p_j     relative error <= 1.01 (2 eta + g_N + u)
 *   output  |do_d| <= 1.02 (2 eta + g_N + u + g_(N+1) + u) M_d <= 2.1 (eta + (N + 2) u) M_d, where
 *           M_d = |v_scale| sum_j p_j |v_jd|; the last u is the product with v_scale
 *   lse     |dlse| <= 1.02 (eta + g_N) + 2 u (|lse| + log N), log N < 64
 * A and M_d are computed in double, each at most (N + D + 8) 2^-53 below its exact value relative, which the factor
 * 2.1 -> 2.2 covers for N + D < 2^40. Storing value + tail adds 2^-106 |o_d| + 2^-1074.
 *
 * Limits. Below 2^-969, about 1e-292, a product of M_d may be subnormal and lose 2^-1075 absolutely, all of them (N +
 * 1) 2^-1075, times v_scale: the radius has 1.2 (N + 1) (eta + (N + 2) u) 2^-1074 for it, times |v_scale| where that is
 * above 1, in whole multiples of 2^-1074. A result of
 * which only weights that MPFR does not hold have a part is not 0, nor is M_d where its terms cancel: value is, and
 * radius is 2^-1074 at least, as of all that is below it. Only where every v_jd that counts is 0, or v_scale, is the
 * result 0, and its radius. Where eta + (N + 2) u > 0.01 nothing is proven and the radius is infinite.
 *
 * A soft cap, C tanh(x / C), moves no error of x by more than itself. Its quotient, tanh and product add u of their
 * size each, |x| at most: g_(D+2) becomes g_(D+6), where 3 would do. What is infinite becomes +-C exactly, and A_j has
 * C in its place. A sink is one more term of the sum, whose logit is exact: |sink| enters the maximum A for the
 * rounding of sink - m, and N + 2 becomes N + 3.
 */
#include "reference/truth.h"

#include <math.h>
#include <mpfr.h>
#include <stdlib.h>

#include "reference/computing_environment.h"
#include "reference/recent_keys.h"

enum {
    GUARD = 64, /* bits of scale and slope beyond the precision */
    TINY = 512  /* bits by which a weight that underflows is above the least number: division by l, v and v_scale take
                   400 */
};

/* What one thread needs for a head: N weights, D outputs, and a row of k or v. */
struct workspace {
    mpfr_t *weight;   /* [N] logits, then weights */
    mpfr_t *out;      /* [D] */
    void *limbs;      /* significands of both */
    float *query;     /* [D] */
    float *row;       /* [D] */
    double *absolute; /* [D] sum_j p_j |v_jd| */
};

static void workspace_clear(struct workspace *workspace)
{
    free(workspace->weight);
    free(workspace->limbs);
    free(workspace->query);
    free(workspace->absolute);
}

/* All memory that grows with the problem is taken here, because MPFR's own allocation aborts when it fails. */
static enum error_kind workspace_init(struct workspace *workspace, const struct problem *problem, int precision,
                                      struct error *error)
{
    size_t keys = (size_t)problem->seq_len, dim = (size_t)problem->head_dim, numbers = keys + dim;
    size_t limb_bytes = mpfr_custom_get_size(precision);

    *workspace = (struct workspace){
        .weight = malloc(numbers * sizeof *workspace->weight),
        .limbs = malloc(numbers * limb_bytes),
        .query = malloc(2 * dim * sizeof *workspace->query),
        .absolute = malloc(dim * sizeof *workspace->absolute),
    };
    if (!workspace->weight || !workspace->limbs || !workspace->query || !workspace->absolute) {
        workspace_clear(workspace);
        return error_memory(error, "the plain truth of a head",
                            (double)numbers * (double)(limb_bytes + sizeof *workspace->weight));
    }
    workspace->out = workspace->weight + keys;
    workspace->row = workspace->query + dim;
    for (size_t i = 0; i < numbers; i++) {
        char *limbs = (char *)workspace->limbs + i * limb_bytes;
        mpfr_custom_init(limbs, precision);
        mpfr_custom_init_set(workspace->weight[i], MPFR_ZERO_KIND, 0, precision, limbs);
    }
    return ERROR_NONE;
}

/* value + tail = x, up to 2^-106 |x| + 2^-1074; destroys x. */
static void split(double *value, double *tail, mpfr_t x)
{
    *value = mpfr_get_d(x, MPFR_RNDN);
    *tail = 0;
    if (isfinite(*value)) {
        mpfr_sub_d(x, x, *value, MPFR_RNDN);
        *tail = mpfr_get_d(x, MPFR_RNDN);
    }
}

static double representation_radius(double value)
{
    return 0x1p-106 * fabs(value) + 0x1p-1074;
}

static const struct truth_contract of_inputs = {.of = TRUTH_OF_INPUTS};

static const struct truth_contract *contract_of(const struct truth_options *options)
{
    return options->contract ? options->contract : &of_inputs;
}

/* Whether a key takes part. */
static bool counts(const struct problem *problem, const struct truth_options *options, int head, int64_t key)
{
    return problem_visible(problem, key) && !contract_bias(contract_of(options)->of, problem, head, key).dropped;
}

static void cap_logit(mpfr_t logit, const struct problem *problem)
{
    double cap = (double)problem->soft_cap_value;
    mpfr_div_d(logit, logit, cap, MPFR_RNDN);
    mpfr_tanh(logit, logit, MPFR_RNDN);
    mpfr_mul_d(logit, logit, cap, MPFR_RNDN);
}

/* s_j in the place of the weights, and m. Returns max_j A_j; *num_keys counts the keys that take part. */
static double score_keys(mpfr_t max, int64_t *num_keys, struct workspace *workspace, const struct problem *problem,
                         int head, const struct truth_options *options)
{
    const struct truth_contract *contract = contract_of(options);
    int dim = problem->head_dim, kv_head = problem_kv_head(problem, head);
    double largest = 0;
    mpfr_t scale, slope, bias;
    mpfr_inits2(options->precision + GUARD, scale, slope, (mpfr_ptr)0);
    mpfr_init2(bias, options->precision);
    contract_scale(scale, contract, problem);
    contract_slope(slope, contract, problem, head);
    double nearest_scale = mpfr_get_d(scale, MPFR_RNDA);
    mpfr_set_inf(max, -1);
    *num_keys = 0;

    recent_keys_read(problem, kv_head, 0);
    for (int64_t key = 0; key < problem->seq_len && !progress_cancelled(options->progress); key++) {
        if (!counts(problem, options, head, key))
            continue;
        struct contract_bias parts = contract_bias(contract->of, problem, head, key);
        mpfr_ptr logit = workspace->weight[key];
        double absolute = 0;
        dtype_widen(problem_kv_dtype(problem), problem->k, problem_row(problem, key, kv_head), (size_t)dim,
                    workspace->row);
        mpfr_set_zero(logit, 1);
        for (int d = 0; d < dim; d++) {
            double product = (double)workspace->query[d] * (double)workspace->row[d];
            mpfr_add_d(logit, logit, product, MPFR_RNDN);
            absolute += fabs(product);
        }
        mpfr_mul(logit, logit, scale, MPFR_RNDN);
        if (problem->soft_cap == SOFT_CAP_BEFORE_BIAS)
            cap_logit(logit, problem);
        mpfr_mul_si(bias, slope, (long)parts.distance, MPFR_RNDN);
        absolute *= fabs(nearest_scale);
        if (problem->soft_cap && isinf(absolute))
            absolute = (double)problem->soft_cap_value; /* what is infinite becomes that, exactly */
        absolute += fabs(mpfr_get_d(bias, MPFR_RNDA)) + fabs(parts.rounded);
        mpfr_add_d(bias, bias, parts.rounded, MPFR_RNDN);
        mpfr_add(logit, logit, bias, MPFR_RNDN);
        if (problem->soft_cap == SOFT_CAP_AFTER_BIAS)
            cap_logit(logit, problem);
        mpfr_max(max, max, logit, MPFR_RNDN);

        if (mpfr_number_p(logit)) /* the weight of -inf is 0, and what is NaN or +inf needs no radius */
            largest = fmax(largest, absolute);
        ++*num_keys;
    }
    mpfr_clears(scale, slope, bias, (mpfr_ptr)0);
    return largest;
}

/* w_j in the place of the logits, and l. */
static void weigh_keys(mpfr_t sum, const mpfr_t max, struct workspace *workspace, const struct problem *problem,
                       int head, const struct truth_options *options)
{
    mpfr_set_zero(sum, 1);
    for (int64_t key = 0; key < problem->seq_len && !progress_cancelled(options->progress); key++) {
        if (!counts(problem, options, head, key))
            continue;
        mpfr_ptr weight = workspace->weight[key];
        mpfr_sub(weight, weight, max, MPFR_RNDN);
        bool nothing = mpfr_inf_p(weight);
        mpfr_exp(weight, weight, MPFR_RNDN);
        if (mpfr_zero_p(weight) && !nothing)
            mpfr_set_ui_2exp(weight, 1, mpfr_get_emin() + TINY, MPFR_RNDN);
        mpfr_add(sum, sum, weight, MPFR_RNDN);
    }
    if (problem->sink_logits) {
        mpfr_t weight;
        mpfr_init2(weight, options->precision);
        mpfr_d_sub(weight, (double)problem->sink_logits[head], max, MPFR_RNDN);
        mpfr_exp(weight, weight, MPFR_RNDN);
        mpfr_add(sum, sum, weight, MPFR_RNDN);
        mpfr_clear(weight);
    }
}

/* |a b|, which is 0 only where one of them is. */
static double magnitude_of(double a, double b)
{
    double product = fabs(a) * fabs(b);
    return product == 0 && a != 0 && b != 0 ? 0x1p-1074 : product;
}

/* o_d and sum_j p_j |v_jd|, the latter without v_scale, from the weights and their sum. */
static void sum_values(struct workspace *workspace, const mpfr_t sum, const struct problem *problem, int head,
                       const struct truth_options *options)
{
    int dim = problem->head_dim, kv_head = problem_kv_head(problem, head);
    mpfr_t probability, term;
    mpfr_inits2(options->precision, probability, term, (mpfr_ptr)0);
    for (int d = 0; d < dim; d++) {
        mpfr_set_zero(workspace->out[d], 1);
        workspace->absolute[d] = 0;
    }
    for (int64_t key = 0; key < problem->seq_len && !progress_cancelled(options->progress); key++) {
        progress_add(options->progress, 1);
        if (!counts(problem, options, head, key))
            continue;
        mpfr_div(probability, workspace->weight[key], sum, MPFR_RNDN);
        double nearest = mpfr_get_d(probability, MPFR_RNDA);
        dtype_widen(problem_kv_dtype(problem), problem->v, problem_row(problem, key, kv_head), (size_t)dim,
                    workspace->row);
        for (int d = 0; d < dim; d++) {
            mpfr_mul_d(term, probability, (double)workspace->row[d], MPFR_RNDN);
            mpfr_add(workspace->out[d], workspace->out[d], term, MPFR_RNDN);
            workspace->absolute[d] += magnitude_of(nearest, (double)workspace->row[d]);
        }
    }
    for (int d = 0; d < dim; d++)
        mpfr_mul_d(workspace->out[d], workspace->out[d], problem_value_scale(problem), MPFR_RNDN);
    mpfr_clears(probability, term, (mpfr_ptr)0);
}

static void head_truth(struct truth *truth, struct workspace *workspace, const struct problem *problem, int head,
                       const struct truth_options *options)
{
    int dim = problem->head_dim;
    size_t first = (size_t)head * (size_t)dim;
    double u = ldexp(1, -options->precision), value_scale = problem_value_scale(problem);
    int64_t num_keys;
    mpfr_t sum, max;
    mpfr_inits2(options->precision, sum, max, (mpfr_ptr)0);

    dtype_widen(problem->dtype, problem->q, first, (size_t)dim, workspace->query);
    double largest = score_keys(max, &num_keys, workspace, problem, head, options);
    double sink = problem->sink_logits ? (double)problem->sink_logits[head] : -INFINITY;
    if (num_keys == 0) {
        truth->lse[head] = sink; /* and out is the 0 that truth_init left, both exactly */
        progress_add(options->progress, problem->seq_len);
        goto out;
    }
    if (problem->sink_logits) {
        largest = fmax(largest, fabs(sink));
        if (mpfr_cmp_d(max, sink) < 0)
            mpfr_set_d(max, sink, MPFR_RNDN);
    }
    weigh_keys(sum, max, workspace, problem, head, options);
    sum_values(workspace, sum, problem, head, options);

    double eta = 1.01 * ((dim + (problem->soft_cap ? 9 : 5)) * u * largest + u);
    double relative = eta + (double)(problem->seq_len + (problem->sink_logits ? 3 : 2)) * u;
    if (!(relative <= 0.01))
        relative = INFINITY;
    double lost = 0x1p-1074 * ceil(1.2 * relative * (double)(problem->seq_len + 1) * fmax(1, fabs(value_scale)));
    for (int d = 0; d < dim; d++) {
        size_t i = first + (size_t)d;
        double magnitude = magnitude_of(workspace->absolute[d], value_scale);
        split(&truth->value[i], &truth->tail[i], workspace->out[d]);
        truth->magnitude[i] = magnitude;
        truth->radius[i] = 0;
        if (isfinite(truth->value[i]))
            truth->radius[i] =
                magnitude > 0 ? 2.2 * relative * magnitude + representation_radius(truth->value[i]) + lost : 0;
    }
    mpfr_log(sum, sum, MPFR_RNDN);
    mpfr_add(sum, max, sum, MPFR_RNDN);
    split(&truth->lse[head], &truth->lse_tail[head], sum);
    truth->lse_radius[head] = 0;
    if (isfinite(truth->lse[head]))
        truth->lse_radius[head] =
            1.05 * relative + 2 * u * (fabs(truth->lse[head]) + 64) + representation_radius(truth->lse[head]);
out:
    mpfr_clears(sum, max, (mpfr_ptr)0);
}

double truth_plain_bytes(int64_t seq_len, int head_dim, int precision)
{
    return ((double)seq_len + head_dim) * (double)(sizeof(mpfr_t) + mpfr_custom_get_size(precision));
}

/* With the whole range of exponents, which is a thread's own in MPFR. */
static enum error_kind solve_head(struct truth *truth, struct workspace *workspace, const struct problem *problem,
                                  int head, const struct truth_options *options, struct error *error)
{
    mpfr_exp_t emin = mpfr_get_emin(), emax = mpfr_get_emax();
    mpfr_set_emin(mpfr_get_emin_min());
    mpfr_set_emax(mpfr_get_emax_max());
    head_truth(truth, workspace, problem, head, options);
    mpfr_set_emin(emin);
    mpfr_set_emax(emax);
    return progress_cancelled(options->progress) ? error_set(error, ERROR_INTERRUPTED, "interrupted") : ERROR_NONE;
}

enum error_kind truth_plain_head(struct truth *truth, const struct problem *problem, int head,
                                 const struct truth_options *options, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct workspace workspace;
    enum error_kind kind = workspace_init(&workspace, problem, options->precision, error);
    if (kind)
        return kind;
    kind = solve_head(truth, &workspace, problem, head, options, error);
    workspace_clear(&workspace);
    return kind;
}

enum error_kind truth_plain_query(struct truth *truth, const struct problem *problem,
                                  const struct truth_options *options, struct error *error)
{
    enum error_kind result = ERROR_NONE;
    truth->plain_rows = problem->num_heads;
    truth->contract = *contract_of(options);

#pragma omp parallel num_threads(options->threads)
    {
        COMPUTING_ENVIRONMENT();
        struct workspace workspace;
        struct error failure;
        enum error_kind kind = ERROR_NONE;
        bool ready = false; /* a thread that gets no head needs no workspace */
#pragma omp for schedule(dynamic, 1) nowait
        for (int head = 0; head < problem->num_heads; head++) {
            if (!kind && !ready) {
                kind = workspace_init(&workspace, problem, options->precision, &failure);
                ready = !kind;
            }
            if (!kind)
                kind = solve_head(truth, &workspace, problem, head, options, &failure);
        }
        if (kind) {
#pragma omp critical
            result = error_set(error, kind, "%s", failure.text);
        }
        if (ready)
            workspace_clear(&workspace);
        mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
    }
    return result;
}
