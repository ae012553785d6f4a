/* The bound of any order, (1) to (7) of any_order.md, one rounding at a time. Kernels are held against it in
 * harness/judge/class/tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "reference/error_bound.h"
#include "reference/recent_keys.h"
#include "reference/tensor_bounds.h"

enum { KEYS = 64, DIM = 10 };
#define E 0x1p-20

/* Logits of keys, all of q.k: q is 1, k as the row says. */
enum logits {
    EQUAL,     /* 0 */
    FAR,       /* -6 */
    STAIRS,    /* 0, -1, -2, ... from the oldest key on */
    ONE_HEAVY, /* 0, and all others -20 */
    SIGNED     /* -6 of products that are 2 and -8 */
};

enum values {
    ONES,
    SIGNS, /* 1 and -1 in turn */
    RARE   /* 1 of the first of 8 keys, else 0 */
};

struct made {
    struct problem problem;
    float q[DIM], k[KEYS * DIM], v[KEYS * DIM], slope, sink;
    uint8_t visible[KEYS];
    double out[DIM], lse;
};

static void make(struct made *made, enum logits logits, enum values values)
{
    *made = (struct made){.slope = 0};
    made->problem = (struct problem){.seq_len = KEYS,
                                     .num_heads = 1,
                                     .num_kv_heads = 1,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .scale = 1,
                                     .q_position = KEYS - 1,
                                     .slopes = &made->slope,
                                     .q = made->q,
                                     .k = made->k,
                                     .v = made->v};
    for (int d = 0; d < DIM; d++)
        made->q[d] = 1;
    for (int key = 0; key < KEYS; key++) {
        float *k = made->k + key * DIM;
        k[0] = logits == FAR                    ? -6
               : logits == STAIRS               ? (float)-key
               : logits == ONE_HEAVY && key > 0 ? -20
               : logits == SIGNED               ? 2
                                                : 0;
        k[1] = logits == SIGNED ? -8 : 0;
        for (int d = 0; d < DIM; d++)
            made->v[key * DIM + d] = values == SIGNS && key % 2 ? -1 : values == RARE && key % 8 ? 0 : 1;
    }
}

static void take_bounds(struct made *made, const struct rounding_model *rounding)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct rounding_model model = *rounding;
    struct truth truth = {0};
    struct error error;
    model.any_order = true;
    assert_int_equal(truth_init(&truth, &made->problem, &error), ERROR_NONE);
    assert_int_equal(truth_certified(&truth, &made->problem, &options, &error), ERROR_NONE);
    assert_int_equal(error_bounds(made->out, &made->lse, &model, &made->problem, &truth, 1, NULL, &error), ERROR_NONE);
    truth_clear(&truth);
}

/* Within a thousandth; 2^-42 for keys that are left out. */
static void assert_near(const char *name, const char *of, double bound, double expected)
{
    if (!(fabs(bound - expected) <= 1e-3 * expected + 0x1p-42))
        fail_msg("%s: %s %a, expected %a, %g of it", name, of, bound, expected, bound / expected);
}

/* The light keys of ONE_HEAVY, and what a stair weighs times how many are above it, or two at most. */
#define LIGHT (63 * 2.0611536e-9)
#define STAIRS_ABOVE 0.58197671
#define STAIRS_CHAIN 0.50321472

