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

const char *const truth_method_names[TRUTH_METHOD_COUNT] = {
    [TRUTH_CERTIFIED] = "certified",
    [TRUTH_PLAIN] = "plain",
};

static enum error_kind (*const methods[TRUTH_METHOD_COUNT])(struct truth *, const struct problem *,
                                                            const struct truth_options *, struct error *) = {
    [TRUTH_CERTIFIED] = truth_certified,
    [TRUTH_PLAIN] = truth_plain,
};

enum error_kind truth_compute(struct truth *truth, enum truth_method method, const struct problem *problem,
                              const struct truth_options *options, struct error *error)
{
    bool of_inputs = !options->contract || options->contract->of == TRUTH_OF_INPUTS;
    return methods[of_inputs ? method : TRUTH_PLAIN](truth, problem, options, error);
}

double truth_bytes(enum truth_method method, int64_t seq_len, int num_heads, int head_dim,
                   const struct truth_options *options)
{
    int threads = options->threads < num_heads ? options->threads : num_heads;
    double looked_at = (double)seq_len * (sizeof(int64_t) + sizeof(double)); /* certified: a key and its logit */
    bool plain = method == TRUTH_PLAIN || (options->contract && options->contract->of != TRUTH_OF_INPUTS);
    double thread_bytes = plain ? truth_plain_bytes(seq_len, head_dim, options->precision) : 2 * looked_at;
    return threads * thread_bytes + num_heads * (4.0 * head_dim + 3) * sizeof(double);
}

void truth_clear(struct truth *truth)
{
    free(truth->value); /* the one allocation of truth_init */
    memset(truth, 0, sizeof *truth);
}

struct truth truth_part(const struct truth *truth, int first_head, int num_heads)
{
    size_t head = (size_t)first_head, first = head * (size_t)truth->head_dim;
    struct truth_contract contract = truth->contract;
    contract.head_offset += first_head;
    return (struct truth){
        .num_heads = num_heads,
        .head_dim = truth->head_dim,
        .value = truth->value + first,
        .tail = truth->tail + first,
        .radius = truth->radius + first,
        .magnitude = truth->magnitude + first,
        .lse = truth->lse + head,
        .lse_tail = truth->lse_tail + head,
        .lse_radius = truth->lse_radius + head,
        .contract = contract,
    };
}

double truth_max_radius(const struct truth *truth)
{
    size_t elements = (size_t)truth->num_heads * (size_t)truth->head_dim;
    double radius = 0;
    for (size_t i = 0; i < elements; i++)
        radius = fmax(radius, truth->radius[i]);
    return radius;
}

double truth_distance(const struct truth *a, const struct truth *b)
{
    size_t elements = (size_t)a->num_heads * (size_t)a->head_dim;
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
    size_t elements = (size_t)truth->num_heads * (size_t)truth->head_dim;
    size_t heads = (size_t)truth->num_heads;
    uint64_t digest = XXH64(truth->value, 2 * elements * sizeof(double), 0); /* value and tail are adjacent */
    return XXH64(truth->lse, 2 * heads * sizeof(double), digest);
}
