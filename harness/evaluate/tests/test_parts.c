/* Parts of a problem against the whole, and what an evaluation makes of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/evaluate/tests/small_point.h"
#include "harness/judge/oracle/trial.h"

static const struct mask_spec half_of_the_keys = {.kind = MASK_HOLES, .holes = 0.5};

/* q, slopes, every row of k and v of a part, and which keys are visible, are those of the whole. */
static void test_a_part_is_cut_from_the_whole(void **state)
{
    (void)state;
    for (int distribution = 0; distribution < DISTRIBUTION_COUNT; distribution++) {
        struct problem_spec spec = small_spec((enum distribution)distribution);
        if (distribution % 2)
            spec.mask = half_of_the_keys;
        struct inputs whole = {0}, part = {0};
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
        for (int cache = 0; cache < DTYPE_COUNT + 2; cache++)
            for (int variant = 0; variant < 3; variant++) {
                bool fp8 = cache >= DTYPE_COUNT;
                struct problem_spec spec = small_spec((enum distribution)distribution);
                struct inputs part = {0};
                struct tensor_bounds scanned;
                struct error error;
                spec.dtype = fp8 ? DTYPE_F16 : (enum dtype)cache;
                spec.kv_format = fp8 ? (enum kv_format)(KV_E4M3 + cache - DTYPE_COUNT) : KV_AS_DTYPE;
                spec.k_scale = spec.v_scale = fp8 ? 1 : spec.k_scale;
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
    struct inputs whole = {0}, part = {0};
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
    struct inputs part = {0};
    struct trial trial;
    uint16_t out[2][6 * 64];
    float lse[2][6];
    double seconds;
    (void)state;
    assert_int_equal(device_open(&device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    for (int g = 0; g < 3; g++) {
        generate(&part, &spec, (struct part){g, 1});
        /* A trial of a part, of one query head of two. */
        assert_int_equal(trial_init(&trial, &part.problem, 301 * 64, 0, &error), 0);
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
        size_t rows = (size_t)problem_rows(&whole.judged.problem),
               elements = (size_t)problem_elements(&whole.judged.problem);
        assert_int_equal(rows, 6 * (variant / 2 % 2 ? 3 : 1));
        assert_int_equal(whole.judged.verdict.total.unwritten, 0);
        assert_true(whole.judged.output_digest == parts.judged.output_digest &&
                    whole.judged.truth_digest == parts.judged.truth_digest);
        assert_true(whole.judged.contract_distance == parts.judged.contract_distance);
        assert_true((whole.judged.contract_distance > 0) == (point.problem.truth_of == TRUTH_OF_FORMULA));
        /* A part is not looked through for its largest elements: what its distribution promises is larger. */
        for (size_t e = 0; e < elements; e++)
            assert_true(parts.judged.bound[e] >= whole.judged.bound[e] &&
                        parts.judged.bound[e] <= 1.5 * whole.judged.bound[e]);
        for (size_t r = 0; r < rows; r++)
            assert_true(parts.judged.lse_bound[r] >= whole.judged.lse_bound[r] &&
                        parts.judged.lse_bound[r] <= 1.5 * whole.judged.lse_bound[r]);
        if (whole.baselines[BASELINE_F64_RELATIVE])
            assert_memory_equal(whole.baselines[BASELINE_F64_RELATIVE], parts.baselines[BASELINE_F64_RELATIVE],
                                (elements + rows) * sizeof(double));
        assert_null(parts.judged.problem.k);
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
        assert_int_equal(criterion_decide(&point.criterion, &evaluation.judged.verdict.total), DECISION_FAIL);
        assert_int_equal(evaluation.judged.verdict.total.unwritten, 2 * 2 * 64);
        assert_int_equal(evaluation.judged.verdict.total.unbounded, 0); /* but 0: nothing may be off */
        for (int row = 0; row < 12; row++)
            assert_true((evaluation.judged.verdict.rows[row].unwritten > 0) == (row % 6 > 3));
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
            digests[i] = evaluation.judged.input_digest;
            evaluation_clear(&evaluation);
        }
        evaluator_clear(&evaluators[i]);
        device_close(evaluators[i].device);
    }
    assert_true(digests[0] == digests[1]);
}

static int num_opened;

static enum error_kind open_and_count(const struct problem_source *source, struct part part, int threads,
                                      struct progress *progress, struct inputs *inputs, struct error *error)
{
    struct point any = small_point(KERNEL_SPLIT_KV);
    const struct generated_source generated = generated_source(&any.problem);
    num_opened++;
    return generated.source.ops->open(source, part, threads, progress, inputs, error);
}

/* Points of one problem that are evaluated together are what each is alone, and their parts are made once. */
static void test_points_of_one_problem_share_its_parts(void **state)
{
    (void)state;
    enum { NUM_POINTS = 4 };
    struct point own[NUM_POINTS];
    struct shared_point points[NUM_POINTS];
    struct evaluator evaluators[2] = {{.threads = 1}, {.threads = 1}};
    struct error error;
    for (int p = 0; p < NUM_POINTS; p++) {
        own[p] = small_point(p % 2 ? KERNEL_SPLIT_KV : KERNEL_TWO_PASS);
        own[p].criterion.tolerance.atol = p == 3 ? 1e-12 : own[p].criterion.tolerance.atol; /* fails, and has a name */
        own[p].criterion.tolerance.rtol = p == 3 ? 0 : own[p].criterion.tolerance.rtol;
        if (p > 1)
            own[p].recipe.sentinel = (struct sentinel){.policy = SENTINEL_INFINITY};
        points[p] = (struct shared_point){.point = &own[p]};
    }
    struct generated_source cut = generated_source(&own[0].problem);
    struct problem_source_ops ops = *cut.source.ops;
    ops.part = cut_in_two;
    ops.open = open_and_count;
    cut.source.ops = &ops;
    cut.source.num_parts = 2;
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            device_open(&evaluators[i].device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    num_opened = 0;
    assert_int_equal(evaluate_together_from(&evaluators[0], points, NUM_POINTS - 1, &cut, &error), ERROR_NONE);
    assert_int_equal(num_opened, 2);
    for (int p = 0; p < NUM_POINTS - 1; p++)
        evaluation_clear(&points[p].evaluation);
    assert_int_equal(evaluate_together_from(&evaluators[0], points, NUM_POINTS, &cut, &error), ERROR_NONE);
    assert_true(num_opened > 4); /* its cause is looked for in them once more */
    for (int p = 0; p < NUM_POINTS; p++) {
        struct evaluation alone, *together = &points[p].evaluation;
        assert_int_equal(points[p].kind, ERROR_NONE);
        assert_int_equal(evaluate_from(&evaluators[1], &alone, &own[p], &cut, &error), ERROR_NONE);
        assert_true(together->judged.input_digest == alone.judged.input_digest &&
                    together->judged.output_digest == alone.judged.output_digest);
        assert_true(together->judged.truth_digest == alone.judged.truth_digest);
        assert_memory_equal(&together->judged.verdict.total, &alone.judged.verdict.total,
                            sizeof alone.judged.verdict.total);
        assert_int_equal(together->judged.finding.signature, alone.judged.finding.signature);
        assert_true((alone.judged.finding.signature != SIGNATURE_NONE) == (p == 3));
        assert_true(together->judged.problem.q == points[0].evaluation.judged.problem.q);
        evaluation_clear(&alone);
    }
    for (int p = 0; p < NUM_POINTS; p++)
        evaluation_clear(&points[p].evaluation);
    for (int i = 0; i < 2; i++) {
        evaluator_clear(&evaluators[i]);
        device_close(evaluators[i].device);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_part_is_cut_from_the_whole),
        cmocka_unit_test(test_promised_bounds_hold),
        cmocka_unit_test(test_parts_give_the_results_of_the_whole),
        cmocka_unit_test(test_the_rule_for_parts),
        cmocka_unit_test(test_own_slopes_are_those_of_the_whole),
        cmocka_unit_test(test_parts_of_a_source_come_together),
        cmocka_unit_test(test_points_of_one_problem_share_its_parts),
        cmocka_unit_test(test_rows_without_a_part_fail),
        cmocka_unit_test(test_inputs_at_hand_are_of_the_same_heads),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL) != 0;
}
