/* Evaluating points: what is shared between them, and parts of a problem against the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "harness/case/recipe_library.h"
#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/evaluate.h"
#include "harness/judge/oracle/trial.h"
#include "harness/subject/shipped.h"
#include "kernels/device/device.h"

static const struct mask_spec half_of_the_keys = {.kind = MASK_HOLES, .holes = 0.5};

static struct problem_spec small_spec(enum distribution distribution)
{
    struct problem_spec spec = {.seq_len = 301,
                                .num_heads = 6,
                                .num_kv_heads = 3,
                                .head_dim = 64,
                                .dtype = DTYPE_F16,
                                .scale = 0.125f,
                                .max_bias = 8,
                                .total_heads = 6,
                                .q_position = 300,
                                .input = input_spec_default,
                                .seed = 5};
    spec.input.distribution = distribution;
    return spec;
}

static void generate(struct inputs *inputs, const struct problem_spec *spec, struct part part)
{
    struct error error;
    if (inputs_generate(inputs, spec, part, 2, NULL, &error))
        fail_msg("%s", error.text);
}

/* q, slopes, every row of k and v of a part, and which keys are visible, are those of the whole. */
static void test_a_part_is_cut_from_the_whole(void **state)
{
    (void)state;
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++) {
        struct problem_spec spec = small_spec((enum distribution)distribution);
        if (distribution % 2)
            spec.mask = half_of_the_keys;
        struct inputs whole, part;
        generate(&whole, &spec, whole_problem(&spec));
        for (int g = 0; g < 3; g++) {
            int heads = g == 2 ? 1 : 2; /* parts {0, 1}, {1, 2}, {2} */
            generate(&part, &spec, (struct part){g, heads});
            size_t row_bytes = (size_t)heads * 64 * 2;
            assert_int_equal(part.problem.num_heads, 2 * heads);
            assert_int_equal(part.problem.num_kv_heads, heads);
            assert_memory_equal(part.problem.q, (const char *)whole.problem.q + g * 2 * 64 * 2,
                                (size_t)heads * 2 * 64 * 2);
            assert_true((part.problem.visible != NULL) == (distribution % 2 == 1));
            if (part.problem.visible)
                assert_memory_equal(part.problem.visible, whole.problem.visible, (size_t)spec.seq_len);
            assert_memory_equal(part.problem.slopes, whole.problem.slopes + 2 * g, (size_t)heads * 2 * sizeof(float));
            for (int64_t key = 0; key < spec.seq_len; key++) {
                size_t from = problem_row(&whole.problem, key, g) * 2, to = problem_row(&part.problem, key, 0) * 2;
                assert_memory_equal((const char *)part.problem.k + to, (const char *)whole.problem.k + from, row_bytes);
                assert_memory_equal((const char *)part.problem.v + to, (const char *)whole.problem.v + from, row_bytes);
            }
            inputs_clear(&part);
        }
        assert_null(whole.problem.bounds); /* all of it is there to be looked at */
        inputs_clear(&whole);
    }
}

/* What a distribution promises of keys that nobody looks at must hold for every element: a certificate rests on it. */
static void test_promised_bounds_hold(void **state)
{
    (void)state;
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++)
        for (int dtype = 0; dtype < DTYPE_COUNT; dtype++)
            for (int variant = 0; variant < 3; variant++) {
                struct problem_spec spec = small_spec((enum distribution)distribution);
                struct inputs part;
                struct tensor_bounds scanned;
                struct error error;
                spec.dtype = (enum dtype)dtype;
                spec.seed = (uint64_t)variant;
                spec.seq_len = 3001;
                spec.q_position = 3000;
                spec.input.mean = variant == 1 ? -3 : 0;
                spec.input.stddev = variant == 2 ? 5e4 : 1; /* f16 is clamped */
                generate(&part, &spec, (struct part){1, 2});
                const struct tensor_bounds *promised = part.problem.bounds;
                assert_non_null(promised);
                part.problem.bounds = NULL;
                assert_int_equal(tensor_bounds_scan(&scanned, &part.problem, 1, NULL, &error), 0);
                for (int i = 0; i < 2 * 64; i++) {
                    assert_true(scanned.k[i] <= promised->k[i]);
                    assert_true(scanned.v[i] <= promised->v[i]);
                }
                tensor_bounds_clear(&scanned);
                inputs_clear(&part);
            }
}

