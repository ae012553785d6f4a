/* Rules in use, on outputs of a few elements whose figures can be seen. */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/judge/rule/rule.h"

static const double reference[] = {1, -2, 0, 4};
enum { COUNT = sizeof reference / sizeof *reference };

static const struct rule allclose = {
    .by_elements = true, .atol = 0.1, .rtol = 0.1, .ratio = 1, .cosine = NAN, .nmse = NAN, .norm = NAN, .lse = NAN};

static struct rule_figures measure(const struct rule *rule, double a, double b, double c, double d)
{
    const double output[] = {a, b, c, d};
    struct rule_figures figures;
    assert_true(rule_measure(&figures, rule, output, reference, COUNT));
    return figures;
}

static bool accepts(struct rule rule, double a, double b, double c, double d)
{
    struct rule_figures figures = measure(&rule, a, b, c, d);
    return rule_accepts(&rule, &figures);
}

static void test_tolerances_are_put_together_as_asked(void **state)
{
    (void)state;
    struct rule rule = allclose;
    assert_true(accepts(rule, 1.19, -2, 0.09, 4));
    assert_false(accepts(rule, 1.21, -2, 0, 4));
    rule.combine = RULE_EITHER; /* 4 + 0.39 is within 10% and not within 0.1 */
    assert_true(accepts(rule, 1.09, -2, 0.09, 4.39));
    assert_false(accepts(rule, 1.11, -2, 0, 4));
    rule.combine = RULE_BOTH;
    assert_false(accepts(rule, 1, -2, 0.01, 4)); /* 0 has no relative error but an infinite one */
    assert_false(accepts(rule, 1, -2, 0, 4.2));
    assert_true(accepts(rule, 1, -2, 0, 4.09));
}

static void test_a_share_of_the_elements(void **state)
{
    (void)state;
    struct rule rule = allclose;
    rule.ratio = 0.75;
    assert_true(accepts(rule, 9, -2, 0, 4));
    assert_false(accepts(rule, 9, 9, 0, 4));
    rule.ratio = 0;
    assert_true(accepts(rule, 9, 9, 9, 9));
}

static void test_needed_is_what_makes_the_difference(void **state)
{
    (void)state;
    for (int combine = 0; combine < RULE_COMBINE_COUNT; combine++) {
        struct rule rule = allclose;
        rule.combine = (enum rule_combine)combine;
        const struct rule_figures figures = measure(&rule, 1.3, -2.1, 0, 4.7);
        assert_true(figures.needed > 1);
        struct rule loose = rule, tight = rule;
        loose.atol *= figures.needed * 1.0001;
        loose.rtol *= figures.needed * 1.0001;
        tight.atol *= figures.needed * 0.9999;
        tight.rtol *= figures.needed * 0.9999;
        assert_true(accepts(loose, 1.3, -2.1, 0, 4.7));
        assert_false(accepts(tight, 1.3, -2.1, 0, 4.7));
    }
}

static void test_nan_and_infinity_are_accepted_by_nothing(void **state)
{
    (void)state;
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        struct rule rule = allclose;
        rule.atol = rule.rtol = 1e30;
        assert_false(accepts(rule, bad[i], -2, 0, 4));
        assert_true(isinf(measure(&rule, bad[i], -2, 0, 4).needed));
        const struct rule figures[] = {{.cosine = -1, .nmse = NAN, .norm = NAN},
                                       {.cosine = NAN, .nmse = 1e30, .norm = NAN},
                                       {.cosine = NAN, .nmse = NAN, .norm = 1e30}};
        for (int j = 0; j < 3; j++)
            assert_false(accepts(figures[j], bad[i], -2, 0, 4));
    }
}

static void test_figures_of_all_elements(void **state)
{
    (void)state;
    const struct rule_figures twice = measure(&allclose, 2, -4, 0, 8), right = measure(&allclose, 1, -2, 0, 4);
    assert_true(fabs(twice.cosine - 1) < 1e-15 && fabs(twice.nmse - 1) < 1e-15 && fabs(twice.norm - 1) < 1e-15);
    assert_true(twice.max_abs == 4 && twice.max_rel == 1 && twice.accepted == 1 && twice.elements == 4);
    assert_true(right.needed == 0 && right.accepted == 4 && right.nmse == 0);
    const struct rule cosine = {.cosine = 0.999, .nmse = NAN, .norm = NAN},
                      nmse = {.cosine = NAN, .nmse = 0.5, .norm = NAN};
    assert_true(accepts(cosine, 2, -4, 0, 8)); /* which is what a cosine cannot see */
    assert_false(accepts(nmse, 2, -4, 0, 8));
}

