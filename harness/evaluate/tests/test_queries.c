/* Several queries of a head: each row in its place, and a kernel that lets them see too much. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluate/tests/small_point.h"
#include "harness/judge/oracle/trial.h"
#include "harness/subject/shipped.h"

enum { QUERIES = 4, HEADS = 6, DIM = 64 };

/* Each query has the result that it has alone, as the newest of the keys that it sees, and its place in every array. */
static void test_a_query_has_the_result_that_it_has_alone(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 2};
    struct evaluation together;
    struct error error;
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 2}, &error), 0);
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++) {
        struct point point = small_point((enum kernel)kernel);
        point.problem.num_queries = QUERIES;
        point.problem.mask = (struct mask_spec){.kind = MASK_WINDOW, .window = 100};
        point.oracles = ORACLE_ALL;
        if (evaluate(&evaluator, &together, &point, &error))
            fail_msg("%s", error.text);
        assert_int_equal(criterion_decide(&point.criterion, &together.judged.verdict.total), DECISION_PASS);
        assert_int_equal(oracles_violated(&together.oracles), 0);
        assert_int_equal(together.judged.verdict.num_rows, QUERIES * 6);
        for (int query = 0; query < QUERIES; query++) {
            struct problem one = problem_query(&together.judged.problem, query);
            struct truth truth;
            const struct truth_options options = {.precision = 160, .threads = 1};
            assert_int_equal(one.seq_len, 301 - (QUERIES - 1 - query));
            assert_int_equal(one.q_position, 300 - (QUERIES - 1 - query));
            assert_int_equal(truth_init(&truth, &one, &error), 0);
            assert_int_equal(truth_certified(&truth, &one, &options, &error), 0);
            assert_memory_equal(truth.value, together.judged.truth.value + query * 6 * 64, 6 * 64 * sizeof(double));
            assert_memory_equal(truth.lse, together.judged.truth.lse + query * 6, 6 * sizeof(double));
            truth_clear(&truth);
        }
        evaluation_clear(&together);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Nobody looks at keys of k and v that are not there, though a query that sees none may have one that is masked. */
static void test_a_query_has_no_key_that_is_not_there(void **state)
{
    (void)state;
    for (int64_t keys = 0; keys < 6; keys++)
        for (int64_t slots = 0; slots < 3; slots++)
            for (int query = 0; query < QUERIES; query++) {
                const struct problem all = {.seq_len = keys,
                                            .kv_slots = slots,
                                            .num_queries = QUERIES,
                                            .num_heads = 1,
                                            .num_kv_heads = 1,
                                            .head_dim = DIM,
                                            .dtype = DTYPE_F32},
                                     one = problem_query(&all, query);
                const int64_t seen = keys - (QUERIES - 1 - query);
                assert_int_equal(one.seq_len + one.kv_slots, keys + slots);
                assert_true(one.kv_slots >= slots);
                assert_int_equal(one.seq_len, seen > 0 ? seen : keys > 0);
                assert_int_equal(one.visible != NULL, seen < 1 && keys > 0);
            }
}

/* What is expected to be taken counts every row: twice a truth with its bound and its output, of a point and of the
 * part at work, twice a reference, and of a trial its truth and six results. */
static void test_memory_is_of_all_rows(void **state)
{
    (void)state;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    point.problem.num_queries = 64;
    point.problem.seq_len = 1;
    struct problem shape = problem_spec_shape(&point.problem);
    double elements = (double)problem_elements(&shape), plain = evaluate_bytes(&point, 1);
    assert_true(elements == 64 * 6 * 64);
    assert_true(plain >= elements * (2 * (4 + 1) * sizeof(double) + 2 * sizeof(uint16_t)));
    point.baselines = 1 << BASELINE_F64_RELATIVE;
    assert_true(evaluate_bytes(&point, 1) >= plain + 2 * elements * sizeof(double));
    assert_true(oracles_bytes(&shape, 1) >=
                trial_bytes(&shape, TRIAL_MAX_ELEMENTS) + elements * (4 + 6) * sizeof(double));
}

/* Kernels that mistake what several queries see, or where they stand, and what each is called. */
struct mistake {
    struct recipe_contract contract;
    enum signature signature;
    const char *detail;
    int first_right, last_right; /* queries that are right after all, alone; -1: none */
};

static void judge_mistake(const struct problem *problem, const struct truth *truth, struct device *device,
                          const struct mistake *mistake)
{
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .contract = mistake->contract};
    const struct kernel_options options = {.chunk_len = 64};
    uint16_t out[QUERIES * HEADS * DIM];
    float lse[QUERIES * HEADS];
    const struct output output = {out, lse};
    const struct sequences sequences = {problem, &output, 1, NULL, NULL, false};
    const struct shipped_subject subject = shipped_subject(device, KERNEL_SINGLE_PASS, &options, &recipe);
    struct verdict verdict;
    struct signature_finding finding;
    struct error error;
    double seconds;
    assert_int_equal(subject.subject.ops->run(&subject.subject, &sequences, NULL, &seconds, &error), 0);
    const struct exhibit exhibit = {
        .problem = problem, .output = &output, .truth = truth, .criterion = {JUDGE_TOLERANCE, {1e-3, 1e-3, 1e-3}, 1}};
    assert_int_equal(verdict_reach(&verdict, &exhibit, &error), 0);
    assert_int_equal(criterion_decide(&exhibit.criterion, &verdict.total), DECISION_FAIL);
    for (int row = 0; row < QUERIES * HEADS; row++) {
        int query = row / HEADS;
        bool is_right = query >= mistake->first_right && query <= mistake->last_right;
        assert_int_equal(verdict.rows[row].lse_off + verdict.rows[row].mismatched == 0, is_right);
    }
    assert_int_equal(signature_find(&finding, &exhibit, &verdict, &(struct oracle_facts){0}, 1, &error), 0);
    assert_string_equal(signature_names[finding.signature], signature_names[mistake->signature]);
    if (!strstr(finding.detail, mistake->detail))
        fail_msg("'%s' has no '%s'", finding.detail, mistake->detail);
    assert_true(finding.query >= 0 && finding.head >= 0);
    verdict_clear(&verdict);
}

