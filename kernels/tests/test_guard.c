/* Guard zones: what they notice, and where they say it was. Devices put them to use in test_device.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/device/guard.h"

/* A zone looks changed after an element of any kind that outputs are full of, and after a copy of itself, shifted. */
static void test_what_kernels_write_is_not_the_pattern(void **state)
{
    unsigned char zone[GUARD_BYTES], copy[GUARD_BYTES];
    (void)state;
    guard_fill(zone, GUARD_PATTERN);
    for (size_t at = 0; at < GUARD_BYTES; at += 62)
        for (int byte = 0; byte < 256; byte++) {
            memcpy(copy, zone, sizeof copy);
            memset(copy + at, byte, 2);
            assert_int_not_equal(guard_changed(copy, GUARD_PATTERN), GUARD_BYTES);
        }
    for (size_t shift = 1; shift < 300; shift++) {
        memcpy(copy, zone, sizeof copy);
        memmove(copy, zone + shift, sizeof zone - shift);
        assert_int_not_equal(guard_changed(copy, GUARD_PATTERN), GUARD_BYTES);
    }
}

static void test_each_changed_byte_is_found(void **state)
{
    unsigned char zone[GUARD_BYTES];
    (void)state;
    guard_fill(zone, GUARD_PATTERN);
    assert_int_equal(guard_changed(zone, GUARD_PATTERN), GUARD_BYTES);
    for (size_t at = 0; at < GUARD_BYTES; at++)
        for (int bit = 0; bit < 8; bit++) {
            zone[at] ^= (unsigned char)(1 << bit);
            assert_int_equal(guard_changed(zone, GUARD_PATTERN), at);
            zone[at] ^= (unsigned char)(1 << bit);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_changed_byte_is_found),
        cmocka_unit_test(test_what_kernels_write_is_not_the_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