static void test_each_rounding_costs_what_it_should(void **state)
{
    static const double log_keys = 4.1588830833596715;
    static const struct {
        const char *name;
        enum logits logits;
        enum values values;
        struct rounding_model model;
        double out, lse; /* -1: not looked at */
    } rows[] = {
        {"nothing", FAR, SIGNS, {.add = 0}, 0, 0},
        /* (3): 63 additions, of the sum of one sign. Both sums lose where v is 1. */
        {"additions", EQUAL, ONES, {.add = E, .add_lost = 1}, 2 * 63 * E, 63 * E},
        {"additions of both signs", EQUAL, SIGNS, {.add = E, .add_lost = 1}, 31.5 * E, 63 * E},
        {"a chain of additions", EQUAL, ONES, {.add = E, .add_lost = 1, .chain = 6}, 12 * E, 6 * E},
        {"a chain of both signs", EQUAL, SIGNS, {.add = E, .add_lost = 1, .chain = 6}, 6 * E, 6 * E},
        {"light keys", ONE_HEAVY, ONES, {.add = E, .add_lost = 1}, 2 * LIGHT, LIGHT},
        {"light keys that take more with them", ONE_HEAVY, ONES, {.add = E, .add_lost = 9}, 18 * LIGHT, 9 * LIGHT},
        /* (4): keys of one size may come before any other of them. */
        {"rescalings", EQUAL, ONES, {.rescale = E}, 2 * 63 * E, 63 * E},
        {"rescalings of both signs", EQUAL, SIGNS, {.rescale = E}, 63 * E, 63 * E},
        {"rescalings by what is above", STAIRS, SIGNS, {.rescale = E}, -1, STAIRS_ABOVE * E},
        {"rescalings within a chain", STAIRS, SIGNS, {.rescale = E, .chain = 2}, -1, STAIRS_CHAIN * E},
        {"rescalings beside those", ONE_HEAVY, ONES, {.rescale = E, .rescales_after = 3}, 6 * E, 3 * E},
        /* (2): a logit's error is common to both sums, a weight's is not. */
        {"logits", FAR, ONES, {.logit = E}, 0, 6 * E},
        {"logits of both signs", FAR, SIGNS, {.logit = E}, 6 * E, 6 * E},
        {"exponentials", FAR, ONES, {.exponential = E}, 2 * E, E},
        {"exponentials of both signs", FAR, SIGNS, {.exponential = E}, E, E},
        {"maxima", FAR, ONES, {.maximum = E}, 12 * E, 6 * E},
        {"products with v", FAR, ONES, {.weight = E}, E, 0},
        /* (5) */
        {"narrow weights", EQUAL, ONES, {.narrow_weight = E}, E, E},
        {"narrow weights far from the output", EQUAL, RARE, {.narrow_weight = E}, 2 * 7 / 64.0 * E, E},
        {"floors of weights", EQUAL, ONES, {.narrow_weight_floor = E}, E, E},
        {"floors of raised weights", EQUAL, ONES, {.narrow_weight_floor = E, .max_offset = M_LN2}, 2 * E, 2 * E},
        {"floors of probabilities", EQUAL, ONES, {.narrow_probability_floor = E}, 64 * E, 64 * E},
        {"floors above a weight", ONE_HEAVY, ONES, {.narrow_probability_floor = E}, E + LIGHT, E + LIGHT},
        /* q.k: 2 - 8 */
        {"additions of q.k", SIGNED, SIGNS, {.dot_add = E}, 8 * E, 8 * E},
        {"products of q.k", SIGNED, SIGNS, {.dot = E}, 10 * E, 10 * E},
        {"q.k once it is summed up", SIGNED, SIGNS, {.dot_result = E}, 6 * E, 6 * E},
        /* (6) */
        {"partial outputs", FAR, ONES, {.partial = E}, E, 0},
        {"division", FAR, ONES, {.division = E}, E, 0},
        {"weights against the lse", FAR, ONES, {.lse_weights = true, .lse_sum = E}, 1.841117 * E, 1.841117 * E},
        {"floors of outputs", EQUAL, ONES, {.out_floor = E, .divided_floor = E}, 65 / 64.0 * E, 0},
        {"floors of sums of weights", EQUAL, ONES, {.sum_floor = 64 * E}, E, E},
        {"a logarithm", EQUAL, ONES, {.logarithm = E}, 0, (log_keys + 0.5) * E},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made made;
        make(&made, rows[i].logits, rows[i].values);
        take_bounds(&made, &rows[i].model);
        if (rows[i].out >= 0)
            assert_near(rows[i].name, "out", made.out[3], rows[i].out);
        assert_near(rows[i].name, "lse", made.lse, rows[i].lse);
    }
}

/* What is lost absolutely is lost before v_scale, which multiplies it, or behind it: of an fp8 cache v may be scaled as
 * it is read. */
static void test_floors_of_a_scaled_cache(void **state)
{
    static const float value_scales[] = {8, 1, 0x1p-3f, 0x1p-140f};
    (void)state;
    for (size_t i = 0; i < sizeof value_scales / sizeof value_scales[0]; i++) {
        static const uint8_t k[KEYS * DIM];
        uint8_t v[KEYS * DIM];
        struct made made;
        memset(v, 0x38, sizeof v); /* 1 in e4m3 */
        make(&made, EQUAL, ONES);
        made.problem.kv_format = KV_E4M3;
        made.problem.k_scale = 1;
        made.problem.v_scale = value_scales[i];
        made.problem.k = k;
        made.problem.v = v;
        take_bounds(&made, &(struct rounding_model){.out_floor = E, .divided_floor = E});
        assert_near("floors", "out", made.out[3], 65 / 64.0 * E * fmax(value_scales[i], 1));
    }
}