static void judge_mistakes(const struct mistake *mistakes, size_t count, double holes)
{
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL);
    struct inputs inputs = {0};
    struct truth truth;
    struct device *device;
    struct error error;
    spec.num_queries = QUERIES;
    if (holes > 0)
        spec.mask = (struct mask_spec){.kind = MASK_HOLES, .holes = holes};
    generate(&inputs, &spec, whole_problem(&spec));
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    const struct truth_options options = {.precision = 160, .threads = 1};
    assert_int_equal(truth_init(&truth, &inputs.problem, &error), 0);
    assert_int_equal(truth_certified(&truth, &inputs.problem, &options, &error), 0);
    for (size_t i = 0; i < count; i++)
        judge_mistake(&inputs.problem, &truth, device, &mistakes[i]);
    truth_clear(&truth);
    inputs_clear(&inputs);
    device_close(device);
}

/* A kernel that forgets the causal edge, or has it a key late: all but the last query are wrong, and that keys are seen
 * that should not be is what it is called. */
static void test_keys_of_later_queries_leak(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {{.query_keys = QUERY_KEYS_ALL}, SIGNATURE_LEAK, "the keys of later queries are let in: ", 3, 3},
        {{.query_keys = QUERY_KEYS_NEXT}, SIGNATURE_LEAK, "next query's key is let in", 3, 3},
        {{.query_keys = QUERY_KEYS_ALL, .query_positions = QUERY_AT_LAST},
         SIGNATURE_LEAK,
         "let in, and biases counted from the last one",
         3,
         3},
    };
    judge_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0], 0);
    judge_mistakes(mistakes, 1, 0.3);
}

/* One that begins with the first key. */
static void test_a_causal_mask_at_the_top_left_drops_keys(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {{.query_keys = QUERY_KEYS_TOP_LEFT},
         SIGNATURE_DROPPED_KEYS,
         "sees the first i + 1 keys: the causal mask begins with the cache, here ",
         -1,
         -1},
        {{.query_keys = QUERY_KEYS_TOP_LEFT, .query_positions = QUERY_AT_TOP_LEFT},
         SIGNATURE_DROPPED_KEYS,
         "and stands at the last of them",
         -1,
         -1},
    };
    judge_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0], 0);
}

/* Biases of all queries from one position: the output is right. */
static void test_one_position_for_all_queries_is_a_shift(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {{.query_positions = QUERY_AT_LAST}, SIGNATURE_BIAS_SHIFT, "stand where the last one does", 3, 3},
    };
    judge_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0], 0);
    judge_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0], 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_query_has_the_result_that_it_has_alone),
        cmocka_unit_test(test_a_query_has_no_key_that_is_not_there),
        cmocka_unit_test(test_memory_is_of_all_rows),
        cmocka_unit_test(test_keys_of_later_queries_leak),
        cmocka_unit_test(test_a_causal_mask_at_the_top_left_drops_keys),
        cmocka_unit_test(test_one_position_for_all_queries_is_a_shift),
    };
    return cmocka_run_group_tests_name("queries", tests, NULL, NULL) != 0;
}
