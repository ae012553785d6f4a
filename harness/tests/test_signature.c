/*
 * Failures by name. Each test breaks attention in one way, in double precision and from the formula alone, rounds what
 * comes out to the dtype, and asks for the name.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/signature.h"
#include "kernels/tests/made_problem.h"

/* A problem, its truth, and an output that starts out as the truth rounded. */
struct trial {
    struct made_problem made;
    struct truth truth;
    struct output output;
    struct tolerance tolerance;
    double *bound; /* [H, D]; NULL: judged by the tolerance */
    struct signature_finding finding;
};

static void set_out(struct trial *trial, int head, const double *out)
{
    size_t dim = (size_t)trial->made.problem.head_dim;
    for (size_t d = 0; d < dim; d++) {
        float element = (float)out[d];
        dtype_narrow(trial->made.problem.dtype, trial->output.out, (size_t)head * dim + d, 1, &element);
    }
}

static double out_at(const struct trial *trial, int head, int dim)
{
    float element;
    size_t index = (size_t)head * (size_t)trial->made.problem.head_dim + (size_t)dim;
    dtype_widen(trial->made.problem.dtype, trial->output.out, index, 1, &element);
    return (double)element;
}

/* Takes the truth of the problem as it stands. */
static void begin(struct trial *trial)
{
    const struct problem *problem = &trial->made.problem;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    size_t elements = (size_t)problem_elements(problem);
    assert_int_equal(truth_init(&trial->truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&trial->truth, TRUTH_CERTIFIED, problem, &options, &error), ERROR_NONE);
    trial->output.out = malloc(elements * dtypes[problem->dtype].size_bytes);
    trial->output.lse = malloc((size_t)problem->num_heads * sizeof(float));
    assert_true(trial->output.out && trial->output.lse);
    for (int h = 0; h < problem->num_heads; h++) {
        set_out(trial, h, trial->truth.value + h * problem->head_dim);
        trial->output.lse[h] = (float)trial->truth.lse[h];
    }
    trial->tolerance = (struct tolerance){1e-3, 1e-3};
}

static struct trial make_trial(int64_t seq_len, int num_heads, int num_kv_heads, int head_dim, enum dtype dtype)
{
    return (struct trial){.made = make_problem(seq_len, num_heads, num_kv_heads, head_dim, dtype)};
}

static void find(struct trial *trial)
{
    struct verdict verdict;
    struct error error;
    assert_int_equal(verdict_reach(&verdict, &trial->output, &trial->truth, trial->bound, &trial->made.problem,
                                   &trial->tolerance, &error),
                     ERROR_NONE);
    assert_int_equal(signature_find(&trial->finding, &trial->output, &trial->truth, &verdict, &trial->made.problem,
                                    &trial->tolerance, trial->bound ? 1 : 0, 1, &error),
                     ERROR_NONE);
    verdict_clear(&verdict);
}

static void end(struct trial *trial)
{
    free(trial->output.out);
    free(trial->output.lse);
    free(trial->bound);
    truth_clear(&trial->truth);
    free_problem(&trial->made);
}

static void expect(struct trial *trial, enum signature signature, const char *in_detail)
{
    find(trial);
    const struct signature_finding *finding = &trial->finding;
    if (finding->signature != signature || !strstr(finding->detail, in_detail))
        fail_msg("%s (\"%s\", residual %g, head %d) in place of %s (\"%s\")", signature_names[finding->signature],
                 finding->detail, finding->residual, finding->head, signature_names[signature], in_detail);
    if (signature != SIGNATURE_UNKNOWN && signature != SIGNATURE_NONE)
        assert_true(finding->num_heads_explained > 0 && finding->num_heads_explained <= finding->num_heads_examined &&
                    finding->num_heads_examined <= finding->num_heads_failing);
}

static void expect_and_end(struct trial *trial, enum signature signature, const char *in_detail)
{
    expect(trial, signature, in_detail);
    end(trial);
}

/* ---- attention, broken ----------------------------------------------------------------------------------------- */

static double element(const struct problem *problem, const void *tensor, enum dtype dtype, size_t index)
{
    float value;
    (void)problem;
    dtype_widen(dtype, tensor, index, 1, &value);
    return (double)value;
}

