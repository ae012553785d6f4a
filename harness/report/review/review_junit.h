/*
 * A review as a JUnit report, for runs that no single command has made: of shards that were merged, of another machine.
 */
#ifndef HARNESS_REPORT_REVIEW_REVIEW_JUNIT_H
#define HARNESS_REPORT_REVIEW_REVIEW_JUNIT_H

#include <stdio.h>

#include "harness/report/review/review_document.h"

/*
 * A suite a case, in the order of the records, a test a point, as `run --junit` has them; and a test that is an error
 * where records of the run are missing, as nobody may take a part for the whole, or every point was skipped. gitlab:
 * failures that are expected are skipped tests. Errors of writing are the stream's; false if memory ran out.
 */
bool review_print_junit(FILE *stream, const struct review *review, const struct review_options *options, bool gitlab);

#endif
