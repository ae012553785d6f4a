/*
 * The certified truth against the plain one, on random and on adversarial problems, and its lemmas one by one against
 * MPFR: the source is included, so that each step is tested alone, from both sides. A bound must hold, and an error
 * within a known factor of it must be seen, or the bound's test would not notice a wrong constant.
 *
 * Environment: TRUTH_RUNS (1) multiplies the number of random problems; TRUTH_SEED (1) is the first one's seed, the
 * others' follow; a failure prints the seed that replays it alone, with TRUTH_RUNS=0. Long runs:
 *   TRUTH_RUNS=20 TRUTH_SEED=$(date +%s) build/reference/tests/test_truth_certified
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference/slopes.h"
#include "reference/tests/drawn_problem.h"
#include "reference/tests/same_truth.h"
#include "reference/certified_head.c"

enum { RANDOM_PROBLEMS = 110, BUDGET = 40000 };

static struct truth solve(enum error_kind (*solver)(struct truth *, const struct problem *,
                                                    const struct truth_options *, struct error *),
                          const struct problem *problem, int precision, int threads)
{
    struct truth truth;
    struct truth_options options = {.precision = precision, .threads = threads};
    struct error error;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(solver(&truth, problem, &options, &error), ERROR_NONE);
    return truth;
}

/* The oracle, with bits enough to know something of finite inputs. */
static struct truth solve_plain(const struct problem *problem)
{
    struct truth truth = solve(truth_plain, problem, 256, 2);
    /* A wide radius is right and yet no oracle: weights, and so magnitudes, are as far off as it says. */
    bool sharp = true;
    for (int i = 0; i < truth.num_rows * truth.head_dim; i++)
        sharp = sharp && !(truth.radius[i] > 0x1p-40 * truth.magnitude[i] + 0x1p-1060);
    if (!sharp) {
        truth_clear(&truth);
        truth = solve(truth_plain, problem, 1024, 2);
    }
    return truth;
}

/* What truth_certified promises of its own numbers, and that magnitudes are those of the plain truth. */
static bool keeps_promises(const struct truth *certified, const struct truth *plain, bool finite)
{
    for (int i = 0; i < certified->num_rows * certified->head_dim; i++) {
        double value = certified->value[i], radius = certified->radius[i], magnitude = certified->magnitude[i];
        /* 2^-1072: what doubles cannot resolve. Infinite inputs can leave a finite value of which nothing is known. */
        bool small = radius <= 0x1p-64 * magnitude + 0x1p-1072 || (!finite && isinf(radius));
        bool known = isfinite(value) ? small : !finite && radius == 0;
        bool close = fabs(magnitude - plain->magnitude[i]) <= 1e-6 * magnitude + 0x1p-1060 || !finite;
        if (!known || !close) {
            fprintf(stderr, "head %d dim %d: %g, radius %g, magnitude %g (plain: %g)\n", i / certified->head_dim,
                    i % certified->head_dim, value, radius, magnitude, plain->magnitude[i]);
            return false;
        }
    }
    for (int head = 0; head < certified->num_rows; head++)
        if (finite && !(certified->lse_radius[head] <= 0x1p-63 * fmax(1, fabs(certified->lse[head])))) {
            fprintf(stderr, "head %d: lse %g, radius %g\n", head, certified->lse[head], certified->lse_radius[head]);
            return false;
        }
    return true;
}

/* Certified with one and with two threads against plain. Returns how many heads MPFR had to do. */
static int compare_with_plain(const struct problem *problem, bool finite, const char *text, double *largest)
{
    struct truth plain = solve_plain(problem), one = solve(truth_certified, problem, TRUTH_DEFAULT_PRECISION, 1);
    struct truth two = solve(truth_certified, problem, TRUTH_DEFAULT_PRECISION, 2);
    bool same = same_truth(&one, &plain, largest), kept = keeps_promises(&one, &plain, finite);
    if (!same || !kept || truth_digest(&one) != truth_digest(&two) || one.plain_rows != two.plain_rows)
        fail_msg("%s%s%s", text, same ? "" : ": not the plain truth", kept ? "" : ": a promise is not kept");
    int plain_rows = one.plain_rows;
    truth_clear(&plain);
    truth_clear(&one);
    truth_clear(&two);
    return plain_rows;
}