static double scaled_dot(const struct problem *problem, int head, int64_t key)
{
    size_t dim = (size_t)problem->head_dim, row = problem_row(problem, key, problem_kv_head(problem, head));
    double dot = 0;
    for (size_t d = 0; d < dim; d++)
        dot += element(problem, problem->q, problem->dtype, (size_t)head * dim + d) *
               element(problem, problem->k, problem_kv_dtype(problem), row + d);
    return problem_logit_scale(problem) * dot;
}

static double right_logit(const struct problem *problem, int head, int64_t key)
{
    return scaled_dot(problem, head, key) + (double)problem->slopes[head] * (double)problem_distance(problem, key);
}

/* The logit that a broken kernel gives a key, -INFINITY for none. */
typedef double logit_rule(const struct problem *problem, int head, int64_t key, double parameter);

/* Softmax of the rule's logits; `slots` more keys have logit slot_logit and v = 0. */
static void attend(struct trial *trial, int head, logit_rule *rule, double parameter, int slots, double slot_logit)
{
    const struct problem *problem = &trial->made.problem;
    int dims = problem->head_dim;
    double max = slots ? slot_logit : -INFINITY, sum = 0;
    double *logits = malloc((size_t)problem->seq_len * sizeof *logits), *out = calloc((size_t)dims, sizeof *out);
    assert_true(logits && out);
    for (int64_t j = 0; j < problem->seq_len; j++) {
        logits[j] = rule(problem, head, j, parameter);
        max = fmax(max, logits[j]);
    }
    for (int64_t j = 0; j < problem->seq_len; j++) {
        double weight = logits[j] == -INFINITY ? 0 : exp(logits[j] - max);
        size_t row = problem_row(problem, j, problem_kv_head(problem, head));
        sum += weight;
        for (int d = 0; d < dims && weight > 0; d++)
            out[d] += weight * problem_value_scale(problem) *
                      element(problem, problem->v, problem_kv_dtype(problem), row + (size_t)d);
    }
    sum += slots ? slots * exp(slot_logit - max) : 0;
    for (int d = 0; d < dims; d++)
        out[d] /= sum;
    set_out(trial, head, out);
    trial->output.lse[head] = (float)(max + log(sum));
    free(out);
    free(logits);
}

static void break_all(struct trial *trial, logit_rule *rule, double parameter)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++)
        attend(trial, h, rule, parameter, 0, 0);
}

static double visible_or_none(const struct problem *problem, int64_t key, double logit)
{
    return problem_visible(problem, key) ? logit : -INFINITY;
}

static double rule_right(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key, right_logit(problem, head, key));
}

static double rule_no_bias(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key, scaled_dot(problem, head, key));
}

/* The slope times a factor. */
static double rule_slope(const struct problem *problem, int head, int64_t key, double factor)
{
    double bias = factor * (double)problem->slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

/* The slope to a power: 2 is max_bias doubled. */
static double rule_slope_power(const struct problem *problem, int head, int64_t key, double power)
{
    double bias = pow((double)problem->slopes[head], power) * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

static double rule_slope_bf16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    double bias = (double)dtype_round(DTYPE_BF16, problem->slopes[head]) * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

static double rule_top_left(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key, scaled_dot(problem, head, key) - (double)problem->slopes[head] * (double)key);
}

static double rule_geometric(const struct problem *problem, int head, int64_t key, double max_bias)
{
    float slopes[64];
    slopes_fill(slopes, problem->num_heads, SLOPES_GEOMETRIC, max_bias, 0, problem->num_heads);
    double bias = (double)slopes[head] * (double)problem_distance(problem, key);
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + bias);
}

/* Masked keys have a finite logit of their own. */
static double rule_replaced(const struct problem *problem, int head, int64_t key, double sentinel)
{
    return problem_visible(problem, key) ? right_logit(problem, head, key) : sentinel;
}

/* Masked keys have a number added to theirs. */
static double rule_added(const struct problem *problem, int head, int64_t key, double sentinel)
{
    return right_logit(problem, head, key) + (problem_visible(problem, key) ? 0 : sentinel);
}

static double rule_constant(const struct problem *problem, int head, int64_t key, double constant)
{
    (void)problem;
    (void)head;
    (void)key;
    return constant;
}

static double rule_newest_missing(const struct problem *problem, int head, int64_t key, double count)
{
    return (double)key >= (double)problem->seq_len - count ? -INFINITY : rule_right(problem, head, key, 0);
}

