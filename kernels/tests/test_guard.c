/* Guard zones: what they notice, and where they say it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/guard.h"

static const ptrdiff_t sizes[] = {1, 4, 4095, 4096, 4097, 10000};
enum { NUM_SIZES = sizeof sizes / sizeof sizes[0] };

static struct guarded guarded_of(ptrdiff_t size_bytes)
{
    struct guarded guarded;
    struct error error;
    if (guarded_init(&guarded, (size_t)size_bytes, "a test", &error))
        fail_msg("%s", error.text);
    return guarded;
}

/* The data may hold anything; any byte of either zone that changes by any bit is found, and mended. */
static void test_each_changed_byte_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < NUM_SIZES; i++) {
        struct guarded guarded = guarded_of(sizes[i]);
        const ptrdiff_t places[] = {-GUARD_BYTES, -1000, -1, sizes[i], sizes[i] + 1, sizes[i] + GUARD_BYTES - 1};
        ptrdiff_t offset_bytes = 0;
        memset(guarded.data, 0xff, guarded.size_bytes);
        assert_true(guarded_check(&guarded, &offset_bytes));
        for (size_t p = 0; p < sizeof places / sizeof places[0]; p++)
            for (int bit = 0; bit < 8; bit++) {
                ((unsigned char *)guarded.data)[places[p]] ^= (unsigned char)(1 << bit);
                assert_false(guarded_check(&guarded, &offset_bytes));
                assert_int_equal(offset_bytes, places[p]);
                assert_true(guarded_check(&guarded, &offset_bytes));
            }
        guarded_clear(&guarded);
        assert_null(guarded.data);
    }
}

/* A zone looks changed after an element of any kind that outputs are full of, and after a copy of itself, shifted. */
static void test_what_kernels_write_is_not_the_pattern(void **state)
{
    unsigned char zone[GUARD_BYTES], copy[GUARD_BYTES];
    (void)state;
    guard_fill(zone);
    for (size_t at = 0; at < GUARD_BYTES; at += 62)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, zone, sizeof copy);
            memset(copy + at, byte, 2);
            assert_int_not_equal(guard_changed(copy), GUARD_BYTES);
        }
    for (size_t shift = 1; shift < 300; shift++) {
        memcpy(copy, zone, sizeof copy);
        memmove(copy, zone + shift, sizeof zone - shift);
        assert_int_not_equal(guard_changed(copy), GUARD_BYTES);
    }
}

static void test_a_size_that_no_memory_has_is_an_error(void **state)
{
    struct guarded guarded;
    struct error error;
    (void)state;
    assert_int_equal(guarded_init(&guarded, SIZE_MAX - 1, "k", &error), ERROR_SYSTEM);
    assert_non_null(strstr(error.text, "out of memory: k needs"));
    guarded_clear(&guarded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_changed_byte_is_found),
        cmocka_unit_test(test_what_kernels_write_is_not_the_pattern),
        cmocka_unit_test(test_a_size_that_no_memory_has_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