static long environment_number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void test_random_problems(void **state)
{
    (void)state;
    long runs = environment_number("TRUTH_RUNS", 1), problems = runs > 0 ? runs * RANDOM_PROBLEMS : 1;
    uint64_t seed = (uint64_t)environment_number("TRUTH_SEED", 1);
    long long elements = 0, heads = 0, plain_rows = 0;
    double largest = 0;
    for (long i = 0; i < problems; i++) {
        struct drawn_problem drawn;
        drawn_problem_init(&drawn, seed + (uint64_t)i, BUDGET);
        plain_rows += compare_with_plain(&drawn.problem, drawn.finite, drawn.text, &largest);
        heads += drawn.problem.num_heads;
        elements += problem_elements(&drawn.problem) + drawn.problem.num_heads;
        drawn_problem_clear(&drawn);
    }
    print_message("seeds %llu to %llu: %ld problems, %lld heads, %lld numbers (outputs and lse) compared, 0 disagree; "
                  "MPFR did %lld heads; largest distance / radii %.3f\n",
                  (unsigned long long)seed, (unsigned long long)seed + (unsigned long long)problems - 1, problems,
                  heads, elements, plain_rows, largest);
    if (problems >= RANDOM_PROBLEMS) {
        assert_true(plain_rows > heads / 100);
        assert_true(plain_rows < heads / 2);
    }
}

/* A problem in f32 that a test fills in: one head, head_dim 1 unless said otherwise, everything 0. */
struct made {
    struct problem problem;
    float *q, *k, *v, slope;
    uint8_t *visible;
};

static void made_init(struct made *made, int64_t seq_len, int head_dim)
{
    size_t elements = (size_t)seq_len * (size_t)head_dim;
    made->q = calloc((size_t)head_dim, sizeof *made->q);
    made->k = calloc(elements, sizeof *made->k);
    made->v = calloc(elements, sizeof *made->v);
    made->visible = malloc((size_t)seq_len);
    made->slope = 0;
    assert_true(made->q && made->k && made->v && made->visible);
    memset(made->visible, 1, (size_t)seq_len);
    made->problem = (struct problem){.seq_len = seq_len,
                                     .num_heads = 1,
                                     .num_kv_heads = 1,
                                     .head_dim = head_dim,
                                     .dtype = DTYPE_F32,
                                     .scale = 1,
                                     .q_position = seq_len - 1,
                                     .slopes = &made->slope,
                                     .q = made->q,
                                     .k = made->k,
                                     .v = made->v,
                                     .visible = made->visible};
}

static void made_clear(struct made *made)
{
    free(made->q);
    free(made->k);
    free(made->v);
    free(made->visible);
}

/* What certified truth says of the first output or of lse, and how far from the exact value that is, in radii. */
struct outcome {
    struct enclosure enclosure;
    double off;
    int plain_rows;
};

static struct outcome outcome_of(const struct made *made, bool of_lse)
{
    struct truth plain = solve_plain(&made->problem);
    struct truth certified = solve(truth_certified, &made->problem, TRUTH_DEFAULT_PRECISION, 1);
    struct outcome outcome = {.enclosure = of_lse ? truth_lse(&certified, 0) : truth_element(&certified, 0),
                              .plain_rows = certified.plain_rows};
    outcome.off = apart(outcome.enclosure, of_lse ? truth_lse(&plain, 0) : truth_element(&plain, 0));
    truth_clear(&plain);
    truth_clear(&certified);
    return outcome;
}

/* What people run is settled without MPFR, in every dtype, with the same bits on every machine and from every compiler.
 */
