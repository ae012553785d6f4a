/*
 * Bounds on k and v, channel by channel: what a certificate knows of keys that it never looks at. Of
 * the elements as they are held, without k_scale and v_scale.
 */
#ifndef REFERENCE_TENSOR_BOUNDS_H
#define REFERENCE_TENSOR_BOUNDS_H

#include "reference/problem.h"
#include "reference/progress.h"

struct tensor_bounds {
    float *k; /* [Hkv, D] >= |k| of every visible key; NaN or infinite if one of them is */
    float *v; /* [Hkv, D] the same for v */
    /* [Hkv, D] the sum of those elements of v of visible keys that are NaN or infinite, 0 of none; NULL: not known.
     * Only where v says that there are some, it is looked for. */
    float *v_beyond;
    int64_t beyond_keys; /* of the first so many */
};

/* Those that the problem carries, or by one pass over the visible keys, exact. ERROR_SYSTEM if memory is short,
 * ERROR_INTERRUPTED. */
enum error_kind tensor_bounds_scan(struct tensor_bounds *bounds, const struct problem *problem, int threads,
                                   const struct progress *progress, struct error *error);

/*
 * Largest magnitudes of channels, for one who goes through a tensor himself, say while he makes it. maxima[row] begin
 * as zeros, as do those of each thread.
 */
struct channel_maxima {
    enum dtype dtype;
    size_t row;             /* elements of a key */
    const uint8_t *visible; /* NULL: all keys are */
    void *maxima;           /* [row] of the dtype, without signs */
};

/* Looks at elements first .. first + count of the tensor, which begins at `tensor`. */
void channel_maxima_take(const struct channel_maxima *channels, const void *tensor, size_t first, size_t count);

/* Takes over those of another thread. */
void channel_maxima_merge(const struct channel_maxima *channels, const void *others);

/*
 * The same of a query of the problem, whose keys those of the next one include: queries are asked for in order, from
 * query 0 on, with the bounds of the one before, which then grow by what this query sees beyond it.
 */
enum error_kind tensor_bounds_of_query(struct tensor_bounds *bounds, const struct problem *problem, int query,
                                       int threads, const struct progress *progress, struct error *error);

/*
 * Adds what is known of those of that query, v_beyond among them, one pass over v for all queries: asked for each query
 * in order, after its bounds. Nothing is looked at as long as all of v is finite.
 */
enum error_kind tensor_bounds_beyond(struct tensor_bounds *bounds, const struct problem *problem, int query,
                                     int threads, const struct progress *progress, struct error *error);
void tensor_bounds_clear(struct tensor_bounds *bounds);

#endif
