#include "harness/judge/oracle/trial.h"

#include <stdlib.h>
#include <string.h>

#include "harness/subject/tensor_memory.h"
#include "harness/judge/poison.h"
#include "reference/recent_keys.h"

const char *const trial_tensor_names[TRIAL_TENSOR_COUNT] = {
    [TRIAL_Q] = "q",           [TRIAL_K] = "k",         [TRIAL_V] = "v",
    [TRIAL_SLOPES] = "slopes", [TRIAL_SINKS] = "sinks", [TRIAL_VISIBLE] = "visible",
    [TRIAL_OUT] = "out",       [TRIAL_LSE] = "lse",
};

enum {
    RUN_COPIES = 6 /* of the tensors: the trial's own, another v, and the KV cache's of a batch, whose sequences have
                    * less than three and a half times as many keys */
};

static size_t kv_row_bytes(const struct problem *problem)
{
    return (size_t)problem->num_kv_heads * (size_t)problem->head_dim * dtypes[problem_kv_dtype(problem)].size_bytes;
}

static size_t tensor_bytes(const struct problem *problem, enum trial_tensor tensor)
{
    size_t out = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    size_t cache = (size_t)(problem->seq_len + TRIAL_SLOTS) * kv_row_bytes(problem);
    const size_t bytes[TRIAL_TENSOR_COUNT] = {
        [TRIAL_Q] = out,
        [TRIAL_K] = cache,
        [TRIAL_V] = cache,
        [TRIAL_SLOPES] = (size_t)problem->num_heads * sizeof(float),
        [TRIAL_SINKS] = problem->sink_logits ? (size_t)problem->num_heads * sizeof(float) : 0,
        [TRIAL_VISIBLE] = problem->visible ? (size_t)problem->seq_len : 0,
        [TRIAL_OUT] = out,
        [TRIAL_LSE] = (size_t)problem_rows(problem) * sizeof(float),
    };
    return bytes[tensor];
}

/* Query heads a KV head of the whole of which a problem is a part. */
static int group_of(const struct problem *problem)
{
    return problem->place.num_heads ? problem->place.group : problem->num_heads / problem->num_kv_heads;
}

/* The part's problem, on the original's tensors. */
static struct problem part_of(const struct problem *problem, const struct trial_cut *cut)
{
    struct problem part = *problem;
    int group = problem->num_heads / problem->num_kv_heads, first_head = cut->kv_head * group + cut->head_of_group;
    part.seq_len = cut->num_keys;
    part.num_kv_heads = cut->num_kv_heads;
    part.num_heads = cut->num_kv_heads * cut->heads_a_kv_head;
    part.kv_slots = TRIAL_SLOTS;
    part.place =
        (struct head_place){problem_whole_heads(problem), problem_whole_head(problem, first_head), group_of(problem)};
    part.q_position = cut->q_position;
    part.bounds = NULL; /* of tensors that trials change */
    part.recent = NULL; /* of the copy all keys are there */
    return part;
}

/* Keys of the copy are removed by as many masks as those of the original. */
static void keep_masks(struct trial *trial)
{
    const struct key_masks *masks = trial->original->masks;
    if (!masks || trial->original->visible != masks->visible)
        return;
    trial->masks =
        (struct key_masks){trial->problem.visible, masks->counts + trial->cut.first_key, trial->problem.seq_len};
    trial->problem.masks = &trial->masks;
}

enum error_kind trial_init(struct trial *trial, const struct problem *problem, int64_t max_elements, uint64_t choice,
                           struct error *error)
{
    struct trial_cut cut = trial_cut(problem, max_elements, choice);
    *trial = (struct trial){
        .problem = part_of(problem, &cut),
        .original = problem,
        .original_heads_a_kv_head = problem->num_heads / problem->num_kv_heads,
        .cut = cut,
        .changed = ~0u,
    };
    trial->whole = trial->problem.num_heads == problem->num_heads && cut.num_keys == problem->seq_len;
    for (enum trial_tensor t = 0; t < TRIAL_TENSOR_COUNT; t++) {
        size_t size_bytes = tensor_bytes(&trial->problem, t);
        if (!size_bytes)
            continue;
        trial->tensors[t] = (struct trial_memory){tensor_allocate(size_bytes), size_bytes};
        if (!trial->tensors[t].data)
            return error_memory(error, trial_tensor_names[t], (double)size_bytes);
    }
    struct problem *part = &trial->problem;
    part->q = trial->tensors[TRIAL_Q].data;
    part->k = trial->tensors[TRIAL_K].data;
    part->v = trial->tensors[TRIAL_V].data;
    part->slopes = trial->tensors[TRIAL_SLOPES].data;
    part->sink_logits = trial->tensors[TRIAL_SINKS].data;
    part->visible = trial->tensors[TRIAL_VISIBLE].data;
    keep_masks(trial);
    trial->output = (struct output){trial->tensors[TRIAL_OUT].data, trial->tensors[TRIAL_LSE].data};
    trial_reload(trial);
    return ERROR_NONE;
}

