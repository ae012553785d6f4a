/* Points evaluated, replayed and explained: figures that add up, and the diagnosis that fits the recipe. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/tests/case_fixture.h"
#include "harness/command/diagnosis.h"

struct explained {
    struct case_list list;
    struct point point;
    struct evaluator evaluator;
    struct evaluation evaluation;
    struct replay replay;
    struct explanation explanation;
    struct diagnosis diagnosis;
};

static void explain_case(struct explained *explained, const char *text, int64_t element)
{
    struct error error;
    *explained = (struct explained){.list = parse(text), .evaluator = {.threads = 1}};
    struct point *point = &explained->point;
    case_point(explained->list.cases[0], 0, point);
    assert_int_equal(
        device_open(&explained->evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    if (evaluate(&explained->evaluator, &explained->evaluation, point, &error) ||
        replay_run(&explained->replay, point->kernel, &point->kernel_options, &point->recipe,
                   &explained->evaluation.judged.problem, 1, &error))
        fail_msg("%s", error.text);
    explanation_make(&explained->explanation, &explained->evaluation, &explained->replay, element);
    explained->diagnosis = diagnose(point, &explained->evaluation, &explained->explanation);
}

static void clear(struct explained *explained)
{
    replay_clear(&explained->replay);
    evaluation_clear(&explained->evaluation);
    evaluator_clear(&explained->evaluator);
    device_close(explained->evaluator.device);
    case_list_clear(&explained->list);
}

static void assert_diagnosis(const char *text, const char *cause, bool is_rounding, const char *says)
{
    struct explained explained;
    explain_case(&explained, text, -1);
    const struct diagnosis *diagnosis = &explained.diagnosis;
    if (strcmp(diagnosis->cause, cause) || diagnosis->is_rounding != is_rounding || !strstr(diagnosis->text, says))
        fail_msg("not %s with '%s', but %s: %s", cause, says, diagnosis->cause, diagnosis->text);
    clear(&explained);
}

#define SHAPE "case: a\nnum_heads: 4\nhead_dim: 64\n"

/* slope * j reaches 0.25 * 3000 * log2(e) = 1082 and 2^-14 of a logit is lost; f32 output hides none of it. */
static void test_absolute_bias_is_named(void **state)
{
    (void)state;
    assert_diagnosis(SHAPE "seq_len: 3001\ndtype: f32\nbias: absolute\n", "bias", true, "at key 3000");
    assert_diagnosis(SHAPE "seq_len: 3001\ndtype: f32\nbias: absolute\nkernel: split_kv\n", "bias", true,
                     "slope * (j - P)");
}

static void test_output_rounding_is_named(void **state)
{
    (void)state;
    assert_diagnosis(SHAPE "seq_len: 3001\n", "output", true, "Nothing to fix");
    assert_diagnosis(SHAPE "seq_len: 301\ndtype: bf16\n", "output", true, "to bf16");
}

/* A step that the recipe rounds is named with its dtype, and logits in their own units. */
static void test_narrow_steps_are_named(void **state)
{
    static const char *const rows[][3] = {
        {"recipe: {bias_dtype: bf16}\n", "logit", "the rounding of biases to bf16: at key"},
        {"recipe: {slope_dtype: bf16}\n", "logit", "the rounding of slopes to bf16: at key"},
        {"recipe: {logit_dtype: bf16}\n", "logit", "the rounding of logits to bf16: at key"},
        {"recipe: {position_dtype: bf16}\n", "logit", "Hold positions in f32."},
        {"recipe: {bias: absolute, bias_dtype: bf16, log2e: exponential}\n", "bias",
         "in natural units, and one bf16 ulp"},
        {"recipe: {bias: absolute, bias_dtype: bf16}\n", "bias", "in base 2, and one bf16 ulp"},
        {"recipe: {bias: absolute, bias_dtype: bf16}\n", "bias", "and form the bias relative to the query"},
        {"recipe: {weight_dtype: bf16}\n", "sum", "the rounding of weights to bf16, by up to 0.39% of each"},
        {"recipe: {dot_dtype: f16}\n", "dot", "the rounding of products and sums of q.k to f16"},
        {"recipe: {partial_dtype: f16}\nkernel: split_kv\n", "merge", "the partial outputs of 2 chunks to f16"},
        {"recipe: {base: hf-bloom, bias_dtype: bf16}\n", "bias", "to bf16: at key"},
        {"recipe: {log2e: exponential, bias: absolute}\n", "bias", "in natural units, where one f32 ulp"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, SHAPE "seq_len: 1500\ndtype: f32\nslopes: {values: [0.11, 0.05, 0.03, 0.007]}\n%s",
                 rows[i][0]);
        assert_diagnosis(text, rows[i][1], true, rows[i][2]);
    }
}

