/* What each contract makes of a problem, against computations that share no code with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <mpfr.h>

#include "reference/truth.h"

enum { HEADS = 12, KEYS = 9, DIM = 5 };

/* Twelve heads over one KV head, nine keys, in f32. */
struct made {
    struct problem problem;
    float q[HEADS * DIM], k[KEYS * DIM], v[KEYS * DIM], slopes[HEADS];
    uint8_t visible[KEYS];
};

static struct made *made_new(void)
{
    struct made *made = calloc(1, sizeof *made);
    assert_non_null(made);
    slopes_fill(made->slopes, HEADS, SLOPES_BLOOM, 8, 0, HEADS);
    memset(made->visible, 1, sizeof made->visible);
    for (int i = 0; i < HEADS * DIM; i++)
        made->q[i] = (float)((i * 37) % 23) * 0.25f - 2.7f;
    for (int i = 0; i < KEYS * DIM; i++) {
        made->k[i] = (float)((i * 53) % 19) * 0.2f - 1.9f;
        made->v[i] = (float)((i * 29) % 17) * 0.3f - 2.1f;
    }
    made->problem = (struct problem){.seq_len = KEYS,
                                     .num_heads = HEADS,
                                     .num_kv_heads = 1,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .scale = (float)(1 / sqrt(DIM)),
                                     .q_position = KEYS - 1,
                                     .slopes = made->slopes,
                                     .q = made->q,
                                     .k = made->k,
                                     .v = made->v,
                                     .visible = made->visible};
    return made;
}

static struct truth solve(const struct problem *problem, enum truth_method method,
                          const struct truth_contract *contract)
{
    struct truth truth;
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1, .contract = contract};
    struct error error;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&truth, method, problem, &options, &error), ERROR_NONE);
    return truth;
}

static void test_names(void **state)
{
    (void)state;
    for (enum truth_of of = 0; of < TRUTH_OF_COUNT; of++) {
        for (enum truth_of other = 0; other < of; other++)
            assert_string_not_equal(truth_ofs[of].name, truth_ofs[other].name);
        assert_true(strlen(truth_ofs[of].meaning) > 20);
    }
}

/* No contract, the contract of the inputs, and a formula of which nothing was rounded: one truth, to the bit. */
static void test_inputs_are_the_default(void **state)
{
    static const struct truth_contract inputs = {.of = TRUTH_OF_INPUTS}, exact = {.of = TRUTH_OF_FORMULA};
    (void)state;
    struct made *made = made_new();
    for (enum truth_method method = 0; method < TRUTH_METHOD_COUNT; method++) {
        struct truth none = solve(&made->problem, method, NULL), given = solve(&made->problem, method, &inputs);
        assert_int_equal(truth_digest(&none), truth_digest(&given));
        assert_memory_equal(none.radius, given.radius, HEADS * DIM * sizeof(double));
        assert_int_equal(given.plain_rows, method == TRUTH_PLAIN ? HEADS : 0);
        truth_clear(&none);
        truth_clear(&given);
    }
    struct truth plain = solve(&made->problem, TRUTH_PLAIN, NULL);
    struct truth formula = solve(&made->problem, TRUTH_CERTIFIED, &exact); /* which leaves it to the plain truth */
    assert_int_equal(truth_digest(&plain), truth_digest(&formula));
    assert_int_equal(formula.plain_rows, HEADS);
    assert_int_equal(formula.contract.of, TRUTH_OF_FORMULA);
    truth_clear(&plain);
    truth_clear(&formula);
    free(made);
}

enum { EXACT = 600 }; /* bits of the formula's own evaluation */

/* 2^-(h+1) for h < 8, then 2^(-(2i+1)/2) for the other four: what 12 heads of BLOOM's convention come to. */
static void exact_slope(mpfr_t slope, int head)
{
    mpfr_set_ui_2exp(slope, 1, head < 8 ? -(head + 1) : -(head - 7), MPFR_RNDN);
    if (head >= 8) {
        mpfr_t root;
        mpfr_init2(root, EXACT);
        mpfr_sqrt_ui(root, 2, MPFR_RNDN);
        mpfr_mul(slope, slope, root, MPFR_RNDN);
        mpfr_clear(root);
    }
}

