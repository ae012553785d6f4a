/* exp_dd.h and double_double.h against MPFR: each error lies below its bound, and near enough to it to mean something.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>
#include <mpfr.h>
#include <stdio.h>

#include "reference/exp_dd.h"
#include "reference/tests/drawn_problem.h"

enum { PRECISION = 400, RUNS = 40000 };

#define UNIT 0x1p-53

/* Relative error of hi + lo; exact is destroyed. 0 for 0 = 0. */
static double relative_error(struct double_double x, mpfr_t exact)
{
    mpfr_t difference;
    mpfr_init2(difference, PRECISION);
    mpfr_sub_d(difference, exact, x.hi, MPFR_RNDN);
    mpfr_sub_d(difference, difference, x.lo, MPFR_RNDN);
    if (!mpfr_zero_p(difference))
        mpfr_div(difference, difference, exact, MPFR_RNDN);
    double err = fabs(mpfr_get_d(difference, MPFR_RNDA));
    mpfr_clear(difference);
    return err;
}

static void set_dd(mpfr_t exact, struct double_double x)
{
    mpfr_set_d(exact, x.hi, MPFR_RNDN);
    mpfr_add_d(exact, exact, x.lo, MPFR_RNDN);
}

static bool normalised(struct double_double x)
{
    return x.hi + x.lo == x.hi;
}

/* A second part anywhere within half an ulp, at its very end every fourth time. */
static struct double_double draw_tail(uint64_t *state, double hi)
{
    double half_ulp = 0.5 * (nextafter(fabs(hi), INFINITY) - fabs(hi)), share = draw_between(state, -1, 1);
    return dd_fast_two_sum(hi, half_ulp * (draw_below(state, 4) ? share : share < 0 ? -0.5 : 0.5));
}

/* Errors of both functions at x; exp_double sees x.hi alone. */
static void measure_exp(double *err_dd, double *err_double, struct double_double x)
{
    mpfr_t exact;
    mpfr_init2(exact, PRECISION);
    set_dd(exact, x);
    mpfr_exp(exact, exact, MPFR_RNDN);
    struct double_double result = exp_dd(x);
    assert_true(normalised(result));
    *err_dd = fmax(*err_dd, relative_error(result, exact));
    mpfr_set_d(exact, x.hi, MPFR_RNDN);
    mpfr_exp(exact, exact, MPFR_RNDN);
    *err_double = fmax(*err_double, relative_error((struct double_double){exp_double(x.hi), 0}, exact));
    mpfr_clear(exact);
}

static void assert_exp_errors(double err_dd, double err_double, const char *where)
{
    print_message("%s: exp_dd 2^%.2f, exp_double 2^%.2f\n", where, log2(err_dd), log2(err_double));
    assert_true(err_dd <= EXP_DD_ERROR && err_double <= EXP_DOUBLE_ERROR);
}

static void test_exp_dense(void **state)
{
    uint64_t random = 1;
    double err_dd = 0, err_double = 0;
    (void)state;
    for (int i = 0; i < RUNS; i++)
        measure_exp(&err_dd, &err_double, draw_tail(&random, draw_between(&random, EXP_LOWEST, 1)));
    assert_exp_errors(err_dd, err_double, "[-500, 1]");
    assert_true(err_dd >= 0x1p-8 * EXP_DD_ERROR && err_double >= 0x1p-8 * EXP_DOUBLE_ERROR);

    err_dd = err_double = 0;
    for (int i = 0; i < RUNS; i++) /* where heavy weights lie */
        measure_exp(&err_dd, &err_double, draw_tail(&random, draw_between(&random, -23, 1)));
    assert_exp_errors(err_dd, err_double, "[-23, 1]");
    assert_true(err_dd <= 0x1p-95);
}