/* Kernel and truth of parts, with promised bounds in place of scanned ones, against those of the whole. */
static void assert_parts_give_the_results_of_the_whole(struct mask_spec mask)
{
    struct problem_spec spec = small_spec(DISTRIBUTION_OUTLIERS);
    spec.mask = mask;
    struct inputs whole, part;
    struct truth truths[2];
    struct error error;
    struct device *device;
    double seconds;
    uint16_t out[2][6 * 64];
    float lse[2][6];
    const struct truth_options options = {.precision = 160, .threads = 1};
    const struct recipe recipe = {.sentinel.policy = SENTINEL_INFINITY};
    const struct kernel_options kernel_options = {.chunk_len = 64};
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    generate(&whole, &spec, whole_problem(&spec));
    for (int i = 0; i < 2; i++)
        assert_int_equal(truth_init(&truths[i], &whole.problem, &error), 0);
    struct output output = {out[0], lse[0]};
    assert_int_equal(
        device_run(device, KERNEL_SPLIT_KV, &kernel_options, &recipe, &whole.problem, &output, &seconds, &error), 0);
    assert_int_equal(truth_certified(&truths[0], &whole.problem, &options, &error), 0);
    for (int g = 0; g < 3; g++) {
        generate(&part, &spec, (struct part){g, 1});
        struct truth truth = truth_rows(&truths[1], 2 * g, 2);
        output = (struct output){out[1] + g * 2 * 64, lse[1] + 2 * g};
        assert_int_equal(
            device_run(device, KERNEL_SPLIT_KV, &kernel_options, &recipe, &part.problem, &output, &seconds, &error), 0);
        assert_int_equal(truth_certified(&truth, &part.problem, &options, &error), 0);
        inputs_clear(&part);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_memory_equal(lse[0], lse[1], sizeof lse[0]);
    for (int i = 0; i < 6 * 64; i++) {
        double apart = (truths[0].value[i] - truths[1].value[i]) + (truths[0].tail[i] - truths[1].tail[i]);
        assert_true(fabs(apart) <= truths[0].radius[i] + truths[1].radius[i]);
    }
    for (int i = 0; i < 2; i++)
        truth_clear(&truths[i]);
    inputs_clear(&whole);
    device_close(device);
}

static void test_parts_give_the_results_of_the_whole(void **state)
{
    (void)state;
    assert_parts_give_the_results_of_the_whole((struct mask_spec){.kind = MASK_NONE});
    assert_parts_give_the_results_of_the_whole(half_of_the_keys);
    assert_parts_give_the_results_of_the_whole((struct mask_spec){.kind = MASK_WINDOW, .window = 50, .sinks = 1});
}

/* The rule is one of the spec alone: nothing below 2 GiB is cut, and parts cover all KV heads without overlap. */
static void test_the_rule_for_parts(void **state)
{
    (void)state;
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL);
    assert_int_equal(problem_spec_parts(&spec), 1);
    spec.head_dim = 128;
    spec.num_heads = spec.num_kv_heads = 32;
    spec.seq_len = 131072; /* 2 GiB of k and v */
    assert_int_equal(problem_spec_parts(&spec), 1);
    for (int64_t n = 131073; n < 1 << 25; n = n * 3 / 2) {
        spec.seq_len = n;
        int parts = problem_spec_parts(&spec), next = 0;
        assert_true(parts > 1);
        for (int i = 0; i < parts; i++) {
            struct part part = problem_spec_part(&spec, i);
            assert_int_equal(part.kv_head, next);
            assert_true(part.num_kv_heads >= 1);
            next += part.num_kv_heads;
            assert_true(part.num_kv_heads == 1 || 2.0 * (double)n * 128 * 2 * part.num_kv_heads <= PART_BYTES);
        }
        assert_int_equal(next, 32);
    }
}

