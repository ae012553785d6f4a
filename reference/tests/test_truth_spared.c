/* Rows that MPFR is spared: what is no number, and a sink above all keys, is settled by lemmas 6 and 7 alone. */
#include "reference/recent_keys.h"
#include "reference/tensor_bounds.h"
#include "reference/tests/drawn_problem.h"
#include "reference/tests/nonfinite_truth.h"

/* Two heads of a KV head each, 3 queries, f32, slopes that leave far keys without weight. */
enum { KEYS = 160, HEADS = 2, DIM = 5, QUERIES = 3 };

struct made {
    struct problem problem;
    float q[QUERIES][HEADS][DIM], k[KEYS][HEADS][DIM], v[KEYS][HEADS][DIM], slopes[HEADS], sinks[HEADS];
    uint8_t visible[KEYS];
};

static void made_init(struct made *made)
{
    uint64_t state = 1;
    *made = (struct made){.slopes = {2, 0x1p-8f}, .sinks = {3, 4}};
    for (int i = 0; i < QUERIES * HEADS * DIM; i++)
        (&made->q[0][0][0])[i] = (float)draw_normal(&state);
    for (int i = 0; i < KEYS * HEADS * DIM; i++) {
        (&made->k[0][0][0])[i] = (float)draw_normal(&state);
        (&made->v[0][0][0])[i] = (float)draw_normal(&state);
    }
    memset(made->visible, 1, sizeof made->visible);
    made->problem = (struct problem){.seq_len = KEYS,
                                     .num_queries = QUERIES,
                                     .num_heads = HEADS,
                                     .num_kv_heads = HEADS,
                                     .head_dim = DIM,
                                     .dtype = DTYPE_F32,
                                     .scale = 0.5f,
                                     .q_position = KEYS - 1,
                                     .slopes = made->slopes,
                                     .q = made->q,
                                     .k = made->k,
                                     .v = made->v,
                                     .visible = made->visible};
}

/* The certified truth, which is the plain one; says of every element whether it has to be a number. */
static struct truth settled_truth(const struct made *made)
{
    struct truth truth = solve(truth_certified, &made->problem, 2), plain = solve(truth_plain, &made->problem, 2);
    assert_true(same_truth(&truth, &plain, NULL) && keeps_promises(&truth, &plain));
    truth_clear(&plain);
    return truth;
}

/* Of the truth of the problem as it was made, without what is no number: bits are those of the channels beside it. */
static void assert_the_rest(const struct truth *truth, const struct truth *finite, bool none[QUERIES][HEADS][DIM])
{
    for (int i = 0; i < QUERIES * HEADS * DIM; i++) {
        assert_int_equal(!isfinite(truth->value[i]), (&none[0][0][0])[i]);
        if (!(&none[0][0][0])[i])
            assert_true(truth->value[i] == finite->value[i] && truth->tail[i] == finite->tail[i] &&
                        truth->radius[i] == finite->radius[i] && truth->magnitude[i] == finite->magnitude[i]);
    }
    assert_memory_equal(truth->lse, finite->lse, QUERIES * HEADS * sizeof *truth->lse);
}

/* Key 0 weighs nothing in head 0, and the last two are not seen by all queries. A NaN spoils one channel of the rows
 * that see it, and certificates have all others as they are without it. */
static void test_values_spoil_their_channel_alone(void **state)
{
    static const int keys[] = {0, KEYS / 2, KEYS - 2, KEYS - 1};
    static const float values[] = {NAN, INFINITY, -INFINITY};
    static struct made made;
    (void)state;
    made_init(&made);
    struct truth finite = settled_truth(&made);
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        made_init(&made);
        made.visible[keys[k]] = 0;
        struct truth without = settled_truth(&made);
        for (int head = 0; head < HEADS; head++)
            for (size_t kind = 0; kind < sizeof values / sizeof values[0]; kind++) {
                bool none[QUERIES][HEADS][DIM] = {0};
                made_init(&made);
                made.v[keys[k]][head][3] = values[kind];
                for (int query = 0; query < QUERIES; query++)
                    none[query][head][3] = keys[k] < KEYS - (QUERIES - 1 - query);
                struct truth truth = settled_truth(&made);
                assert_int_equal(truth.plain_rows, 0);
                assert_the_rest(&truth, &finite, none);
                for (int query = 0; query < QUERIES; query++) {
                    double value = truth.value[(query * HEADS + head) * DIM + 3];
                    assert_true(!none[query][head][3] || (isnan(value) ? kind == 0 : value == (double)values[kind]));
                }
                truth_clear(&truth);
                made.visible[keys[k]] = 0; /* and a masked one none */
                memset(none, 0, sizeof none);
                truth = settled_truth(&made);
                assert_the_rest(&truth, &without, none);
                assert_int_equal(truth.plain_rows, 0);
                truth_clear(&truth);
            }
        truth_clear(&without);
    }
    truth_clear(&finite);
}

