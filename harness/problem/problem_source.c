#include "harness/problem/problem_source.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

void inputs_clear(struct inputs *inputs)
{
    free(inputs->q);
    free(inputs->part_q);
    free(inputs->k);
    free(inputs->v);
    free(inputs->slopes);
    free(inputs->visible);
    free(inputs->bounds.k);
    *inputs = (struct inputs){0};
}

struct problem part_shape(const struct problem *whole, struct part part)
{
    struct problem shape = *whole;
    int group = whole->num_heads / whole->num_kv_heads, first_head = part.kv_head * group;
    shape.num_kv_heads = part.num_kv_heads;
    shape.num_heads = part.num_kv_heads * group;
    shape.place = (struct head_place){whole->num_heads, first_head, group};
    shape.slopes = whole->slopes ? whole->slopes + first_head : NULL;
    return shape;
}

struct problem inputs_whole(const struct inputs *inputs, const struct problem *shape)
{
    struct problem whole = *shape;
    bool all = inputs->problem.num_kv_heads == shape->num_kv_heads;
    whole.q = inputs->q;
    whole.slopes = inputs->slopes;
    whole.visible = inputs->visible;
    whole.k = all ? inputs->k : NULL;
    whole.v = all ? inputs->v : NULL;
    return whole;
}

uint64_t inputs_problem_digest(const struct inputs *inputs)
{
    const struct problem *problem = &inputs->problem;
    /* No padding: every byte is hashed. */
    const struct {
        uint64_t tensors;
        int64_t seq_len, q_position, kv_offset;
        int32_t num_queries, num_heads, num_kv_heads, head_dim, dtype, kv_format;
        float k_scale, v_scale, scale;
        int32_t masked;
    } facts = {
        .tensors = inputs->digest,
        .seq_len = problem->seq_len,
        .q_position = problem->q_position,
        .kv_offset = problem->kv_offset,
        .num_queries = problem_queries(problem),
        .num_heads = problem->num_heads,
        .num_kv_heads = problem->num_kv_heads,
        .head_dim = problem->head_dim,
        .dtype = (int32_t)problem->dtype,
        .kv_format = (int32_t)problem->kv_format,
        .k_scale = problem->k_scale,
        .v_scale = problem->v_scale,
        .scale = problem->scale,
        .masked = problem->visible != NULL,
    };
    _Static_assert(sizeof facts == 4 * 8 + 10 * 4, "padding is not hashed");
    return XXH64(&facts, sizeof facts, 0);
}
