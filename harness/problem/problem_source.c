#include "harness/problem/problem_source.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define XXH_INLINE_ALL /* compiled for our instruction set: three times as fast as the library's SSE2 */
#include <xxhash.h>

enum { HUGE_PAGE_BYTES = 1 << 21 }; /* of x86-64 and, in its usual set-up, of arm64 */

/* On 64-byte boundaries. Large tensors ask for huge pages, whose first touch costs a third as much. */
static enum error_kind allocate(void **memory, double size_bytes, const char *what, struct error *error)
{
    *memory = NULL;
    if (size_bytes < (double)PTRDIFF_MAX / 2) {
        size_t alignment = size_bytes < HUGE_PAGE_BYTES ? 64 : HUGE_PAGE_BYTES;
        size_t size = ((size_t)size_bytes + alignment - 1) / alignment * alignment;
        *memory = aligned_alloc(alignment, size > 0 ? size : alignment);
        if (*memory && alignment == HUGE_PAGE_BYTES)
            (void)madvise(*memory, size, MADV_HUGEPAGE); /* a hint: refused, it costs time and nothing else */
    }
    return *memory ? ERROR_NONE : error_memory(error, what, size_bytes);
}

/* What is there of memory that was made by allocate goes back to the system but for its first bytes. */
static void forget_beyond(void *memory, size_t bytes, size_t room)
{
    size_t kept = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    if (kept < room)
        (void)madvise((char *)memory + kept, room - kept, MADV_DONTNEED); /* refused, it stays */
}

static enum error_kind allocate_room(struct inputs *inputs, double size_bytes, struct error *error)
{
    free(inputs->k);
    free(inputs->v);
    inputs->v = NULL;
    enum error_kind kind = allocate(&inputs->k, size_bytes, "k", error);
    if (!kind)
        kind = allocate(&inputs->v, size_bytes, "v", error);
    inputs->kv_room = kind ? 0 : (size_t)size_bytes;
    return kind;
}

/* Memory for k and v: what inputs_reuse left, where it is enough. Small tensors are quick to make. */
static enum error_kind allocate_keys(struct inputs *inputs, double size_bytes, struct error *error)
{
    if (inputs->kv_room >= HUGE_PAGE_BYTES && size_bytes <= (double)inputs->kv_room && size_bytes >= HUGE_PAGE_BYTES) {
        forget_beyond(inputs->k, (size_t)size_bytes, inputs->kv_room);
        forget_beyond(inputs->v, (size_t)size_bytes, inputs->kv_room);
        return ERROR_NONE;
    }
    /* What nobody touches of a room costs nothing, and what has been touched needs not be touched anew. */
    const double most = (double)inputs->kv_most;
    if (most > size_bytes && size_bytes >= HUGE_PAGE_BYTES && !allocate_room(inputs, most, error))
        return ERROR_NONE;
    return allocate_room(inputs, size_bytes, error);
}

enum error_kind inputs_need_room(struct inputs *inputs, size_t bytes, bool *lost, struct error *error)
{
    *lost = inputs->kv_room < bytes || !inputs->k;
    return *lost ? allocate_keys(inputs, (double)bytes, error) : ERROR_NONE;
}

enum error_kind inputs_allocate(struct inputs *inputs, const struct problem *shape, struct part part, bool masked,
                                struct error *error)
{
    double q_elements = (double)problem_rows(shape) * shape->head_dim;
    double k_elements = (double)shape->seq_len * part.num_kv_heads * shape->head_dim;
    double q_size = (double)dtypes[shape->dtype].size_bytes,
           kv_size = (double)dtypes[problem_kv_dtype(shape)].size_bytes;
    void *slopes = NULL, *visible = NULL;
    enum error_kind kind = allocate(&inputs->q, q_elements * q_size, "q", error);
    if (!kind)
        kind = allocate_keys(inputs, k_elements * kv_size, error);
    if (!kind)
        kind = allocate(&slopes, (double)shape->num_heads * (double)sizeof(float), "slopes", error);
    if (!kind && masked)
        kind = allocate(&visible, (double)shape->seq_len, "the mask", error);
    inputs->slopes = slopes;
    inputs->visible = visible;
    if (kind)
        inputs_clear(inputs);
    return kind;
}

void inputs_clear(struct inputs *inputs)
{
    free(inputs->q);
    free(inputs->part_q);
    free(inputs->k);
    free(inputs->v);
    free(inputs->slopes);
    free(inputs->sink_logits);
    free(inputs->visible);
    free((void *)(uintptr_t)inputs->masks.counts);
    free(inputs->bounds.k);
    free(inputs->recent.first);
    *inputs = (struct inputs){0};
}