/* out[DIM] and lse of a head with exact scale and slopes; unshifted, because logits are small. */
static void exact_head(mpfr_t *out, mpfr_t lse, const struct problem *problem, int head)
{
    const float *q = problem->q, *k = problem->k, *v = problem->v;
    mpfr_t slope, root, logit, term;
    mpfr_inits2(EXACT, slope, root, logit, term, (mpfr_ptr)0);
    exact_slope(slope, head);
    mpfr_sqrt_ui(root, DIM, MPFR_RNDN);
    mpfr_set_zero(lse, 1);
    for (int d = 0; d < DIM; d++)
        mpfr_set_zero(out[d], 1);
    for (int key = 0; key < KEYS; key++) {
        mpfr_set_zero(logit, 1);
        for (int d = 0; d < DIM; d++)
            mpfr_add_d(logit, logit, (double)q[head * DIM + d] * (double)k[key * DIM + d], MPFR_RNDN);
        mpfr_div(logit, logit, root, MPFR_RNDN);
        mpfr_mul_si(term, slope, key - (KEYS - 1), MPFR_RNDN);
        mpfr_add(logit, logit, term, MPFR_RNDN);
        mpfr_exp(logit, logit, MPFR_RNDN);
        mpfr_add(lse, lse, logit, MPFR_RNDN);
        for (int d = 0; d < DIM; d++) {
            mpfr_mul_d(term, logit, (double)v[key * DIM + d], MPFR_RNDN);
            mpfr_add(out[d], out[d], term, MPFR_RNDN);
        }
    }
    for (int d = 0; d < DIM; d++)
        mpfr_div(out[d], out[d], lse, MPFR_RNDN);
    mpfr_log(lse, lse, MPFR_RNDN);
    mpfr_clears(slope, root, logit, term, (mpfr_ptr)0);
}

/* |value + tail - exact| <= radius <= 2^-90; exact is destroyed. */
static void assert_encloses(double value, double tail, double radius, mpfr_t exact)
{
    mpfr_sub_d(exact, exact, value, MPFR_RNDN);
    mpfr_sub_d(exact, exact, tail, MPFR_RNDN);
    double err = fabs(mpfr_get_d(exact, MPFR_RNDA));
    assert_true(radius <= 0x1p-90);
    if (!(err <= radius))
        fail_msg("value %.17g: off by %g, radius %g", value, err, radius);
}

static void test_formula_has_real_scale_and_slopes(void **state)
{
    (void)state;
    struct truth_contract contract = {
        .of = TRUTH_OF_FORMULA, .default_scale = true, .convention = SLOPES_BLOOM, .max_bias = 8, .total_heads = HEADS};
    struct made *made = made_new();
    struct truth formula = solve(&made->problem, TRUTH_CERTIFIED, &contract);
    struct truth inputs = solve(&made->problem, TRUTH_CERTIFIED, NULL);
    mpfr_t out[DIM], lse;
    for (int d = 0; d < DIM; d++)
        mpfr_init2(out[d], EXACT);
    mpfr_init2(lse, EXACT);
    for (int head = 0; head < HEADS; head++) {
        exact_head(out, lse, &made->problem, head);
        assert_encloses(formula.lse[head], formula.lse_tail[head], formula.lse_radius[head], lse);
        for (int d = 0; d < DIM; d++) {
            int i = head * DIM + d;
            assert_encloses(formula.value[i], formula.tail[i], formula.radius[i], out[d]);
        }
    }
    /* A rounding of f32 is 2^-24 of a logit. */
    double distance = truth_distance(&formula, &inputs);
    assert_true(distance > 1e-9 && distance < 1e-6);

    /* A part of the heads, under an offset. */
    struct problem part = made->problem;
    struct truth_contract of_part = contract;
    part.q = made->q + 9 * DIM;
    part.slopes = made->slopes + 9;
    part.num_heads = 2;
    of_part.head_offset = 9;
    struct truth last = solve(&part, TRUTH_PLAIN, &of_part), same = truth_rows(&formula, 9, 2);
    assert_memory_equal(last.value, same.value, 2 * DIM * sizeof(double));
    struct truth_contract of_these = truth_contract_of_heads(&formula.contract, 9);
    assert_int_equal(last.contract.of, of_these.of);
    assert_int_equal(last.contract.default_scale, of_these.default_scale);
    assert_int_equal(last.contract.convention, of_these.convention);
    assert_true(last.contract.max_bias == of_these.max_bias);
    assert_int_equal(last.contract.head_offset, of_these.head_offset);
    assert_int_equal(last.contract.total_heads, of_these.total_heads);
    for (int d = 0; d < DIM; d++)
        mpfr_clear(out[d]);
    mpfr_clear(lse);
    truth_clear(&last);
    truth_clear(&formula);
    truth_clear(&inputs);
    free(made);
}