static double rule_older_missing(const struct problem *problem, int head, int64_t key, double distance)
{
    return -(double)problem_distance(problem, key) > distance ? -INFINITY : rule_right(problem, head, key, 0);
}

static double rule_floor(const struct problem *problem, int head, int64_t key, double floor)
{
    double logit = rule_right(problem, head, key, 0);
    return logit < floor ? -INFINITY : logit;
}

/* Chunk number `chunk` of 128 keys is missing. */
static double rule_chunk_missing(const struct problem *problem, int head, int64_t key, double chunk)
{
    return (double)(key / 128) == chunk ? -INFINITY : rule_right(problem, head, key, 0);
}

/* ---- what is right, what is nothing ---------------------------------------------------------------------------- */

static void test_the_rounded_truth_has_no_signature(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct trial trial = make_trial(300, 4, 2, 64, dtype);
        begin(&trial);
        if (dtype == DTYPE_BF16)
            trial.tolerance = (struct tolerance){1e-2, 1e-2};
        expect(&trial, SIGNATURE_NONE, "");
        assert_int_equal(trial.finding.head, -1);
        end(&trial);
    }
}

static double noise(uint64_t *word)
{
    *word = *word * 6364136223846793005u + 1442695040888963407u;
    return (double)(int32_t)(*word >> 32) * 0x1p-31;
}

/* truth + size * noise in every element. */
static void add_noise(struct trial *trial, double size)
{
    uint64_t word = 7;
    int dims = trial->made.problem.head_dim;
    double out[256];
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        for (int d = 0; d < dims; d++)
            out[d] = trial->truth.value[h * dims + d] + size * noise(&word);
        set_out(trial, h, out);
    }
}

static void test_garbage_is_unknown(void **state)
{
    (void)state;
    struct trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    mask_keys(&trial.made, 100, 300, 1);
    begin(&trial);
    add_noise(&trial, 1);
    expect(&trial, SIGNATURE_UNKNOWN, "");
    assert_true(isnan(trial.finding.residual));
    end(&trial);
}

static void test_small_noise_is_precision_loss(void **state)
{
    (void)state;
    struct trial trial = make_trial(700, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    add_noise(&trial, 8e-3);
    expect_and_end(&trial, SIGNATURE_PRECISION_LOSS, "without a direction");
}

static void test_elements_never_written_are_unknown_and_said(void **state)
{
    (void)state;
    struct trial trial = make_trial(64, 2, 2, 64, DTYPE_F16);
    begin(&trial);
    output_poison(&trial.output, &trial.made.problem);
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "64 of 64 elements were never written");
}

/* ---- without keys ---------------------------------------------------------------------------------------------- */

static void test_nan_and_infinity(void **state)
{
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct trial trial = make_trial(100, 2, 1, 64, DTYPE_F16);
        begin(&trial);
        double out[64] = {values[i]};
        set_out(&trial, 1, out);
        expect(&trial, SIGNATURE_NAN, "1 of 64 elements");
        assert_int_equal(trial.finding.head, 1);
        end(&trial);
    }
}

static void test_nan_on_an_empty_row(void **state)
{
    (void)state;
    struct trial trial = make_trial(100, 2, 2, 64, DTYPE_F16);
    mask_keys(&trial.made, 0, 100, 1);
    begin(&trial);
    double out[64];
    for (int d = 0; d < 64; d++)
        out[d] = NAN;
    for (int h = 0; h < 2; h++) {
        set_out(&trial, h, out);
        trial.output.lse[h] = NAN;
    }
    expect_and_end(&trial, SIGNATURE_NAN, "64 of 64");
}

static void test_zeros_with_the_lse_of_the_sentinel(void **state)
{
    (void)state;
    struct trial trial = make_trial(100, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    memset(trial.output.out, 0, 4 * 64 * 2);
    for (int h = 0; h < 4; h++)
        trial.output.lse[h] = -49997;
    expect_and_end(&trial, SIGNATURE_SILENT_ZERO, "lse -49997 in place of");
}

static void test_without_keys_in_memory_the_rest_is_unknown(void **state)
{
    (void)state;
    struct trial trial = make_trial(300, 4, 4, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_no_bias, 0);
    const void *k = trial.made.problem.k, *v = trial.made.problem.v;
    trial.made.problem.k = trial.made.problem.v = NULL;
    expect(&trial, SIGNATURE_UNKNOWN, "");
    trial.made.problem.k = k;
    trial.made.problem.v = v;
    expect_and_end(&trial, SIGNATURE_DROPPED_BIAS, "");
}

/* lse = truth + slope * keys, out untouched. */
static void shift_biases(struct trial *trial, double keys)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++)
        trial->output.lse[h] = (float)(trial->truth.lse[h] + (double)trial->made.problem.slopes[h] * keys);
}