static void test_ordinary_problems_are_certified(void **state)
{
    uint64_t digest = 0;
    static const int head_dims[] = {64, 80, 128};
    enum { DTYPES = DTYPE_COUNT_WITH_FP8 };
    (void)state;
    for (int i = 0; i < 3 * DTYPES; i++) {
        enum { HEADS = 4, KEYS = 150 };
        uint64_t seed = (uint64_t)i + 1;
        int head_dim = head_dims[i / DTYPES];
        enum dtype dtype = (enum dtype)(i % DTYPES);
        float slopes[HEADS];
        slopes_fill(slopes, HEADS, SLOPES_BLOOM, 8, 0, HEADS);
        struct problem problem = {.seq_len = KEYS,
                                  .num_heads = HEADS,
                                  .num_kv_heads = 2,
                                  .head_dim = head_dim,
                                  .dtype = dtype,
                                  .scale = (float)(1 / sqrt(head_dim)),
                                  .q_position = KEYS - 1,
                                  .slopes = slopes,
                                  .q = draw_tensor(&seed, &filling_kinds[0], dtype, 1, HEADS, head_dim),
                                  .k = draw_tensor(&seed, &filling_kinds[0], dtype, KEYS, 2, head_dim),
                                  .v = draw_tensor(&seed, &filling_kinds[0], dtype, KEYS, 2, head_dim)};
        assert_int_equal(compare_with_plain(&problem, true, "ordinary", NULL), 0);
        struct truth truth = solve(truth_certified, &problem, TRUTH_DEFAULT_PRECISION, 2);
        digest ^= truth_digest(&truth) + seed;
        truth_clear(&truth);
        free((void *)problem.q);
        free((void *)problem.k);
        free((void *)problem.v);
    }
    assert_int_equal(digest, UINT64_C(0x557ab453c1b67483));
}

/* Inputs that no certificate covers go to MPFR, and come back right. */
static void make_large_logits(struct made *made)
{
    made->q[0] = 0x1p30f;
    for (int j = 0; j < 20; j++)
        made->k[j] = 0x1p20f + (float)j;
}

static void make_large_logits_without_values(struct made *made) /* where only lse can have a radius */
{
    made->q[0] = 0x1p100f;
    for (int j = 0; j < 501; j++) {
        made->k[2 * j] = 0x1p60f;
        made->v[2 * j + 1] = 0;
    }
}

static void make_far_channel(struct made *made) /* v is 0 where weight is */
{
    made->slope = 1;
    made->v[0] = 1;
}

static void make_key_without_weight(struct made *made) /* a logit of -inf: what is no number elsewhere is certified */
{
    made->q[1] = 1;
    made->k[3] = -INFINITY;
}

static void make_negligible_weights(struct made *made) /* a weight below every double: 2^-1443 */
{
    made->slope = 2;
    made->v[0] = 0x1p-100f;
}

static void make_cancelled_weights(struct made *made) /* logits of 2^45 cancel but for a few units */
{
    made->slope = 0x1p-3f;
    made->problem.q_position = INT64_C(1) << 48;
}

