/* What surrounds what a kernel of this process is given. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/subject/launch_buffer.h"

/* What a tile of 64 keys that begins within k reads beyond its end is NaN, of this process's memory and of a copy. */
static void test_what_is_beside_numbers_is_nan(void **state)
{
    (void)state;
    enum { TILE = 64 };
    static const size_t sizes[] = {0, 2, 40, 1000, 1 << 16, 1 << 20};
    static const enum dtype types[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32, DTYPE_E4M3, DTYPE_E5M2, DTYPE_E4M3FNUZ};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
            const size_t count = sizes[s], bytes = count * dtypes[types[t]].size_bytes;
            const size_t zone = input_zone_bytes(bytes) / dtypes[types[t]].size_bytes;
            float first, last, before;
            void *numbers = calloc(bytes + 1, 1);
            struct given_tensor given;
            assert_true(give(&given, "k", numbers, bytes, dtype_nan_byte(types[t]), GIVE_A_COPY));
            dtype_widen(types[t], given_first(&given), count, 1, &first);
            dtype_widen(types[t], given_first(&given), count + zone - 1, 1, &last);
            dtype_widen(types[t], (const char *)given_first(&given) - dtypes[types[t]].size_bytes, 0, 1, &before);
            assert_true(isnan(first) && isnan(last) && isnan(before));
            given_clear(&given);
            free(numbers);
        }
    for (size_t keys = 16; keys < 1000; keys++)
        for (size_t row_bytes = 16; row_bytes <= 1024; row_bytes *= 2)
            assert_true(input_zone_bytes(keys * row_bytes) >= (TILE - 1) * row_bytes);
}

/* Whether or not anybody knows how much memory there is. */
static void test_no_buffer_is_larger_than_all_memory(void **state)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - ZONE_BYTES, SIZE_MAX - 3 * ZONE_BYTES, (size_t)PTRDIFF_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct guarded guarded;
        assert_false(guard_filled(&guarded, "workspace", 0, sizes[i]));
        assert_null(guarded_first(&guarded));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_beside_numbers_is_nan),
        cmocka_unit_test(test_no_buffer_is_larger_than_all_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
