/* Memory of a program that keeps what it has freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "harness/support/memory.h"

enum { BLOCKS = 4, BLOCK_BYTES = 3 << 20 };

/* Page faults of some blocks that are written to and freed. */
static long take_and_free(void)
{
    struct rusage before, after;
    void *blocks[BLOCKS];
    getrusage(RUSAGE_SELF, &before);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK_BYTES);
        assert_non_null(blocks[i]);
        memset(blocks[i], i, BLOCK_BYTES);
        __asm__ volatile("" : : "r"(blocks[i]) : "memory"); /* it is written to, whatever becomes of it */
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
}

static void test_blocks_that_were_freed_are_at_hand(void **state)
{
    void *block = malloc(1);
    (void)state;
    assert_non_null(block);
    const bool is_other = mallinfo2().arena == 0; /* a sanitizer's, or valgrind's */
    free(block);
    if (is_other)
        skip();
    memory_keep_freed();
    take_and_free();
    assert_in_range(take_and_free(), 0, 64); /* of 3072 pages */
}

static bool is_free_under(int resource)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(resource, &limit), 0);
    const struct rlimit far = {(rlim_t)1 << 60, limit.rlim_max};
    assert_int_equal(setrlimit(resource, &far), 0);
    const bool is_free = memory_untouched_is_free();
    assert_int_equal(setrlimit(resource, &limit), 0);
    return is_free;
}

static void test_memory_that_nobody_touches_costs_nothing_but_under_a_limit(void **state)
{
    (void)state;
    if (!memory_untouched_is_free()) /* as whoever runs the tests has it */
        skip();
    assert_false(is_free_under(RLIMIT_AS));
    assert_false(is_free_under(RLIMIT_DATA));
    assert_true(memory_untouched_is_free());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_that_were_freed_are_at_hand),
        cmocka_unit_test(test_memory_that_nobody_touches_costs_nothing_but_under_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