static void test_fallback(void **state)
{
    static const struct {
        void (*make)(struct made *made);
        bool finite;
    } inputs[] = {
        {make_large_logits, true},        {make_large_logits_without_values, true}, {make_far_channel, true},
        {make_key_without_weight, false}, {make_negligible_weights, true},          {make_cancelled_weights, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        char text[32];
        struct made made;
        made_init(&made, 501, 2);
        for (int j = 0; j < 1002; j += 2)
            made.v[j + 1] = 1;
        inputs[i].make(&made);
        snprintf(text, sizeof text, "fallback input %zu", i);
        assert_int_equal(compare_with_plain(&made.problem, inputs[i].finite, text, NULL), 1);
        made_clear(&made);
    }
}

/*
 * Lemma 3 from both sides: constant logits but for the bias, so that reach and the geometric series are attained, and
 * beyond the window keys whose v is as large as the bound. Only they are in the wrong: the keys between are masked.
 */
static struct outcome outcome_of_a_tail(bool lse, const float *sink)
{
    enum { KEYS = 24000 };
    struct made made;
    made_init(&made, KEYS, 1);
    made.slope = 0x1p-8f;
    made.q[0] = 3;
    for (int j = 0; j < KEYS; j++) {
        made.k[j] = 3;
        /* The window ends where slope * distance = 51.3 + 1 + log(257) rounded up: after 14987 keys. */
        made.visible[j] = j == KEYS - 1 || KEYS - 1 - j > 14987;
        made.v[j] = j == KEYS - 1 ? 0x1p-9f : 1;
    }
    made.problem.sink_logits = sink;
    struct outcome outcome = outcome_of(&made, lse);
    made_clear(&made);
    return outcome;
}

static void test_tail_is_counted(void **state)
{
    (void)state;
    for (int lse = 0; lse < 2; lse++) {
        struct outcome outcome = outcome_of_a_tail(lse, NULL);
        assert_true(outcome.off <= 1);
        assert_true(outcome.off > 0.05);
        assert_int_equal(outcome.plain_rows, 0);
    }
}

/* The newest key's logit is 9. What is not seen weighs less beside a sink above it, and is still there. */
static void test_tail_is_counted_beside_a_sink(void **state)
{
    (void)state;
    const float sinks[] = {8.5f, 9.5f, 11};
    for (size_t i = 0; i < sizeof sinks / sizeof sinks[0]; i++) {
        struct outcome outcome = outcome_of_a_tail(false, &sinks[i]);
        assert_true(outcome.off <= 1);
        assert_true(outcome.off > 0.02);
        assert_int_equal(outcome.plain_rows, 0);
    }
}

/* A far key that outweighs all others by its dot product alone is within reach, however far. */
static void test_far_key_dominates(void **state)
{
    enum { KEYS = 2000 };
    (void)state;
    for (int distance = 1; distance < KEYS - 1; distance += 97) {
        struct made made;
        made_init(&made, KEYS, 1);
        made.slope = 0.25f;
        made.q[0] = 10;
        for (int j = 0; j < KEYS; j++)
            made.v[j] = (float)j;
        made.k[KEYS - 1 - distance] = 0.025f * (float)distance + 1; /* 10 above the newest key */
        struct outcome outcome = outcome_of(&made, false);
        assert_true(outcome.off <= 1);
        assert_int_equal(outcome.plain_rows, 0);
        made_clear(&made);
    }
}

/* Keys beyond the drop threshold weigh next to nothing each, but there can be many. */
static void test_dropped_keys_are_counted(void **state)
{
    enum { KEYS = 2000 };
    (void)state;
    for (int lse = 0; lse < 2; lse++) {
        struct made made;
        made_init(&made, KEYS, 1);
        made.q[0] = 1;
        for (int j = 0; j < KEYS; j++) {
            made.k[j] = j ? -62.01f : 0;
            made.v[j] = j ? 1 : 0x1p-12f;
        }
        struct outcome outcome = outcome_of(&made, lse);
        assert_true(outcome.off <= 1);
        assert_true(outcome.off > 0.05);
        assert_int_equal(outcome.plain_rows, 0);
        made_clear(&made);
    }
}

/* Light keys: logits of 2^14, rounded in double, and weights of 2^-33 beside one of 1. */
static void test_light_error_is_counted(void **state)
{
    uint64_t random = 1;
    double largest = 0;
    (void)state;
    for (int run = 0; run < 60; run++) {
        struct made made;
        made_init(&made, 2, 1);
        made.q[0] = (float)draw_between(&random, 100, 127);
        made.k[0] = made.k[1] = (float)draw_between(&random, 100, 127);
        made.problem.scale = (float)draw_between(&random, 0.9, 1);
        made.slope = (float)draw_between(&random, 22.3, 23);
        made.v[0] = 1;
        made.v[1] = -1;
        struct outcome outcome = outcome_of(&made, false);
        assert_true(outcome.off <= 1);
        assert_int_equal(outcome.plain_rows, 0);
        largest = fmax(largest, outcome.off);
        made_clear(&made);
    }
    print_message("light keys: error up to %.4f of the radius\n", largest);
    assert_true(largest > 0.01);
}

/* Heavy keys: logits of 2^24, whose last bits are rounded in double-double, in three keys of like weight. */
static void test_heavy_error_is_counted(void **state)
{
    uint64_t random = 1;
    double largest = 0;
    (void)state;
    for (int run = 0; run < 60; run++) {
        struct made made;
        made_init(&made, 3, 2);
        made.q[0] = (float)draw_between(&random, 4000, 5000);
        made.q[1] = (float)draw_between(&random, 0x1p-10, 0x1p-9);
        made.problem.scale = (float)draw_between(&random, 0.9, 1);
        made.slope = 0x1p-3f;
        for (int j = 0; j < 3; j++) {
            made.k[2 * j] = 4096;
            made.k[2 * j + 1] = (float)draw_between(&random, 0x1p-20, 0x1p-5);
            made.v[2 * j] = (float)(j - 1);
        }
        struct outcome outcome = outcome_of(&made, false);
        assert_true(outcome.off <= 1);
        assert_int_equal(outcome.plain_rows, 0);
        largest = fmax(largest, outcome.off);
        made_clear(&made);
    }
    print_message("heavy keys: error up to %.4f of the radius\n", largest);
    assert_true(largest > 0.003);
}

/* Distances that a double does not hold: 2^60 + 1 and its neighbours differ by a whole slope. */
static void test_distances_beyond_double(void **state)
{
    static const int64_t positions[] = {(INT64_C(1) << 60) + 1, -(INT64_C(1) << 60) - 1, (INT64_C(1) << 53) + 1};
    (void)state;
    for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
        struct made made;
        made_init(&made, 40, 1);
        made.slope = 0x1p-40f;
        made.problem.q_position = positions[i];
        for (int j = 0; j < 40; j++)
            made.v[j] = (float)(j * j);
        assert_int_equal(compare_with_plain(&made.problem, true, "distances beyond double", NULL), 1);
        made_clear(&made);
    }
}

