/*
 * What the public objects are.
 */
#ifndef HARNESS_LIBRARY_API_H
#define HARNESS_LIBRARY_API_H

#include <stdatomic.h>
#include <stdbool.h>

#include "harness/judge/fault.h"
#include "harness/library/api_end.h"
#include "harness/library/judged_output.h"
#include "harness/problem/given_source.h"
#include "harness/problem/unsaid_scales.h"

enum api_fact { STATED_Q, STATED_K, STATED_V, STATED_SCALE, STATED_SLOPES, STATED_KV_SCALES, STATED_POSITION };

struct alibicheck_problem {
    struct problem_spec spec;     /* but for dtypes, and for what stated has no bit for */
    struct given_tensors tensors; /* pages and visible are owned */
    unsigned stated;              /* bit f: fact f was */
    bool k_scale_unsaid, v_scale_unsaid;
    float *slopes, *sink_logits;
};

static inline bool is_stated(const struct alibicheck_problem *problem, enum api_fact fact)
{
    return problem->stated >> fact & 1;
}

struct alibicheck_progress {
    struct progress progress;
    _Atomic(const char *) step;
    atomic_long total; /* work of the step, */
    atomic_long begun; /* which began when so much was done */
};

struct alibicheck_options {
    struct tolerance tolerance;
    struct class_demand demand;
    int threads;  /* 0: the default */
    char *bundle; /* path; NULL: none is written */
    bool bundle_if_wrong;
    enum api_bundle { API_BUNDLE, API_BUNDLE_WITHOUT_KV, API_BUNDLE_PRIVATE } bundle_kind;
    struct alibicheck_progress *progress;
};

struct alibicheck_truth {
    struct truth truth;
};

struct alibicheck_verdict {
    struct alibicheck_truth truth;
    struct metrics total;
    bool passed;
    const char *status;
    enum signature signature;
    char class[CLASS_NAME_SIZE];
    char *json, *message;
    char *bundle_error;                /* NULL: none */
    uint64_t input_digest, out_digest; /* of what was judged; the latter of out alone */
    bool in_parts;                     /* nobody has the digest of one of them */
};

/* What a NULL stands for. */
extern const struct alibicheck_options api_default_options;

/* Where the elements of a tensor [counts[0], counts[1], counts[2]] lie, as a view: at places that can be counted. */
enum error_kind api_view(struct tensor_view *view, const struct alibicheck_tensor *tensor, const char *name,
                         const int64_t *counts, struct error *failure);

/* The same of an output of the problem, whose dtype and elements are what they may be. */
enum error_kind api_view_out(struct tensor_view *view, const struct alibicheck_output *output,
                             const struct alibicheck_problem *problem, const char *name, struct error *failure);

/* Where a problem's result of the dtype comes from: the problem is complete, and its tensors fit each other. *source
 * points into the problem. */
enum error_kind api_source(struct given_source *source, const struct alibicheck_problem *problem, enum dtype dtype,
                           struct error *failure);

/* What nobody has said of its scales; the problem is complete. */
enum unsaid_scales api_scales(const struct alibicheck_problem *problem);

/* How options say that one judges; starts the threads. */
enum error_kind api_judging(struct judging *judging, const struct alibicheck_options *options, enum dtype dtype,
                            struct error *failure);

#endif
