/*
 * A problem, an output for it and what contract_search finds of that: for tests that answer a problem which differs in
 * one thing from what is stated.
 */
#ifndef HARNESS_JUDGE_CONTRACT_TESTS_CONTRACT_DESK_H
#define HARNESS_JUDGE_CONTRACT_TESTS_CONTRACT_DESK_H

#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/contract/contract_pair.h"
#include "harness/judge/contract/contract_same.h"
#include "harness/judge/contract/contract_evidence.h"
#include "harness/judge/contract/contract_search.h"
#include "harness/judge/contract/planted.h"
#include "harness/judge/verdict.h"

enum { N = 70, H = 4, G = 2, D = 32 };

struct desk {
    uint16_t q[H * D], k[N * G * D], v[N * G * D], out[H * D];
    float slopes[H], lse[H];
    struct problem problem;
    struct truth truth;
    struct verdict verdict;
    struct contract_finding finding;
};

static struct error error;
static struct class_demand demand; /* what is asked for, in a test that asks */

/* -2 to 2 in steps that f16 holds, and that are no pattern. */
static inline uint16_t draw(uint64_t *state)
{
    uint16_t element;
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    const float value = (float)(int)(*state >> 54) / 256 - 2;
    dtype_narrow(DTYPE_F16, &element, 0, 1, &value);
    return element;
}

static inline int set_up(void **state)
{
    static struct desk desk;
    uint64_t random = 1;
    memset(&desk, 0, sizeof desk);
    for (int i = 0; i < H * D; i++)
        desk.q[i] = draw(&random);
    for (int i = 0; i < N * G * D; i++)
        desk.k[i] = draw(&random);
    for (int i = 0; i < N * G * D; i++)
        desk.v[i] = draw(&random);
    for (int h = 0; h < H; h++)
        desk.slopes[h] = 1.0f / (float)(4 << h);
    desk.problem = (struct problem){.seq_len = N,
                                    .num_queries = 1,
                                    .num_heads = H,
                                    .num_kv_heads = G,
                                    .head_dim = D,
                                    .dtype = DTYPE_F16,
                                    .scale = 0.125f,
                                    .q_position = N - 1,
                                    .slopes = desk.slopes,
                                    .q = desk.q,
                                    .k = desk.k,
                                    .v = desk.v};
    *state = &desk;
    return 0;
}

static inline int tear_down(void **state)
{
    struct desk *desk = *state;
    truth_clear(&desk->truth);
    verdict_clear(&desk->verdict);
    return 0;
}

static inline void find_truth(struct truth *truth, const struct problem *problem)
{
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    assert_int_equal(truth_init(truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(truth, TRUTH_CERTIFIED, problem, &options, &error), ERROR_NONE);
}

/* What a kernel answers that solves a problem, rounded once: out[R * D] and lse[R]. */
static inline void answer_exactly(uint16_t *out, float *lse, const struct problem *problem)
{
    struct truth truth;
    find_truth(&truth, problem);
    for (int64_t i = 0; i < problem_elements(problem); i++) {
        const float value = (float)truth.value[i];
        dtype_narrow(problem->dtype, out, (size_t)i, 1, &value);
    }
    for (int row = 0; row < problem_rows(problem); row++)
        lse[row] = (float)truth.lse[row];
    truth_clear(&truth);
}

/* The desk's output, of a kernel that solves another problem. */
static inline void answer(struct desk *desk, const struct problem *problem)
{
    answer_exactly(desk->out, desk->lse, problem);
}

static inline const struct contract_finding *search_output(struct desk *desk, const struct problem *problem,
                                                           const struct output *output)
{
    truth_clear(&desk->truth);
    verdict_clear(&desk->verdict);
    find_truth(&desk->truth, problem);
    const struct exhibit exhibit = {.problem = problem,
                                    .output = output,
                                    .truth = &desk->truth,
                                    .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = {1e-3, 1e-3, 1e-3}}};
    assert_int_equal(verdict_reach(&desk->verdict, &exhibit, &error), ERROR_NONE);
    assert_int_equal(contract_search(&desk->finding, &exhibit, &desk->verdict, &demand, 1, NULL, &error), ERROR_NONE);
    return &desk->finding;
}

static inline const struct contract_finding *search(struct desk *desk, bool with_lse)
{
    const struct output output = {desk->out, with_lse ? desk->lse : NULL};
    return search_output(desk, &desk->problem, &output);
}

static inline void assert_named(const struct contract_finding *finding, const char *text)
{
    assert_int_equal(finding->num_fits, 1);
    assert_true(finding->named);
    if (!strstr(finding->fits[0].text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, finding->fits[0].text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