/* Of f32 in turn and of 16 bits: of a bias whose slope is no power of two. */
static void test_biases_are_rounded_where_they_are_not_exact(void **state)
{
    static const struct {
        float slope;
        struct rounding_model model;
        double distances; /* that the error is of, times E and the slope, at the newest key or the oldest */
    } rows[] = {{0.75f, {.narrow_bias = E}, 40},
                {0.5f, {.narrow_bias = E}, 0},
                {0.5f, {.bias = E}, 40},
                {0.5f, {.bias = E, .absolute_bias = true}, 1000},
                /* and slope * P as it is taken off the lse */
                {0.75f, {.narrow_bias = E, .absolute_bias = true}, 1000 + 1040},
                {0.5f, {.narrow_bias = E, .absolute_bias = true}, 0},
                {0.5f, {.position = E, .absolute_bias = true}, 1000 + 1040}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made made;
        make(&made, EQUAL, SIGNS);
        made.slope = rows[i].slope;
        made.problem.kv_offset = 1000;
        made.problem.q_position = 1000 + 40;
        memset(made.visible, 0, KEYS);
        made.visible[0] = 1;
        made.problem.visible = made.visible;
        take_bounds(&made, &rows[i].model);
        assert_near("bias", "lse", made.lse, rows[i].distances * (double)rows[i].slope * E);
    }
    /* Nor is the absolute form's bound less where j is small and j - P is not. */
    struct made made;
    make(&made, EQUAL, SIGNS);
    made.slope = 0.5f;
    made.problem.q_position = 5000;
    memset(made.visible, 0, KEYS);
    made.visible[0] = 1;
    made.problem.visible = made.visible;
    take_bounds(&made, &(struct rounding_model){.bias = E});
    double relative = made.lse;
    take_bounds(&made, &(struct rounding_model){.bias = E, .absolute_bias = true});
    assert_true(made.lse >= relative);
}

/* A sink is rescaled by the keys above it, and they by it; it has no value. */
static void test_a_sink_is_a_key_without_value(void **state)
{
    (void)state;
    struct made made;
    make(&made, EQUAL, ONES);
    made.sink = -1;
    made.problem.sink_logits = &made.sink;
    take_bounds(&made, &(struct rounding_model){.rescale = E});
    double sink = exp(-1) / (KEYS + exp(-1)), keys = 1 - sink;
    /* The sink: 64 times, and once where it is taken in; keys: 63 times, and by the sink. */
    assert_near("sink", "lse", made.lse, (65 * sink + 64 * keys) * E);
    assert_near("sink", "out", made.out[0], (65 * sink * keys + 64 * keys * (1 + keys)) * E);
    take_bounds(&made, &(struct rounding_model){.add = E, .add_lost = 1});
    assert_near("sink", "lse", made.lse, 64 * E);
}

/* What additions have lost grows by the rescalings that follow. */
static void test_what_is_lost_is_rescaled(void **state)
{
    const double rescale = 0x1p-8, add = 0x1p-10, lost = 63 * add / (1 - 63 * add) * exp(2 * 63 * rescale);
    (void)state;
    struct made made;
    make(&made, EQUAL, ONES);
    take_bounds(&made, &(struct rounding_model){.rescale = rescale, .add = add, .add_lost = 1});
    assert_near("rescaled", "lse", made.lse, -log(exp(-63 * rescale) - lost));
}

/* A maximum may come after a key if their logits may be so far off, each its own way: of half their sizes, as here,
 * from three times as far down. A key's factors are told from its other errors, which are the same without them. */
static void test_logits_that_err_are_rescaled_by_more(void **state)
{
    double weight = 0, factors = 0;
    (void)state;
    struct made made;
    make(&made, STAIRS, SIGNS);
    take_bounds(&made, &(struct rounding_model){.logit = 0.5});
    double without = made.lse;
    take_bounds(&made, &(struct rounding_model){.logit = 0.5, .rescale = E});
    for (int key = 0; key < KEYS; key++) {
        weight += exp(-0.5 * key);
        factors += exp(-0.5 * key) * fmin(3 * key, KEYS - 1);
    }
    assert_near("rescalings", "lse", made.lse - without, factors / weight * E);
}