static void test_biases_shifted_by_a_constant(void **state)
{
    (void)state;
    static const struct {
        double keys;
        const char *detail;
    } rows[] = {{1, "slope * +1 keys"}, {-1, "slope * -1 keys"}, {-32768, "slope * -32768 keys"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(200, 8, 2, 64, DTYPE_F16);
        begin(&trial);
        shift_biases(&trial, rows[i].keys);
        expect_and_end(&trial, SIGNATURE_BIAS_SHIFT, rows[i].detail);
    }
}

static void test_shifts_that_heads_do_not_share_are_unknown(void **state)
{
    (void)state;
    struct trial trial = make_trial(200, 8, 2, 64, DTYPE_F16);
    begin(&trial);
    for (int h = 0; h < 8; h++)
        trial.output.lse[h] = (float)(trial.truth.lse[h] + 0.317);
    expect(&trial, SIGNATURE_UNKNOWN, "");
    for (int h = 0; h < 8; h++)
        trial.output.lse[h] = (float)(trial.truth.lse[h] + (double)trial.made.slopes[h] * (h + 3));
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* ---- the bias -------------------------------------------------------------------------------------------------- */

static void test_dropped_bias(void **state)
{
    (void)state;
    for (enum dtype dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        struct trial trial = make_trial(400, 4, 2, 64, dtype);
        mask_keys(&trial.made, 50, 200, 3);
        begin(&trial);
        break_all(&trial, rule_no_bias, 0);
        expect(&trial, SIGNATURE_DROPPED_BIAS, "slope 0 in place of");
        assert_int_equal(trial.finding.num_heads_explained, 4);
        assert_true(trial.finding.residual < trial.finding.num_heads_failing * 8);
        end(&trial);
    }
}

static void test_wrong_slopes_by_their_origin(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        double parameter;
        int num_heads;
        const char *detail;
    } rows[] = {
        {rule_geometric, 8, 12, "the geometric convention"},
        {rule_geometric, 16, 8, "max_bias 16"},
        {rule_slope_power, 2, 4, ""},
        {rule_slope_power, 0.5, 4, "max_bias halved"},
        {rule_top_left, 0, 4, "distances from position 0"},
        {rule_slope, -1, 4, "sign reversed"},
        {rule_slope, 0.37, 4, "0.37 times it"},
        {rule_slope, -0.013, 4, "-0.013 times it"},
        {rule_slope, 5.5, 4, "5.5 times it"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(300, rows[i].num_heads, rows[i].num_heads / 2, 64, DTYPE_F16);
        begin(&trial);
        break_all(&trial, rows[i].rule, rows[i].parameter);
        expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, rows[i].detail);
    }
}

static void test_slopes_of_another_head(void **state)
{
    (void)state;
    struct trial trial = make_trial(300, 6, 3, 64, DTYPE_F16);
    begin(&trial);
    for (int h = 0; h < 6; h++) {
        float slope = trial.made.slopes[h];
        trial.made.slopes[h] = trial.made.slopes[(h + 3) % 6];
        attend(&trial, h, rule_right, 0, 0, 0);
        trial.made.slopes[h] = slope;
    }
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "that of head");
}

static void test_slopes_rounded_to_bf16(void **state)
{
    (void)state;
    struct trial trial = make_trial(1500, 12, 4, 64, DTYPE_F32);
    begin(&trial);
    trial.tolerance = (struct tolerance){1e-5, 1e-5};
    break_all(&trial, rule_slope_bf16, 0);
    expect_and_end(&trial, SIGNATURE_WRONG_SLOPE, "rounded to bf16");
}

/* v is constant, so that out is right whatever the weights are; lse still tells. */
static void test_dropped_bias_by_lse_alone(void **state)
{
    (void)state;
    struct trial trial = make_trial(300, 4, 4, 64, DTYPE_F16);
    float one = 1;
    for (size_t i = 0; i < 300 * 4 * 64; i++)
        dtype_narrow(DTYPE_F16, trial.made.v, i, 1, &one);
    begin(&trial);
    break_all(&trial, rule_no_bias, 0);
    expect_and_end(&trial, SIGNATURE_DROPPED_BIAS, "");
}