/* Next to multiples of ln2 / 64, where the reduced argument cancels, and to those of ln2 / 128, where it is largest. */
static void test_exp_breakpoints(void **state)
{
    uint64_t random = 1;
    double err_dd = 0, err_double = 0;
    (void)state;
    mpfr_t breakpoint, multiple;
    mpfr_inits2(PRECISION, breakpoint, multiple, (mpfr_ptr)0);
    mpfr_const_log2(breakpoint, MPFR_RNDN);
    mpfr_div_ui(breakpoint, breakpoint, 128, MPFR_RNDN);
    for (int k = -92332; k <= 184; k += k > -2000 ? 1 : 7) {
        mpfr_mul_si(multiple, breakpoint, k, MPFR_RNDN);
        double hi = mpfr_get_d(multiple, MPFR_RNDN);
        mpfr_sub_d(multiple, multiple, hi, MPFR_RNDN);
        double lo = mpfr_get_d(multiple, MPFR_RNDN);
        measure_exp(&err_dd, &err_double, (struct double_double){hi, lo});
        measure_exp(&err_dd, &err_double, (struct double_double){hi, -lo});
        measure_exp(&err_dd, &err_double, draw_tail(&random, hi));
        measure_exp(&err_dd, &err_double, draw_tail(&random, nextafter(hi, draw_below(&random, 2) ? 2 : -600)));
    }
    assert_exp_errors(err_dd, err_double, "next to multiples of ln2 / 128");
    mpfr_clears(breakpoint, multiple, (mpfr_ptr)0);
}

static void test_exp_edges(void **state)
{
    static const double edges[] = {EXP_LOWEST, -256,      -128,     -64,      -22.2,     -1,
                                   -0x1p-1,    -0x1p-8,   -0x1p-30, -0x1p-53, -0x1p-200, -0x1p-1074,
                                   0,          0x1p-1074, 0x1p-30,  0.5,      1};
    double err_dd = 0, err_double = 0;
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        for (int side = -1; side <= 1; side++)
            measure_exp(&err_dd, &err_double, (struct double_double){edges[i], side * 0.5 * UNIT * fabs(edges[i])});
    assert_exp_errors(err_dd, err_double, "edges");
    assert_true(exp_double(0) == 1 && exp_dd((struct double_double){0, 0}).hi == 1);
    assert_true(exp_dd((struct double_double){0, 0}).lo == 0);
}

static void test_exp_table(void **state)
{
    (void)state;
    mpfr_t power;
    mpfr_init2(power, PRECISION);
    for (int i = 0; i < 64; i++) {
        mpfr_set_si_2exp(power, i, -6, MPFR_RNDN);
        mpfr_exp2(power, power, MPFR_RNDN);
        assert_true(exp2_table[i].hi == mpfr_get_d(power, MPFR_RNDN));
        mpfr_sub_d(power, power, exp2_table[i].hi, MPFR_RNDN);
        assert_true(exp2_table[i].lo == mpfr_get_d(power, MPFR_RNDN));
    }
    mpfr_clear(power);
}

/* ---- double_double.h -------------------------------------------------------------------------------------------- */

enum operation { ADD_D, ADD, MUL_D, MUL, DIV };

/* Bound, and the share of it that must be seen: Joldes, Muller and Popescu give inputs that come closer. */
static const struct {
    const char *name;
    double bound, at_least;
} operations[] = {
    [ADD_D] = {"dd_add_d", 2 * UNIT *UNIT, 0.4},
    [ADD] = {"dd_add", 3 * UNIT *UNIT + 13 * UNIT *UNIT *UNIT, 0.4},
    [MUL_D] = {"dd_mul_d", 2 * UNIT *UNIT, 0.4},
    [MUL] = {"dd_mul", 5 * UNIT *UNIT, 0.3},
    [DIV] = {"dd_div", 15 * UNIT *UNIT + 56 * UNIT *UNIT *UNIT, 0.15},
};

