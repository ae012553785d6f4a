/*
 * What a status is as a test of a JUnit report.
 */
#ifndef HARNESS_REPORT_RECORD_STATUS_TEST_H
#define HARNESS_REPORT_RECORD_STATUS_TEST_H

#include "harness/evaluate/outcome.h"
#include "harness/support/junit_document.h"

struct status_test {
    enum junit_result result;
    const char *type; /* of what failed or is an error; else NULL */
    bool says;        /* there is something to say of it, even if it passes */
};

/* gitlab: failures that are expected are skipped tests, which GitLab shows by themselves, as it shows no test that
 * passes. */
struct status_test status_test(enum status status, bool gitlab);

#endif
