#include "harness/judge/class/class_row.h"

#include <mpfr.h>

#include "reference/computing_environment.h"
#include "reference/error_bound.h"
#include "reference/tensor_bounds.h"

enum error_kind class_bounds_of_rows(double *bound, const int *rows, int count, class_set set,
                                     const struct exhibit *exhibit, int threads, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    const struct problem *problem = exhibit->problem;
    struct tensor_bounds bounds;
    struct bound_room *room = NULL;
    enum error_kind kind = tensor_bounds_scan(&bounds, problem, threads, NULL, error);
    if (kind)
        return kind;
    kind = bound_room_new(&room, problem, error);
    for (int i = 0; i < count && !kind; i++) {
        int query = rows[i] / problem->num_heads;
        const struct problem one = problem_query(problem, query);
        const struct truth truth = truth_rows(exhibit->truth, query * problem->num_heads, problem->num_heads);
        const struct rounding_model model = class_rounding_model(set, &one);
        error_bounds_of_head(bound + (size_t)i * (size_t)problem->head_dim, NULL, room, &model, &one, &truth, &bounds,
                             rows[i] % problem->num_heads);
    }
    mpfr_free_cache2(MPFR_FREE_LOCAL_CACHE);
    bound_room_free(room);
    tensor_bounds_clear(&bounds);
    return kind;
}