/* The default scale times the cache's: what is given in f32 stays as it is. 1 / sqrt(16) is its own rounding. */
static void test_formula_keeps_the_caches_scale(void **state)
{
    enum { LONG_DIM = 16 };
    static const struct truth_contract contract = {.of = TRUTH_OF_FORMULA, .default_scale = true};
    (void)state;
    float q[LONG_DIM], slope = 0.3f;
    uint8_t k[KEYS * LONG_DIM], v[KEYS * LONG_DIM];
    for (int i = 0; i < LONG_DIM; i++)
        q[i] = 0.3f * (float)i - 2;
    for (int i = 0; i < KEYS * LONG_DIM; i++)
        k[i] = v[i] = (uint8_t)(i * 11 % 64);
    struct problem problem = {.seq_len = KEYS,
                              .num_heads = 1,
                              .num_kv_heads = 1,
                              .head_dim = LONG_DIM,
                              .dtype = DTYPE_F32,
                              .kv_format = KV_E4M3,
                              .k_scale = 0.7f,
                              .v_scale = 0.9f,
                              .scale = 0.25f,
                              .q_position = KEYS - 1,
                              .slopes = &slope,
                              .q = q,
                              .k = k,
                              .v = v};
    struct truth formula = solve(&problem, TRUTH_PLAIN, &contract), inputs = solve(&problem, TRUTH_PLAIN, NULL);
    assert_int_equal(truth_digest(&formula), truth_digest(&inputs));
    truth_clear(&formula);
    truth_clear(&inputs);
}

/* x to nearest even with 8 significant bits, by arithmetic alone; f32 rounds first. */
static double bf16(double x)
{
    int exponent;
    double fraction = frexp((double)(float)x, &exponent);
    return ldexp(rint(fraction * 256), exponent - 8);
}

/* out[DIM] and lse of a head by long double, from biases; a NaN drops the key. Good to 1e-15 or so, under valgrind too,
 * which has no more than double: what the biases have in common is taken out first. */
static void brute_force(double *out, double *lse, const struct problem *problem, int head, const double *biases)
{
    const float *q = problem->q, *k = problem->k, *v = problem->v;
    long double logits[KEYS], max = -INFINITY, sum = 0, sums[DIM] = {0};
    double common = -INFINITY;
    for (int key = 0; key < KEYS; key++)
        common = fmax(common, biases[key]); /* passes NaN over */
    for (int key = 0; key < KEYS; key++) {
        long double dot = 0;
        for (int d = 0; d < DIM; d++)
            dot += (long double)q[head * DIM + d] * (long double)k[key * DIM + d];
        logits[key] = dot * (long double)problem->scale + (long double)(biases[key] - common);
        if (!isnan(biases[key]))
            max = fmaxl(max, logits[key]);
    }
    for (int key = 0; key < KEYS; key++) {
        if (isnan(biases[key]))
            continue;
        long double weight = expl(logits[key] - max);
        sum += weight;
        for (int d = 0; d < DIM; d++)
            sums[d] += weight * (long double)v[key * DIM + d];
    }
    for (int d = 0; d < DIM; d++)
        out[d] = (double)(sums[d] / sum);
    *lse = (double)(max + logl(sum) + (long double)common);
}

static void assert_brute_force_agrees(const struct truth *truth, const struct problem *problem,
                                      double (*bias)(const struct problem *problem, double slope, int key))
{
    for (int head = 0; head < problem->num_heads; head++) {
        double out[DIM], lse, biases[KEYS];
        for (int key = 0; key < KEYS; key++)
            biases[key] = bias(problem, (double)problem->slopes[head], key);
        brute_force(out, &lse, problem, head, biases);
        for (int d = 0; d < DIM; d++)
            if (!(fabs(out[d] - truth->value[head * DIM + d]) <= 1e-12))
                fail_msg("head %d dim %d: %.15g, brute force %.15g", head, d, truth->value[head * DIM + d], out[d]);
        assert_true(fabs(lse - truth->lse[head]) <= 1e-12 * fmax(1, fabs(lse)));
    }
}

