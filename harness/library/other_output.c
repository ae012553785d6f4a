#include "harness/library/other_output.h"

#include <math.h>
#include <stdlib.h>

/* The numbers of an output, widened: out[R, D], then lse[R], NaN where it has none. */
static enum error_kind widen(double **numbers, const struct given_output *other, const struct problem *problem,
                             struct error *error)
{
    size_t dim = (size_t)problem->head_dim, rows = (size_t)problem_rows(problem), heads = (size_t)problem->num_heads;
    float row[PROBLEM_MAX_DIM];
    *numbers = malloc((rows * dim + rows) * sizeof **numbers);
    if (!*numbers)
        return error_memory(error, "the other output", (double)(rows * dim + rows) * sizeof **numbers);
    for (size_t r = 0; r < rows; r++) {
        enum error_kind kind =
            tensor_view_copy(row, DTYPE_F32, &other->out, (int64_t)(r / heads), (int64_t)(r % heads), (int)dim, error);
        if (kind)
            return kind;
        for (size_t d = 0; d < dim; d++)
            (*numbers)[r * dim + d] = (double)row[d];
        (*numbers)[rows * dim + r] = other->lse ? (double)other->lse[r] : (double)NAN;
    }
    return ERROR_NONE;
}

enum error_kind other_output_compare(struct fault *fault, const struct exhibit *exhibit,
                                     const struct given_output *other, struct error *error)
{
    double *numbers = NULL;
    enum error_kind kind = widen(&numbers, other, exhibit->problem, error);
    if (!kind)
        kind = fault_find(fault, exhibit, numbers, numbers + problem_elements(exhibit->problem), error);
    free(numbers);
    return kind;
}
