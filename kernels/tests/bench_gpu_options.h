/* What bench_gpu is asked to time: shapes, in an order in which equal dtypes of k and v lie together. */
#ifndef KERNELS_TESTS_BENCH_GPU_OPTIONS_H
#define KERNELS_TESTS_BENCH_GPU_OPTIONS_H

#include "kernels/kernel.h"
#include "kernels/tests/gpu_timing.h"

struct shape {
    enum kernel kernel;
    int64_t keys;
    int heads, kv_heads, dim, page_size; /* keys a page; 0: k and v are contiguous */
    enum dtype dtype, kv_dtype;          /* of q and out; of k and v */
};

/* An axis of a selection: the values that the user names, or those of a default. */
enum axis { AXIS_DTYPE, AXIS_KERNEL, AXIS_PAGE, AXIS_KEYS, AXIS_HEADS, AXIS_DIM, AXIS_COUNT };

enum { MAX_VALUES = 16, MAX_SELECTIONS = 4 };

struct values {
    int count;
    int64_t values[MAX_VALUES]; /* heads: H << 16 | Hkv */
};

struct options {
    struct values selections[MAX_SELECTIONS][AXIS_COUNT];
    int num_selections;
    struct gpu_timing timing; /* replays 0: nothing is timed */
    double seconds;           /* no line begins later; 0: without end */
    bool check, generic;
    bool merge_apart;    /* chunks are merged by a launch of their own */
    bool keys;           /* k and v are made on the GPU, and that is timed in the place of kernels */
    int64_t judged_keys; /* shapes of at most as many are judged */
    int64_t again;       /* launches behind the timed ones whose bits are to be those of the first */
    enum exponential exponential;
};

/* -1, or the exit status of a program that has said why it ends here. */
int options_parse(struct options *options, int argc, char **argv);

/* Where a walk over all shapes is; zeroed before the first. */
struct shape_walk {
    int dtype, selection;
    int64_t at; /* in the selection */
};

/* The next shape; false behind the last. */
bool shapes_next(struct shape_walk *walk, const struct options *options, struct shape *shape);

#endif
