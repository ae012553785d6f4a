/*
 * A bundle without k and v, of a small problem, as the library writes it.
 */
#ifndef HARNESS_LIBRARY_TESTS_EXHIBIT_SAMPLE_H
#define HARNESS_LIBRARY_TESTS_EXHIBIT_SAMPLE_H

#include "harness/library/tests/api_fixture.h"

/* The status of what failed first. off is added to element 0 of the output; the verdict is then to be freed. */
static inline int exhibit_sample_write(const char *path, float off, alibicheck_verdict **verdict,
                                       struct alibicheck_error *error)
{
    static struct small small;
    alibicheck_problem *problem = NULL;
    alibicheck_options *options = NULL;
    small_make(&small);
    small.out[0] += off;
    const struct alibicheck_output output = small_output(&small);
    int status = small_problem(&problem, &small, error);
    if (!status)
        status = alibicheck_options_new(&options, error);
    if (!status)
        status = alibicheck_options_set_bundle_without_kv(options, path, 0, error);
    if (!status)
        status = alibicheck_judge(verdict, problem, &output, NULL, options, error);
    alibicheck_options_free(options);
    alibicheck_problem_free(problem);
    return status;
}

#endif