/* An infinity and its opposite are NaN together, in the queries that see both; a negative v_scale turns one, 0 makes it
 * NaN. */
static void test_infinities_meet(void **state)
{
    (void)state;
    static struct made made;
    made_init(&made);
    made.v[1][0][2] = INFINITY;
    made.v[KEYS - 1][0][2] = -INFINITY;
    struct truth truth = settled_truth(&made);
    assert_true(truth.value[2] == INFINITY && isnan(truth.value[(QUERIES - 1) * HEADS * DIM + 2]));
    assert_int_equal(truth.plain_rows, 0);
    truth_clear(&truth);

    static uint8_t narrow[2][KEYS * HEADS * DIM];
    dtype_narrow(DTYPE_E5M2, narrow[0], 0, KEYS * HEADS * DIM, &made.k[0][0][0]);
    dtype_narrow(DTYPE_E5M2, narrow[1], 0, KEYS * HEADS * DIM, &made.v[0][0][0]);
    made.problem.kv_format = KV_E5M2;
    made.problem.k = narrow[0];
    made.problem.v = narrow[1];
    made.problem.k_scale = 1;
    for (int scale = 0; scale < 2; scale++) {
        made.problem.v_scale = (float)-scale;
        truth = settled_truth(&made);
        assert_true(scale ? truth.value[2] == -INFINITY : isnan(truth.value[2]));
        assert_true(scale || truth.value[0] == 0);
        assert_int_equal(truth.plain_rows, 0);
        truth_clear(&truth);
    }
}