static struct point small_point(enum kernel kernel)
{
    return (struct point){.problem = small_spec(DISTRIBUTION_NORMAL),
                          .kernel = kernel,
                          .kernel_options = {.chunk_len = 64},
                          .recipe = {.sentinel.policy = SENTINEL_EXCLUDE},
                          .truth_precision = 160,
                          .criterion = {.mode = JUDGE_BOTH, .tolerance = {1e-3, 1e-3, 1e-3}, .budget = 1}};
}

/* Points on one problem share its inputs and its truth; another problem gets its own. */
static void test_points_share_inputs_and_truth(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    uint64_t truth_digests[3];
    for (int i = 0; i < 3; i++) {
        struct point point = small_point(i == 1 ? KERNEL_SPLIT_KV : KERNEL_SINGLE_PASS);
        point.problem.seed += i == 2;
        const void *inputs_before = evaluator.inputs.k;
        if (evaluate(&evaluator, &evaluation, &point, &error))
            fail_msg("%s", error.text);
        assert_int_equal(evaluation.verdict.total.mismatched, 0);
        assert_int_equal(evaluation.verdict.total.unwritten, 0);
        assert_true(evaluation.verdict.total.budget_used <= 1);
        assert_true(evaluation.seconds.truth_shared == (i == 1));
        if (i == 1)
            assert_ptr_equal(evaluator.inputs.k, inputs_before);
        truth_digests[i] = evaluation.truth_digest;
        evaluation_clear(&evaluation);
    }
    assert_true(truth_digests[0] == truth_digests[1] && truth_digests[0] != truth_digests[2]);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Points that differ in the mask alone share neither inputs nor truth, and what is removed is not seen. */
static void test_a_mask_is_part_of_the_problem(void **state)
{
    (void)state;
    static const struct mask_spec masks[] = {{.kind = MASK_NONE},
                                             {.kind = MASK_HOLES, .holes = 0.5},
                                             {.kind = MASK_DROP_NEWEST, .drop_newest = 40},
                                             {.kind = MASK_ALL},
                                             {.kind = MASK_NONE}};
    enum { MASKS = sizeof masks / sizeof masks[0] };
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    uint64_t input_digests[MASKS], truth_digests[MASKS], output_digests[MASKS];
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    for (int i = 0; i < MASKS; i++) {
        struct point point = small_point(KERNEL_SPLIT_KV);
        point.problem.mask = masks[i];
        if (evaluate(&evaluator, &evaluation, &point, &error))
            fail_msg("%s", error.text);
        assert_int_equal(evaluation.verdict.total.mismatched, 0);
        assert_true(evaluation.verdict.total.budget_used <= 1);
        assert_true((evaluation.problem.visible != NULL) == (masks[i].kind != MASK_NONE));
        if (masks[i].kind == MASK_ALL)
            for (int h = 0; h < 6; h++)
                assert_true(evaluation.truth.lse[h] == -INFINITY && evaluation.output.lse[h] == -INFINITY);
        input_digests[i] = evaluation.input_digest;
        truth_digests[i] = evaluation.truth_digest;
        output_digests[i] = evaluation.output_digest;
        evaluation_clear(&evaluation);
    }
    for (int i = 0; i < MASKS; i++)
        for (int j = 0; j < i; j++) {
            bool same = i == MASKS - 1 && j == 0;
            assert_true((input_digests[i] == input_digests[j]) == same);
            assert_true((truth_digests[i] == truth_digests[j]) == same);
            assert_true((output_digests[i] == output_digests[j]) == same);
        }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* A tolerance within the certified radius of an error: the verdict is taken from MPFR, with its smaller radius. */
static void test_undecided_is_judged_by_mpfr(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), 0);
    assert_int_equal(evaluation.truth.plain_rows, 0);
    point.criterion.tolerance = (struct tolerance){.atol = evaluation.verdict.total.max_abs_err};
    evaluation_clear(&evaluation);
    assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), 0);
    assert_int_equal(evaluation.truth.plain_rows, 6);
    evaluation_clear(&evaluation);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* A sequence judged in its batch has the bits that it has alone, whichever it is; all are made and none is left over.
 */