/* Less slope * q_position, which a double holds here: 24 + 16 bits. */
static double bf16_bias(const struct problem *problem, double slope, int key)
{
    return bf16(slope * (double)(problem->kv_offset + key)) - slope * (double)problem->q_position;
}

static void test_bf16_bias(void **state)
{
    static const int64_t offsets[] = {0, 250, 40000, -33};
    static const struct truth_contract contract = {.of = TRUTH_OF_BF16_BIAS};
    (void)state;
    struct made *made = made_new();
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        made->problem.kv_offset = offsets[i];
        made->problem.q_position = offsets[i] + KEYS - 1;
        struct truth truth = solve(&made->problem, TRUTH_CERTIFIED, &contract);
        struct truth inputs = solve(&made->problem, TRUTH_PLAIN, NULL);
        assert_brute_force_agrees(&truth, &made->problem, bf16_bias);
        /* The first head's slope is 1/2: bf16 holds its biases up to positions of 256. */
        for (int d = 0; d < DIM; d++)
            assert_true((truth.value[d] == inputs.value[d]) == (offsets[i] <= 0));
        assert_true(truth_distance(&truth, &inputs) > 1e-4);
        assert_true(truth_max_radius(&truth) < 0x1p-90);
        truth_clear(&truth);
        truth_clear(&inputs);
    }
    free(made);
}

/* A bias of 2^30 costs 30 bits of every logit, rounded to bf16 or not. */
static void test_the_radius_counts_rounded_biases(void **state)
{
    static const struct truth_contract bf16_contract = {.of = TRUTH_OF_BF16_BIAS};
    (void)state;
    struct made *made = made_new();
    made->slopes[0] = 1;
    made->problem.num_heads = 1;
    made->problem.kv_offset = INT64_C(1) << 30;
    made->problem.q_position = 0;
    double radius[2];
    for (int rounded = 0; rounded < 2; rounded++) {
        struct truth truth;
        struct truth_options options = {.precision = 64, .threads = 1, .contract = rounded ? &bf16_contract : NULL};
        struct error error;
        assert_int_equal(truth_init(&truth, &made->problem, &error), ERROR_NONE);
        assert_int_equal(truth_plain(&truth, &made->problem, &options, &error), ERROR_NONE);
        radius[rounded] = truth.radius[0] / truth.magnitude[0];
        truth_clear(&truth);
    }
    assert_true(fabs(radius[1] / radius[0] - 1) < 0.01);
    free(made);
}

/* The query's position is no part of that form: it moves lse by slope * distance, and out not at all. */
static void test_bf16_bias_knows_no_query(void **state)
{
    static const struct truth_contract contract = {.of = TRUTH_OF_BF16_BIAS};
    (void)state;
    struct made *made = made_new();
    made->problem.kv_offset = 1000;
    struct truth near = solve(&made->problem, TRUTH_PLAIN, &contract);
    made->problem.q_position += 512;
    struct truth far = solve(&made->problem, TRUTH_PLAIN, &contract);
    assert_true(truth_distance(&near, &far) <= truth_max_radius(&near) + truth_max_radius(&far));
    for (int head = 0; head < HEADS; head++) {
        double moved = (near.lse[head] - far.lse[head]) + (near.lse_tail[head] - far.lse_tail[head]);
        assert_true(fabs(moved - 512 * (double)made->slopes[head]) <= 0x1p-40);
    }
    truth_clear(&near);
    truth_clear(&far);
    free(made);
}

/* Distances from -4103 to -4095: f16's spacing is 4 beyond 4096 and 2 before it; ties go to even multiples. */
static double f16_bias(const struct problem *problem, double slope, int key)
{
    static const double distances[KEYS] = {-4104, -4104, -4100, -4100, -4100, -4096, -4096, -4096, -4096};
    (void)problem;
    return slope * distances[key];
}

static void test_f16_distance_rounds(void **state)
{
    static const struct truth_contract contract = {.of = TRUTH_OF_F16_DISTANCE};
    (void)state;
    struct made *made = made_new();
    made->problem.q_position = 4103;
    struct truth truth = solve(&made->problem, TRUTH_CERTIFIED, &contract);
    assert_brute_force_agrees(&truth, &made->problem, f16_bias);
    truth_clear(&truth);

    made->problem.q_position = 2048; /* distances that f16 holds */
    struct truth small = solve(&made->problem, TRUTH_PLAIN, &contract);
    struct truth inputs = solve(&made->problem, TRUTH_PLAIN, NULL);
    assert_int_equal(truth_digest(&small), truth_digest(&inputs));
    truth_clear(&small);
    truth_clear(&inputs);
    free(made);
}

