/* Truths and bounds of problems of which the newest keys alone are in memory: those of the whole, or a word that older
 * ones are needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference/baseline.h"
#include "reference/error_bound.h"
#include "reference/recent_keys.h"
#include "reference/tensor_bounds.h"
#include "reference/tests/drawn_problem.h"

enum { DRAWN = 1500, MAX_KV_HEADS = 3, MAX_HEADS = 9, BUDGET = 60000 };

/* Ordinary f32 arithmetic. */
static const struct rounding_model ordinary = {
    .slope = 0x1p-24,
    .scale = 0x1p-24,
    .dot = 0x1p-20,
    .bias = 0x1p-24,
    .logit = 0x1p-24,
    .shift = 0x1p-24,
    .exponential = 0x1p-22,
    .rescale = 0x1p-23,
    .add = 0x1p-24,
    .logarithm = 0x1p-23,
    .lse_sum = 0x1p-24,
    .lse_base = 0x1p-24,
    .division = 0x1p-24,
    .position_exact = 0x1p24,
    .keys_per_round = 32,
    .rescales_per_round = 1,
    .sum_adds_per_round = 1,
    .out_adds_per_round = 2,
};

/* What is found of a problem. */
struct found {
    struct truth truth;
    double *bound, *lse_bound;
};

static void find(struct found *found, const struct problem *problem, const struct rounding_model *model,
                 enum truth_method method)
{
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct error error;
    size_t rows = (size_t)problem_rows(problem), elements = (size_t)problem_elements(problem);
    found->bound = malloc(elements * sizeof(double));
    found->lse_bound = malloc(rows * sizeof(double));
    assert_true(found->bound && found->lse_bound);
    assert_int_equal(truth_init(&found->truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(&found->truth, method, problem, &options, &error), ERROR_NONE);
    assert_int_equal(error_bounds(found->bound, found->lse_bound, model, problem, &found->truth, 1, NULL, &error),
                     ERROR_NONE);
}

static void found_clear(struct found *found)
{
    truth_clear(&found->truth);
    free(found->bound);
    free(found->lse_bound);
}

static void assert_same(const struct found *a, const struct found *b, const struct problem *problem)
{
    size_t rows = (size_t)problem_rows(problem) * sizeof(double), elements = rows * (size_t)problem->head_dim;
    assert_memory_equal(a->truth.value, b->truth.value, elements);
    assert_memory_equal(a->truth.tail, b->truth.tail, elements);
    assert_memory_equal(a->truth.radius, b->truth.radius, elements);
    assert_memory_equal(a->truth.lse, b->truth.lse, rows);
    assert_memory_equal(a->truth.lse_radius, b->truth.lse_radius, rows);
    assert_memory_equal(a->bound, b->bound, elements);
    assert_memory_equal(a->lse_bound, b->lse_bound, rows);
}

/* A copy of k or v in which keys before first[] hold what no kernel may read. */
static void *without_older(const struct problem *problem, const void *tensor, const int64_t *first)
{
    size_t element = dtypes[problem_kv_dtype(problem)].size_bytes, dim = (size_t)problem->head_dim;
    size_t bytes = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * dim * element;
    char *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, tensor, bytes);
    for (int head = 0; head < problem->num_kv_heads; head++)
        for (int64_t key = 0; key < first[head]; key++)
            memset(copy + problem_row(problem, key, head) * element, 0xff, dim * element);
    return copy;
}

/* The problem with the keys of each KV head from first[] on; the caller frees its k and v. */
static struct problem cut(const struct problem *problem, struct recent_keys *recent)
{
    struct problem newest = *problem;
    newest.k = without_older(problem, problem->k, recent->first);
    newest.v = without_older(problem, problem->v, recent->first);
    newest.recent = recent;
    return newest;
}

static void free_cut(const struct problem *newest)
{
    free((void *)newest->k);
    free((void *)newest->v);
}

/* The models that bounds are asked for: masked keys' logits count in some, every order in others. */
static struct rounding_model draw_model(uint64_t *state)
{
    struct rounding_model model = ordinary;
    model.masked_logits = draw_below(state, 3) == 0;
    model.logit_max = draw_below(state, 3) ? 0 : 60;
    model.any_order = draw_below(state, 3) == 0;
    model.absolute_bias = draw_below(state, 4) == 0;
    model.chunk_len = draw_below(state, 2) ? 64 : 0;
    return model;
}