/* What a recipe does in exact arithmetic is said, and is no fault of the kernel. */
static void test_choices_of_recipes_are_named(void **state)
{
    static const char *const rows[][2] = {
        {"recipe: {epsilon: 0.01}\n", "The epsilon 0.01 is added to every denominator"},
        {"bias: none\n", "drops the bias"},
        {"recipe: {slopes: geometric, slopes_max_bias: 3}\n", "its own slopes, by the geometric convention"},
        {"recipe: {positions: top_left}\n", "positions of its own: top_left"},
        {"recipe: {initial_sum: 1, initial_max: 0}\n", "The sum begins with 1 at the maximum 0"},
        {"mask: {holes: 0.5}\nrecipe: {sentinel: -4, masked_entry: add, initial_max: -inf}\n",
         "The sentinel -4 is added to masked logits, and the logits"},
        {"mask: {holes: 0.5}\nrecipe: {sentinel: -4, initial_max: -inf, log2e: exponential}\n", "in natural units;"},
        {"mask: {holes: 0.5}\nrecipe: {sentinel: -4}\n", "masked logits and of the maximum before the first key"},
        {"input: {distribution: logit_floor, value: -300}\nrecipe: {initial_max: 0}\n", "The maximum begins at 0"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, SHAPE "seq_len: 300\ndtype: f32\n%s", rows[i][0]);
        assert_diagnosis(text, "recipe", false, rows[i][1]);
    }
}

static void test_weights_that_underflow_are_named(void **state)
{
    (void)state;
    assert_diagnosis(SHAPE "seq_len: 64\ninput: {distribution: logit_floor, value: -102, spread: 0.5}\n"
                           "recipe: {initial_max: 0, log2e: exponential, exponential: exp}\n",
                     "exponential", true, "subnormal numbers, with few digits left: the maximum begins at 0");
}

/* A NaN is larger than any number, and has no sign. */
static void test_nan_is_the_largest_error(void **state)
{
    struct explained explained;
    (void)state;
    explain_case(&explained, SHAPE "seq_len: 100\nrecipe: {masked_values: read_past_end}\n", -1);
    assert_true(isnan(explained.explanation.kernel.max_abs_err));
    assert_null(strstr(explained.diagnosis.text, "-nan"));
    clear(&explained);
}

/* f32, relative form: neither of the two. */
static void test_other_causes(void **state)
{
    struct explained explained;
    (void)state;
    explain_case(&explained, SHAPE "seq_len: 1001\ndtype: f32\n", -1);
    assert_true(explained.diagnosis.is_rounding);
    assert_string_not_equal(explained.diagnosis.cause, "bias");
    assert_string_not_equal(explained.diagnosis.cause, "output");
    assert_true(explained.explanation.stages[STAGE_OUTPUT].max_abs_err == 0);
    clear(&explained);
}

/* Every logit lies below the maximum that the kernel starts from: 0 in exact arithmetic too. */
static void test_sentinel_in_reach_is_no_rounding(void **state)
{
    (void)state;
    assert_diagnosis(SHAPE "seq_len: 101\nq_position: 1000000\nsentinel: -5e4\n", "recipe", false,
                     "Rounding does not explain it");
}

/* The truth is 0 and so is the bound; v of masked keys comes out, or NaN. */
static void test_empty_row_is_no_rounding(void **state)
{
    (void)state;
    const char *const finite[] = {"sentinel: -5e4\n", "sentinel: adaptive\n", "sentinel: -5e4\nkernel: split_kv\n"};
    for (size_t i = 0; i < sizeof finite / sizeof finite[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, SHAPE "seq_len: 9\nmask: all\n%s", finite[i]);
        assert_diagnosis(text, "recipe", false, "became the maximum, so that masked keys carry the weight");
    }
    assert_diagnosis(SHAPE "seq_len: 9\nmask: all\nrecipe: {empty_row: divide}\n", "recipe", false, "0 / 0");
    assert_diagnosis(SHAPE "seq_len: 9\nmask: all\n", "exact", true, "no error");
}

/* A kernel that keeps another contract is not blamed on a sentinel or a device, and rounds as any other; keys that are
 * of empty rows alone are named for those alone. */
