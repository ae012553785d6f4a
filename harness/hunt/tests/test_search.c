/* The search on values that are made up: the same from the same seed, within its limits, and better than random draws
 * where there is something to climb on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/hunt/search.h"
#include "harness/hunt/tests/hunt_fixture.h"

#define VARY                                                                   \
    "seq_len=3..30,input={distribution: [normal, outliers, uniform], stddev: " \
    "0.5..8},mask,seed,head_dim=64..128,dtype=[f16,f32]"

static bool takes_all(void *context, const struct point *point)
{
    (void)context, (void)point;
    return true;
}

/* A hill whose top is at seq_len 17 and a standard deviation of 3.21, under outliers. */
static double hill(const struct point *point)
{
    const struct input_spec *input = &point->problem.input;
    double off = (double)llabs(point->problem.seq_len - 17) + 10 * fabs(input->stddev - 3.21);
    return (input->distribution == DISTRIBUTION_OUTLIERS ? 2.0 : 1.0) / (1 + off);
}

/* A walk of the search: the sum of all digests and the best value. look: at each point, with its text. */
static double walk(const struct start *start, uint64_t seed, bool random, long evaluations, uint64_t *digests,
                   void (*look)(const struct start *, const struct candidate *, const struct point *))
{
    const struct search_setting setting = {
        .space = &start->space,
        .kernel = &ours,
        .starts = &start->candidate,
        .num_starts = 1,
        .planned = evaluations,
        .seed = seed,
        .random = random,
        .takes = takes_all,
    };
    struct search *search = calloc(1, sizeof *search);
    struct error error = {0};
    double best = 0;
    *digests = 0;
    assert_non_null(search);
    search_begin(search, &setting);
    for (long i = 0; i < evaluations; i++) {
        const struct candidate *candidate;
        struct hunted_point read;
        bool found;
        if (search_ask(search, &candidate, &read, &found, &error))
            fail_msg("%s", error.text);
        assert_true(found);
        double value = hill(&read.point);
        best = fmax(best, value);
        *digests = *digests * 31 + read.digest;
        if (look)
            look(start, candidate, &read.point);
        assert_int_equal(search_tell(search, value, &error), ERROR_NONE);
        hunted_point_clear(&read);
    }
    search_end(search);
    free(search);
    return best;
}

static void test_a_seed_walks_one_way(void **state)
{
    struct start start = start_of(HEAD, VARY);
    uint64_t first, again, other;
    (void)state;
    walk(&start, 5, false, 60, &first, NULL);
    walk(&start, 5, false, 60, &again, NULL);
    walk(&start, 6, false, 60, &other, NULL);
    assert_true(first == again && first != other);
    start_clear(&start);
}

static void look_at_limits(const struct start *start, const struct candidate *candidate, const struct point *point)
{
    const struct problem_spec *problem = &point->problem;
    for (int id = 0; id < KEY_COUNT; id++)
        if (start->space.keys[id] && !space_holds(start->space.keys[id], point, candidate->values[id]))
            fail_msg("%s is not within its limits: %s", keys[id].field.name, candidate->values[id]);
    assert_true(problem->seq_len >= 3 && problem->seq_len <= 30);
    assert_true(problem->input.stddev >= 0.5 && problem->input.stddev <= 8);
    assert_true(problem->head_dim == 64 || problem->head_dim == 96 || problem->head_dim == 128 ||
                problem->head_dim % HEAD_DIM_STEP == 0);
    assert_int_equal(problem->num_heads, 8); /* which nobody has freed */
}

/* The start itself, 33 keys long, is not. */
static void test_every_candidate_is_within_the_limits(void **state)
{
    struct start start = start_of(HEAD, VARY);
    uint64_t digests;
    (void)state;
    walk(&start, 1, false, 250, &digests, look_at_limits);
    walk(&start, 2, true, 100, &digests, look_at_limits);
    start_clear(&start);
}

static void test_climbing_beats_random_draws_on_a_hill(void **state)
{
    struct start start = start_of(HEAD, VARY);
    int better = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        uint64_t digests;
        better += walk(&start, seed, false, 150, &digests, NULL) > walk(&start, seed, true, 150, &digests, NULL);
    }
    assert_true(better >= 3);
    start_clear(&start);
}

static void test_a_search_of_few_points_ends(void **state)
{
    struct start start = start_of(HEAD, "seq_len=1..3");
    const struct search_setting setting = {.space = &start.space,
                                           .kernel = &ours,
                                           .starts = &start.candidate,
                                           .num_starts = 1,
                                           .planned = 100,
                                           .takes = takes_all};
    struct search *search = calloc(1, sizeof *search);
    struct error error = {0};
    int count = 0;
    (void)state;
    assert_non_null(search);
    search_begin(search, &setting);
    for (bool found = true; found; count += found) {
        const struct candidate *candidate;
        struct hunted_point read;
        assert_int_equal(search_ask(search, &candidate, &read, &found, &error), ERROR_NONE);
        if (found)
            assert_int_equal(search_tell(search, hill(&read.point), &error), ERROR_NONE);
        hunted_point_clear(&read);
    }
    assert_int_equal(count, 3);
    search_end(search);
    free(search);
    start_clear(&start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seed_walks_one_way),
        cmocka_unit_test(test_every_candidate_is_within_the_limits),
        cmocka_unit_test(test_climbing_beats_random_draws_on_a_hill),
        cmocka_unit_test(test_a_search_of_few_points_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
