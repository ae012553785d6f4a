/* Messages for which memory runs out: an error, and what there is of one can be cleared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h wants these before it */
#include <cmocka.h>

#include "harness/subject/tests/message_fixture.h"
#include "harness/support/tests/failing_memory.h"

#ifndef OTHER_ALLOCATOR

enum message { HELLO, LAUNCH, RESULT, MESSAGE_COUNT };

static enum error_kind make_plan(struct safetensors_plan *plan, enum message message, const struct launch_fixture *sent,
                                 struct error *error)
{
    static const struct kernel_hello hello = {.kernel = {.name = "mine", .takes = ALIBICHECK_KERNEL_F16}};
    static const struct kernel_result result = {.seconds = 1};
    switch (message) {
    case HELLO:
        return message_plan_hello(plan, &hello, error);
    case LAUNCH:
        return message_plan_launch(plan, &sent->sequences, true, true, error);
    default:
        return message_plan_result(plan, &sent->sequences, true, &result, error);
    }
}

static void test_a_message_without_memory_is_an_error(void **state)
{
    (void)state;
    struct launch_fixture sent;
    launch_fixture_make(&sent);
    for (enum message message = HELLO; message < MESSAGE_COUNT; message++) {
        struct safetensors_plan whole;
        struct error none;
        bool failed = true;
        assert_int_equal(make_plan(&whole, message, &sent, &none), ERROR_NONE);
        for (long at = 0; failed; at++) {
            struct safetensors_plan plan;
            struct error error;
            memset(&plan, 0x5a, sizeof plan);
            turn.count = turn.failed = turn.live = 0;
            turn.fails_at = at;
            turn.on = true;
            const enum error_kind kind = make_plan(&plan, message, &sent, &error);
            turn.on = false;
            failed = turn.failed > 0;
            assert_true(kind == ERROR_NONE || (failed && kind == ERROR_SYSTEM));
            if (!kind) { /* a second attempt has had it */
                assert_int_equal(plan.header_bytes, whole.header_bytes);
                assert_memory_equal(plan.header, whole.header, whole.header_bytes);
            }
            safetensors_plan_clear(&plan);
        }
        safetensors_plan_clear(&whole);
    }
}

#endif

int main(void)
{
#ifndef OTHER_ALLOCATOR
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_message_without_memory_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
#else
    return 0;
#endif
}