/* Exact zeros are exact: a channel of v that is 0 everywhere, and one that is 0 wherever it is visible. */
static void test_zero_channels(void **state)
{
    (void)state;
    struct made made;
    made_init(&made, 300, 2);
    made.slope = 0.5f;
    made.visible[5] = 0;
    made.v[11] = 7;
    struct truth truth = solve(truth_certified, &made.problem, TRUTH_DEFAULT_PRECISION, 1);
    for (int d = 0; d < 2; d++)
        assert_true(truth.value[d] == 0 && truth.tail[d] == 0 && truth.radius[d] == 0 && truth.magnitude[d] == 0);
    assert_int_equal(truth.plain_rows, 0);
    truth_clear(&truth);
    made_clear(&made);
}

/* Work is counted once a head, however it was done, and a cancelled run says so. */
static void test_progress_and_cancelling(void **state)
{
    (void)state;
    for (int by_mpfr = 0; by_mpfr < 3; by_mpfr++) {
        struct made made;
        struct truth truth;
        struct error error;
        struct progress progress = {.cancelled = false};
        struct truth_options options = {.precision = 64, .threads = 2, .progress = &progress};
        made_init(&made, 100, 1);
        made.q[0] = by_mpfr ? 0x1p80f : 1; /* at 64 bits it takes several rounds */
        made.k[7] = by_mpfr == 2 ? -INFINITY : 1;
        made.v[0] = 1;
        assert_int_equal(truth_init(&truth, &made.problem, &error), ERROR_NONE);
        assert_int_equal(truth_certified(&truth, &made.problem, &options, &error), ERROR_NONE);
        assert_int_equal(truth.plain_rows, by_mpfr != 0);
        assert_int_equal(progress.work_done, 100);
        progress.cancelled = true;
        assert_int_equal(truth_certified(&truth, &made.problem, &options, &error), ERROR_INTERRUPTED);
        truth_clear(&truth);
        made_clear(&made);
    }
}

/* ---- the lemmas, against MPFR ----------------------------------------------------------------------------------- */

enum { EXACT = 2000 }; /* bits that hold any sum of products of a few hundred floats */

/* |hi + lo - exact|; exact is destroyed. */
static double error_of(struct double_double x, mpfr_t exact)
{
    mpfr_sub_d(exact, exact, x.hi, MPFR_RNDN);
    mpfr_sub_d(exact, exact, x.lo, MPFR_RNDN);
    return fabs(mpfr_get_d(exact, MPFR_RNDA));
}

