/* Texts of JSON: whole, or none, when there is no memory for what the library that writes them needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/support/json_value.h"

static long asked, fails_at = -1; /* allocations of jansson so far, and the one that fails */

static void *allocate(size_t size)
{
    return asked++ == fails_at ? NULL : malloc(size);
}

/* The long key takes more memory, without which json_dumps goes on with what follows it. */
static void test_a_text_is_whole_or_none(void **state)
{
    (void)state;
    static const char expected[] = "{\"a\":\"text\",\"key-of-more-bytes-than-there-is-room-for\":[0.5,7]}";
    const size_t flags = JSON_COMPACT;
    json_t *value = json_pack("{s:s, s:[f, i]}", "a", "text", "key-of-more-bytes-than-there-is-room-for", 0.5, 7);
    bool failed = true;
    for (long at = -1; failed; at++) {
        asked = 0;
        fails_at = at;
        char *text = json_print(value, flags);
        failed = at < 0 || asked > at;
        if (!failed || at < 0)
            assert_non_null(text);
        if (text)
            assert_string_equal(text, expected);
        free(text);
    }
    assert_true(fails_at > 0);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_text_is_whole_or_none)};
    json_set_alloc_funcs(allocate, free);
    return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
