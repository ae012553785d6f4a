/* Lists that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/support/room.h"

static void test_there_is_room_for_one_more(void **state)
{
    (void)state;
    int *items = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 1000; i++) {
        items = room_for_one(items, &capacity, (size_t)i, sizeof *items);
        assert_non_null(items);
        assert_true(capacity > (size_t)i);
        items[i] = i;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    free(items);
}

static void test_more_than_there_can_be(void **state)
{
    (void)state;
    int *items = malloc(sizeof *items);
    for (size_t full = SIZE_MAX / 4; full > SIZE_MAX / 16; full /= 2) { /* as bytes, and as a count */
        size_t capacity = full;
        assert_null(room_for_one(items, &capacity, capacity, sizeof *items * 4));
        assert_true(capacity == full);
    }
    size_t capacity = SIZE_MAX / 2 + 1;
    assert_null(room_for_one(items, &capacity, capacity, 1));
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_is_room_for_one_more),
        cmocka_unit_test(test_more_than_there_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
