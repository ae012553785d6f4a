/*
 * The certified truth: head by head in double and double-double (certified_head.c), and by MPFR where that cannot
 * settle a head.
 */
#include "reference/truth.h"

#include <math.h>
#include <mpfr.h>

#include "reference/certified_head.h"
#include "reference/computing_environment.h"

/* Whether MPFR's answer will do. Below 2^-1010 the doubles that hold it, not MPFR's precision, limit the radius. */
static bool settled(const struct truth *truth, int head)
{
    size_t first = (size_t)head * (size_t)truth->head_dim;
    for (size_t i = first; i < first + (size_t)truth->head_dim; i++)
        if (truth->radius[i] > RADIUS_GOAL * truth->magnitude[i] + 0x1p-1072)
            return false;
    return !(truth->lse_radius[head] > RADIUS_GOAL * fmax(1, fabs(truth->lse[head])));
}

/* Ziv's strategy: MPFR with more and more bits until the radius is small enough, or TRUTH_MAX_PRECISION is reached. */
static enum error_kind solve_head_by_mpfr(struct truth *truth, const struct problem *problem, int head,
                                          const struct truth_options *options, struct error *error)
{
    struct truth_options more = *options;
    more.contract = NULL;
    for (;; more.precision *= 2) {
        more.precision = more.precision < TRUTH_MAX_PRECISION ? more.precision : TRUTH_MAX_PRECISION;
        enum error_kind kind = truth_plain_head(truth, problem, head, &more, error);
        if (kind || settled(truth, head) || more.precision == TRUTH_MAX_PRECISION)
            return kind;
        progress_add(options->progress, -(long)problem->seq_len); /* a head counts once */
    }
}

enum error_kind truth_certified_query(struct truth *truth, const struct problem *problem,
                                      const struct truth_options *options, struct error *error)
{
    struct tensor_bounds scanned = {.k = NULL};
    const struct tensor_bounds *bounds = problem->bounds ? problem->bounds : &scanned;
    enum error_kind result = ERROR_NONE;
    if (!problem->bounds)
        result = tensor_bounds_scan(&scanned, problem, options->threads, options->progress, error);
    if (result)
        return result;
    truth->plain_rows = 0;
    truth->contract = (struct truth_contract){.of = TRUTH_OF_INPUTS};

#pragma omp parallel num_threads(options->threads)
    {
        COMPUTING_ENVIRONMENT();
        struct certified_room room;
        struct error failure;
        enum error_kind kind = certified_room_init(&room, problem, &failure);
#pragma omp for schedule(dynamic, 1) nowait
        for (int i = 0; i < problem->num_heads; i++) {
            int head = problem->num_heads - 1 - i; /* the flattest, which take longest, first */
            if (kind || progress_cancelled(options->progress))
                continue;
            if (certify_head(truth, &room, problem, head, bounds, options->progress)) {
                progress_add(options->progress, (long)problem->seq_len);
            } else {
                kind = solve_head_by_mpfr(truth, problem, head, options, &failure);
#pragma omp atomic
                truth->plain_rows++;
            }
        }
        if (kind && kind != ERROR_INTERRUPTED) {
#pragma omp critical
            result = error_set(error, kind, "%s", failure.text);
        }
        certified_room_clear(&room);
        mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
    }
    tensor_bounds_clear(&scanned);
    if (!result && progress_cancelled(options->progress))
        result = error_set(error, ERROR_INTERRUPTED, "interrupted");
    return result;
}