/* An f32 number of about 2^-exponent. */
static double draw_element(uint64_t *state, int exponent)
{
    return (double)(float)(draw_normal(state) * ldexp(1, -exponent));
}

static void exact_dot(mpfr_t dot, const double *query, const float *row, size_t count)
{
    mpfr_set_zero(dot, 1);
    for (size_t i = 0; i < count; i++)
        mpfr_add_d(dot, dot, query[i] * (double)row[i], MPFR_RNDN);
}

/*
 * Elements of many magnitudes, so that every addition rounds. D^2 is generous for more than a few lanes' worth: the
 * errors themselves are summed along a tree of depth D / 16 + 4, not D.
 */
static void test_lemma_dot(void **state)
{
    static const struct {
        int dim;
        double at_least; /* of the bounds, seen in 400 runs */
    } cases[] = {{1, 0}, {2, 0}, {3, 0}, {8, 0x1p-9}, {16, 0x1p-10}, {40, 0x1p-12}, {128, 0x1p-15}, {256, 0x1p-17}};
    uint64_t random = 1;
    (void)state;
    mpfr_t exact;
    mpfr_init2(exact, EXACT);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        double query[256] = {0}, double_bound = 0, largest = 0, largest_double = 0;
        float row[256] = {0};
        size_t dim = (size_t)cases[c].dim, padded = (dim + DOT_LANES - 1) / DOT_LANES * DOT_LANES;
        for (int run = 0; run < 400; run++) {
            double sum = 0;
            for (size_t i = 0; i < dim; i++) {
                query[i] = draw_element(&random, draw_below(&random, 40));
                row[i] = (float)draw_element(&random, draw_below(&random, 40));
                sum += fabs(query[i] * (double)row[i]);
            }
            if (run % 2 && dim > 1) { /* cancelling down to its last bits */
                query[dim - 1] = -(double)(float)dot_double(query, row, padded);
                row[dim - 1] = 1;
                sum += fabs(query[dim - 1]);
            }
            double bound = (double)(dim * dim) * UNIT * UNIT * sum;
            exact_dot(exact, query, row, dim);
            largest = fmax(largest, error_of(dot_dd(query, row, padded), exact) / bound);
            exact_dot(exact, query, row, dim);
            double_bound = ((double)dim + 4) * UNIT * sum;
            struct double_double simple = {dot_double(query, row, padded), 0};
            largest_double = fmax(largest_double, error_of(simple, exact) / double_bound);
        }
        print_message("dot of %d: error up to %.2e of lemma 1's bound; in double %.2e\n", cases[c].dim, largest,
                      largest_double);
        assert_true(largest <= 1 && largest_double <= 1);
        assert_true(largest >= cases[c].at_least);
    }
    mpfr_clear(exact);
}