/* Keys outside the window count as light ones, which no maximum of 64 nats hides. */
static void test_old_keys_cost_next_to_nothing(void **state)
{
    (void)state;
    struct made made;
    make(&made, EQUAL, ONES);
    made.slope = 4;
    take_bounds(&made, &(struct rounding_model){.add = E, .add_lost = 1, .rescale = E});
    /* Weights fall by e^-4: 4 keys above E. Of the rest, 2e-8 together, each may be lost. */
    double p = 1 - exp(-4), rescales = 0, light = exp(-16);
    for (int key = 0; key < KEYS; key++)
        rescales += p * exp(-4 * key) * key;
    assert_near("window", "lse", made.lse, 3 * E + light + rescales * E);
}

/* The oldest key that a bound looks at. */
static int64_t oldest_looked_at(const struct problem *problem, const struct rounding_model *rounding)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct rounding_model model = *rounding;
    struct truth truth = {0};
    struct tensor_bounds bounds;
    struct bound_room *room;
    struct error error;
    int64_t first = 0;
    struct recent_keys recent = {.first = &first};
    model.any_order = true;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_certified(&truth, problem, &options, &error), ERROR_NONE);
    assert_int_equal(tensor_bounds_scan(&bounds, problem, 1, NULL, &error), ERROR_NONE);
    while (first < problem->seq_len && !recent.wanted) {
        double out[DIM], lse;
        struct problem newest = *problem;
        first++;
        newest.recent = &recent;
        assert_int_equal(bound_room_new(&room, &newest, &error), ERROR_NONE);
        error_bounds_of_head(out, &lse, room, &model, &newest, &truth, &bounds, 0);
        bound_room_free(room);
    }
    tensor_bounds_clear(&bounds);
    truth_clear(&truth);
    return first - 1;
}

/* Keys that are left out weigh next to nothing as the kernel has them: after additions and narrow weights that may make
 * each of them e^8 of what it is, as many more are looked at as have that weight. */
static void test_keys_that_a_kernel_may_enlarge_are_looked_at(void **state)
{
    static const struct rounding_model enlarging[] = {
        {.narrow_weight = 8}, {.add_lost = 2979.957987 /* e^8 - 1 */}, {.add = 8.0 / KEYS}};
    (void)state;
    struct made made;
    make(&made, EQUAL, ONES);
    made.slope = 4;
    int64_t oldest = oldest_looked_at(&made.problem, &(struct rounding_model){.logarithm = E});
    assert_true(oldest > KEYS / 2 && oldest < KEYS);
    for (size_t i = 0; i < sizeof enlarging / sizeof *enlarging; i++)
        assert_int_equal(oldest_looked_at(&made.problem, &enlarging[i]), oldest - 2);
}

/* Where nothing is left of the sum, a single weight is; and where a bound is what any weights give, there is none. */
static void test_what_is_promised_of_coarse_arithmetic(void **state)
{
    (void)state;
    struct made made;
    make(&made, EQUAL, SIGNS);
    take_bounds(&made, &(struct rounding_model){.add = 0x1p-7, .add_lost = 1, .chain = 40});
    assert_true(isfinite(made.out[0]) && isfinite(made.lse));
    take_bounds(&made, &(struct rounding_model){.add = 0.011, .add_lost = 1});
    assert_true(isinf(made.out[0]) && isfinite(made.lse));
    /* Of the single weight, a 64th, floors may take half: of weights from 0 on, or of those that are raised. */
    take_bounds(&made, &(struct rounding_model){.add = 0.011, .add_lost = 1, .sum_floor = 0.5});
    assert_near("half of a weight", "lse", made.lse, log(2 * KEYS));
    take_bounds(&made, &(struct rounding_model){.add = 0.011, .add_lost = 1, .sum_floor = 0.25, .max_offset = M_LN2});
    assert_near("half of a raised weight", "lse", made.lse, log(2 * KEYS));
    /* Additions that lose more than all there is promise nothing, but within a chain they lose less. */
    take_bounds(&made, &(struct rounding_model){.add = 0x1p-5, .add_lost = 1, .chain = 6});
    assert_near("a short chain", "lse", made.lse, -log(1 - 6 * 0x1p-5 / (1 - 6 * 0x1p-5)));
    take_bounds(&made, &(struct rounding_model){.exponential = 2});
    assert_true(isinf(made.out[0]) && isfinite(made.lse));
    take_bounds(&made, &(struct rounding_model){.sum_max = 63});
    assert_true(isinf(made.out[0]) && isinf(made.lse));
    take_bounds(&made, &(struct rounding_model){.sum_max = 64});
    assert_true(isfinite(made.out[0]) && isfinite(made.lse));
    memset(made.v, 0, sizeof made.v); /* any weights give 0 */
    take_bounds(&made, &(struct rounding_model){.exponential = E, .add = E, .add_lost = 1});
    assert_true(made.out[0] < 0x1p-100);
    assert_true(isinf(error_bound_of_constant(&(struct rounding_model){.any_order = true}, &made.problem, 1)));
}