/* Of each form: what it needs makes the difference, as with tolerances. */
static void test_needed_is_of_what_the_rule_asks(void **state)
{
    (void)state;
    const struct rule none = {.cosine = NAN, .nmse = NAN, .norm = NAN, .lse = NAN};
    for (int form = 0; form < 3; form++)
        for (int side = -1; side <= 1; side += 2) {
            struct rule rule = none;
            double *const limits[] = {&rule.cosine, &rule.nmse, &rule.norm};
            *limits[form] = form == 0 ? 0.999 : 1e-3;
            double factor = measure(&rule, 1.3, -2.1, 0, 4.7).needed * (1 + 1e-6 * side);
            *limits[form] = form == 0 ? 1 - 1e-3 * factor : 1e-3 * factor;
            assert_true(accepts(rule, 1.3, -2.1, 0, 4.7) == (side > 0));
        }
    struct rule both = allclose;
    both.nmse = 1e-9;
    assert_true(measure(&both, 1.01, -2, 0, 4).needed > 1e3); /* the narrower of two */
    assert_true(measure(&none, 9, 9, 9, 9).needed == 0);
    assert_true(measure(&(struct rule){.cosine = 0.9, .nmse = NAN, .norm = NAN}, 0, 0, 0, 0).needed == INFINITY);
}

static void test_zeros_are_no_error_of_zeros(void **state)
{
    (void)state;
    static const double zeros[COUNT] = {0};
    struct rule_figures figures;
    const struct rule rule = {.cosine = NAN, .nmse = 0, .norm = 0, .lse = NAN};
    assert_true(rule_measure(&figures, &rule, zeros, zeros, COUNT));
    assert_true(figures.nmse == 0 && figures.norm == 0 && figures.needed == 0 && rule_accepts(&rule, &figures));
    assert_true(isnan(figures.cosine) && !signbit(figures.cosine));
    assert_true(rule_measure(&figures, &rule, reference, zeros, COUNT));
    assert_true(isinf(figures.nmse) && isinf(figures.needed) && !rule_accepts(&rule, &figures));
}

static bool lse_accepted(const struct rule *rule, double lse, double right, double *needed)
{
    struct rule_figures figures = measure(rule, 1, -2, 0, 4);
    const double of_rows[] = {right, lse}, of_reference[] = {right, right};
    rule_measure_lse(&figures, rule, of_rows, of_reference, 2);
    *needed = figures.needed;
    return rule_accepts(rule, &figures);
}

static void test_lse_is_looked_at_where_it_is_asked(void **state)
{
    (void)state;
    struct rule rule = allclose;
    double needed;
    assert_true(lse_accepted(&rule, 9, 10, &needed) && needed == 0);
    rule.lse = 0.5;
    assert_false(lse_accepted(&rule, 9, 10, &needed));
    assert_true(needed == 2);
    rule.lse_relative = 0.1;
    assert_true(lse_accepted(&rule, 9, 10, &needed));
    assert_true(lse_accepted(&rule, -INFINITY, -INFINITY, &needed) && needed == 0);
    assert_false(lse_accepted(&rule, 0, -INFINITY, &needed) || isfinite(needed));
    assert_false(lse_accepted(&rule, -INFINITY, 10, &needed) || isfinite(needed));
    assert_false(lse_accepted(&rule, NAN, 10, &needed) || isfinite(needed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tolerances_are_put_together_as_asked),
        cmocka_unit_test(test_a_share_of_the_elements),
        cmocka_unit_test(test_needed_is_what_makes_the_difference),
        cmocka_unit_test(test_nan_and_infinity_are_accepted_by_nothing),
        cmocka_unit_test(test_figures_of_all_elements),
        cmocka_unit_test(test_needed_is_of_what_the_rule_asks),
        cmocka_unit_test(test_zeros_are_no_error_of_zeros),
        cmocka_unit_test(test_lse_is_looked_at_where_it_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
