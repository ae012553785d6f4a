#include "harness/report/record/status_test.h"

static const struct status_test tests[STATUS_COUNT] = {
    [STATUS_PASS] = {JUNIT_PASSED, NULL, false},        [STATUS_FAIL] = {JUNIT_FAILED, "accuracy", true},
    [STATUS_XFAIL] = {JUNIT_PASSED, NULL, true},        [STATUS_XPASS] = {JUNIT_FAILED, "unexpected pass", true},
    [STATUS_ERROR] = {JUNIT_ERROR, "not judged", true}, [STATUS_SKIP] = {JUNIT_SKIPPED, NULL, true},
};

struct status_test status_test(enum status status, bool gitlab)
{
    struct status_test test = tests[status];
    if (gitlab && status == STATUS_XFAIL)
        test.result = JUNIT_SKIPPED;
    return test;
}