/* Two heads of two KV heads, and of one: a room that has looked at a head is asked about others, and about fewer keys
 * and more. */
enum { MANY_HEADS = 4 };

struct many {
    struct problem problem;
    float q[MANY_HEADS * DIM], k[KEYS * 2 * DIM], v[KEYS * 2 * DIM], slopes[MANY_HEADS];
};

static void make_many(struct many *many)
{
    uint32_t state = 1;
    float *const of[] = {many->q, many->k, many->v};
    const size_t counts[] = {MANY_HEADS * DIM, KEYS * 2 * DIM, KEYS * 2 * DIM};
    many->problem = (struct problem){.seq_len = KEYS,
                                     .num_heads = MANY_HEADS,
                                     .num_kv_heads = 2,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .scale = 1,
                                     .q_position = KEYS - 1,
                                     .slopes = many->slopes,
                                     .q = many->q,
                                     .k = many->k,
                                     .v = many->v};
    for (int t = 0; t < 3; t++)
        for (size_t i = 0; i < counts[t]; i++) {
            state = state * 1664525 + 1013904223;
            of[t][i] = (float)(state >> 16) * 0x1p-15f - 1;
        }
    for (int h = 0; h < MANY_HEADS; h++)
        many->slopes[h] = 0.1f * (float)h;
    memcpy(many->q + DIM, many->q, DIM * sizeof *many->q);     /* the second head's q is the first's, of one KV head */
    memcpy(many->q + 2 * DIM, many->q, DIM * sizeof *many->q); /* and the third's, of the other */
}

static void ask_room(double *out, double *lse, struct bound_room *room, const struct rounding_model *model,
                     const struct problem *problem, int head)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    struct truth truth = {0};
    struct tensor_bounds bounds;
    struct error error;
    assert_int_equal(truth_init(&truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_certified(&truth, problem, &options, &error), ERROR_NONE);
    assert_int_equal(tensor_bounds_scan(&bounds, problem, 1, NULL, &error), ERROR_NONE);
    error_bounds_of_head(out, lse, room, model, problem, &truth, &bounds, head);
    tensor_bounds_clear(&bounds);
    truth_clear(&truth);
}

static void test_a_room_keeps_nothing_of_another_head(void **state)
{
    static const struct {
        int head;
        int64_t keys;
    } asks[] = {{0, KEYS}, {0, KEYS}, {1, KEYS}, {2, KEYS}, {3, KEYS}, {3, 9}, {3, KEYS}, {0, 20}, {2, 20}, {2, KEYS}};
    const struct rounding_model model = {.any_order = true, .dot = E, .logit = E, .add = E, .weight = E};
    struct many many;
    struct bound_room *room, *fresh;
    struct error error;
    (void)state;
    make_many(&many);
    assert_int_equal(bound_room_new(&room, &many.problem, &error), ERROR_NONE);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        double out[DIM], lse, expected[DIM], expected_lse;
        struct problem problem = many.problem;
        problem.seq_len = asks[i].keys;
        problem.q_position = asks[i].keys - 1;
        ask_room(out, &lse, room, &model, &problem, asks[i].head);
        assert_int_equal(bound_room_new(&fresh, &problem, &error), ERROR_NONE);
        ask_room(expected, &expected_lse, fresh, &model, &problem, asks[i].head);
        bound_room_free(fresh);
        assert_memory_equal(out, expected, sizeof out);
        assert_true(lse == expected_lse && isfinite(lse));
    }
    bound_room_free(room);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rounding_costs_what_it_should),
        cmocka_unit_test(test_floors_of_a_scaled_cache),
        cmocka_unit_test(test_biases_are_rounded_where_they_are_not_exact),
        cmocka_unit_test(test_a_sink_is_a_key_without_value),
        cmocka_unit_test(test_what_is_lost_is_rescaled),
        cmocka_unit_test(test_logits_that_err_are_rescaled_by_more),
        cmocka_unit_test(test_old_keys_cost_next_to_nothing),
        cmocka_unit_test(test_keys_that_a_kernel_may_enlarge_are_looked_at),
        cmocka_unit_test(test_what_is_promised_of_coarse_arithmetic),
        cmocka_unit_test(test_a_room_keeps_nothing_of_another_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
