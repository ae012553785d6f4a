/*
 * NaN and infinities among the inputs, and sinks that outweigh all keys: the certified truth against the plain one, on
 * random problems. Where the exact result is no number both have the same bits; elsewhere one number within the radii
 * that are promised, as if the other channels were finite.
 *
 * Environment: NONFINITE_RUNS (1) multiplies the number of random problems; NONFINITE_SEED (1) is the first one's seed,
 * the others' follow; a failure prints the seed that replays it alone, with NONFINITE_RUNS=0.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reference/tests/drawn_problem.h"
#include "reference/tests/nonfinite_truth.h"

enum { PROBLEMS = 60, BUDGET = 2500, MAX_QUERIES = 4 };

/* ---- problems ---------------------------------------------------------------------------------------------------- */

enum place { PLACE_ANY, PLACE_NEWEST, PLACE_OLDEST, PLACE_MASKED, PLACE_VISIBLE, PLACE_COUNT };

/* A key of that place; any if there is none. */
static int64_t draw_key(uint64_t *state, const struct problem *problem, enum place place)
{
    int64_t any = (int64_t)(draw_bits(state) % (uint64_t)problem->seq_len);
    if (place == PLACE_NEWEST || place == PLACE_OLDEST)
        return place == PLACE_NEWEST ? problem->seq_len - 1 : 0;
    for (int64_t i = 0; i < problem->seq_len && place != PLACE_ANY; i++) {
        int64_t key = (any + i) % problem->seq_len;
        if (problem_visible(problem, key) == (place == PLACE_VISIBLE))
            return key;
    }
    return any;
}

/* Writes what is no number to an element of a key, to two of them, or to all of the key's. */
static void spoil_key(uint64_t *state, const struct problem *problem, void *tensor)
{
    static const float values[] = {NAN, INFINITY, -INFINITY};
    enum dtype dtype = problem_kv_dtype(problem);
    int64_t key = draw_key(state, problem, (enum place)draw_below(state, PLACE_COUNT));
    int head = draw_below(state, problem->num_kv_heads), dim = problem->head_dim, all = draw_below(state, 4) == 0;
    for (int i = 0; i < (all ? dim : 1 + draw_below(state, 2)); i++) {
        size_t channel = (size_t)(all ? i : draw_below(state, dim));
        dtype_narrow(dtype, tensor, problem_row(problem, key, head) + channel, 1, &values[draw_below(state, 3)]);
    }
}

/* Several queries, more than there are keys among them. */
static void draw_queries(uint64_t *state, struct problem *problem)
{
    problem->num_queries = 1 + draw_below(state, 2) * draw_below(state, MAX_QUERIES);
    free((void *)problem->q);
    problem->q = draw_tensor(state, draw_filling_kind(state), problem->dtype, problem_queries(problem),
                             problem->num_heads, problem->head_dim);
}

/* Sinks from a little above logits to where 0 is the nearest double of all elements. */
static void draw_high_sinks(uint64_t *state, struct problem *problem)
{
    float *sinks = malloc((size_t)problem->num_heads * sizeof *sinks);
    if (!sinks)
        abort();
    for (int h = 0; h < problem->num_heads; h++)
        sinks[h] = (float)exp2(draw_between(state, 2, 16));
    free((void *)problem->sink_logits);
    problem->sink_logits = sinks;
}

static void clear_values(struct problem *problem)
{
    size_t elements = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    memset((void *)problem->v, 0, elements * dtypes[problem_kv_dtype(problem)].size_bytes);
}

static void spoiled_problem_init(struct drawn_problem *drawn, uint64_t seed)
{
    uint64_t state = seed * 0x9e3779b97f4a7c15 + 1;
    drawn_problem_init(drawn, seed, BUDGET);
    draw_queries(&state, &drawn->problem);
    if (draw_below(&state, 4) == 0) {
        draw_high_sinks(&state, &drawn->problem);
        if (draw_below(&state, 4) == 0) /* no element then says how much of lse the sink leaves to the keys */
            clear_values(&drawn->problem);
    }
    if (draw_below(&state, 8) > 0) /* else what a high sink does to finite inputs */
        for (int i = 1 + draw_below(&state, 3); i > 0; i--)
            spoil_key(&state, &drawn->problem, (void *)(draw_below(&state, 4) ? drawn->problem.v : drawn->problem.k));
    if (draw_below(&state, 8) == 0)
        spoil(&state, (void *)drawn->problem.q, (size_t)problem_elements(&drawn->problem), drawn->problem.dtype);
}

/* How many numbers of a truth are none. */
static long count_none(const struct truth *truth)
{
    long count = 0;
    for (int i = 0; i < truth->num_rows * truth->head_dim; i++)
        count += !isfinite(truth->value[i]);
    return count;
}

static long environment_number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text ? atol(text) : otherwise;
}

static void test_random_problems(void **state)
{
    (void)state;
    long runs = environment_number("NONFINITE_RUNS", 1), problems = runs > 0 ? runs * PROBLEMS : 1;
    uint64_t seed = (uint64_t)environment_number("NONFINITE_SEED", 1);
    long none = 0, rows = 0, plain_rows = 0;
    for (long i = 0; i < problems; i++) {
        struct drawn_problem drawn;
        spoiled_problem_init(&drawn, seed + (uint64_t)i);
        struct truth plain = solve(truth_plain, &drawn.problem, 2), one = solve(truth_certified, &drawn.problem, 1);
        struct truth two = solve(truth_certified, &drawn.problem, 2);
        if (!same_truth(&one, &plain, NULL) || !keeps_promises(&one, &plain) ||
            truth_digest(&one) != truth_digest(&two))
            fail_msg("seed %llu, %d queries: %s", (unsigned long long)seed + (unsigned long long)i,
                     problem_queries(&drawn.problem), drawn.text);
        none += count_none(&plain);
        rows += one.num_rows;
        plain_rows += one.plain_rows;
        truth_clear(&plain);
        truth_clear(&one);
        truth_clear(&two);
        drawn_problem_clear(&drawn);
    }
    print_message("seeds %llu to %llu: %ld rows, %ld elements that are no number; MPFR did %ld rows\n",
                  (unsigned long long)seed, (unsigned long long)seed + (unsigned long long)problems - 1, rows, none,
                  plain_rows);
    assert_true(problems < PROBLEMS || (none > 300 && plain_rows < rows / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_problems)};
    int failed = cmocka_run_group_tests_name("truth_nonfinite", tests, NULL, NULL);
    mpfr_free_cache();
    return failed != 0;
}