static void test_a_sequence_of_a_batch_has_the_bits_that_it_has_alone(void **state)
{
    (void)state;
    struct case_list list = parse("case: a\nseq_len: [97, 1, 300]\nnum_heads: 4\nnum_kv_heads: 2\nhead_dim: 64\n"
                                  "batch: together\nkernel: all\nmask: [none, {holes: 0.3}]\npage_size: [0, 16]\n"
                                  "chunk_len: 64\noracles: none\n");
    struct evaluator evaluator = {.threads = 2};
    struct evaluation together, alone;
    struct error error;
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 2}, &error), 0);
    for (size_t i = 0; i < case_num_points(list.cases[0]); i++) {
        struct point point;
        case_point(list.cases[0], i, &point);
        if (evaluate(&evaluator, &together, &point, &error))
            fail_msg("%s", error.text);
        assert_int_equal(together.verdict.total.mismatched + together.verdict.total.lse_mismatched, 0);
        point.batch = BATCH_ALONE;
        if (evaluate(&evaluator, &alone, &point, &error))
            fail_msg("%s", error.text);
        assert_true(alone.output_digest == together.output_digest);
        assert_true(alone.input_digest == together.input_digest);
        evaluation_clear(&together);
        evaluation_clear(&alone);
    }
    case_list_clear(&list);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* A kernel that makes its own slopes makes those of the whole problem, also where only some of the heads are at hand.
 */
static void test_own_slopes_are_those_of_the_whole(void **state)
{
    static const struct recipe own = {.sentinel.policy = SENTINEL_EXCLUDE, .slopes = SLOPES_FROM_BLOOM};
    static const struct recipe given = {.sentinel.policy = SENTINEL_EXCLUDE};
    static const struct kernel_options kernel_options = {.chunk_len = 64};
    struct problem_spec spec = small_spec(DISTRIBUTION_NORMAL);
    struct device *device;
    struct error error;
    struct inputs part;
    struct trial trial;
    uint16_t out[2][6 * 64];
    float lse[2][6];
    double seconds;
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    for (int g = 0; g < 3; g++) {
        generate(&part, &spec, (struct part){g, 1});
        /* A trial of a part, of one query head of two. */
        assert_int_equal(trial_init(&trial, &part.problem, 301 * 64, &error), 0);
        const struct problem *problems[] = {&part.problem, &trial.problem};
        for (int p = 0; p < 2; p++) {
            size_t heads = (size_t)problems[p]->num_heads;
            for (int i = 0; i < 2; i++) {
                struct output output = {out[i], lse[i]};
                assert_int_equal(device_run(device, KERNEL_SPLIT_KV, &kernel_options, i ? &own : &given, problems[p],
                                            &output, &seconds, &error),
                                 0);
            }
            assert_memory_equal(out[0], out[1], heads * 64 * sizeof out[0][0]);
            assert_memory_equal(lse[0], lse[1], heads * sizeof lse[0][0]);
        }
        trial_clear(&trial);
        inputs_clear(&part);
    }
    device_close(device);
}

static enum error_kind launch_nothing(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    (void)state, (void)plan, (void)error;
    *seconds = 0;
    return ERROR_NONE;
}

static enum error_kind launch_and_move_lse(void *state, const struct launch_plan *plan, double *seconds,
                                           struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    *(float *)plan->args.lse += 1;
    return kind;
}