/* ---- the mask -------------------------------------------------------------------------------------------------- */

/* The near keys gone, so that visible logits are low. */
static struct trial make_far_trial(void)
{
    struct trial trial = make_trial(400, 4, 2, 64, DTYPE_F16);
    mask_keys(&trial.made, 150, 400, 1);
    begin(&trial);
    return trial;
}

static void test_replaced_logits_leak(void **state)
{
    (void)state;
    /* A sentinel among the visible logits, and one above all of them. */
    static const double offsets[] = {-6, -3, 0, 30};
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct trial trial = make_far_trial();
        for (int h = 0; h < 4; h++)
            attend(&trial, h, rule_replaced, trial.truth.lse[h] + offsets[i], 0, 0);
        expect_and_end(&trial, SIGNATURE_LEAK, "equal among themselves, carry");
    }
}

static void test_added_sentinels_leak(void **state)
{
    (void)state;
    struct trial trial = make_far_trial();
    break_all(&trial, rule_added, -58);
    expect_and_end(&trial, SIGNATURE_LEAK, "by their own logits");
    trial = make_far_trial();
    break_all(&trial, rule_added, 0);
    expect_and_end(&trial, SIGNATURE_LEAK, "by their own logits");
}

static void test_slots_without_a_key_leak(void **state)
{
    (void)state;
    struct trial trial = make_far_trial();
    for (int h = 0; h < 4; h++)
        attend(&trial, h, rule_replaced, trial.truth.lse[h] - 5, 112, trial.truth.lse[h] - 5);
    expect_and_end(&trial, SIGNATURE_LEAK, "slots without a key");
    trial = make_trial(400, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    for (int h = 0; h < 4; h++)
        attend(&trial, h, rule_right, 0, 112, trial.truth.lse[h] - 5);
    expect_and_end(&trial, SIGNATURE_LEAK, "slots without a key");
}

static void test_empty_rows(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        int slots;
        enum signature signature;
    } rows[] = {
        {rule_constant, 0, SIGNATURE_UNIFORM},
        {rule_constant, 28, SIGNATURE_UNIFORM},
        {rule_added, 0, SIGNATURE_LEAK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(100, 4, 2, 64, DTYPE_F16);
        mask_keys(&trial.made, 0, 100, 1);
        begin(&trial);
        assert_true(trial.truth.lse[0] == -INFINITY && out_at(&trial, 0, 0) == 0);
        for (int h = 0; h < 4; h++)
            attend(&trial, h, rows[i].rule, -1e4, rows[i].slots, -1e4);
        expect_and_end(&trial, rows[i].signature, "");
    }
}

static void test_the_plain_mean_of_all_keys(void **state)
{
    (void)state;
    struct trial trial = make_trial(100, 4, 2, 64, DTYPE_F16);
    begin(&trial);
    break_all(&trial, rule_constant, 0);
    expect_and_end(&trial, SIGNATURE_UNIFORM, "");
}

/* ---- keys missing ---------------------------------------------------------------------------------------------- */

static void test_missing_keys(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        double parameter;
        const char *detail;
    } rows[] = {
        {rule_newest_missing, 1, "the newest keys are missing: key 699"},
        {rule_newest_missing, 60, "the newest keys are missing: key 640"},
        {rule_newest_missing, 650, "the newest keys are missing: key 50"},
        {rule_older_missing, 6, "keys older than 6 missing"},
        {rule_older_missing, 40, "keys older than 40 missing"},
        {rule_floor, -3, "keys with a logit of"},
        {rule_chunk_missing, 5, "the newest keys are missing"},
        {rule_chunk_missing, 4, "keys 512 to 639 missing"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(700, 4, 2, 64, DTYPE_F16);
        begin(&trial);
        break_all(&trial, rows[i].rule, rows[i].parameter);
        expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, rows[i].detail);
    }
}

/* A bound on every element, the problem judged by it alone. */
static void set_bound(struct trial *trial, double relative)
{
    size_t elements = (size_t)problem_elements(&trial->made.problem);
    trial->bound = malloc(elements * sizeof(double));
    assert_non_null(trial->bound);
    for (size_t i = 0; i < elements; i++)
        trial->bound[i] = relative * trial->truth.magnitude[i];
}