/* Of drawn problems few look at some keys alone: here they stand where people run them, with steep slopes. */
static void make_ordinary(struct problem *problem, float *steep, uint64_t *state)
{
    for (int head = 0; head < problem->num_heads; head++)
        steep[head] = (float)exp2(draw_between(state, 0, 3));
    problem->slopes = steep;
    problem->scale = (float)(1 / sqrt(problem->head_dim));
    problem->k_scale = problem->v_scale = 1;
    problem->kv_offset = 0;
    problem->q_position = problem->seq_len - 1;
}

static void test_what_needs_no_older_keys_is_that_of_the_whole(void **state)
{
    int enough = 0,
        wanted = 0; /* KV heads of which older keys were missing and not missed; problems that wanted some */
    (void)state;
    for (uint64_t seed = 1; seed <= DRAWN; seed++) {
        struct drawn_problem drawn;
        uint64_t draws = seed * 7919;
        int64_t first[MAX_KV_HEADS] = {0};
        struct recent_keys recent = {.first = first};
        struct tensor_bounds bounds;
        struct error error;
        struct found whole, some;
        drawn_problem_init(&drawn, seed, BUDGET);
        struct problem chosen = drawn.problem, *problem = &chosen;
        float steep[MAX_HEADS];
        if (seed % 3 > 0)
            make_ordinary(problem, steep, &draws);
        assert_int_equal(tensor_bounds_scan(&bounds, problem, 1, NULL, &error), ERROR_NONE);
        problem->bounds = &bounds;
        const struct rounding_model model = draw_model(&draws);
        for (int head = 0; head < problem->num_kv_heads; head++)
            first[head] = (int64_t)(draw_bits(&draws) % (uint64_t)(problem->seq_len + 1)) >> draw_below(&draws, 4);
        const struct problem newest = cut(problem, &recent);
        find(&some, &newest, &model, TRUTH_CERTIFIED);
        if (!recent.wanted) {
            find(&whole, problem, &model, TRUTH_CERTIFIED);
            assert_same(&some, &whole, problem);
            found_clear(&whole);
        }
        for (int head = 0; head < problem->num_kv_heads; head++)
            enough += !recent.wanted && first[head] > 0;
        wanted += recent.wanted;
        found_clear(&some);
        free_cut(&newest);
        tensor_bounds_clear(&bounds);
        drawn_problem_clear(&drawn);
    }
    assert_true(enough > 100 && wanted > 100);
}

/* A long cache of which all heads look at the newest keys alone. */
struct long_problem {
    struct problem problem;
    struct tensor_bounds bounds;
    float *q, *k, *v;
};

enum { KEYS = 6000, HEADS = 4, KV_HEADS = 2, DIM = 16, QUERIES = 3 };
static const float slopes[HEADS] = {0.5f, 0.25f, 1, 0.125f};

static struct long_problem long_problem(int queries)
{
    struct long_problem made = {.q = malloc(QUERIES * HEADS * DIM * sizeof(float)),
                                .k = malloc(KEYS * KV_HEADS * DIM * sizeof(float)),
                                .v = malloc(KEYS * KV_HEADS * DIM * sizeof(float))};
    struct error error;
    uint64_t state = 3;
    assert_true(made.q && made.k && made.v);
    for (int i = 0; i < QUERIES * HEADS * DIM; i++)
        made.q[i] = (float)draw_normal(&state);
    for (int i = 0; i < KEYS * KV_HEADS * DIM; i++) {
        made.k[i] = (float)draw_normal(&state);
        made.v[i] = (float)draw_normal(&state);
    }
    made.problem = (struct problem){.seq_len = KEYS,
                                    .num_queries = queries,
                                    .num_heads = HEADS,
                                    .num_kv_heads = KV_HEADS,
                                    .head_dim = DIM,
                                    .dtype = DTYPE_F32,
                                    .scale = 0.25f,
                                    .q_position = KEYS - 1,
                                    .slopes = slopes,
                                    .q = made.q,
                                    .k = made.k,
                                    .v = made.v};
    assert_int_equal(tensor_bounds_scan(&made.bounds, &made.problem, 1, NULL, &error), ERROR_NONE);
    return made;
}

static void long_problem_clear(struct long_problem *made)
{
    tensor_bounds_clear(&made->bounds);
    free(made->q);
    free(made->k);
    free(made->v);
}

