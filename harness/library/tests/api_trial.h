/*
 * What tests of the library's interface begin with: a small problem, a verdict on an output of it, and what that says.
 */
#ifndef HARNESS_LIBRARY_TESTS_API_TRIAL_H
#define HARNESS_LIBRARY_TESTS_API_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/library/tests/api_fixture.h"

static struct alibicheck_error error;

#define assert_ok(call)                      \
    do {                                     \
        if (call)                            \
            fail_msg("%s", error.text);      \
        assert_string_equal(error.text, ""); \
    } while (0)

static inline struct small made(void)
{
    struct small small;
    small_make(&small);
    return small;
}

static inline alibicheck_problem *problem_of(const struct small *small)
{
    alibicheck_problem *problem;
    assert_ok(small_problem(&problem, small, &error));
    return problem;
}

static inline alibicheck_verdict *judged(const alibicheck_problem *problem, const struct alibicheck_output *output)
{
    alibicheck_verdict *verdict;
    assert_ok(alibicheck_judge(&verdict, problem, output, NULL, NULL, &error));
    return verdict;
}

static inline double number_of(const alibicheck_verdict *verdict, const char *metric)
{
    double number;
    assert_ok(alibicheck_verdict_number(verdict, metric, &number, &error));
    return number;
}

static inline json_t *record_of(const alibicheck_verdict *verdict)
{
    json_error_t where;
    json_t *record = json_loads(alibicheck_verdict_json(verdict), 0, &where);
    if (!record)
        fail_msg("%s", where.text);
    return record;
}

static inline void assert_text(const json_t *record, const char *field, const char *expected)
{
    assert_string_equal(json_string_value(json_object_get(record, field)), expected);
}

#endif