static struct double_double apply(enum operation operation, struct double_double a, struct double_double b,
                                  mpfr_t exact, mpfr_t other)
{
    set_dd(exact, a);
    if (operation == ADD_D || operation == MUL_D)
        mpfr_set_d(other, b.hi, MPFR_RNDN);
    else
        set_dd(other, b);
    switch (operation) {
    case ADD_D:
        mpfr_add(exact, exact, other, MPFR_RNDN);
        return dd_add_d(a, b.hi);
    case ADD:
        mpfr_add(exact, exact, other, MPFR_RNDN);
        return dd_add(a, b);
    case MUL_D:
        mpfr_mul(exact, exact, other, MPFR_RNDN);
        return dd_mul_d(a, b.hi);
    case MUL:
        mpfr_mul(exact, exact, other, MPFR_RNDN);
        return dd_mul(a, b);
    default:
        mpfr_div(exact, exact, other, MPFR_RNDN);
        return dd_div(a, b);
    }
}

/* Significands next to a power of two are where errors are largest relative to the result. */
static double draw_double(uint64_t *state, int exponents)
{
    double significand = draw_below(state, 3) ? draw_between(state, 1, 2) : 1 + exp2(-draw_between(state, 1, 52));
    significand = ldexp(significand, draw_below(state, exponents));
    return copysign(significand, draw_between(state, -1, 1));
}

static void test_operations(void **state)
{
    uint64_t random = 1;
    (void)state;
    mpfr_t exact, other;
    mpfr_inits2(PRECISION, exact, other, (mpfr_ptr)0);
    for (int i = ADD_D; i <= DIV; i++) {
        double largest = 0;
        for (int run = 0; run < RUNS; run++) {
            struct double_double a = draw_tail(&random, draw_double(&random, 3));
            struct double_double b = draw_tail(&random, draw_double(&random, run % 2 ? 3 : 60));
            if (run % 5 == 0) /* for sums: cancelling down to the second parts, or beyond */
                b = draw_tail(&random, run % 10 ? -a.hi : nextafter(-a.hi, 0));
            struct double_double result = apply((enum operation)i, a, b, exact, other);
            assert_true(normalised(result));
            largest = fmax(largest, relative_error(result, exact));
        }
        print_message("%s: error up to %.3f u^2, bound %.0f u^2\n", operations[i].name, largest / (UNIT * UNIT),
                      operations[i].bound / (UNIT * UNIT));
        assert_true(largest <= operations[i].bound);
        assert_true(largest >= operations[i].at_least * operations[i].bound);
    }
    mpfr_clears(exact, other, (mpfr_ptr)0);
}

/* Sums and products of two doubles are exact, products of the smallest f32 numbers included. */
static void test_exact_operations(void **state)
{
    uint64_t random = 1;
    (void)state;
    mpfr_t exact;
    mpfr_init2(exact, PRECISION);
    for (int run = 0; run < RUNS; run++) {
        double a = draw_double(&random, 100), b = run % 7 ? draw_double(&random, 100) : -nextafter(a, 0);
        mpfr_set_d(exact, a, MPFR_RNDN);
        mpfr_add_d(exact, exact, b, MPFR_RNDN);
        assert_true(relative_error(dd_two_sum(a, b), exact) == 0);
        mpfr_set_d(exact, a, MPFR_RNDN);
        mpfr_add_d(exact, exact, b, MPFR_RNDN);
        assert_true(relative_error(fabs(a) >= fabs(b) ? dd_fast_two_sum(a, b) : dd_fast_two_sum(b, a), exact) == 0);
        double weight = ldexp(draw_double(&random, 1), -707), value = run % 2 ? 0x1p-149 : 0x1.fffffep-127;
        mpfr_set_d(exact, run % 3 ? a : weight, MPFR_RNDN);
        mpfr_mul_d(exact, exact, run % 3 ? b : value, MPFR_RNDN);
        assert_true(relative_error(run % 3 ? dd_two_product(a, b) : dd_two_product(weight, value), exact) == 0);
    }
    mpfr_clear(exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp_dense),  cmocka_unit_test(test_exp_breakpoints),
        cmocka_unit_test(test_exp_edges),  cmocka_unit_test(test_exp_table),
        cmocka_unit_test(test_operations), cmocka_unit_test(test_exact_operations),
    };
    int failed = cmocka_run_group_tests_name("exp_dd", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