static void evaluate_on(struct evaluation *evaluation, const struct device_ops *ops, const struct point *point)
{
    struct evaluator evaluator = {.threads = 1};
    struct error error;
    if (device_open_with(&evaluator.device, DEVICE_HOST, ops, &(struct device_options){.threads = 1}, &error) ||
        evaluate(&evaluator, evaluation, point, &error))
        fail_msg("%s", error.text);
    device_close(evaluator.device);
    evaluator_clear(&evaluator);
}

/* What a kernel leaves unwritten is not what the last one wrote. */
static void test_what_is_not_written_is_counted(void **state)
{
    (void)state;
    struct device_ops ops = device_host_ops;
    struct evaluation evaluation;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    ops.launch = launch_nothing;
    evaluate_on(&evaluation, &ops, &point);
    const struct metrics *total = &evaluation.verdict.total;
    assert_int_equal(total->unwritten, total->elements);
    assert_int_equal(criterion_decide(&point.criterion, total), DECISION_FAIL);
    evaluation_clear(&evaluation);
}

static void test_the_digest_of_an_output_has_its_lse(void **state)
{
    (void)state;
    struct device_ops ops = device_host_ops;
    struct evaluation sound, moved;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    evaluate_on(&sound, &ops, &point);
    ops.launch = launch_and_move_lse;
    evaluate_on(&moved, &ops, &point);
    assert_int_equal(moved.verdict.total.mismatched, 0);
    assert_true(sound.output_digest != moved.output_digest);
    evaluation_clear(&sound);
    evaluation_clear(&moved);
}

/* A recipe that rounds more has a wider bound, within which it stays. */
static void test_the_bound_is_that_of_the_recipe(void **state)
{
    (void)state;
    struct evaluation evaluation;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    point.recipe.dot_dtype = ROUND_F16;
    evaluate_on(&evaluation, &device_host_ops, &point);
    assert_true(evaluation.verdict.total.lse_budget_used <= 1);
    assert_true(evaluation.verdict.total.max_lse_err > 1e-4);
    evaluation_clear(&evaluation);
}

/* The largest product that a kernel is asked for is one that its output can hold. */
static void test_a_constant_that_overflows_accuses_nobody(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    point.problem.kv_format = KV_E4M3;
    point.problem.k_scale = 1;
    point.problem.input.stddev = 0.3;
    point.oracles = 1 << ORACLE_CONSTANT_V;
    for (int i = 0; i < 2; i++) {
        point.problem.v_scale = i ? 40000 : 30000; /* times 1.875, f16's largest being 65504 */
        if (evaluate(&evaluator, &evaluation, &point, &error))
            fail_msg("%s", error.text);
        assert_int_equal(evaluation.oracles.outcome[ORACLE_CONSTANT_V], i ? ORACLE_NOT_APPLICABLE : ORACLE_HELD);
        evaluation_clear(&evaluation);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Every recipe that the program carries, where nothing is masked and the last tile is part full, has an answer. */
static void test_every_recipe_answers_an_ordinary_problem(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 2};
    struct evaluation evaluation;
    struct error error;
    assert_int_equal(recipe_library_open(&error), 0);
    struct case_list list = parse("case: a\nseq_len: 1000\nnum_heads: 8\nhead_dim: 64\nkernel: all\nrecipe: all\n"
                                  "oracles: none\n");
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 2}, &error), 0);
    for (size_t i = 0; i < case_num_points(list.cases[0]); i++) {
        struct point point;
        char key[POINT_KEY_SIZE];
        case_point(list.cases[0], i, &point);
        if (evaluate(&evaluator, &evaluation, &point, &error))
            fail_msg("%s", error.text);
        if (evaluation.verdict.total.nan + evaluation.verdict.total.inf + evaluation.verdict.total.unwritten)
            fail_msg("%s: %d NaN", point_key(key, &point), (int)evaluation.verdict.total.nan);
        evaluation_clear(&evaluation);
    }
    case_list_clear(&list);
    recipe_library_close();
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

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
        const struct sequences alone = {&one, &output, 1};
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
    const struct sequences sequences = {&inputs.problem, &output, 1};
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
    assert_int_equal(signature_find(&finding, &exhibit, &verdict, 1, &error), 0);
    assert_string_equal(signature_names[finding.signature], "leak");
    assert_int_equal(finding.num_rows_failing, (QUERIES - 1) * HEADS);
    assert_true(finding.query < QUERIES - 1 && finding.head >= 0);
    verdict_clear(&verdict);
    truth_clear(&truth);
    inputs_clear(&inputs);
    device_close(device);
}

