/*
 * The folder that `run --dump` wrote as a source of its point's problem: point.json, q.npy, k.npy, v.npy, slopes.npy.
 *
 * Opening the folder reads point.json and slopes.npy and checks the other files' headers against them, not their
 * elements; the files stay open. Opening the problem, or a part of it, reads each tensor once into memory of its own.
 * The inputs are those that were dumped, to the bit: those of all heads have the record's input_digest, or are refused.
 *
 * The contract is that of the inputs whatever the record's truth_of: what the slopes and the scale are roundings of is
 * not read. Nothing is promised of k and v, whose bounds are NULL. Elements are not looked at: they may be infinite or
 * NaN.
 */
#ifndef HARNESS_PROBLEM_DUMPED_SOURCE_H
#define HARNESS_PROBLEM_DUMPED_SOURCE_H

#include "harness/problem/dumped_file.h"
#include "harness/problem/problem_source.h"
#include "harness/problem/read_dump.h"
#include "harness/support/npy_read.h"

struct dumped_source {
    struct problem_source source;         /* first */
    struct dumped_point point;            /* its problem with the slopes, which are of no convention */
    struct npy_file files[DUMPED_INPUTS]; /* with shapes and dtypes of the problem; v may be missing, descriptor -1,
                                           * while no problem is opened */
    char *paths[DUMPED_INPUTS], *point_path;
    float *slopes; /* [H], finite */
    float *sinks;  /* the same; NULL: there are none */
};

/* ERROR_USAGE with the file, what is wrong and what is allowed; *source is then clear. A copy of the struct is good as
 * long as the one that was opened. */
enum error_kind dumped_source_open(struct dumped_source *source, const char *folder, struct error *error);
void dumped_source_clear(struct dumped_source *source);

#endif