/*
 * The merge of ggml: a chunk whose maximum lies 20 below the row's counts as nothing. Here the newest key outweighs
 * each other one by about e^23, and some chunks of 512 keys have a maximum above the cut, some below.
 */
static void test_chunks_cut_off_in_the_merge(void **state)
{
    (void)state;
    struct trial trial = make_trial(8192, 1, 1, 64, DTYPE_F32);
    const struct problem *problem = &trial.made.problem;
    trial.made.slopes[0] = 0x1p-16f;
    double square = 0;
    for (int d = 0; d < 64; d++)
        square += pow(element(problem, problem->q, DTYPE_F32, (size_t)d), 2);
    for (int d = 0; d < 64; d++)
        ((float *)trial.made.k)[8191 * 64 + d] = ((const float *)trial.made.q)[d] * (float)(23 * 8 / square);
    begin(&trial);
    set_bound(&trial, 1e-8);
    int cut = 0;
    double out[64] = {0}, sum = 0;
    for (int64_t first = 0; first < 8192; first += 512) {
        double max = -INFINITY;
        for (int64_t j = first; j < first + 512; j++)
            max = fmax(max, right_logit(problem, 0, j));
        cut += max < 23 - 20;
        for (int64_t j = first; j < first + 512 && max >= 23 - 20; j++) {
            double weight = exp(right_logit(problem, 0, j));
            sum += weight;
            for (int d = 0; d < 64; d++)
                out[d] += weight * element(problem, problem->v, DTYPE_F32, (size_t)(j * 64 + d));
        }
    }
    assert_in_range(cut, 4, 12);
    for (int d = 0; d < 64; d++)
        out[d] /= sum;
    set_out(&trial, 0, out);
    /* Next to the newest key only the weight that is missing shows, not whose it is. */
    expect_and_end(&trial, SIGNATURE_DROPPED_KEYS, "missing");
}

/* ---- the denominator ------------------------------------------------------------------------------------------- */

static double sum_of_weights(const struct trial *trial, int head)
{
    double max = -INFINITY;
    for (int64_t j = 0; j < trial->made.problem.seq_len; j++)
        max = fmax(max, rule_right(&trial->made.problem, head, j, 0));
    return exp(trial->truth.lse[head] - max);
}

static void scale_out(struct trial *trial, double epsilon, int times)
{
    for (int h = 0; h < trial->made.problem.num_heads; h++) {
        double out[64], factor = pow(1 + epsilon / sum_of_weights(trial, h), -times);
        for (int d = 0; d < 64; d++)
            out[d] = factor * trial->truth.value[h * 64 + d];
        set_out(trial, h, out);
    }
}

