#include "reference/truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum error_kind truth_init(struct truth *truth, const struct problem *problem, struct error *error)
{
    size_t elements = (size_t)problem_elements(problem);
    size_t heads = (size_t)problem->num_heads;
    size_t doubles = 4 * elements + 3 * heads;

    *truth = (struct truth){.num_heads = problem->num_heads, .head_dim = problem->head_dim};
    double *memory = calloc(doubles, sizeof *memory);
    if (!memory)
        return error_memory(error, "the truth", (double)doubles * sizeof *memory);
    truth->value = memory;
    truth->tail = memory + elements;
    truth->radius = memory + 2 * elements;
    truth->magnitude = memory + 3 * elements;
    truth->lse = memory + 4 * elements;
    truth->lse_tail = truth->lse + heads;
    truth->lse_radius = truth->lse + 2 * heads;
    return ERROR_NONE;
}

void truth_clear(struct truth *truth)
{
    free(truth->value); /* the one allocation of truth_init */
    memset(truth, 0, sizeof *truth);
}

double truth_max_radius(const struct truth *truth)
{
    size_t elements = (size_t)truth->num_heads * (size_t)truth->head_dim;
    double radius = 0;
    for (size_t i = 0; i < elements; i++)
        radius = fmax(radius, truth->radius[i]);
    return radius;
}

uint64_t truth_digest(const struct truth *truth)
{
    size_t elements = (size_t)truth->num_heads * (size_t)truth->head_dim;
    size_t heads = (size_t)truth->num_heads;
    uint64_t digest = XXH64(truth->value, 2 * elements * sizeof(double), 0); /* value and tail are adjacent */
    return XXH64(truth->lse, 2 * heads * sizeof(double), digest);
}
