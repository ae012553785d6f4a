/*
 * The bit models of the GPU's special functions (special_functions.h) against special_functions.digests: what a GPU
 * returned for all 2^32 inputs, in 4096 digests a function (function_dump.h).
 *
 * A few of them are compared, those with boundaries among their inputs; SPECIAL_FUNCTIONS=all compares all (minutes).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernels/dialect/special_functions.h"
#include "kernels/probe/model.h"

static uint64_t digests[FUNCTION_COUNT][DIGEST_BLOCKS];

static int read_digests(void **state)
{
    (void)state;
    FILE *file = fopen("kernels/tests/special_functions.digests", "rb");
    if (file == NULL)
        return -1;
    bool ok = true;
    for (uint32_t f = 0; ok && f < FUNCTION_COUNT; f++) {
        struct section section;
        ok = fread(&section, sizeof section, 1, file) == 1 && section.magic == SECTION_MAGIC &&
             section.kind == SECTION_DIGESTS && section.function == f && section.count == DIGEST_BLOCKS &&
             fread(digests[f], sizeof digests[f], 1, file) == 1;
    }
    return fclose(file) == 0 && ok ? 0 : -1;
}

/* The block that an input is in. */
#define BLOCK_OF(bits) ((bits) >> 20)

static void test_digests(void **state)
{
    static const struct {
        uint32_t function, block;
    } compared[] = {
        {FUNCTION_EX2_APPROX, BLOCK_OF(0xbfc00000u)}, /* from -1.5 down */
        {FUNCTION_EX2_APPROX, BLOCK_OF(0xc2f80000u)}, /* from -124 to -128: results are flushed to 0 */
        {FUNCTION_RCP_APPROX, BLOCK_OF(0x3f800000u)}, /* from 1 up */
        {FUNCTION_RCP_APPROX, BLOCK_OF(0x7e800000u)}, /* from 2^126 up: all but its result are flushed to 0 */
        {FUNCTION_LG2_APPROX, BLOCK_OF(0x3f700000u)}, /* up to 1 */
        {FUNCTION_EXP2, BLOCK_OF(0xc3000000u)},       /* from -128 down: subnormal results */
        {FUNCTION_EXP, BLOCK_OF(0xbf800000u)},        /* from -1 down */
        {FUNCTION_EXP_FAST, BLOCK_OF(0x42b00000u)},   /* from 88 up: overflow */
    };
    const char *wanted = getenv("SPECIAL_FUNCTIONS");
    (void)state;
    if (wanted == NULL || strcmp(wanted, "all") != 0) {
        for (size_t i = 0; i < sizeof compared / sizeof compared[0]; i++)
            assert_int_equal(function_model_digest(compared[i].function, compared[i].block),
                             digests[compared[i].function][compared[i].block]);
        return;
    }
    for (uint32_t f = 0; f < FUNCTION_COUNT; f++) {
        int unlike = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : unlike)
        for (uint32_t block = 0; block < DIGEST_BLOCKS; block++)
            unlike += function_model_digest(f, block) != digests[f][block];
        print_message("function %u: %d of %d digests differ\n", f, unlike, DIGEST_BLOCKS);
        assert_int_equal(unlike, 0);
    }
}

static void test_special_values(void **state)
{
    static const struct {
        uint32_t function, input, result;
    } rows[] = {
        {FUNCTION_EX2_APPROX, 0xff800000u, 0},
        {FUNCTION_EX2_APPROX, 0x7f800000u, 0x7f800000u},
        {FUNCTION_EX2_APPROX, 0xffc00001u, 0x7fffffffu},
        {FUNCTION_EX2_APPROX, 0x80000000u, 0x3f800000u},
        {FUNCTION_RCP_APPROX, 0x807fffffu, 0xff800000u},
        {FUNCTION_RCP_APPROX, 0xff800000u, 0x80000000u},
        {FUNCTION_LG2_APPROX, 0x807fffffu, 0xff800000u},
        {FUNCTION_LG2_APPROX, 0xbf800000u, 0x7fffffffu},
        {FUNCTION_LG2_APPROX, 0x3f800000u, 0},
        {FUNCTION_EXP, 0x7fc00000u, 0x7fffffffu},
        {FUNCTION_EXP, 0xff800000u, 0},
        {FUNCTION_EXP, 0x7f800000u, 0x7f800000u},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(function_model(rows[i].function, rows[i].input), rows[i].result);
}

/* The squarer as the hardware forms it, product by product. */
static void test_square(void **state)
{
    (void)state;
    for (uint32_t x = 0; x < 1u << 17; x++) {
        uint32_t sum = 0;
        for (uint32_t i = 0; i < 17; i++)
            sum += (x >> i & 1u) * (x >> (18 - i));
        assert_int_equal(interpolator_square(x), sum >> 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_square),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_digests),
    };
    return cmocka_run_group_tests(tests, read_digests, NULL);
}