void inputs_reuse(struct inputs *inputs)
{
    const struct inputs kept = {.k = inputs->k, .v = inputs->v, .kv_room = inputs->kv_room, .kv_most = inputs->kv_most};
    inputs->k = inputs->v = NULL;
    inputs_clear(inputs);
    *inputs = kept;
}

struct problem part_shape(const struct problem *whole, struct part part)
{
    struct problem shape = *whole;
    int group = whole->num_heads / whole->num_kv_heads, first_head = part.kv_head * group;
    shape.num_kv_heads = part.num_kv_heads;
    shape.num_heads = part.num_kv_heads * group;
    shape.place = (struct head_place){whole->num_heads, first_head, group};
    shape.slopes = whole->slopes ? whole->slopes + first_head : NULL;
    shape.sink_logits = whole->sink_logits ? whole->sink_logits + first_head : NULL;
    return shape;
}

struct problem inputs_whole(const struct inputs *inputs, const struct problem *shape)
{
    struct problem whole = *shape;
    bool all = inputs->problem.num_kv_heads == shape->num_kv_heads && !inputs->recent.first;
    whole.q = inputs->q;
    whole.slopes = inputs->slopes;
    whole.sink_logits = inputs->sink_logits;
    whole.visible = inputs->visible;
    whole.masks = inputs->problem.masks;
    whole.k = all ? inputs->k : NULL;
    whole.v = all ? inputs->v : NULL;
    return whole;
}

struct problem inputs_bounded(const struct inputs *inputs, const struct problem *problem)
{
    struct problem bounded = *problem;
    if (inputs->bounds.k && !bounded.bounds && problem_queries(problem) == 1 && problem->k == inputs->k &&
        problem->v == inputs->v && problem->visible == inputs->visible)
        bounded.bounds = &inputs->bounds;
    return bounded;
}

uint64_t problem_tensors_digest(const struct problem *problem)
{
    size_t q_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes,
           kv_bytes = (size_t)(problem->seq_len * problem->num_kv_heads) * (size_t)problem->head_dim *
                      dtypes[problem_kv_dtype(problem)].size_bytes;
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, problem->q, q_bytes);
    XXH3_64bits_update(&state, problem->k, kv_bytes);
    XXH3_64bits_update(&state, problem->v, kv_bytes);
    XXH3_64bits_update(&state, problem->slopes, (size_t)problem->num_heads * sizeof(float));
    if (problem->visible)
        XXH3_64bits_update(&state, problem->visible, (size_t)problem->seq_len);
    if (problem->sink_logits)
        XXH3_64bits_update(&state, problem->sink_logits, (size_t)problem->num_heads * sizeof(float));
    return XXH3_64bits_digest(&state);
}

/* Puts the part's heads of every query, which stand apart in q, side by side. */
static enum error_kind pack_queries(struct inputs *inputs, size_t queries, struct error *error)
{
    struct problem *problem = &inputs->problem;
    size_t dim_bytes = (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
    size_t row_bytes = (size_t)problem->num_heads * dim_bytes;
    enum error_kind kind = allocate(&inputs->part_q, (double)(queries * row_bytes), "q", error);
    for (size_t query = 0; query < queries && !kind; query++)
        memcpy((char *)inputs->part_q + query * row_bytes,
               (const char *)problem->q + query * (size_t)problem->place.num_heads * dim_bytes, row_bytes);
    problem->q = inputs->part_q;
    return kind;
}

enum error_kind inputs_assemble(struct inputs *inputs, const struct problem *shape, struct part part,
                                struct error *error)
{
    struct problem whole = *shape, *problem = &inputs->problem;
    whole.slopes = inputs->slopes;
    whole.sink_logits = inputs->sink_logits;
    *problem = part_shape(&whole, part);
    size_t head_dim = (size_t)shape->head_dim, queries = (size_t)problem_queries(shape);
    size_t q_bytes = dtypes[shape->dtype].size_bytes;
    problem->q = (char *)inputs->q + (size_t)problem->place.first_head * head_dim * q_bytes;
    problem->k = inputs->k;
    problem->v = inputs->v;
    problem->visible = inputs->visible;
    if (queries > 1 && problem->num_kv_heads < shape->num_kv_heads) {
        enum error_kind kind = pack_queries(inputs, queries, error);
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

void inputs_hash(struct inputs *inputs)
{
    inputs->digest = problem_tensors_digest(&inputs->problem);
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
    uint64_t digest = XXH64(&facts, sizeof facts, 0);
    const struct {
        int32_t soft_cap, sinks;
        float soft_cap_value;
    } more = {(int32_t)problem->soft_cap, problem->sink_logits != NULL,
              problem->soft_cap ? problem->soft_cap_value : 0};
    return more.soft_cap || more.sinks ? XXH64(&more, sizeof more, digest) : digest;
}