void trial_clear(struct trial *trial)
{
    for (enum trial_tensor t = 0; t < TRIAL_TENSOR_COUNT; t++)
        free(trial->tensors[t].data);
    *trial = (struct trial){0};
}

struct problem trial_shape(const struct problem *shape, int64_t max_elements)
{
    struct trial_cut cut = trial_cut_shape(shape, max_elements);
    struct problem part = part_of(shape, &cut);
    part.q = part.k = part.v = NULL;
    part.slopes = part.sink_logits = NULL;
    part.visible = NULL;
    return part;
}

double trial_bytes(const struct problem *shape, int64_t max_elements)
{
    struct problem part = trial_shape(shape, max_elements);
    part.visible = shape->visible;
    part.sink_logits = shape->sink_logits;
    double bytes = 0;
    for (enum trial_tensor t = 0; t < TRIAL_TENSOR_COUNT; t++)
        bytes += (double)tensor_bytes(&part, t);
    return RUN_COPIES * bytes;
}

void *trial_change(struct trial *trial, enum trial_tensor tensor)
{
    trial->changed |= 1u << tensor;
    return trial->tensors[tensor].data;
}

/* Query head h of the part, among those of the original. */
static size_t original_head(const struct trial *trial, int head)
{
    int group = trial->problem.num_heads / trial->problem.num_kv_heads;
    return (size_t)((trial->cut.kv_head + head / group) * trial->original_heads_a_kv_head + trial->cut.head_of_group +
                    head % group);
}

static void load_keys(struct trial *trial, enum trial_tensor tensor, const void *source)
{
    const struct problem *part = &trial->problem;
    size_t row = kv_row_bytes(part), source_row = kv_row_bytes(trial->original), keys = (size_t)part->seq_len;
    const char *from = (const char *)source + (size_t)trial->cut.first_key * source_row +
                       (size_t)trial->cut.kv_head * (row / (size_t)part->num_kv_heads);
    char *to = trial->tensors[tensor].data;
    for (int head = 0; head < part->num_kv_heads; head++)
        recent_keys_read(trial->original, trial->cut.kv_head + head, trial->cut.first_key);
    if (row == source_row)
        memcpy(to, from, keys * row);
    else
        for (size_t key = 0; key < keys; key++)
            memcpy(to + key * row, from + key * source_row, row);
    memset(to + keys * row, 0, TRIAL_SLOTS * row);
}

void trial_reload(struct trial *trial)
{
    const struct problem *original = trial->original, *part = &trial->problem;
    size_t query = (size_t)part->head_dim * dtypes[part->dtype].size_bytes;
    trial->problem.q_position = trial->cut.q_position;
    for (int head = 0; head < part->num_heads && trial->changed >> TRIAL_SLOPES & 1; head++)
        ((float *)trial->tensors[TRIAL_SLOPES].data)[head] = original->slopes[original_head(trial, head)];
    for (int head = 0; head < part->num_heads && original->sink_logits && trial->changed >> TRIAL_SINKS & 1; head++)
        ((float *)trial->tensors[TRIAL_SINKS].data)[head] = original->sink_logits[original_head(trial, head)];
    for (int row = 0; row < problem_rows(part) && trial->changed >> TRIAL_Q & 1; row++) {
        size_t from =
            (size_t)(row / part->num_heads * original->num_heads) + original_head(trial, row % part->num_heads);
        memcpy((char *)trial->tensors[TRIAL_Q].data + (size_t)row * query, (const char *)original->q + from * query,
               query);
    }
    if (trial->changed >> TRIAL_K & 1)
        load_keys(trial, TRIAL_K, original->k);
    if (trial->changed >> TRIAL_V & 1)
        load_keys(trial, TRIAL_V, original->v);
    if (trial->changed >> TRIAL_VISIBLE & 1 && original->visible && part->seq_len > 0)
        memcpy(trial->tensors[TRIAL_VISIBLE].data, original->visible + trial->cut.first_key, (size_t)part->seq_len);
    trial->changed = 0;
}

