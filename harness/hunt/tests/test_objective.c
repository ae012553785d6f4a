/* What a hunt climbs on, of a small point and of what is planted in its output. */
#include <math.h>

#include "harness/evaluate/tests/small_point.h"
#include "harness/hunt/objective.h"
#include "reference/dtype.h"

struct evaluated {
    struct evaluator evaluator;
    struct point point;
    struct evaluation evaluation;
};

static struct evaluated evaluate_small(void)
{
    struct evaluated evaluated = {.evaluator = {.threads = 1}, .point = small_point(KERNEL_SINGLE_PASS)};
    const struct device_options options = {.threads = 1};
    struct error error;
    if (device_open(&evaluated.evaluator.device, DEVICE_HOST, &options, &error) ||
        evaluate(&evaluated.evaluator, &evaluated.evaluation, &evaluated.point, &error))
        fail_msg("%s", error.text);
    return evaluated;
}

static void clear(struct evaluated *evaluated)
{
    struct device *device = evaluated->evaluator.device;
    evaluation_clear(&evaluated->evaluation);
    evaluator_clear(&evaluated->evaluator);
    device_close(device);
}

static double value_of(const struct evaluated *evaluated, enum objective objective)
{
    struct error error;
    double value;
    if (objective_value(&value, objective, &evaluated->evaluator, &evaluated->point, &evaluated->evaluation, &error))
        fail_msg("%s", error.text);
    return value;
}

static void set_out(struct evaluated *evaluated, size_t index, double number)
{
    const float narrow = (float)number;
    dtype_narrow(DTYPE_F16, evaluated->evaluation.judged.output.out, index, 1, &narrow);
}

static void test_a_sound_output_uses_some_of_everything(void **state)
{
    (void)state;
    struct evaluated evaluated = evaluate_small();
    const struct metrics *total = &evaluated.evaluation.judged.verdict.total;
    assert_true(value_of(&evaluated, OBJECTIVE_BUDGET) == fmax(total->budget_used, total->lse_budget_used));
    assert_true(value_of(&evaluated, OBJECTIVE_ULP) == total->max_ulp_err);
    for (enum objective objective = 0; objective < OBJECTIVE_COUNT; objective++) {
        double value = value_of(&evaluated, objective);
        assert_true(value > 0 && value <= 1);
    }
    clear(&evaluated);
}

static void test_what_is_off_by_twice_the_tolerance(void **state)
{
    (void)state;
    struct evaluated evaluated = evaluate_small();
    const struct tolerance *tolerance = &evaluated.point.criterion.tolerance;
    const struct truth *truth = &evaluated.evaluation.judged.truth;
    set_out(&evaluated, 100, truth->value[100] + 2 * (tolerance->atol + tolerance->rtol * fabs(truth->value[100])));
    double of_out = value_of(&evaluated, OBJECTIVE_TOLERANCE);
    assert_true(of_out > 1.5 && of_out < 2.5); /* the output is rounded */
    evaluated.evaluation.judged.output.lse[3] = (float)(truth->lse[3] + 4 * tolerance_lse(tolerance, truth->lse[3]));
    assert_true(fabs(value_of(&evaluated, OBJECTIVE_TOLERANCE) - 4) < 0.01);
    clear(&evaluated);
}

/* What the truth leaves open is no error of a class: neither of out nor of lse. */
static void test_a_class_is_held_to_what_the_truth_can_tell(void **state)
{
    (void)state;
    struct evaluated evaluated = evaluate_small();
    struct truth *truth = &evaluated.evaluation.judged.truth;
    evaluated.evaluation.judged.output.lse[2] = (float)(truth->lse[2] + 0x1p-4);
    assert_true(value_of(&evaluated, OBJECTIVE_CLASS) > 100);
    truth->lse_radius[2] = 0x1p-3;
    assert_true(value_of(&evaluated, OBJECTIVE_CLASS) <= 1);
    set_out(&evaluated, 100, truth->value[100] + 1);
    assert_true(value_of(&evaluated, OBJECTIVE_CLASS) > 100);
    truth->radius[100] = 2;
    assert_true(value_of(&evaluated, OBJECTIVE_CLASS) <= 1);
    clear(&evaluated);
}

static void test_what_is_no_number_is_beyond_all(void **state)
{
    (void)state;
    struct evaluated evaluated = evaluate_small();
    evaluated.evaluation.judged.verdict.total.nan = 1;
    for (enum objective objective = 0; objective < OBJECTIVE_COUNT; objective++)
        assert_true(isinf(value_of(&evaluated, objective)));
    clear(&evaluated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sound_output_uses_some_of_everything),
        cmocka_unit_test(test_what_is_off_by_twice_the_tolerance),
        cmocka_unit_test(test_a_class_is_held_to_what_the_truth_can_tell),
        cmocka_unit_test(test_what_is_no_number_is_beyond_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
