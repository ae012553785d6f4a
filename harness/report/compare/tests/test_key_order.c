/* The order in which keys are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "harness/report/compare/key_order.h"

/* Each before all that follow it. */
static const char *const ascending[] = {
    "9:seq_len=1",
    "10:seq_len=1",
    "",
    "a",
    "a:seq_len=9",
    "a:seq_len=9,head_dim=64",
    "a:seq_len=9,num_heads=2",
    "a:seq_len=9,num_heads=16",
    "a:seq_len=10",
    "a:seq_len=10,sentinel=-50000",
    "a:seq_len=10,sentinel=-10000",
    "a:seq_len=10,sentinel=-1e3",
    "a:seq_len=10,sentinel=0.25",
    "a:seq_len=10,sentinel=0.5",
    "a:seq_len=10,sentinel=-inf",
    "a:seq_len=10,sentinel=exclude",
    "a:seq_len=1000",
    "a:seq_len=1e3", /* of the same number, by the text */
    "ab:seq_len=2",
    "b:seq_len=2",
};

static void test_numbers_go_by_their_value(void **state)
{
    (void)state;
    enum { COUNT = sizeof ascending / sizeof ascending[0] };
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            const int order = key_order(ascending[i], ascending[j]);
            if ((order > 0) - (order < 0) != (i > j) - (i < j))
                fail_msg("'%s' and '%s' are in the order %d", ascending[i], ascending[j], order);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_numbers_go_by_their_value)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