/* (D^2 + 16) u^2 A: few elements, far apart, so that scaling, bias and shift make the error. */
static void test_lemma_logit(void **state)
{
    uint64_t random = 1;
    double largest = 0;
    (void)state;
    mpfr_t exact, bias;
    mpfr_inits2(EXACT, exact, bias, (mpfr_ptr)0);
    for (int run = 0; run < 20000; run++) {
        enum { DIM = 3 };
        double query[DOT_LANES] = {0}, sum = 0;
        float row[DOT_LANES] = {0};
        for (int d = 0; d < DIM; d++) {
            query[d] = draw_element(&random, d * 20);
            row[d] = (float)draw_element(&random, d * 20);
            sum += fabs(query[d] * (double)row[d]);
        }
        struct problem problem = {.q_position = (int64_t)draw_between(&random, -0x1p40, 0x1p40)};
        struct certified_room room = {.padded = DOT_LANES, .query = query};
        double scale = (double)(float)draw_between(&random, 0.1, 1);
        struct head head = {.problem = &problem, .scale = scale * (double)(float)draw_between(&random, 0.1, 1)};
        head.slope = (double)(float)(draw_between(&random, -2, 2) * 0x1p-40);
        int64_t key = (int64_t)draw_between(&random, 0, 0x1p20);
        double distance = (double)(key - problem.q_position);
        exact_dot(exact, query, row, DIM);
        mpfr_mul_d(exact, exact, head.scale, MPFR_RNDN);
        mpfr_set_d(bias, head.slope, MPFR_RNDN);
        mpfr_mul_d(bias, bias, distance, MPFR_RNDN);
        mpfr_add(exact, exact, bias, MPFR_RNDN);
        head.max = mpfr_get_d(exact, MPFR_RNDN) + (run % 2 ? draw_between(&random, 0, 1) : 0);
        head.shift = head.max;
        mpfr_sub_d(exact, exact, head.max, MPFR_RNDN);
        double absolute = sum * head.scale + fabs(head.slope * distance);
        double bound = (DIM * DIM + 16) * UNIT * UNIT * fmax(absolute, fabs(head.max));
        largest = fmax(largest, error_of(logit_dd(&head, &room, row, key), exact) / bound);
    }
    print_message("logit: error up to %.2e of lemma 1's bound\n", largest);
    assert_true(largest <= 1 && largest > 0x1p-6);
    mpfr_clears(exact, bias, (mpfr_ptr)0);
}

/* A soft cap alone, from numbers far below it to ones far above: lemma 1. */
static void test_lemma_cap(void **state)
{
    uint64_t random = 1;
    double largest = 0, largest_double = 0;
    (void)state;
    mpfr_t exact;
    mpfr_init2(exact, EXACT);
    for (int run = 0; run < 20000; run++) {
        double cap = (double)(float)exp2(draw_between(&random, -10, 20));
        double x = cap * exp2(draw_between(&random, -40, 9)) * (run % 2 ? -1 : 1);
        struct double_double number = {x, x * draw_between(&random, -0x1p-53, 0x1p-53)};
        for (int low = 0; low < 2; low++) {
            mpfr_set_d(exact, x, MPFR_RNDN);
            if (low)
                mpfr_add_d(exact, exact, number.lo, MPFR_RNDN);
            mpfr_div_d(exact, exact, cap, MPFR_RNDN);
            mpfr_tanh(exact, exact, MPFR_RNDN);
            mpfr_mul_d(exact, exact, cap, MPFR_RNDN);
            if (low)
                largest = fmax(largest, error_of(cap_dd(cap, number), exact) /
                                            (15 * UNIT * UNIT * fabs(x) + CAP_DD_ERROR * cap));
            else
                largest_double = fmax(largest_double, error_of((struct double_double){cap_double(cap, x), 0}, exact) /
                                                          (UNIT * fabs(x) + CAP_DOUBLE_ERROR * cap));
        }
    }
    print_message("soft cap: error up to %.2e of lemma 1's bound, in double %.2e\n", largest, largest_double);
    assert_true(largest <= 1 && largest > 0x1p-10);
    assert_true(largest_double <= 1 && largest_double > 0x1p-8);
    mpfr_clear(exact);
}