static void test_the_keys_that_are_named_are_enough(void **state)
{
    static uint8_t sparse[KEYS];
    (void)state;
    for (int key = 0; key < KEYS - 200; key++)
        sparse[key] = key % 9 == 0;
    for (int queries = 1; queries <= QUERIES; queries += QUERIES - 1)
        for (int masked = 0; masked < 2; masked++) {
            struct long_problem made = long_problem(queries);
            struct problem problem = made.problem;
            int64_t first[KV_HEADS];
            struct recent_keys recent = {.first = first};
            struct found whole, some;
            problem.bounds = &made.bounds;
            problem.visible = masked ? sparse : NULL;
            for (int head = 0; head < KV_HEADS; head++) {
                first[head] = recent_keys_needed(&problem, made.bounds.k, head);
                assert_true(first[head] > KEYS / 2 && first[head] < KEYS - 200); /* far from all of them */
            }
            assert_true(first[1] < first[0]); /* which has the steeper slopes */
            const struct problem newest = cut(&problem, &recent);
            find(&some, &newest, &ordinary, TRUTH_CERTIFIED);
            assert_false(recent.wanted);
            find(&whole, &problem, &ordinary, TRUTH_CERTIFIED);
            assert_same(&some, &whole, &problem);
            found_clear(&some);
            found_clear(&whole);
            free_cut(&newest);
            long_problem_clear(&made);
        }
}

static void test_no_keys_are_named_where_any_may_matter(void **state)
{
    static const float flat[HEADS] = {0.5f, 0, 1, 0.125f}, rising[HEADS] = {0.5f, -2, 1, 0.125f};
    static const uint8_t none[KEYS];
    struct long_problem made = long_problem(1);
    struct problem problem = made.problem;
    (void)state;
    problem.slopes = flat;
    assert_int_equal(recent_keys_needed(&problem, made.bounds.k, 0), 0);
    problem.slopes = rising;
    assert_int_equal(recent_keys_needed(&problem, made.bounds.k, 0), 0);
    problem.slopes = slopes;
    problem.visible = none;
    assert_int_equal(recent_keys_needed(&problem, made.bounds.k, 0), 0);
    problem.visible = NULL;
    problem.soft_cap = SOFT_CAP_AFTER_BIAS;
    problem.soft_cap_value = 30;
    assert_int_equal(recent_keys_needed(&problem, made.bounds.k, 0), 0);
    problem.soft_cap = SOFT_CAP_BEFORE_BIAS;
    problem.soft_cap_value = 1;
    assert_true(recent_keys_needed(&problem, made.bounds.k, 0) > recent_keys_needed(&made.problem, made.bounds.k, 0));
    long_problem_clear(&made);
}

/* However steep, as is promised to who looks at some of them. */
static void test_some_keys_are_always_there(void **state)
{
    static const float steep[HEADS] = {1e6f, 1e6f, 1e6f, 1e6f};
    struct long_problem made = long_problem(1);
    struct problem problem = made.problem;
    (void)state;
    problem.slopes = steep;
    for (int head = 0; head < KV_HEADS; head++) {
        int64_t first = recent_keys_needed(&problem, made.bounds.k, head);
        assert_true(first > KEYS / 2 && first <= KEYS - RECENT_KEYS_LEAST);
    }
    long_problem_clear(&made);
}

/* Those who look at all keys say so, whatever they find there. */
static void test_who_looks_at_all_keys_says_so(void **state)
{
    struct long_problem made = long_problem(1);
    double out[HEADS * DIM], lse[HEADS];
    int64_t first[KV_HEADS] = {1, 1};
    struct error error;
    (void)state;
    for (int who = 0; who < 3; who++) {
        struct recent_keys recent = {.first = first};
        const struct problem newest = cut(&made.problem, &recent);
        struct tensor_bounds bounds;
        struct truth truth;
        const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
        assert_int_equal(truth_init(&truth, &newest, &error), ERROR_NONE);
        if (who == 0)
            assert_int_equal(truth_compute(&truth, TRUTH_PLAIN, &newest, &options, &error), ERROR_NONE);
        if (who == 1) {
            assert_int_equal(tensor_bounds_scan(&bounds, &newest, 1, NULL, &error), ERROR_NONE);
            tensor_bounds_clear(&bounds);
        }
        const struct baseline_result results[BASELINE_COUNT] = {[BASELINE_F64_RELATIVE] = {out, lse}};
        if (who == 2)
            assert_int_equal(baseline_attention(1u << BASELINE_F64_RELATIVE, &newest, 1, NULL, results, &error),
                             ERROR_NONE);
        assert_true(recent.wanted);
        truth_clear(&truth);
        free_cut(&newest);
    }
    long_problem_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_needs_no_older_keys_is_that_of_the_whole),
        cmocka_unit_test(test_the_keys_that_are_named_are_enough),
        cmocka_unit_test(test_no_keys_are_named_where_any_may_matter),
        cmocka_unit_test(test_some_keys_are_always_there),
        cmocka_unit_test(test_who_looks_at_all_keys_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