static void test_contracts_are_named(void **state)
{
    static const struct {
        const char *keys, *cause;
        bool is_rounding;
        const char *says;
    } rows[] = {
        {"recipe: {sentinel: -1e4, slope_factor: 0.5}\n", "recipe", false, "than the problem: slope_factor 0.5."},
        {"recipe: {sentinel: -inf, kv_head_map: modulo, window: 5}\nnum_kv_heads: 2\n", "recipe", false,
         "than the problem: kv_head_map modulo, window 5."},
        {"mask: all\nrecipe: {empty_row: unwritten}\n", "recipe", false, "than the problem: empty_row unwritten."},
        {"recipe: {empty_row: unwritten, slope_factor: 2}\n", "recipe", false, "than the problem: slope_factor 2."},
        {"mask: all\nrecipe: {merge: lse, merge_guards: false}\nkernel: split_kv\n", "recipe", false,
         "than the problem: merge_guards false."},
        {"recipe: {lse_base: 2}\n", "output", true,
         "Its lse may be another matter. The recipe keeps another contract than the problem: lse_base 2."},
        {"recipe: {empty_row_lse: +inf}\n", "output", true, "Nothing to fix: only a wider dtype has less."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, SHAPE "seq_len: 301\n%s", rows[i].keys);
        assert_diagnosis(text, rows[i].cause, rows[i].is_rounding, rows[i].says);
    }
}

static void test_no_error(void **state)
{
    (void)state;
    assert_diagnosis(SHAPE "seq_len: 1\n", "exact", true, "no error");
}

/* Shares add up to 1, stages to the kernel's error, rms <= max, heads descend; the kernel's own figures are the
 * verdict's. */
static void test_figures_add_up(void **state)
{
    struct explained explained;
    const struct explanation *explanation = &explained.explanation;
    (void)state;
    explain_case(&explained, SHAPE "seq_len: 999\ndtype: f32\nkernel: split_kv\nbias: absolute\nsentinel: -inf\n", -1);
    double shares = 0, sum = 0;
    for (int stage = 0; stage < ROUNDING_STAGE_COUNT; stage++) {
        const struct stage_error *figures = &explanation->stages[stage];
        shares += figures->share;
        sum += figures->err;
        assert_true(figures->rms_err <= figures->max_abs_err && fabs(figures->err) <= figures->max_abs_err);
    }
    assert_true(fabs(shares - 1) < 1e-12);
    assert_true(fabs(sum - explanation->kernel.err) <= 1e-3 * fabs(explanation->kernel.err));
    assert_true(explanation->kernel.max_abs_err == explained.evaluation.judged.verdict.total.max_abs_err);
    assert_int_equal(explanation->element, explained.evaluation.judged.verdict.total.worst);
    assert_int_equal(explanation->differing, 0);
    assert_int_equal(explanation->num_heads, 3);
    assert_true(explanation->heads[0].max_abs_err == explanation->kernel.max_abs_err);
    assert_true(explanation->heads[0].max_abs_err >= explanation->heads[1].max_abs_err &&
                explanation->heads[1].max_abs_err >= explanation->heads[2].max_abs_err);
    clear(&explained);
}

static void test_element_is_chosen(void **state)
{
    struct explained explained;
    (void)state;
    explain_case(&explained, SHAPE "seq_len: 99\n", 3 * 64 + 7);
    assert_int_equal(explained.explanation.element, 3 * 64 + 7);
    assert_true(explained.explanation.truth == explained.evaluation.judged.truth.value[3 * 64 + 7]);
    assert_non_null(strstr(explained.diagnosis.text, "head 3, dim 7"));
    clear(&explained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_absolute_bias_is_named),
        cmocka_unit_test(test_output_rounding_is_named),
        cmocka_unit_test(test_narrow_steps_are_named),
        cmocka_unit_test(test_choices_of_recipes_are_named),
        cmocka_unit_test(test_weights_that_underflow_are_named),
        cmocka_unit_test(test_nan_is_the_largest_error),
        cmocka_unit_test(test_other_causes),
        cmocka_unit_test(test_sentinel_in_reach_is_no_rounding),
        cmocka_unit_test(test_empty_row_is_no_rounding),
        cmocka_unit_test(test_contracts_are_named),
        cmocka_unit_test(test_no_error),
        cmocka_unit_test(test_figures_add_up),
        cmocka_unit_test(test_element_is_chosen),
    };
    return cmocka_run_group_tests_name("explain", tests, NULL, NULL) != 0;
}
