#include "harness/problem/dumped_file.h"

#include <string.h>

/* What an axis counts. AXIS_NONE ends the list. */
enum axis { AXIS_NONE, AXIS_QUERY, AXIS_HEAD, AXIS_KEY, AXIS_KV_HEAD, AXIS_DIM };

static const struct dumped_file {
    const char *name;
    const char *type; /* NULL: the problem's dtype, or that of its k and v */
    enum axis axes[4];
} files[DUMPED_COUNT] = {
    [DUMPED_Q] = {"q.npy", NULL, {AXIS_QUERY, AXIS_HEAD, AXIS_DIM}},
    [DUMPED_K] = {"k.npy", NULL, {AXIS_KEY, AXIS_KV_HEAD, AXIS_DIM}},
    [DUMPED_V] = {"v.npy", NULL, {AXIS_KEY, AXIS_KV_HEAD, AXIS_DIM}},
    [DUMPED_SLOPES] = {"slopes.npy", "<f4", {AXIS_HEAD}},
    [DUMPED_SINKS] = {"sink_logits.npy", "<f4", {AXIS_HEAD}},
    [DUMPED_OUT] = {"out.npy", NULL, {AXIS_QUERY, AXIS_HEAD, AXIS_DIM}},
    [DUMPED_LSE] = {"lse.npy", "<f4", {AXIS_QUERY, AXIS_HEAD}},
    [DUMPED_TRUTH] = {"truth.npy", "<f8", {AXIS_QUERY, AXIS_HEAD, AXIS_DIM}},
    [DUMPED_TRUTH_TAIL] = {"truth_tail.npy", "<f8", {AXIS_QUERY, AXIS_HEAD, AXIS_DIM}},
    [DUMPED_TRUTH_RADIUS] = {"truth_radius.npy", "<f8", {AXIS_QUERY, AXIS_HEAD, AXIS_DIM}},
    [DUMPED_TRUTH_LSE] = {"truth_lse.npy", "<f8", {AXIS_QUERY, AXIS_HEAD}},
};

static int64_t axis_length(enum axis axis, const struct problem_spec *problem)
{
    switch (axis) {
    case AXIS_QUERY:
        return problem_spec_queries(problem);
    case AXIS_HEAD:
        return problem->num_heads;
    case AXIS_KEY:
        return problem->seq_len;
    case AXIS_KV_HEAD:
        return problem->num_kv_heads;
    case AXIS_DIM:
        return problem->head_dim;
    case AXIS_NONE:
        break;
    }
    return 0;
}

const char *dumped_file_name(enum dumped_tensor tensor)
{
    return files[tensor].name;
}

struct npy_header dumped_header(enum dumped_tensor tensor, const struct problem_spec *problem)
{
    const struct dumped_file *file = &files[tensor];
    struct npy_header header = {.num_axes = 0};
    enum dtype dtype = file->axes[0] == AXIS_KEY ? problem_spec_kv_dtype(problem) : problem->dtype;
    memcpy(header.type, file->type ? file->type : dtypes[dtype].numpy, sizeof header.type);
    for (int i = 0; file->axes[i] != AXIS_NONE; i++)
        if (file->axes[i] != AXIS_QUERY || problem_spec_queries(problem) > 1)
            header.shape[header.num_axes++] = axis_length(file->axes[i], problem);
    return header;
}