/* A logit that is NaN or +inf leaves nothing of a row; one of -inf is a key without weight, and MPFR's. */
static void test_logits_spoil_their_row(void **state)
{
    static const struct {
        float q, k;
        enum soft_cap soft_cap;
        bool none;
        int plain_rows;
    } cases[] = {
        {1, NAN, SOFT_CAP_NONE, true, 0},        {1, INFINITY, SOFT_CAP_NONE, true, 0},
        {-1, -INFINITY, SOFT_CAP_NONE, true, 0}, {0, INFINITY, SOFT_CAP_NONE, true, 0},
        {1, -INFINITY, SOFT_CAP_NONE, false, 1}, {1, NAN, SOFT_CAP_BEFORE_BIAS, true, 0},
        {1, NAN, SOFT_CAP_AFTER_BIAS, true, 0},  {1, INFINITY, SOFT_CAP_BEFORE_BIAS, false, 1},
        {NAN, 1, SOFT_CAP_NONE, true, 0},        {INFINITY, 1, SOFT_CAP_NONE, true, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct made made;
        made_init(&made);
        made.problem.num_queries = 1;
        made.problem.soft_cap = cases[i].soft_cap;
        made.problem.soft_cap_value = 5;
        made.q[0][1][4] = cases[i].q;
        made.k[9][1][4] = cases[i].k;
        struct truth truth = settled_truth(&made);
        assert_int_equal(truth.plain_rows, cases[i].plain_rows);
        for (int d = 0; d < DIM; d++) {
            assert_true(isfinite(truth.value[d]));
            assert_int_equal(isnan(truth.value[DIM + d]), cases[i].none);
        }
        assert_int_equal(isnan(truth.lse[1]), cases[i].none);
        truth_clear(&truth);
        made.visible[9] = 0;
        truth = settled_truth(&made);
        assert_int_equal(isnan(truth.lse[1]), !isfinite(cases[i].q));
        truth_clear(&truth);
    }
}

/* What is no number at a masked key has no part in what a visible one makes. */
static void test_masked_keys_have_no_part(void **state)
{
    (void)state;
    static struct made made;
    made_init(&made);
    made.problem.num_queries = 1;
    made.v[5][0][3] = INFINITY;
    made.v[6][0][3] = NAN;
    made.k[7][1][3] = -INFINITY; /* a key without weight */
    made.q[0][1][3] = 1;
    made.k[8][1][3] = NAN;
    made.visible[6] = made.visible[8] = 0;
    struct truth truth = settled_truth(&made);
    assert_true(truth.value[3] == INFINITY);
    assert_true(isfinite(truth.lse[1]) && isfinite(truth.value[DIM]));
    assert_int_equal(truth.plain_rows, 1);
    truth_clear(&truth);
}

/* A sink is as far above all keys as it takes until each element is next to 0, which is no 0; from there on MPFR is
 * spared. */
static void test_rows_that_a_sink_swallows(void **state)
{
    static const struct {
        float sink;
        int plain_rows;
    } cases[] = {{400, 0}, {600, 1}, {730, 1}, {800, 0}, {1e5f, 0}, {1e18f, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int spoiled = 0; spoiled < 2; spoiled++) {
            static struct made made;
            made_init(&made);
            made.problem.num_queries = 1;
            made.problem.sink_logits = made.sinks;
            made.sinks[0] = cases[i].sink;
            for (int j = 0; j < KEYS; j++)
                made.v[j][0][1] = 0;
            made.v[3][0][0] = spoiled ? INFINITY : made.v[3][0][0];
            struct truth truth = settled_truth(&made);
            assert_int_equal(truth.plain_rows, cases[i].plain_rows);
            assert_true(spoiled ? truth.value[0] == INFINITY : truth.magnitude[0] > 0);
            assert_true(truth.value[1] == 0 && truth.radius[1] == 0 && truth.magnitude[1] == 0);
            for (int d = 2; d < DIM; d++) {
                assert_int_equal(truth.value[d] == 0, cases[i].sink > 740);
                assert_true(truth.radius[d] > 0 && truth.magnitude[d] > 0);
            }
            assert_true(truth.lse[0] == (double)cases[i].sink);
            truth_clear(&truth);
        }
}

/* A sink above keys whose logits come of so large products that the first effort misses its goal. v, which is 0, says
 * nothing of how much lse has of them. */
static void test_a_sink_above_keys_without_values(void **state)
{
    (void)state;
    for (int above = -2; above < 600; above += above < 20 ? 1 : 29) {
        static struct made made;
        made_init(&made);
        made.problem.num_queries = 1;
        made.problem.sink_logits = made.sinks;
        made.problem.scale = 1;
        memset(made.v, 0, sizeof made.v);
        for (int head = 0; head < HEADS; head++) {
            made.slopes[head] = 0;
            made.sinks[head] = (float)above;
            memcpy(made.q[0][head], (float[DIM]){1e9f, 1e9f, 1}, sizeof made.q[0][head]);
            for (int key = 0; key < KEYS; key++) /* one logit is 0, all others are -23 */
                memcpy(made.k[key][head], (float[DIM]){1, -1, key ? -23 : 0}, sizeof made.k[key][head]);
        }
        struct truth truth = settled_truth(&made);
        assert_true(truth.value[0] == 0 && truth.radius[0] == 0);
        truth_clear(&truth);
    }
}

/* Bounds that are wider than the tensor say nothing of what is no number: MPFR looks. */
static void test_bounds_that_are_too_wide(void **state)
{
    (void)state;
    static struct made made;
    float k_bounds[HEADS * DIM], v_bounds[HEADS * DIM];
    made_init(&made);
    made.problem.num_queries = 1;
    for (int i = 0; i < HEADS * DIM; i++) {
        k_bounds[i] = 100;
        v_bounds[i] = i == 1 ? INFINITY : 100;
    }
    const struct tensor_bounds bounds = {.k = k_bounds, .v = v_bounds};
    made.problem.bounds = &bounds;
    struct truth truth = settled_truth(&made);
    assert_int_equal(truth.plain_rows, 1);
    assert_true(isfinite(truth.value[1]));
    truth_clear(&truth);
}

/* Whoever looks for what is no number looks at all keys, and says so where only the newest ones are there. */
static void test_all_keys_are_wanted(void **state)
{
    (void)state;
    for (int in_k = 0; in_k < 2; in_k++) {
        static struct made made;
        int64_t first[HEADS] = {KEYS - 100, 0};
        struct recent_keys recent = {.first = first};
        float bounds_of[2][HEADS * DIM];
        made_init(&made);
        made.problem.num_queries = 1;
        made.problem.recent = &recent;
        for (int i = 0; i < HEADS * DIM; i++)
            bounds_of[0][i] = bounds_of[1][i] = 4;
        const struct tensor_bounds bounds = {.k = bounds_of[0], .v = bounds_of[1]};
        made.problem.bounds = &bounds;
        (in_k ? made.k : made.v)[KEYS - 1][0][1] = NAN;
        bounds_of[!in_k][1] = NAN;
        struct truth truth = solve(truth_certified, &made.problem, 1);
        assert_true(isnan(truth.value[1]));
        assert_true(recent.wanted);
        truth_clear(&truth);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_spoil_their_channel_alone),
        cmocka_unit_test(test_infinities_meet),
        cmocka_unit_test(test_logits_spoil_their_row),
        cmocka_unit_test(test_masked_keys_have_no_part),
        cmocka_unit_test(test_rows_that_a_sink_swallows),
        cmocka_unit_test(test_a_sink_above_keys_without_values),
        cmocka_unit_test(test_bounds_that_are_too_wide),
        cmocka_unit_test(test_all_keys_are_wanted),
    };
    int failed = cmocka_run_group_tests_name("truth_spared", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
