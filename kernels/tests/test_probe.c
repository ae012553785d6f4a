/* Comparing a device's primitives with the models: with the models themselves, and with devices that differ a little.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/probe/mma_sums.h"
#include "kernels/probe/model.h"
#include "kernels/probe/probe.h"

enum { BLOCK = 0x3f8, ODD_INPUT = 0x3f812345, SUMS = 16 * DRAWN_BLOCK };

/* ---- devices of the tests --------------------------------------------------------------------------------------- */

/* 1 ulp off at one input. */
static uint32_t odd_result(enum function function, uint32_t input)
{
    return function_model(function, input) + (input == ODD_INPUT);
}

static enum error_kind odd_digests(enum function function, uint32_t first, uint32_t count, uint64_t *digests,
                                   struct progress *progress, struct error *error)
{
    enum error_kind kind = prober_model.digests(function, first, count, digests, progress, error);
    for (uint32_t i = 0; i < count; i++)
        if (first + i == BLOCK)
            digests[i] += result_mix(ODD_INPUT, odd_result(function, ODD_INPUT)) -
                          result_mix(ODD_INPUT, function_model(function, ODD_INPUT));
    return kind;
}

static enum error_kind odd_results(enum function function, uint32_t first, uint32_t count, uint32_t *results,
                                   struct error *error)
{
    (void)error;
    for (uint32_t i = 0; i < count; i++)
        results[i] = odd_result(function, first + i);
    return ERROR_NONE;
}

static enum error_kind ampere_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results,
                                   struct error *error)
{
    (void)error;
    for (size_t i = 0; i < count; i++)
        results[i] = mma_result(mma_float_bits(fused_sum(TENSOR_CORE_AMPERE, dtype, sums[i].a, sums[i].b, sums[i].c)));
    return ERROR_NONE;
}

static enum error_kind plain_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results,
                                  struct error *error)
{
    (void)error;
    for (size_t i = 0; i < count; i++)
        results[i] = mma_result(mma_float_bits((float)mma_sum_double(dtype, &sums[i]) + sums[i].c));
    return ERROR_NONE;
}

static enum error_kind failing_results(enum function function, uint32_t first, uint32_t count, uint32_t *results,
                                       struct error *error)
{
    (void)function, (void)first, (void)count, (void)results;
    return error_set(error, ERROR_SYSTEM, "the device is gone");
}

/* The digest says that it differs, the results do not. */
static const struct prober odd = {odd_digests, odd_results, ampere_sums}, unsteady = {odd_digests, NULL, plain_sums},
                           gone = {odd_digests, failing_results, NULL};

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void test_the_models_are_the_models(void **state)
{
    (void)state;
    struct function_probe found;
    struct sums_probe sums;
    for (int function = 0; function < FUNCTION_COUNT; function++) {
        assert_int_equal(probe_blocks(&found, &prober_model, (enum function)function, BLOCK, 1, NULL, NULL),
                         ERROR_NONE);
        assert_int_equal(found.blocks, 1);
        assert_int_equal(found.unlike, 0);
    }
    for (int dtype = DTYPE_F16; dtype <= DTYPE_BF16; dtype++) {
        assert_int_equal(probe_sums(&sums, &prober_model, (enum dtype)dtype, SUMS, NULL), ERROR_NONE);
        assert_int_equal(sums.sums, SUMS);
        assert_int_equal(sums.same[TENSOR_CORE_HOPPER], SUMS);
        assert_true(sums.same[TENSOR_CORE_AMPERE] < SUMS);
        assert_true(sums.same[TENSOR_CORE_VOLTA] < SUMS);
    }
}

static void test_one_input_of_all_is_found(void **state)
{
    (void)state;
    struct function_probe found;
    assert_int_equal(probe_blocks(&found, &odd, FUNCTION_RCP_APPROX, BLOCK - 1, 3, NULL, NULL), ERROR_NONE);
    assert_int_equal(found.blocks, 3);
    assert_int_equal(found.unlike, 1);
    assert_int_equal(found.input, ODD_INPUT);
    assert_int_equal(found.result, found.modelled + 1);
    assert_int_equal(found.modelled, function_model(FUNCTION_RCP_APPROX, ODD_INPUT));
}

static void test_another_generation_is_named(void **state)
{
    (void)state;
    struct sums_probe sums;
    assert_int_equal(probe_sums(&sums, &odd, DTYPE_F16, SUMS, NULL), ERROR_NONE);
    assert_int_equal(sums.same[TENSOR_CORE_AMPERE], SUMS);
    assert_true(sums.same[TENSOR_CORE_HOPPER] < SUMS);
    assert_int_equal(probe_sums(&sums, &unsteady, DTYPE_BF16, SUMS, NULL), ERROR_NONE);
    for (int core = 0; core < TENSOR_CORE_COUNT; core++)
        assert_true(sums.same[core] < SUMS);
}

static void test_failures_come_back(void **state)
{
    (void)state;
    struct function_probe found;
    struct error error;
    struct prober contradicting = unsteady;
    contradicting.results = prober_model.results;
    assert_int_equal(probe_blocks(&found, &gone, FUNCTION_EXP, BLOCK, 1, NULL, &error), ERROR_SYSTEM);
    assert_string_equal(error.text, "the device is gone");
    assert_int_equal(probe_blocks(&found, &contradicting, FUNCTION_EXP, BLOCK, 1, NULL, &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "when it was asked again"));
    struct progress cancelled = {.cancelled = true};
    assert_int_equal(probe_blocks(&found, &prober_model, FUNCTION_EXP, BLOCK, 1, &cancelled, &error),
                     ERROR_INTERRUPTED);
}

/* So that a digest of all inputs settles it. */
static void test_totals_are_those_of_the_digests(void **state)
{
    (void)state;
    FILE *file = fopen("kernels/tests/special_functions.digests", "rb");
    assert_non_null(file);
    for (int function = 0; function < FUNCTION_COUNT; function++) {
        static uint64_t digests[DIGEST_BLOCKS];
        struct section section;
        uint64_t total = 0;
        assert_int_equal(fread(&section, sizeof section, 1, file), 1);
        assert_int_equal(fread(digests, sizeof digests, 1, file), 1);
        for (int i = 0; i < DIGEST_BLOCKS; i++)
            total += digests[i];
        assert_int_equal(section.function, function);
        assert_true(total == function_model_totals[function]);
    }
    assert_int_equal(fclose(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_models_are_the_models),       cmocka_unit_test(test_one_input_of_all_is_found),
        cmocka_unit_test(test_another_generation_is_named),     cmocka_unit_test(test_failures_come_back),
        cmocka_unit_test(test_totals_are_those_of_the_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