/* From 65520 on a distance is infinite, on either side; 65519 is still 65504. */
static double f16_bias_at_the_limit(const struct problem *problem, double slope, int key)
{
    int64_t distance = problem->kv_offset + key - problem->q_position;
    return llabs(distance) >= 65520 ? NAN : distance > 0 ? slope * 65504 : slope * -65504;
}

static void test_f16_distance_drops_keys(void **state)
{
    static const struct truth_contract contract = {.of = TRUTH_OF_F16_DISTANCE};
    (void)state;
    for (int side = -1; side <= 1; side += 2) {
        struct made *made = made_new();
        made->problem.kv_offset = side < 0 ? -65523 : 65516; /* distances -65523 to -65515, or 65516 to 65524 */
        made->problem.q_position = 0;
        made->v[(side < 0 ? 0 : KEYS - 1) * DIM] = NAN; /* in a row that is not to be looked at */
        struct truth truth = solve(&made->problem, TRUTH_CERTIFIED, &contract);
        assert_brute_force_agrees(&truth, &made->problem, f16_bias_at_the_limit);
        truth_clear(&truth);

        made->problem.kv_offset += side * 100;
        truth = solve(&made->problem, TRUTH_CERTIFIED, &contract);
        for (int i = 0; i < HEADS * DIM; i++)
            assert_true(truth.value[i] == 0 && truth.radius[i] == 0);
        assert_true(truth.lse[0] == -INFINITY);
        truth_clear(&truth);
        free(made);
    }
}

static void test_distance_between_truths(void **state)
{
    (void)state;
    struct made *made = made_new();
    struct truth a = solve(&made->problem, TRUTH_PLAIN, NULL), b = solve(&made->problem, TRUTH_PLAIN, NULL);
    assert_true(truth_distance(&a, &b) == 0);
    b.value[5] += 0.5;
    b.tail[7] += 0x1p-70;
    assert_true(truth_distance(&a, &b) == 0.5 && truth_distance(&b, &a) == 0.5);
    b.value[5] = a.value[5];
    assert_true(fabs(truth_distance(&a, &b) - 0x1p-70) <= 0x1p-100);
    static const struct {
        double a, b, distance;
    } rows[] = {{NAN, NAN, 0},
                {NAN, 1, INFINITY},
                {1, NAN, INFINITY},
                {INFINITY, INFINITY, 0},
                {INFINITY, 1, INFINITY},
                {1, -INFINITY, INFINITY},
                {INFINITY, -INFINITY, INFINITY},
                {NAN, INFINITY, INFINITY}};
    b.tail[7] = a.tail[7];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        a.value[2] = rows[i].a;
        b.value[2] = rows[i].b;
        assert_true(truth_distance(&a, &b) == rows[i].distance);
    }
    truth_clear(&a);
    truth_clear(&b);
    free(made);
}

/* Any contract but that of the inputs takes the plain truth's memory. */
static void test_memory(void **state)
{
    (void)state;
    for (enum truth_of of = 0; of < TRUTH_OF_COUNT; of++) {
        const struct truth_contract contract = {.of = of};
        struct truth_options options = {.precision = 160, .threads = 2}, under = options;
        under.contract = &contract;
        enum truth_method as = of == TRUTH_OF_INPUTS ? TRUTH_CERTIFIED : TRUTH_PLAIN;
        assert_true(truth_bytes(TRUTH_CERTIFIED, 9000, 8, 64, &under) == truth_bytes(as, 9000, 8, 64, &options));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_inputs_are_the_default),
        cmocka_unit_test(test_formula_has_real_scale_and_slopes),
        cmocka_unit_test(test_formula_keeps_the_caches_scale),
        cmocka_unit_test(test_bf16_bias),
        cmocka_unit_test(test_the_radius_counts_rounded_biases),
        cmocka_unit_test(test_bf16_bias_knows_no_query),
        cmocka_unit_test(test_f16_distance_rounds),
        cmocka_unit_test(test_f16_distance_drops_keys),
        cmocka_unit_test(test_distance_between_truths),
        cmocka_unit_test(test_memory),
    };
    int failed = cmocka_run_group_tests_name("contract", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
