/* Evaluating points: what is shared between them, and what is made of their outputs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/recipe_library.h"
#include "harness/case/tests/case_fixture.h"
#include "harness/evaluate/foreign_class.h"
#include "harness/evaluate/tests/small_point.h"
#include "harness/subject/callback.h"
#include "kernels/device/device.h"
#include "kernels/device/replay.h"

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
        assert_int_equal(evaluation.judged.verdict.total.mismatched, 0);
        assert_int_equal(evaluation.judged.verdict.total.unwritten, 0);
        assert_true(evaluation.judged.verdict.total.budget_used <= 1);
        assert_true(evaluation.judged.seconds.truth_shared == (i == 1));
        if (i == 1)
            assert_ptr_equal(evaluator.inputs.k, inputs_before);
        truth_digests[i] = evaluation.judged.truth_digest;
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
        assert_int_equal(evaluation.judged.verdict.total.mismatched, 0);
        assert_true(evaluation.judged.verdict.total.budget_used <= 1);
        assert_true((evaluation.judged.problem.visible != NULL) == (masks[i].kind != MASK_NONE));
        if (masks[i].kind == MASK_ALL)
            for (int h = 0; h < 6; h++)
                assert_true(evaluation.judged.truth.lse[h] == -INFINITY &&
                            evaluation.judged.output.lse[h] == -INFINITY);
        input_digests[i] = evaluation.judged.input_digest;
        truth_digests[i] = evaluation.judged.truth_digest;
        output_digests[i] = evaluation.judged.output_digest;
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
    assert_int_equal(evaluation.judged.truth.plain_rows, 0);
    point.criterion.tolerance = (struct tolerance){.atol = evaluation.judged.verdict.total.max_abs_err};
    evaluation_clear(&evaluation);
    assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), 0);
    assert_int_equal(evaluation.judged.truth.plain_rows, 6);
    evaluation_clear(&evaluation);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Another contract than the inputs takes MPFR whatever is asked for, so both methods share a truth. A truth is said to
 * be shared only if none of it was computed. */
static void test_methods_share_what_is_the_same(void **state)
{
    (void)state;
    static const enum truth_of contracts[] = {TRUTH_OF_INPUTS, TRUTH_OF_BF16_BIAS};
    for (int i = 0; i < 2; i++) {
        struct evaluator evaluator = {.threads = 1};
        struct evaluation evaluation;
        struct error error;
        struct point point = small_point(KERNEL_SINGLE_PASS);
        point.problem.truth_of = contracts[i];
        assert_int_equal(device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error),
                         0);
        for (int method = 0; method < TRUTH_METHOD_COUNT; method++) {
            point.truth_method = (enum truth_method)method;
            assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), 0);
            assert_true(evaluation.judged.seconds.truth_shared == (method > 0 && i == 1));
            evaluation_clear(&evaluation);
        }
        if (i == 0) { /* certified anew, and undecided, which the plain truth at hand decides */
            point.truth_method = TRUTH_CERTIFIED;
            assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), 0);
            point.criterion.tolerance = (struct tolerance){.atol = evaluation.judged.verdict.total.max_abs_err};
            evaluation_clear(&evaluation);
            assert_int_equal(evaluator.cache.newest->older->key.method, TRUTH_CERTIFIED);
            evaluator.cache.newest->older->key.problem++; /* forgotten; the plain one is not */
            assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), 0);
            assert_int_equal(evaluation.judged.truth.plain_rows, 6);
            assert_false(evaluation.judged.seconds.truth_shared);
            evaluation_clear(&evaluation);
        }
        evaluator_clear(&evaluator);
        device_close(evaluator.device);
    }
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
        assert_int_equal(together.judged.verdict.total.mismatched + together.judged.verdict.total.lse_mismatched, 0);
        point.batch = BATCH_ALONE;
        if (evaluate(&evaluator, &alone, &point, &error))
            fail_msg("%s", error.text);
        assert_true(alone.judged.output_digest == together.judged.output_digest);
        assert_true(alone.judged.input_digest == together.judged.input_digest);
        evaluation_clear(&together);
        evaluation_clear(&alone);
    }
    case_list_clear(&list);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
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
    const struct metrics *total = &evaluation.judged.verdict.total;
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
    assert_int_equal(moved.judged.verdict.total.mismatched, 0);
    assert_true(sound.judged.output_digest != moved.judged.output_digest);
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
    assert_true(evaluation.judged.verdict.total.lse_budget_used <= 1);
    assert_true(evaluation.judged.verdict.total.max_lse_err > 1e-4);
    evaluation_clear(&evaluation);
}