static void test_epsilon_in_the_denominator(void **state)
{
    (void)state;
    static const struct {
        double epsilon;
        int times;
        const char *detail;
    } rows[] = {{1e-6, 1, "epsilon 1"}, {1e-6, 2, "epsilon 2"}, {1e-3, 1, "epsilon 0.001"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(500, 4, 2, 64, DTYPE_F32);
        mask_keys(&trial.made, 100, 200, 2);
        begin(&trial);
        set_bound(&trial, 1e-7);
        scale_out(&trial, rows[i].epsilon, rows[i].times);
        expect(&trial, SIGNATURE_EPS_BIAS, "added to the row's sum, which is");
        /* The value to within what f32 outputs tell. */
        double epsilon = strtod(trial.finding.detail + strlen("epsilon "), NULL);
        assert_true(fabs(epsilon / (rows[i].times * rows[i].epsilon) - 1) < 0.1);
        end(&trial);
    }
}

/* The mean of many masked keys is next to 0, so that a little weight on them would scale out down as well. */
static void test_epsilon_is_no_leak_to_many_masked_keys(void **state)
{
    (void)state;
    struct trial trial = make_trial(6000, 4, 2, 64, DTYPE_F32);
    mask_keys(&trial.made, 0, 5500, 1);
    begin(&trial);
    set_bound(&trial, 1e-7);
    scale_out(&trial, 1e-5, 1);
    expect_and_end(&trial, SIGNATURE_EPS_BIAS, "");
}

/* Nearly all keys are masked, so that the mean of all keys is nearly theirs. */
static void test_a_leak_to_nearly_all_keys_is_no_uniform(void **state)
{
    (void)state;
    struct trial trial = make_trial(4000, 4, 2, 64, DTYPE_F16);
    mask_keys(&trial.made, 20, 4000, 1);
    begin(&trial);
    break_all(&trial, rule_replaced, 100);
    expect_and_end(&trial, SIGNATURE_LEAK, "100%");
}

/* vLLM's paged v2: each chunk divides by its sum plus epsilon, and so does the merge. */
static void test_epsilon_in_chunks_and_merge(void **state)
{
    (void)state;
    struct trial trial = make_trial(2048, 2, 1, 64, DTYPE_F32);
    trial.made.slopes[0] = 0x1p-9f;
    trial.made.slopes[1] = 0x1p-8f;
    const struct problem *problem = &trial.made.problem;
    begin(&trial);
    set_bound(&trial, 1e-7);
    for (int h = 0; h < 2; h++) {
        double out[64] = {0}, weights = 0, maxima[4], sums[4] = {0}, outs[4][64] = {{0}}, row_max = -INFINITY;
        for (int c = 0; c < 4; c++) {
            maxima[c] = -INFINITY;
            for (int64_t j = 512 * c; j < 512 * c + 512; j++)
                maxima[c] = fmax(maxima[c], right_logit(problem, h, j));
            for (int64_t j = 512 * c; j < 512 * c + 512; j++) {
                double weight = exp(right_logit(problem, h, j) - maxima[c]);
                sums[c] += weight;
                for (int d = 0; d < 64; d++)
                    outs[c][d] += weight * element(problem, problem->v, DTYPE_F32, problem_row(problem, j, 0) + d);
            }
            row_max = fmax(row_max, maxima[c]);
        }
        for (int c = 0; c < 4; c++) {
            double weight = sums[c] * exp(maxima[c] - row_max);
            weights += weight;
            for (int d = 0; d < 64; d++)
                out[d] += weight * outs[c][d] / (sums[c] + 1e-3);
        }
        for (int d = 0; d < 64; d++)
            out[d] /= weights + 1e-3;
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_EPS_BIAS, "the row's sum and those of chunks of 512 keys");
}

/* A factor that is no epsilon over the sum of each head. */
static void test_one_factor_for_all_heads_is_no_epsilon(void **state)
{
    (void)state;
    struct trial trial = make_trial(500, 4, 2, 64, DTYPE_F32);
    begin(&trial);
    set_bound(&trial, 1e-7);
    for (int h = 0; h < 4; h++) {
        double out[64];
        for (int d = 0; d < 64; d++)
            out[d] = 0.9999 * trial.truth.value[h * 64 + d];
        set_out(&trial, h, out);
    }
    expect_and_end(&trial, SIGNATURE_UNKNOWN, "");
}

/* ---- rounding -------------------------------------------------------------------------------------------------- */

static float bf16(float value)
{
    return dtype_round(DTYPE_BF16, value);
}

static double rule_bias_bf16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    return visible_or_none(problem, key,
                           scaled_dot(problem, head, key) + (double)bf16(problem->slopes[head] * (float)key));
}

static double rule_all_bf16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    float bias = bf16(bf16(problem->slopes[head]) * bf16((float)key));
    return visible_or_none(problem, key, scaled_dot(problem, head, key) + (double)bias);
}

static double rule_distance_f16(const struct problem *problem, int head, int64_t key, double parameter)
{
    (void)parameter;
    float distance = dtype_round(DTYPE_F16, (float)problem_distance(problem, key));
    return visible_or_none(problem, key,
                           scaled_dot(problem, head, key) + (double)problem->slopes[head] * (double)distance);
}

static double rule_absolute_f32(const struct problem *problem, int head, int64_t key, double offset)
{
    float bias = problem->slopes[head] * (float)(key + (int64_t)offset);
    return visible_or_none(problem, key, (double)(float)(scaled_dot(problem, head, key) + (double)bias));
}

static double rule_absolute_f32_base_2(const struct problem *problem, int head, int64_t key, double offset)
{
    const float log2_e = 0x1.715476p+0f;
    float bias = problem->slopes[head] * log2_e * (float)(key + (int64_t)offset);
    double dot = scaled_dot(problem, head, key) / (double)problem->scale * (double)(problem->scale * log2_e);
    return visible_or_none(problem, key, (double)(float)(dot + (double)bias) / M_LOG2E);
}

