/*
 * Both truths against Arb's balls: an implementation by other people, of other algorithms. TRUTH_RUNS and TRUTH_SEED as
 * in test_truth_certified.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reference/tests/arb_attention.h"
#include "reference/tests/drawn_problem.h"
#include "reference/tests/same_truth.h"

enum { RANDOM_PROBLEMS = 60, BUDGET = 20000 };

static long environment_number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void test_balls_intersect(void **state)
{
    (void)state;
    long runs = environment_number("TRUTH_RUNS", 1), problems = runs * RANDOM_PROBLEMS, compared = 0;
    uint64_t seed = (uint64_t)environment_number("TRUTH_SEED", 100000);
    long long numbers = 0;
    for (uint64_t i = 0; compared < problems; i++) {
        struct drawn_problem drawn;
        struct truth arb, plain, certified;
        struct truth_options options = {.precision = 192, .threads = 2};
        struct error error;
        drawn_problem_init(&drawn, seed + i, BUDGET);
        if (drawn.finite) {
            const struct problem *problem = &drawn.problem;
            assert_int_equal(truth_init(&arb, problem, &error), ERROR_NONE);
            assert_int_equal(truth_init(&plain, problem, &error), ERROR_NONE);
            assert_int_equal(truth_init(&certified, problem, &error), ERROR_NONE);
            assert_int_equal(arb_attention(&arb, problem, 512, 2, &error), ERROR_NONE);
            assert_int_equal(truth_plain(&plain, problem, &options, &error), ERROR_NONE);
            assert_int_equal(truth_certified(&certified, problem, &options, &error), ERROR_NONE);
            if (!same_truth(&plain, &arb, NULL))
                fail_msg("plain, %s", drawn.text);
            if (!same_truth(&certified, &arb, NULL))
                fail_msg("certified, %s", drawn.text);
            numbers += problem_elements(problem) + problem->num_heads;
            compared++;
            truth_clear(&arb);
            truth_clear(&plain);
            truth_clear(&certified);
        }
        drawn_problem_clear(&drawn);
    }
    print_message("%ld problems, %lld numbers (outputs and lse): plain and certified both intersect Arb's balls\n",
                  compared, numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_balls_intersect)};
    int failed = cmocka_run_group_tests_name("truth_arb", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