/* The KV heads of a part: 0, then 1 and 2. */
static struct part cut_in_two(const struct problem_source *source, int index)
{
    (void)source;
    return index == 0 ? (struct part){0, 1} : (struct part){1, 2};
}

/* What comes of a problem does not depend on the parts that it is worked on in, but for the digest of its inputs. */
static void test_parts_of_a_source_come_together(void **state)
{
    (void)state;
    for (int variant = 0; variant < 6; variant++) {
        struct point point = small_point(variant % 2 ? KERNEL_SPLIT_KV : KERNEL_TWO_PASS);
        point.problem.num_queries = variant / 2 % 2 ? 3 : 1;
        point.problem.truth_of = variant > 1 ? TRUTH_OF_FORMULA : TRUTH_OF_INPUTS;
        point.problem.scale = 0.1250001f;
        point.problem.input.stddev = 0.1; /* heads differ in how far they are from the formula */
        point.baselines = variant == 5 ? 0 : 1 << BASELINE_F64_RELATIVE;
        struct generated_source cut = generated_source(&point.problem);
        struct problem_source_ops ops = *cut.source.ops;
        struct evaluator evaluators[2] = {{.threads = 1}, {.threads = 1}};
        struct evaluation whole, parts;
        struct error error;
        ops.part = cut_in_two;
        cut.source.ops = &ops;
        cut.source.num_parts = 2;
        for (int i = 0; i < 2; i++)
            assert_int_equal(
                device_open(&evaluators[i].device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
        if (evaluate(&evaluators[0], &whole, &point, &error) ||
            evaluate_from(&evaluators[1], &parts, &point, &cut, &error))
            fail_msg("%s", error.text);
        size_t rows = (size_t)problem_rows(&whole.problem), elements = (size_t)problem_elements(&whole.problem);
        assert_int_equal(rows, 6 * (variant / 2 % 2 ? 3 : 1));
        assert_int_equal(whole.verdict.total.unwritten, 0);
        assert_true(whole.output_digest == parts.output_digest && whole.truth_digest == parts.truth_digest);
        assert_true(whole.contract_distance == parts.contract_distance);
        assert_true((whole.contract_distance > 0) == (point.problem.truth_of == TRUTH_OF_FORMULA));
        /* A part is not looked through for its largest elements: what its distribution promises is larger. */
        for (size_t e = 0; e < elements; e++)
            assert_true(parts.bound[e] >= whole.bound[e] && parts.bound[e] <= 1.5 * whole.bound[e]);
        for (size_t r = 0; r < rows; r++)
            assert_true(parts.lse_bound[r] >= whole.lse_bound[r] && parts.lse_bound[r] <= 1.5 * whole.lse_bound[r]);
        if (whole.baselines[BASELINE_F64_RELATIVE])
            assert_memory_equal(whole.baselines[BASELINE_F64_RELATIVE], parts.baselines[BASELINE_F64_RELATIVE],
                                (elements + rows) * sizeof(double));
        assert_null(parts.problem.k);
        for (int i = 0; i < 2; i++) {
            evaluation_clear(i ? &parts : &whole);
            evaluator_clear(&evaluators[i]);
            device_close(evaluators[i].device);
        }
    }
}

/* The first two KV heads of three, in as many parts as the source has. */
static struct part leave_one_out(const struct problem_source *source, int index)
{
    return source->num_parts == 1 ? (struct part){0, 2} : (struct part){index, 1};
}

/* A row that no part of a source brings fails, whatever stood in memory. */
static void test_rows_without_a_part_fail(void **state)
{
    (void)state;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    struct evaluator evaluator = {.threads = 1};
    struct evaluation evaluation;
    struct error error;
    assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    point.problem.num_queries = 2;
    for (int variant = 0; variant < 4; variant++) {
        struct generated_source cut = generated_source(&point.problem);
        struct problem_source_ops ops = *cut.source.ops;
        point.criterion.mode = variant / 2 ? JUDGE_BUDGET : JUDGE_TOLERANCE;
        ops.part = leave_one_out;
        cut.source.ops = &ops;
        cut.source.num_parts = 1 + variant % 2;
        if (evaluate_from(&evaluator, &evaluation, &point, &cut, &error))
            fail_msg("%s", error.text);
        assert_int_equal(criterion_decide(&point.criterion, &evaluation.verdict.total), DECISION_FAIL);
        assert_int_equal(evaluation.verdict.total.unwritten, 2 * 2 * 64);
        for (int row = 0; row < 12; row++)
            assert_true((evaluation.verdict.rows[row].unwritten > 0) == (row % 6 > 3));
        evaluation_clear(&evaluation);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* All KV heads at once, or the first and the others. */
static struct part cut_by_number(const struct problem_source *source, int index)
{
    return source->num_parts == 1 ? (struct part){0, 3} : cut_in_two(source, index);
}

/* Inputs at hand are of the heads that they are of, not of a part's number. */
static void test_inputs_at_hand_are_of_the_same_heads(void **state)
{
    (void)state;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    struct evaluator evaluators[2] = {{.threads = 1}, {.threads = 1}};
    struct evaluation evaluation;
    struct error error;
    struct problem_source_ops ops = *generated_source(&point.problem).source.ops;
    uint64_t digests[2];
    ops.part = cut_by_number;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            device_open(&evaluators[i].device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
        for (int parts = 1 + i; parts <= 2; parts++) { /* one evaluator has worked on the whole before */
            struct generated_source cut = generated_source(&point.problem);
            cut.source.ops = &ops;
            cut.source.num_parts = parts;
            if (evaluate_from(&evaluators[i], &evaluation, &point, &cut, &error))
                fail_msg("%s", error.text);
            digests[i] = evaluation.input_digest;
            evaluation_clear(&evaluation);
        }
        evaluator_clear(&evaluators[i]);
        device_close(evaluators[i].device);
    }
    assert_true(digests[0] == digests[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_is_cut_from_the_whole),
        cmocka_unit_test(test_promised_bounds_hold),
        cmocka_unit_test(test_parts_give_the_results_of_the_whole),
        cmocka_unit_test(test_the_rule_for_parts),
        cmocka_unit_test(test_points_share_inputs_and_truth),
        cmocka_unit_test(test_undecided_is_judged_by_mpfr),
        cmocka_unit_test(test_a_mask_is_part_of_the_problem),
        cmocka_unit_test(test_a_sequence_of_a_batch_has_the_bits_that_it_has_alone),
        cmocka_unit_test(test_own_slopes_are_those_of_the_whole),
        cmocka_unit_test(test_what_is_not_written_is_counted),
        cmocka_unit_test(test_the_digest_of_an_output_has_its_lse),
        cmocka_unit_test(test_the_bound_is_that_of_the_recipe),
        cmocka_unit_test(test_a_constant_that_overflows_accuses_nobody),
        cmocka_unit_test(test_every_recipe_answers_an_ordinary_problem),
        cmocka_unit_test(test_parts_of_a_source_come_together),
        cmocka_unit_test(test_a_query_has_the_result_that_it_has_alone),
        cmocka_unit_test(test_memory_is_of_all_rows),
        cmocka_unit_test(test_rows_without_a_part_fail),
        cmocka_unit_test(test_inputs_at_hand_are_of_the_same_heads),
        cmocka_unit_test(test_a_kernel_that_forgets_the_causal_edge_fails),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL) != 0;
}
