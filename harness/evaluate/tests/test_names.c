/* Faults drawn at random and named: none by a wrong name. A small draw of what `make soak-names` does; a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/evaluate/tests/named_fault.h"

enum { DRAWS = 48, MERGES = 12, SEED = 5 };

static void name_some(struct evaluator *evaluator, bool by_bound, uint64_t first, uint64_t draws,
                      long counts[FAULT_OUTCOME_COUNT])
{
    for (uint64_t number = first; number < first + draws; number++) {
        struct drawn_fault fault;
        struct named_fault named;
        fault_draw(&fault, SEED, number);
        if (fault_name(&named, &fault, by_bound, evaluator))
            fail_msg("%s\n%s", named.error.text, named.text);
        if (named.outcome == FAULT_WRONG)
            fail_msg("%s (\"%s\")\n%s", signature_names[named.finding.signature], named.finding.detail, named.text);
        counts[named.outcome]++;
    }
}

/* The default tolerance in the first half, `budget: 1` in the second. */
static void test_no_fault_has_a_wrong_name(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct error error;
    if (device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    for (int by_bound = 0; by_bound < 2; by_bound++) {
        long counts[FAULT_OUTCOME_COUNT] = {0}, merges[FAULT_OUTCOME_COUNT] = {0}, bounds[FAULT_OUTCOME_COUNT] = {0};
        name_some(&evaluator, by_bound, 0, DRAWS, counts);
        name_some(&evaluator, by_bound, FAULT_MERGES, MERGES, merges);
        name_some(&evaluator, by_bound, FAULT_BOUNDS, MERGES, bounds);
        assert_true(bounds[FAULT_RIGHT] > MERGES / 3 && bounds[FAULT_UNKNOWN] <= 2); /* others pass */
        assert_true(merges[FAULT_RIGHT] > MERGES / 3 && merges[FAULT_UNKNOWN] <= 1); /* others pass */
        assert_true(counts[FAULT_RIGHT] > DRAWS / 2);
        assert_true(counts[FAULT_UNKNOWN] < DRAWS / 8);
        assert_true(counts[FAULT_REFUSED] < DRAWS / 8);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Draws that had a wrong name once, as soak_names prints them. A wrong name is worse than none. */
static void test_names_that_were_wrong_are_not(void **state)
{
    static const struct {
        uint64_t seed, number;
    } draws[] = {
        {31337, 860},   /* a shift of a row of one slope, for the sign of that slope */
        {555001, 103},  /* as before, for another slope */
        {31337, 2531},  /* as before */
        {777001, 2428}, /* a tile less, for a chunk that weighs nothing since its lse is in another base */
        {31337, 1333},  /* an out that is the truth as f16 has it, for light keys that are missing */
        {424243, 1581}, /* a slope rounded to f16 among other roundings, for rounding without a direction */
        {20261128, 1461},
        {424243, 1587},   /* one key less, by lse alone, for a shift by two keys */
        {71001, 1666},    /* a third of the slopes, for the plain mean of v, which is about the same */
        {4711, 142},      /* values of two keys swapped, for errors without a direction */
        {71234, 105},     /* slopes rounded, by the lse of two rows alone, for 1/sqrt(576) */
        {71234, 1380},    /* logits rounded, for a factor on biases in coarser arithmetic */
        {5150, 1451},     /* an epsilon, for weights of chunks that do not add up to 1 */
        {99123, 1495},    /* one weight of three, for a slope that fits */
        {600613, 367},    /* a shift by 684 keys, for an lse that is the row's maximum */
        {600613, 2554},   /* a slope rounded, by lse alone, for a bias in absolute form */
        {20261129, 1059}, /* two values swapped, one row within its bound and one beyond, for rounding */
        {777777, 2614},   /* a dropped bias of one key that has all weight, for biases that are moved */
        {90210, 969},     /* rounded biases, for biases times a factor: a rounding less is no case for a contract */
        {2, FAULT_FEATURES + 1057}, /* a constant in lse, for zeros where values cancel */
        {2, FAULT_FEATURES + 1183}, /* a rest without its scale, as before */
        {2, FAULT_FEATURES + 1323}, /* positions from a chunk's begin, for steep rows that lack the keys behind it */
        {5, FAULT_FEATURES + 840},  /* a query at the top left, for no bias: half of the rows deny it by their lse */
        {21, FAULT_FEATURES + 924}, /* slots of zeros, for a sink that is counted 6 times */
        {21, FAULT_FEATURES + 519}, /* the same where keys weigh next to nothing, for weights that are lost */
        {22, FAULT_FEATURES + 181}, /* another query, for another scale: beside a sink a constant does as well */
        {24, FAULT_FEATURES + 164}, /* a cap after the bias that makes all logits one, for a slope of known origin */
        {24, FAULT_FEATURES + 506}, /* the same in steep rows alone, for a plain mean in all of them */
        {71, 614},                  /* positions that begin anew, for a tile that is dropped */
        {71, FAULT_FEATURES + 716}, /* an epsilon of two rows of one sum, for tiles without their factor */
    };
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct error error;
    if (device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++)
        for (int by_bound = 0; by_bound < 2; by_bound++) {
            struct drawn_fault fault;
            struct named_fault named;
            fault_draw(&fault, draws[i].seed, draws[i].number);
            if (fault_name(&named, &fault, by_bound, &evaluator))
                fail_msg("%s\n%s", named.error.text, named.text);
            if (named.outcome == FAULT_WRONG)
                fail_msg("%s (\"%s\")\n%s", signature_names[named.finding.signature], named.finding.detail, named.text);
        }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* Chunks of one key without factors are the plain mean of v; a heavy key whose k is stale is gone; of a rest of one key
 * the row has all the weight; and keys that are alike, seen from the other end, are all one key further away. */
static void test_names_of_the_same_output_are_right(void **state)
{
    static const struct {
        uint64_t seed, number;
        enum signature signature;
    } draws[] = {
        {4, FAULT_FEATURES + 661, SIGNATURE_UNIFORM},      {5, FAULT_FEATURES + 535, SIGNATURE_DROPPED_KEYS},
        {23, FAULT_FEATURES + 115, SIGNATURE_WRONG_SCALE}, {2, FAULT_FEATURES + 1238, SIGNATURE_SILENT_ZERO},
        {31, FAULT_FEATURES + 351, SIGNATURE_BIAS_SHIFT},
    };
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct error error;
    if (device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < sizeof draws / sizeof draws[0]; i++) {
        struct drawn_fault fault;
        struct named_fault named;
        fault_draw(&fault, draws[i].seed, draws[i].number);
        if (fault_name(&named, &fault, true, &evaluator))
            fail_msg("%s\n%s", named.error.text, named.text);
        assert_int_equal(named.finding.signature, draws[i].signature);
        assert_int_equal(named.outcome, FAULT_RIGHT);
        assert_false(fault.kind->names >> draws[i].signature & 1);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

/* One row of 16 bits, whose sum alone lacks its factor, has one number to tell by: enough for tiles of a power of two,
 * which are few, where it would not be if they were taken for some of all lengths. */
static void test_tiles_of_a_power_of_two_are_few(void **state)
{
    (void)state;
    struct evaluator evaluator = {.threads = 1};
    struct drawn_fault fault;
    struct named_fault named;
    struct error error;
    if (device_open(&evaluator.device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    fault_draw(&fault, 1, FAULT_MERGES + 847);
    if (fault_name(&named, &fault, false, &evaluator))
        fail_msg("%s\n%s", named.error.text, named.text);
    assert_int_equal(named.outcome, FAULT_RIGHT);
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
}

static void test_a_draw_is_a_function_of_its_number(void **state)
{
    (void)state;
    struct drawn_fault a, b;
    for (uint64_t number = 0; number < 100; number++) {
        fault_draw(&a, SEED, number);
        fault_draw(&b, SEED, number);
        assert_string_equal(a.problem, b.problem);
        assert_string_equal(a.recipe, b.recipe);
        assert_true(a.plant == b.plant && a.at == b.at && a.size == b.size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_fault_has_a_wrong_name),
        cmocka_unit_test(test_names_that_were_wrong_are_not),
        cmocka_unit_test(test_names_of_the_same_output_are_right),
        cmocka_unit_test(test_tiles_of_a_power_of_two_are_few),
        cmocka_unit_test(test_a_draw_is_a_function_of_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
