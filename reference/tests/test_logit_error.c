/* What is said of a logit's roundings covers what they can do, and is infinite where nothing can be said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "reference/logit_error.h"

enum { POSITION = 8 };

static const float slopes[] = {0.75f}, k_bounds[] = {1, 1};
static const double ones[] = {1, 1};
static const struct truth_contract of_inputs = {.of = TRUTH_OF_INPUTS};

static struct problem make_problem(void)
{
    return (struct problem){.seq_len = POSITION + 1,
                            .num_heads = 1,
                            .num_kv_heads = 1,
                            .head_dim = 2,
                            .dtype = DTYPE_F32,
                            .k_scale = 1,
                            .v_scale = 1,
                            .scale = 1,
                            .q_position = POSITION,
                            .slopes = slopes};
}

static void assert_covers(double bound, double error)
{
    if (!(bound >= error * (1 - 0x1p-40)))
        fail_msg("%.17g is less than %.17g", bound, error);
}

/* Any element of a scaled query may be the one that is too large, and all may be as large as that. */
static void test_an_element_of_a_scaled_query_may_overflow(void **state)
{
    (void)state;
    static const struct rounding_model model = {.query_scale = 256, .query_max = 65504};
    static const struct {
        double query[2];
        bool held;
    } rows[] = {{{255, -255}, true}, {{256, 1}, false}, {{1, -256}, false}};
    const struct problem problem = make_problem();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(logit_terms_of(&model, &problem, &of_inputs, 0, rows[i].query, k_bounds).query_held,
                         rows[i].held);
}

/* slope * P with each of its roundings at its largest. */
static void test_the_shift_of_a_maximum_has_all_roundings_of_its_product(void **state)
{
    (void)state;
    static const double slope = 0x1p-7, position = 0x1p-8, narrow = 0x1p-9;
    const struct rounding_model model = {
        .any_order = true, .lse_slope = slope, .position = position, .position_exact = 4, .narrow_bias = narrow};
    const struct problem problem = make_problem();
    const struct logit_terms terms = logit_terms_of(&model, &problem, &of_inputs, 0, ones, k_bounds);
    const double exact = 0.75 * POSITION, error = exact * (1 + slope) * (1 + position) * (1 + narrow) - exact;
    assert_covers(logit_shift_error(&model, &terms), error);
    assert_covers(error * (1 + 0x1p-20), logit_shift_error(&model, &terms));
}

/* C tanh(x / C): its argument, its result, and both. */
static void test_a_cap_moves_what_its_argument_is_off_by(void **state)
{
    (void)state;
    static const double argument = 0x1p-6, result = 0x1p-7, caps[] = {0.5, 30, 1000}, sizes[] = {0.1, 0.4, 1, 20, 100};
    for (size_t c = 0; c < sizeof caps / sizeof caps[0]; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (int which = 1; which < 4; which++) {
                struct problem problem = make_problem();
                const struct rounding_model model = {.cap_argument = which & 1 ? argument : 0,
                                                     .cap = which & 2 ? result : 0};
                const double cap = caps[c], size = sizes[s], capped = cap * tanh(size / cap);
                problem.soft_cap = SOFT_CAP_BEFORE_BIAS;
                problem.soft_cap_value = (float)cap;
                const struct logit_terms terms = logit_terms_of(&model, &problem, &of_inputs, 0, ones, k_bounds);
                const double logit = capped + logit_bias(&terms, POSITION);
                const double off = cap * tanh(size * (1 + model.cap_argument) / cap) * (1 + model.cap) - capped;
                assert_covers(key_error_parts(&model, &terms, POSITION, logit, size, logit, logit, 0).logit, off);
            }
}

/* Where older keys' errors grow too fast, where q.k may be anything, and where a bias or a logit may overflow. */
static void test_nothing_is_said_of_unseen_keys_where_nothing_is_known(void **state)
{
    (void)state;
    static const double limit = 0x1p-4;
    static const struct {
        struct rounding_model model;
        double reach;
        bool known;
    } rows[] = {
        {{.bias = 0x1p-20}, 1, true},
        {{.bias = limit / 1.2}, 1, true},
        {{.bias = limit / 1.05}, 1, false},
        {{.bias = 0x1p-20}, INFINITY, false},
        {{.bias = 0x1p-20, .bias_max = 7, .logit_max = 8}, 1, true},
        {{.bias = 0x1p-20, .bias_max = 5}, 1, false},
        {{.bias = 0x1p-20, .logit_max = 6.5}, 1, false},
    };
    const struct problem problem = make_problem();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct logit_terms terms = logit_terms_of(&rows[i].model, &problem, &of_inputs, 0, ones, k_bounds);
        const double error = logit_error_unseen(&rows[i].model, &terms, 0, -6, rows[i].reach, 0, 0);
        if (isfinite(error) != rows[i].known || !(error > 0))
            fail_msg("row %zu: %g", i, error);
    }
}

/* Of whole numbers, which add up exactly in any order. */
static void test_a_dot_has_all_elements_once(void **state)
{
    enum { MOST = 27 };
    double query[MOST];
    float k[2 * MOST], row[MOST];
    struct problem problem = make_problem();
    struct logit_terms terms = {.problem = &problem, .query = query};
    (void)state;
    for (problem.head_dim = 1; problem.head_dim <= MOST; problem.head_dim++) {
        double sum = 0, absolute = 0;
        for (int d = 0; d < problem.head_dim; d++) {
            query[d] = d % 3 - 1.25;
            k[problem.head_dim + d] = (float)(1 << d % 20);
            sum += query[d] * (double)k[problem.head_dim + d];
            absolute += fabs(query[d]) * (double)k[problem.head_dim + d];
        }
        problem.k = k;
        const struct logit_dot dot = logit_dot(&terms, 1, row);
        assert_true(dot.sum == sum && dot.absolute == absolute);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dot_has_all_elements_once),
        cmocka_unit_test(test_an_element_of_a_scaled_query_may_overflow),
        cmocka_unit_test(test_the_shift_of_a_maximum_has_all_roundings_of_its_product),
        cmocka_unit_test(test_a_cap_moves_what_its_argument_is_off_by),
        cmocka_unit_test(test_nothing_is_said_of_unseen_keys_where_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
