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

/* Each query has the result that it has alone, as the newest of the keys that it sees, and its place in every array. */
static void test_a_query_has_the_result_that_it_has_alone(void **state)
{
    (void)state;
    enum { QUERIES = 4 };
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
        assert_int_equal(criterion_decide(&point.criterion, &together.verdict.total), DECISION_PASS);
        assert_int_equal(oracles_violated(&together.oracles), 0);
        assert_int_equal(together.verdict.num_rows, QUERIES * 6);
        for (int query = 0; query < QUERIES; query++) {
            struct problem one = problem_query(&together.problem, query);
            struct truth truth;
            const struct truth_options options = {.precision = 160, .threads = 1};
            assert_int_equal(one.seq_len, 301 - (QUERIES - 1 - query));
            assert_int_equal(one.q_position, 300 - (QUERIES - 1 - query));
            assert_int_equal(truth_init(&truth, &one, &error), 0);
            assert_int_equal(truth_certified(&truth, &one, &options, &error), 0);
            assert_memory_equal(truth.value, together.truth.value + query * 6 * 64, 6 * 64 * sizeof(double));
            assert_memory_equal(truth.lse, together.truth.lse + query * 6, 6 * sizeof(double));
            truth_clear(&truth);
        }
        evaluation_clear(&together);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
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

/* A subject that lets every query see every key. */
static enum error_kind run_without_an_edge(const struct subject *subject, const struct sequences *sequences,
                                           struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct subject *sound = &((const struct shipped_subject *)(const void *)subject)[1].subject;
    const struct problem *problem = &sequences->problems[0];
    for (int query = 0; query < problem_queries(problem); query++) {
        struct problem one = problem_query(problem, query);
        size_t row = (size_t)(query * problem->num_heads);
        one.seq_len = problem->seq_len;
        one.kv_slots = problem->kv_slots;
        one.visible = problem->visible;
        const struct output output = {(char *)sequences->outputs[0].out +
                                          row * (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes,
                                      sequences->outputs[0].lse + row};
        const struct sequences alone = {&one, &output, 1, NULL, NULL, false};
        enum error_kind kind = sound->ops->run(sound, &alone, audit, seconds, error);
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

/* A kernel of several queries that forgets the causal edge: all but the last are wrong, and that keys are seen that
 * should not be is what it is called. */
static void test_a_kernel_that_forgets_the_causal_edge_fails(void **state)
{
    (void)state;
    enum { QUERIES = 4, HEADS = 6, DIM = 64 };
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL);
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    const struct kernel_options options = {.chunk_len = 64};
    uint16_t out[QUERIES * HEADS * DIM];
    float lse[QUERIES * HEADS];
    const struct output output = {out, lse};
    struct inputs inputs;
    struct truth truth;
    struct verdict verdict;
    struct signature_finding finding;
    struct device *device;
    struct error error;
    double seconds;
    spec.num_queries = QUERIES;
    generate(&inputs, &spec, whole_problem(&spec));
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    struct shipped_subject subjects[2];
    subjects[0] = subjects[1] = shipped_subject(device, KERNEL_SINGLE_PASS, &options, &recipe);
    struct subject_ops ops = *subjects[0].subject.ops;
    ops.run = run_without_an_edge;
    subjects[0].subject.ops = &ops;
    const struct sequences sequences = {&inputs.problem, &output, 1, NULL, NULL, false};
    assert_int_equal(subjects[0].subject.ops->run(&subjects[0].subject, &sequences, NULL, &seconds, &error), 0);
    const struct truth_options truth_options = {.precision = 160, .threads = 1};
    assert_int_equal(truth_init(&truth, &inputs.problem, &error), 0);
    assert_int_equal(truth_certified(&truth, &inputs.problem, &truth_options, &error), 0);
    const struct exhibit exhibit = {.problem = &inputs.problem,
                                    .output = &output,
                                    .truth = &truth,
                                    .criterion = {JUDGE_TOLERANCE, {1e-3, 1e-3, 1e-3}, 1}};
    assert_int_equal(verdict_reach(&verdict, &exhibit, &error), 0);
    assert_int_equal(criterion_decide(&exhibit.criterion, &verdict.total), DECISION_FAIL);
    for (int row = 0; row < QUERIES * HEADS; row++)
        assert_true((verdict.rows[row].lse_off > 0) == (row < (QUERIES - 1) * HEADS));
    assert_int_equal(signature_find(&finding, &exhibit, &verdict, &(struct oracle_facts){0}, 1, &error), 0);
    assert_string_equal(signature_names[finding.signature], "leak");
    assert_int_equal(finding.num_rows_failing, (QUERIES - 1) * HEADS);
    assert_true(finding.query < QUERIES - 1 && finding.head >= 0);
    verdict_clear(&verdict);
    truth_clear(&truth);
    inputs_clear(&inputs);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_query_has_the_result_that_it_has_alone),
        cmocka_unit_test(test_memory_is_of_all_rows),
        cmocka_unit_test(test_a_kernel_that_forgets_the_causal_edge_fails),
    };
    return cmocka_run_group_tests_name("queries", tests, NULL, NULL) != 0;
}