/* A full block of heavy keys with equal weights but for exp's error: lemma 4 alone. */
static void test_lemma_block(void **state)
{
    uint64_t random = 1;
    double largest = 0;
    (void)state;
    mpfr_t exact, term;
    mpfr_inits2(EXACT, exact, term, (mpfr_ptr)0);
    for (int run = 0; run < 200; run++) {
        struct made made;
        struct certified_room room;
        struct error error;
        int64_t keys[BLOCK];
        double absolute = 0;
        made_init(&made, BLOCK, 1);
        made.q[0] = 1;
        for (int j = 0; j < BLOCK; j++) {
            keys[j] = j;
            made.k[j] = (float)draw_between(&random, -20, 0);
            made.v[j] = (float)draw_element(&random, draw_below(&random, 30));
        }
        assert_int_equal(certified_room_init(&room, &made.problem, &error), ERROR_NONE);
        room.query[0] = 1;
        struct head head = {.problem = &made.problem, .scale = 1};
        add_heavy(&head, &room, keys, BLOCK, (struct double_double){0, 0});
        mpfr_set_zero(exact, 1);
        for (int j = 0; j < BLOCK; j++) {
            struct double_double weight = exp_dd((struct double_double){(double)made.k[j], 0});
            mpfr_set_d(term, weight.hi, MPFR_RNDN);
            mpfr_add_d(term, term, weight.lo, MPFR_RNDN);
            mpfr_mul_d(term, term, (double)made.v[j], MPFR_RNDN);
            mpfr_add(exact, exact, term, MPFR_RNDN);
            absolute += weight.hi * fabs((double)made.v[j]);
        }
        double bound = 3.0 * BLOCK * (BLOCK + 2) * UNIT * UNIT * absolute;
        struct double_double total = {room.hi[0], room.lo[0]};
        largest = fmax(largest, error_of(total, exact) / bound);
        assert_true(fabs(room.magnitude[0] - absolute) <= 1e-12 * absolute);
        certified_room_clear(&room);
        made_clear(&made);
    }
    print_message("block: error up to %.2e of lemma 4's bound\n", largest);
    assert_true(largest <= 1 && largest > 0x1p-16);
    mpfr_clears(exact, term, (mpfr_ptr)0);
}

/* Lemma 3's formula is never below the sum that it bounds, and above it by less than 4 nats where reach is attained. */
static void test_lemma_tail(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (int run = 0; run < 3000; run++) {
        struct problem problem = {.seq_len = 3000, .q_position = (int64_t)draw_between(&random, -5000, 8000)};
        struct head head = {
            .problem = &problem, .slope = exp2(draw_between(&random, -12, 4)), .reach = draw_between(&random, 0, 100)};
        int64_t low = 1 + draw_below(&random, 3000);
        double max = draw_between(&random, -10, 10), sum = 0; /* of exp(s_j) over exp of the nearest key's */
        for (int64_t j = low - 1; j >= 0; j--)
            sum += exp(head.slope * (double)(j - (low - 1)));
        double exact = log(sum) + head.slope * (double)(low - 1 - problem.q_position) + head.reach - max;
        double bound = ln_tail_below(&head, low, max);
        assert_true(bound > exact + 0.99 && bound < exact + 3);
    }
    struct problem problem = {.seq_len = 10, .q_position = 9};
    struct head flat = {.problem = &problem, .slope = 0}, rising = {.problem = &problem, .slope = -1};
    assert_true(ln_tail_below(&flat, 0, 0) == -INFINITY && ln_tail_below(&flat, 1, 0) == INFINITY);
    assert_true(ln_tail_below(&rising, 1, 0) == INFINITY);
}

/* The table of efforts says what it means. */
static void test_efforts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof efforts / sizeof efforts[0]; i++) {
        assert_true(exp(efforts[i].ln_tail) < efforts[i].tail);
        assert_true(exp(1 - efforts[i].dropped_below) < efforts[i].dropped);
        assert_true(efforts[i].dropped_below + 1 < -EXP_LOWEST);
        assert_true(exp(1 - efforts[i].dropped_below) > 0.9 * efforts[i].dropped || i > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_problems),
        cmocka_unit_test(test_ordinary_problems_are_certified),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_tail_is_counted),
        cmocka_unit_test(test_tail_is_counted_beside_a_sink),
        cmocka_unit_test(test_far_key_dominates),
        cmocka_unit_test(test_dropped_keys_are_counted),
        cmocka_unit_test(test_light_error_is_counted),
        cmocka_unit_test(test_heavy_error_is_counted),
        cmocka_unit_test(test_distances_beyond_double),
        cmocka_unit_test(test_zero_channels),
        cmocka_unit_test(test_progress_and_cancelling),
        cmocka_unit_test(test_lemma_dot),
        cmocka_unit_test(test_lemma_logit),
        cmocka_unit_test(test_lemma_cap),
        cmocka_unit_test(test_lemma_block),
        cmocka_unit_test(test_lemma_tail),
        cmocka_unit_test(test_efforts),
    };
    int failed = cmocka_run_group_tests_name("truth_certified", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
