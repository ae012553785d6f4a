/* What a replay says of a failure that nothing predicts: rounding, where the recipe is right without it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/case/recipe_field.h"
#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/point_subject.h"
#include "harness/evaluate/replayed_cause.h"
#include "harness/evaluate/tests/small_point.h"
#include "kernels/device/device.h"
#include "kernels/dialect/stage.h"

/* A point that fails, evaluated, and what is asked of its replay. */
struct failure {
    struct point point;
    struct evaluator evaluator;
    struct evaluation evaluation;
    struct signature_finding finding;
};

/* Sums of values in f16, where f32 is asked for. */
static void fail_by(struct failure *failure, const struct recipe *recipe)
{
    struct error error;
    *failure = (struct failure){.point = small_point(KERNEL_SINGLE_PASS), .evaluator = {.threads = 1}};
    failure->point.problem.dtype = DTYPE_F32;
    failure->point.problem.max_bias = 7; /* whose slopes are no powers of 2 */
    failure->point.recipe = *recipe;
    failure->point.criterion.tolerance = (struct tolerance){1e-5, 1e-5, 1e-5};
    assert_int_equal(
        device_open(&failure->evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error), 0);
    if (evaluate(&failure->evaluator, &failure->evaluation, &failure->point, &error))
        fail_msg("%s", error.text);
    assert_true(failure->evaluation.judged.verdict.total.mismatched > 0);
    failure->finding =
        (struct signature_finding){.signature = SIGNATURE_UNKNOWN, .head = -1, .num_rows_examined = 3, .residual = 2};
}

static enum signature asked(struct failure *failure)
{
    const struct shipped_subject shipped = point_subject(&failure->point, failure->evaluator.device);
    const struct evaluation *evaluation = &failure->evaluation;
    const struct exhibit exhibit = {.problem = &evaluation->judged.problem,
                                    .output = &evaluation->judged.output,
                                    .truth = &evaluation->judged.truth,
                                    .bound = evaluation->judged.bound,
                                    .lse_bound = evaluation->judged.lse_bound,
                                    .criterion = failure->point.criterion};
    struct error error;
    if (replayed_cause(&failure->finding, &exhibit, &evaluation->judged.verdict, &shipped.subject, 1, &error))
        fail_msg("%s", error.text);
    return failure->finding.signature;
}

static void clear(struct failure *failure)
{
    evaluation_clear(&failure->evaluation);
    evaluator_clear(&failure->evaluator);
    device_close(failure->evaluator.device);
}

static struct recipe f16_sums(void)
{
    struct recipe recipe = recipe_sound;
    recipe.weighted_sum_dtype = ROUND_F16;
    return recipe;
}

static void rounding_is_named_with_its_stage(void **state)
{
    (void)state;
    struct failure failure;
    struct recipe recipe = f16_sums();
    fail_by(&failure, &recipe);
    assert_int_equal(asked(&failure), SIGNATURE_PRECISION_LOSS);
    assert_non_null(strstr(failure.finding.detail, "right in exact arithmetic"));
    assert_non_null(strstr(failure.finding.detail, stage_names[STAGE_WEIGHTED_SUM]));
    assert_int_equal(failure.finding.head,
                     failure.evaluation.judged.verdict.total.worst / failure.evaluation.judged.problem.head_dim);
    assert_int_equal(failure.finding.num_rows_explained, 3);
    assert_non_null(failure.finding.remedy);
    clear(&failure);
}

/* However much of the error is rounding, a fault of the recipe above an eighth of the tolerance keeps the name away. */
static void a_fault_of_the_recipe_is_not(void **state)
{
    (void)state;
    struct failure failure;
    struct recipe recipe = f16_sums();
    recipe.contract.scale_factor = 1 + 0x1p-17f;
    fail_by(&failure, &recipe);
    assert_int_equal(asked(&failure), SIGNATURE_UNKNOWN);
    clear(&failure);
}

static void slopes_that_are_rounded_are_wrong_slopes(void **state)
{
    (void)state;
    struct failure failure;
    struct recipe recipe = recipe_sound;
    recipe.slope_dtype = ROUND_BF16;
    fail_by(&failure, &recipe);
    assert_int_equal(asked(&failure), SIGNATURE_WRONG_SLOPE);
    assert_non_null(strstr(failure.finding.detail, stage_names[STAGE_SLOPE]));
    assert_non_null(strstr(failure.finding.detail, "rounded to bf16;"));
    clear(&failure);
    recipe.bias = BIAS_ABSOLUTE;
    fail_by(&failure, &recipe);
    assert_int_equal(asked(&failure), SIGNATURE_WRONG_SLOPE);
    assert_non_null(strstr(failure.finding.detail, "rounded to bf16, in the absolute form;"));
    clear(&failure);
}

/* Of slopes and of another step alike: neither is the name. */
static void slopes_among_other_roundings_have_no_name(void **state)
{
    (void)state;
    struct failure failure;
    struct recipe recipe = f16_sums();
    recipe.slope_dtype = ROUND_F16;
    fail_by(&failure, &recipe);
    assert_int_equal(asked(&failure), SIGNATURE_UNKNOWN);
    clear(&failure);
}

static void nor_what_the_replay_does_not_compute(void **state)
{
    (void)state;
    struct failure failure;
    struct recipe recipe = f16_sums();
    fail_by(&failure, &recipe);
    float *out = failure.evaluation.judged.output.out;
    out[5] = nextafterf(out[5], INFINITY);
    assert_int_equal(asked(&failure), SIGNATURE_UNKNOWN);
    clear(&failure);
}

static void nor_what_is_beyond_its_bound_or_has_a_name(void **state)
{
    (void)state;
    struct failure failure;
    struct recipe recipe = f16_sums();
    fail_by(&failure, &recipe);
    failure.evaluation.judged.verdict.total.budget_used = 1.01;
    assert_int_equal(asked(&failure), SIGNATURE_UNKNOWN);
    failure.evaluation.judged.verdict.total.budget_used = 1;
    failure.evaluation.judged.verdict.total.nan = 1;
    assert_int_equal(asked(&failure), SIGNATURE_UNKNOWN);
    failure.evaluation.judged.verdict.total.nan = 0;
    failure.finding.num_rows_examined = 0; /* by an oracle alone */
    assert_int_equal(asked(&failure), SIGNATURE_UNKNOWN);
    failure.finding.num_rows_examined = 3;
    failure.finding.signature = SIGNATURE_LEAK;
    assert_int_equal(asked(&failure), SIGNATURE_LEAK);
    failure.finding.signature = SIGNATURE_UNKNOWN;
    assert_int_equal(asked(&failure), SIGNATURE_PRECISION_LOSS);
    clear(&failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_named_with_its_stage),
        cmocka_unit_test(a_fault_of_the_recipe_is_not),
        cmocka_unit_test(slopes_that_are_rounded_are_wrong_slopes),
        cmocka_unit_test(slopes_among_other_roundings_have_no_name),
        cmocka_unit_test(nor_what_the_replay_does_not_compute),
        cmocka_unit_test(nor_what_is_beyond_its_bound_or_has_a_name),
    };
    return cmocka_run_group_tests_name("replayed cause", tests, NULL, NULL) ? 1 : 0;
}