static void test_rounded_biases_and_positions(void **state)
{
    (void)state;
    static const struct {
        logit_rule *rule;
        int64_t kv_offset;
        enum dtype dtype;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {rule_bias_bf16, 0, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "biases rounded to bf16, absolute form"},
        {rule_all_bf16, 0, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "rounded to bf16, absolute form"},
        {rule_absolute_f32, 200000, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "rounded to f32, absolute form"},
        {rule_absolute_f32_base_2, 200000, DTYPE_F16, SIGNATURE_PRECISION_LOSS, "absolute form, base 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(900, 12, 2, 64, rows[i].dtype);
        trial.made.problem.kv_offset = rows[i].kv_offset;
        trial.made.problem.q_position += rows[i].kv_offset;
        begin(&trial);
        break_all(&trial, rows[i].rule, (double)rows[i].kv_offset);
        for (int h = 0; h < 12; h++)
            trial.output.lse[h] -= trial.made.slopes[h] * (float)trial.made.problem.q_position;
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

/* Distances in f16: rounded beyond 2048, infinite from 65520 on. */
static void test_f16_distances(void **state)
{
    (void)state;
    static const struct {
        int64_t q_position;
        enum signature signature;
        const char *detail;
    } rows[] = {
        {5000, SIGNATURE_PRECISION_LOSS, "positions rounded to f16"},
        {66500, SIGNATURE_DROPPED_KEYS, "keys older than"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial trial = make_trial(2000, 2, 1, 64, DTYPE_F32);
        trial.made.problem.q_position = rows[i].q_position;
        trial.made.slopes[0] = 0x1p-6f;
        trial.made.slopes[1] = 0x1p-16f;
        begin(&trial);
        trial.tolerance = (struct tolerance){1e-4, 1e-4};
        break_all(&trial, rule_distance_f16, 0);
        expect_and_end(&trial, rows[i].signature, rows[i].detail);
    }
}

static void test_names_are_unique_and_found(void **state)
{
    (void)state;
    for (enum signature s = 0; s < SIGNATURE_COUNT; s++) {
        assert_int_equal(signature_from_name(signature_names[s]), s);
        assert_true(strlen(signature_meaning(s)) > 0 && strlen(signature_remedy(s)) > 0);
    }
    assert_int_equal(signature_from_name("leaks"), SIGNATURE_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rounded_truth_has_no_signature),
        cmocka_unit_test(test_garbage_is_unknown),
        cmocka_unit_test(test_small_noise_is_precision_loss),
        cmocka_unit_test(test_elements_never_written_are_unknown_and_said),
        cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_nan_on_an_empty_row),
        cmocka_unit_test(test_zeros_with_the_lse_of_the_sentinel),
        cmocka_unit_test(test_without_keys_in_memory_the_rest_is_unknown),
        cmocka_unit_test(test_biases_shifted_by_a_constant),
        cmocka_unit_test(test_shifts_that_heads_do_not_share_are_unknown),
        cmocka_unit_test(test_dropped_bias),
        cmocka_unit_test(test_wrong_slopes_by_their_origin),
        cmocka_unit_test(test_slopes_of_another_head),
        cmocka_unit_test(test_slopes_rounded_to_bf16),
        cmocka_unit_test(test_dropped_bias_by_lse_alone),
        cmocka_unit_test(test_replaced_logits_leak),
        cmocka_unit_test(test_added_sentinels_leak),
        cmocka_unit_test(test_slots_without_a_key_leak),
        cmocka_unit_test(test_empty_rows),
        cmocka_unit_test(test_the_plain_mean_of_all_keys),
        cmocka_unit_test(test_missing_keys),
        cmocka_unit_test(test_chunks_cut_off_in_the_merge),
        cmocka_unit_test(test_epsilon_in_the_denominator),
        cmocka_unit_test(test_epsilon_is_no_leak_to_many_masked_keys),
        cmocka_unit_test(test_a_leak_to_nearly_all_keys_is_no_uniform),
        cmocka_unit_test(test_epsilon_in_chunks_and_merge),
        cmocka_unit_test(test_one_factor_for_all_heads_is_no_epsilon),
        cmocka_unit_test(test_rounded_biases_and_positions),
        cmocka_unit_test(test_f16_distances),
        cmocka_unit_test(test_names_are_unique_and_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
