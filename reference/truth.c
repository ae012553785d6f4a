#include "reference/truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "reference/tensor_bounds.h"

enum error_kind truth_init(struct truth *truth, const struct problem *problem, struct error *error)
{
    size_t elements = (size_t)problem_elements(problem);
    size_t rows = (size_t)problem_rows(problem);
    size_t doubles = 4 * elements + 3 * rows;

    *truth = (struct truth){.num_rows = problem_rows(problem), .head_dim = problem->head_dim};
    double *memory = calloc(doubles, sizeof *memory);
    if (!memory)
        return error_memory(error, "the truth", (double)doubles * sizeof *memory);
    truth->value = memory;
    truth->tail = memory + elements;
    truth->radius = memory + 2 * elements;
    truth->magnitude = memory + 3 * elements;
    truth->lse = memory + 4 * elements;
    truth->lse_tail = truth->lse + rows;
    truth->lse_radius = truth->lse + 2 * rows;
    return ERROR_NONE;
}

const char *const truth_method_names[TRUTH_METHOD_COUNT] = {
    [TRUTH_CERTIFIED] = "certified",
    [TRUTH_PLAIN] = "plain",
};

typedef enum error_kind truth_function(struct truth *, const struct problem *, const struct truth_options *,
                                       struct error *);

/* Each query is a problem of its own; bounded: with the bounds of its k and v, which those of the query before have
 * most of. */
static enum error_kind of_each_query(struct truth *truth, const struct problem *problem,
                                     const struct truth_options *options, truth_function *of_one, bool bounded,
                                     struct error *error)
{
    struct tensor_bounds bounds = {.k = NULL};
    enum error_kind kind = ERROR_NONE;
    int plain_rows = 0;
    for (int query = 0; query < problem_queries(problem) && !kind; query++) {
        struct problem one = problem_query(problem, query);
        struct truth rows = truth_rows(truth, query * problem->num_heads, problem->num_heads);
        if (bounded) {
            kind = tensor_bounds_of_query(&bounds, problem, query, options->threads, options->progress, error);
            if (!kind)
                kind = tensor_bounds_beyond(&bounds, problem, query, options->threads, options->progress, error);
            one.bounds = &bounds;
        }
        if (kind)
            break;
        kind = of_one(&rows, &one, options, error);
        plain_rows += rows.plain_rows;
        truth->contract = rows.contract;
    }
    truth->plain_rows = plain_rows;
    tensor_bounds_clear(&bounds);
    return kind;
}

enum error_kind truth_plain(struct truth *truth, const struct problem *problem, const struct truth_options *options,
                            struct error *error)
{
    return of_each_query(truth, problem, options, truth_plain_query, false, error);
}

enum error_kind truth_certified(struct truth *truth, const struct problem *problem, const struct truth_options *options,
                                struct error *error)
{
    return of_each_query(truth, problem, options, truth_certified_query, true, error);
}

static truth_function *const methods[TRUTH_METHOD_COUNT] = {
    [TRUTH_CERTIFIED] = truth_certified,
    [TRUTH_PLAIN] = truth_plain,
};

enum truth_method truth_method_under(enum truth_method method, enum truth_of of)
{
    return of == TRUTH_OF_INPUTS ? method : TRUTH_PLAIN;
}

static enum truth_of contract_of(const struct truth_options *options)
{
    return options->contract ? options->contract->of : TRUTH_OF_INPUTS;
}

enum error_kind truth_compute(struct truth *truth, enum truth_method method, const struct problem *problem,
                              const struct truth_options *options, struct error *error)
{
    return methods[truth_method_under(method, contract_of(options))](truth, problem, options, error);
}

double truth_bytes(enum truth_method method, int64_t seq_len, int num_rows, int head_dim,
                   const struct truth_options *options)
{
    int threads = options->threads < num_rows ? options->threads : num_rows;
    double looked_at = (double)seq_len * (sizeof(int64_t) + sizeof(double)); /* certified: a key and its logit */
    bool plain = truth_method_under(method, contract_of(options)) == TRUTH_PLAIN;
    double thread_bytes = plain ? truth_plain_bytes(seq_len, head_dim, options->precision) : 2 * looked_at;
    return threads * thread_bytes + num_rows * (4.0 * head_dim + 3) * sizeof(double);
}