enum { PREPARED = 6 * 64 };
static float prepared[PREPARED];

static enum error_kind launch_prepared(void *state, const struct launch_plan *plan, double *seconds,
                                       struct error *error)
{
    (void)state, (void)error;
    memcpy(plan->args.out, prepared, sizeof prepared);
    *seconds = 0;
    return ERROR_NONE;
}

/* What a certificate left open of the kernel it left open of a reference that has the same numbers. */
static void test_a_reference_is_held_against_the_truth_that_decides(void **state)
{
    (void)state;
    const enum baseline baseline = BASELINE_F32_RELATIVE;
    struct device_ops ops = device_host_ops;
    struct evaluation evaluation;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    point.problem.dtype = DTYPE_F32;
    point.criterion.mode = JUDGE_TOLERANCE;
    point.baselines = 1u << baseline;
    evaluate_on(&evaluation, &ops, &point);
    for (int i = 0; i < PREPARED; i++)
        prepared[i] = (float)evaluation.baselines[baseline][i];
    const double off = evaluation.faults[baseline].truth.max_abs_err;
    evaluation_clear(&evaluation);
    point.criterion.tolerance = (struct tolerance){.atol = off * (1 + 0x1p-49), .lse = INFINITY};
    ops.launch = launch_prepared;
    evaluate_on(&evaluation, &ops, &point);
    assert_int_equal(evaluation.judged.truth.plain_rows, 6);
    assert_int_equal(evaluation.judged.verdict.total.undecided, 0);
    assert_int_equal(evaluation.faults[baseline].truth.undecided, 0);
    assert_int_equal(evaluation.faults[baseline].truth.mismatched, evaluation.judged.verdict.total.mismatched);
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
        if (evaluation.judged.verdict.total.nan + evaluation.judged.verdict.total.inf +
            evaluation.judged.verdict.total.unwritten)
            fail_msg("%s: %d NaN", point_key(key, &point), (int)evaluation.judged.verdict.total.nan);
        evaluation_clear(&evaluation);
    }
    case_list_clear(&list);
    recipe_library_close();
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Writes beside its output, and to an input, in its first launch alone: the one that is judged. */
static int32_t launch_that_strays_once(void *context, const struct alibicheck_kernel_launch *launch, char *text,
                                       uint64_t text_size)
{
    const struct alibicheck_kernel_sequence *first = launch->sequences;
    size_t bytes = (size_t)launch->num_heads * (size_t)launch->head_dim * 2;
    int *launches = context;
    (void)text, (void)text_size;
    memset(first->out, 0, bytes);
    if ((*launches)++ == 0) {
        ((char *)first->out)[bytes + 3] = 1;
        ((char *)(uintptr_t)first->q)[0] ^= 1;
    }
    return 0;
}

static void test_the_run_that_is_judged_is_looked_at_too(void **state)
{
    (void)state;
    int launches = 0;
    const struct alibicheck_kernel described = {.abi = ALIBICHECK_KERNEL_ABI,
                                                .takes = ALIBICHECK_KERNEL_F16 | ALIBICHECK_KERNEL_GQA |
                                                         ALIBICHECK_KERNEL_ALIBI,
                                                .name = "strays",
                                                .context = &launches,
                                                .launch = launch_that_strays_once};
    struct callback callback = {.kernel = &described, .takes = described.takes};
    struct foreign_kernel kernel;
    struct evaluation evaluation;
    struct error error;
    struct point point = small_point(KERNEL_SINGLE_PASS);
    assert_int_equal(foreign_kernel_take(&kernel, &described, "test", &error), ERROR_NONE);
    struct foreign_subject foreign = foreign_subject(&kernel, &callback_launcher, &callback);
    assert_int_equal(foreign_class_take(&foreign, "test", &error), ERROR_NONE);
    /* `none` spares launches, and says nothing of the one that is judged; a list leaves out what it does not name. */
    const unsigned both = 1u << ORACLE_GUARDS | 1u << ORACLE_INPUTS;
    const struct {
        unsigned oracles;
        bool told;
    } asked[] = {{both, true}, {0, true}, {1u << ORACLE_SCHEDULE, false}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct evaluator evaluator = {.threads = 1, .foreign = &foreign};
        point.oracles = asked[i].oracles;
        launches = 0;
        if (evaluate(&evaluator, &evaluation, &point, &error))
            fail_msg("%s", error.text);
        enum oracle_outcome expected = asked[i].told ? ORACLE_VIOLATED : ORACLE_NOT_RUN;
        assert_int_equal(evaluation.oracles.outcome[ORACLE_GUARDS], expected);
        assert_int_equal(evaluation.oracles.outcome[ORACLE_INPUTS], expected);
        assert_string_equal(evaluation.oracles.detail[ORACLE_GUARDS],
                            asked[i].told ? "written to at byte 771 of out, which has 768" : "");
        assert_string_equal(evaluation.oracles.detail[ORACLE_INPUTS],
                            asked[i].told ? "q is not what it was before the run" : "");
        evaluation_clear(&evaluation);
        evaluator_clear(&evaluator);
    }
    callback_clear(&callback);
}