static void poison_output(struct trial *trial, enum trial_poison poison)
{
    if (poison == TRIAL_POISON_NAN) {
        output_poison(&trial->output, &trial->problem);
    } else {
        memset(trial->output.out, 0x5a, trial->tensors[TRIAL_OUT].size_bytes);
        memset(trial->output.lse, 0x5a, trial->tensors[TRIAL_LSE].size_bytes);
    }
}

enum error_kind trial_run(struct trial *trial, enum trial_poison poison, const struct subject *subject,
                          struct memory_audit *audit, struct error *error)
{
    const struct sequences alone = {&trial->problem, &trial->output, 1, NULL, NULL, false};
    double seconds;
    poison_output(trial, poison);
    return subject->ops->run(subject, &alone, audit, &seconds, error);
}

enum error_kind trial_run_problem(struct trial *trial, const struct problem *problem, const struct subject *subject,
                                  struct error *error)
{
    const struct sequences alone = {problem, &trial->output, 1, NULL, NULL, false};
    double seconds;
    poison_output(trial, TRIAL_POISON_NAN);
    return subject->ops->run(subject, &alone, NULL, &seconds, error);
}

/* An output of a problem of these shapes, widened. */
void trial_take_output(struct trial_values *values, const struct problem *problem, const struct output *output)
{
    enum { BLOCK = 256 };
    size_t elements = (size_t)problem_elements(problem);
    float block[BLOCK];
    for (size_t first = 0; first < elements; first += BLOCK) {
        size_t count = elements - first < BLOCK ? elements - first : BLOCK;
        dtype_widen(problem->dtype, output->out, first, count, block);
        for (size_t i = 0; i < count; i++)
            values->out[first + i] = (double)block[i];
    }
    for (int row = 0; row < problem_rows(problem); row++)
        values->lse[row] = (double)output->lse[row];
}

float trial_constant(const struct trial *trial)
{
    return (float)(2 - dtype_ulp(problem_kv_dtype(&trial->problem), 1));
}

void trial_make_constant(struct trial *trial)
{
    const struct problem *problem = &trial->problem;
    size_t count = (size_t)problem->seq_len * (size_t)problem->num_kv_heads * (size_t)problem->head_dim;
    trial_fill(trial, TRIAL_V, 0, count, trial_constant(trial));
}

void trial_fill(struct trial *trial, enum trial_tensor tensor, size_t first, size_t count, float value)
{
    enum { BLOCK = 256 };
    bool cache = tensor == TRIAL_K || tensor == TRIAL_V;
    enum dtype dtype = cache ? problem_kv_dtype(&trial->problem) : trial->problem.dtype;
    size_t size = dtypes[dtype].size_bytes;
    char *to = (char *)trial_change(trial, tensor) + first * size;
    float block[BLOCK];
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = value;
    size_t made = count < BLOCK ? count : BLOCK;
    dtype_narrow(dtype, to, 0, made, block);
    for (; made < count; made += BLOCK)
        memcpy(to + made * size, to, (count - made < BLOCK ? count - made : BLOCK) * size);
}

enum error_kind trial_values_init(struct trial_values *values, const struct trial *trial, struct error *error)
{
    size_t elements = (size_t)problem_elements(&trial->problem), rows = (size_t)problem_rows(&trial->problem);
    values->out = calloc(elements + rows, sizeof(double));
    if (!values->out)
        return error_memory(error, "a result", (double)((elements + rows) * sizeof(double)));
    values->lse = values->out + elements;
    return ERROR_NONE;
}

void trial_values_clear(struct trial_values *values)
{
    free(values->out);
    *values = (struct trial_values){0};
}

void trial_values_take(struct trial_values *values, const struct trial *trial)
{
    trial_take_output(values, &trial->problem, &trial->output);
}