void truth_clear(struct truth *truth)
{
    free(truth->value); /* the one allocation of truth_init */
    memset(truth, 0, sizeof *truth);
}

struct truth truth_rows(const struct truth *truth, int first_row, int num_rows)
{
    size_t row = (size_t)first_row, first = row * (size_t)truth->head_dim;
    return (struct truth){
        .num_rows = num_rows,
        .head_dim = truth->head_dim,
        .value = truth->value + first,
        .tail = truth->tail + first,
        .radius = truth->radius + first,
        .magnitude = truth->magnitude + first,
        .lse = truth->lse + row,
        .lse_tail = truth->lse_tail + row,
        .lse_radius = truth->lse_radius + row,
        .contract = truth->contract,
    };
}

void truth_take_heads(struct truth *whole, int heads, int first_head, const struct truth *part, int part_heads)
{
    size_t dim = (size_t)whole->head_dim, row_bytes = (size_t)part_heads * sizeof(double);
    for (int query = 0; query < part->num_rows / part_heads; query++) {
        size_t to = (size_t)(query * heads + first_head), from = (size_t)(query * part_heads);
        memcpy(whole->value + to * dim, part->value + from * dim, row_bytes * dim);
        memcpy(whole->tail + to * dim, part->tail + from * dim, row_bytes * dim);
        memcpy(whole->radius + to * dim, part->radius + from * dim, row_bytes * dim);
        memcpy(whole->magnitude + to * dim, part->magnitude + from * dim, row_bytes * dim);
        memcpy(whole->lse + to, part->lse + from, row_bytes);
        memcpy(whole->lse_tail + to, part->lse_tail + from, row_bytes);
        memcpy(whole->lse_radius + to, part->lse_radius + from, row_bytes);
    }
}

double truth_max_radius(const struct truth *truth)
{
    size_t elements = (size_t)truth->num_rows * (size_t)truth->head_dim;
    double radius = 0;
    for (size_t i = 0; i < elements; i++)
        radius = fmax(radius, truth->radius[i]);
    return radius;
}

double truth_distance(const struct truth *a, const struct truth *b)
{
    size_t elements = (size_t)a->num_rows * (size_t)a->head_dim;
    double largest = 0;
    for (size_t i = 0; i < elements; i++) {
        bool same = a->value[i] == b->value[i] || (isnan(a->value[i]) && isnan(b->value[i]));
        double distance = isfinite(a->value[i]) && isfinite(b->value[i])
                              ? fabs((a->value[i] - b->value[i]) + (a->tail[i] - b->tail[i]))
                          : same ? 0
                                 : INFINITY;
        largest = fmax(largest, distance);
    }
    return largest;
}

uint64_t truth_digest(const struct truth *truth)
{
    size_t elements = (size_t)truth->num_rows * (size_t)truth->head_dim;
    size_t rows = (size_t)truth->num_rows;
    uint64_t digest = XXH64(truth->value, 2 * elements * sizeof(double), 0); /* value and tail are adjacent */
    return XXH64(truth->lse, 2 * rows * sizeof(double), digest);
}

uint64_t truth_digest_of_rows(const struct truth *truth, const bool *rows)
{
    size_t dim = (size_t)truth->head_dim;
    uint64_t digest = 0;
    for (size_t row = 0; row < (size_t)truth->num_rows; row++) {
        if (!rows[row])
            continue;
        const double lse[2] = {truth->lse[row], truth->lse_tail[row]};
        digest = XXH64(truth->value + row * dim, dim * sizeof(double), digest);
        digest = XXH64(truth->tail + row * dim, dim * sizeof(double), digest);
        digest = XXH64(lse, sizeof lse, digest);
    }
    return digest;
}