/* An output that nothing explains. */
static int32_t launch_nonsense(void *context, const struct alibicheck_kernel_launch *launch, char *text,
                               uint64_t text_size)
{
    size_t elements = (size_t)launch->num_heads * (size_t)launch->head_dim;
    uint16_t *out = launch->sequences->out;
    (void)context, (void)text, (void)text_size;
    for (size_t i = 0; i < elements; i++)
        out[i] = (uint16_t)(0x3000 + 0x111 * (i * i % 17) + 0x8000 * (i * i % 11 % 2));
    return 0;
}

static struct progress stopped_later;

/* Comes after the signature, and before the contract. */
static enum error_kind stop_and_replay_nothing(const struct subject *subject, struct replay *replay,
                                               const struct problem *problem, int threads, struct error *error)
{
    (void)subject, (void)threads;
    atomic_store(&stopped_later.cancelled, true);
    *replay = (struct replay){.out = calloc((size_t)problem_elements(problem), sizeof *replay->out)};
    return replay->out ? ERROR_NONE : error_memory(error, "a replay", 0);
}

static void test_a_search_for_a_contract_can_be_interrupted(void **state)
{
    (void)state;
    const struct alibicheck_kernel described = {.abi = ALIBICHECK_KERNEL_ABI,
                                                .takes = ALIBICHECK_KERNEL_F16 | ALIBICHECK_KERNEL_GQA |
                                                         ALIBICHECK_KERNEL_ALIBI,
                                                .name = "nonsense",
                                                .launch = launch_nonsense};
    struct callback callback = {.kernel = &described, .takes = described.takes};
    struct foreign_kernel kernel;
    struct evaluation evaluation;
    struct error error;
    const struct point point = small_point(KERNEL_SINGLE_PASS);
    assert_int_equal(foreign_kernel_take(&kernel, &described, "test", &error), ERROR_NONE);
    struct foreign_subject foreign = foreign_subject(&kernel, &callback_launcher, &callback);
    assert_int_equal(foreign_class_take(&foreign, "test", &error), ERROR_NONE);
    struct subject_ops ops = *foreign.subject.ops;
    ops.replay = stop_and_replay_nothing;
    foreign.subject.ops = &ops;
    struct evaluator evaluator = {.threads = 1, .foreign = &foreign, .progress = &stopped_later};
    assert_int_equal(evaluate(&evaluator, &evaluation, &point, &error), ERROR_INTERRUPTED);
    assert_int_equal(evaluation.judged.finding.signature, SIGNATURE_UNKNOWN);
    assert_true(atomic_load(&stopped_later.cancelled));
    evaluation_clear(&evaluation);
    evaluator_clear(&evaluator);
    callback_clear(&callback);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_search_for_a_contract_can_be_interrupted),
        cmocka_unit_test(test_the_run_that_is_judged_is_looked_at_too),
        cmocka_unit_test(test_points_share_inputs_and_truth),
        cmocka_unit_test(test_a_mask_is_part_of_the_problem),
        cmocka_unit_test(test_undecided_is_judged_by_mpfr),
        cmocka_unit_test(test_a_reference_is_held_against_the_truth_that_decides),
        cmocka_unit_test(test_methods_share_what_is_the_same),
        cmocka_unit_test(test_a_sequence_of_a_batch_has_the_bits_that_it_has_alone),
        cmocka_unit_test(test_what_is_not_written_is_counted),
        cmocka_unit_test(test_the_digest_of_an_output_has_its_lse),
        cmocka_unit_test(test_the_bound_is_that_of_the_recipe),
        cmocka_unit_test(test_a_constant_that_overflows_accuses_nobody),
        cmocka_unit_test(test_every_recipe_answers_an_ordinary_problem),
    };
    return cmocka_run_group_tests_name("evaluate", tests, NULL, NULL) != 0;
}
