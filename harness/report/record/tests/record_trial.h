/* What tests of records begin with: a sample of one, what it is as JSON, and how that is looked at. */
#ifndef HARNESS_REPORT_RECORD_TESTS_RECORD_TRIAL_H
#define HARNESS_REPORT_RECORD_TESTS_RECORD_TRIAL_H

#include <stdlib.h>

#include "harness/report/record/record_field.h"
#include "harness/report/record/tests/sample.h"
#include "harness/support/json_value.h"

/* To the last bit; cmocka's assert_double_equal, which not every version has, takes an epsilon. */
#define assert_equals(a, b) assert_true((a) == (b))

static inline int set_up(void **state)
{
    struct sample *sample = calloc(1, sizeof *sample);
    if (!sample)
        return -1;
    sample_init(sample);
    *state = sample;
    return 0;
}

static inline int tear_down(void **state)
{
    sample_clear(*state);
    free(*state);
    return 0;
}

/* The record printed and parsed again, as a script would see it. */
static inline json_t *round_trip(const struct record *record)
{
    json_t *object = record_to_json(record);
    assert_non_null(object);
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRINT_FLAGS);
    json_decref(object);
    assert_non_null(text);
    object = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(object);
    return object;
}

/* Names of the object's members, in order. */
static inline void assert_members(const json_t *object, const char *const *names, size_t count)
{
    assert_int_equal(json_object_size(object), count);
    const char *name;
    json_t *value;
    size_t i = 0;
    json_object_foreach((json_t *)object, name, value)
    {
        assert_string_equal(name, names[i]);
        i++;
    }
}

#define ASSERT_MEMBERS(object, ...)                                    \
    do {                                                               \
        static const char *const names[] = {__VA_ARGS__};              \
        assert_members(object, names, sizeof names / sizeof names[0]); \
    } while (0)

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
