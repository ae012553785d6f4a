/* The contract detective: exact answers of a problem that differs in one thing from what is stated. */
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

/* -2 to 2 in steps that f16 holds, and that are no pattern. */
static uint16_t draw(uint64_t *state)
{
    uint16_t element;
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    const float value = (float)(int)(*state >> 54) / 256 - 2;
    dtype_narrow(DTYPE_F16, &element, 0, 1, &value);
    return element;
}

static int set_up(void **state)
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

static int tear_down(void **state)
{
    struct desk *desk = *state;
    truth_clear(&desk->truth);
    verdict_clear(&desk->verdict);
    return 0;
}

static void find_truth(struct truth *truth, const struct problem *problem)
{
    const struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = 1};
    assert_int_equal(truth_init(truth, problem, &error), ERROR_NONE);
    assert_int_equal(truth_compute(truth, TRUTH_CERTIFIED, problem, &options, &error), ERROR_NONE);
}

/* The output of a kernel that solves another problem, rounded once. */
static void answer(struct desk *desk, const struct problem *problem)
{
    struct truth truth;
    find_truth(&truth, problem);
    for (int i = 0; i < H * D; i++) {
        const float value = (float)truth.value[i];
        dtype_narrow(DTYPE_F16, desk->out, (size_t)i, 1, &value);
    }
    for (int h = 0; h < H; h++)
        desk->lse[h] = (float)truth.lse[h];
    truth_clear(&truth);
}

static const struct contract_finding *search(struct desk *desk, bool with_lse)
{
    const struct output output = {desk->out, with_lse ? desk->lse : NULL};
    truth_clear(&desk->truth);
    verdict_clear(&desk->verdict);
    find_truth(&desk->truth, &desk->problem);
    const struct exhibit exhibit = {.problem = &desk->problem,
                                    .output = &output,
                                    .truth = &desk->truth,
                                    .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = {1e-3, 1e-3, 1e-3}}};
    assert_int_equal(verdict_reach(&desk->verdict, &exhibit, &error), ERROR_NONE);
    assert_int_equal(contract_search(&desk->finding, &exhibit, &desk->verdict, 1, NULL, &error), ERROR_NONE);
    return &desk->finding;
}

static void assert_named(const struct contract_finding *finding, const char *text)
{
    assert_int_equal(finding->num_fits, 1);
    assert_true(finding->named);
    if (!strstr(finding->fits[0].text, text))
        fail_msg("\"%s\" is not in \"%s\"", text, finding->fits[0].text);
}

static void test_another_scale_is_named(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    assert_named(search(desk, true), "scale 1 in place of 0.125");
    assert_string_equal(desk->finding.fits[0].class_name, "output");
    assert_named(search(desk, false), "scale 1 in place of 0.125");
}

static void test_a_parameter_is_fitted(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.soft_cap = SOFT_CAP_BEFORE_BIAS;
    other.soft_cap_value = 1.5f;
    answer(desk, &other);
    assert_named(search(desk, true), "a soft cap of 1.5");
}

/* What was right stays right: no other contract has as few roundings. */
static void test_a_right_output_has_no_other_contract(void **state)
{
    struct desk *desk = *state;
    answer(desk, &desk->problem);
    assert_false(search(desk, true)->named);
    assert_false(search(desk, false)->named);
}

/* One row tells nothing of what a kernel does with the others. */
static void test_one_row_names_no_contract(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    uint16_t right[H * D];
    answer(desk, &desk->problem);
    memcpy(right, desk->out, sizeof right);
    other.scale = 1;
    answer(desk, &other);
    memcpy(desk->out + D, right + D, sizeof right - D * sizeof *right);
    assert_false(search(desk, false)->named);
}

/* The oldest key weighs something in one row alone, all others are too steep: it is said, and not named. */
static void test_little_evidence_lists_and_does_not_name(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    uint8_t visible[N];
    memset(visible, 1, sizeof visible);
    visible[0] = 0;
    for (int h = 0; h < H - 1; h++)
        desk->slopes[h] = 2;
    other.visible = visible;
    answer(desk, &other);
    assert_false(search(desk, false)->named);
    assert_int_equal(desk->finding.num_fits, 1);
    assert_string_equal(desk->finding.fits[0].text, "the oldest key missing");
}

/* Slopes and the base of lse at once: the right contract is no single one. */
static void test_two_contracts_at_once_are_not_taken_for_one(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    float none[H] = {0};
    other.slopes = none;
    answer(desk, &other);
    for (int h = 0; h < H; h++)
        desk->lse[h] *= 1.442695f;
    assert_int_equal(search(desk, true)->num_fits, 0);
    assert_false(desk->finding.named);
}

/* An lse that contradicts what out says. */
static void test_lse_has_a_say(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    for (int h = 0; h < H; h++)
        desk->lse[h] += 0.25f;
    assert_int_equal(search(desk, true)->num_fits, 0);
}

static void test_without_keys_nothing_is_looked_for(void **state)
{
    struct desk *desk = *state;
    struct problem other = desk->problem;
    other.scale = 1;
    answer(desk, &other);
    const struct output output = {desk->out, desk->lse};
    find_truth(&desk->truth, &desk->problem);
    struct problem without = desk->problem;
    without.k = NULL;
    const struct exhibit exhibit = {.problem = &without,
                                    .output = &output,
                                    .truth = &desk->truth,
                                    .criterion = {.mode = JUDGE_TOLERANCE, .tolerance = {1e-3, 1e-3, 1e-3}}};
    assert_int_equal(verdict_reach(&desk->verdict, &exhibit, &error), ERROR_NONE);
    assert_int_equal(contract_search(&desk->finding, &exhibit, &desk->verdict, 1, NULL, &error), ERROR_NONE);
    assert_int_equal(desk->finding.num_fits, 0);
}

/* Planted faults differ from the truth, each, but for those that the problem does not have. */
static void test_planted_faults_change_the_answer(void **state)
{
    struct desk *desk = *state;
    double out[H * D];
    const struct output none = {NULL, NULL};
    find_truth(&desk->truth, &desk->problem);
    const struct exhibit stated = {.problem = &desk->problem, .output = &none, .truth = &desk->truth};
    for (int f = 0; f < num_planted_faults; f++) {
        bool is_none;
        double largest = 0;
        assert_int_equal(planted_answer(out, &is_none, &planted_faults[f], &stated, &error), ERROR_NONE);
        if (is_none) { /* there is no whole page before the newest */
            assert_string_equal(planted_faults[f].name, "a page dropped");
            continue;
        }
        for (int i = 0; i < H * D; i++)
            if (fabs(out[i] - desk->truth.value[i]) > largest)
                largest = fabs(out[i] - desk->truth.value[i]);
        if (!(largest > 1e-6))
            fail_msg("%s: off by %g", planted_faults[f].name, largest);
    }
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_another_scale_is_named),
        TEST(test_a_parameter_is_fitted),
        TEST(test_a_right_output_has_no_other_contract),
        TEST(test_one_row_names_no_contract),
        TEST(test_little_evidence_lists_and_does_not_name),
        TEST(test_two_contracts_at_once_are_not_taken_for_one),
        TEST(test_lse_has_a_say),
        TEST(test_without_keys_nothing_is_looked_for),
        TEST(test_planted_faults_change_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
