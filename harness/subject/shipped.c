#include "harness/subject/shipped.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/attention/rounding.h"
#include "kernels/device/device_keys.h"
#include "kernels/device/replay.h"

static const struct shipped_subject *shipped_of(const struct subject *subject)
{
    return (const struct shipped_subject *)(const void *)subject;
}

/* One query of every sequence, in one launch. */
static enum error_kind run_query(const struct shipped_subject *shipped, const struct sequences *sequences, int query,
                                 struct memory_audit *audit, double *seconds, struct error *error)
{
    size_t count = (size_t)sequences->count;
    struct problem *problems = malloc(count * sizeof *problems);
    struct output *outputs = malloc(count * sizeof *outputs);
    enum error_kind kind = ERROR_NONE;
    if (!problems || !outputs) {
        kind = error_memory(error, "a batch", (double)(count * (sizeof *problems + sizeof *outputs)));
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        const struct problem *problem = &sequences->problems[i];
        const struct output *output = &sequences->outputs[i];
        size_t row = (size_t)query * (size_t)problem->num_heads;
        problems[i] = contract_query(&shipped->recipe->contract, problem, query);
        outputs[i].out = (char *)output->out + row * (size_t)problem->head_dim * dtypes[problem->dtype].size_bytes;
        outputs[i].lse = output->lse + row;
    }
    const struct batch batch = {
        .kernel = shipped->kernel,
        .options = &shipped->options,
        .recipe = shipped->recipe,
        .problems = problems,
        .outputs = outputs,
        .num_sequences = sequences->count,
        .keys_on_device = sequences->keys_on_device,
    };
    kind = device_run_batch(shipped->device, &batch, audit, seconds, error);
out:
    free(problems);
    free(outputs);
    return kind;
}

/* These kernels take one query: a launch each. The audit is of the first launch that wrote where it must not, and of
 * the first that changed an input; its sizes are those of one launch. */
static enum error_kind run(const struct subject *subject, const struct sequences *sequences, struct memory_audit *audit,
                           double *seconds, struct error *error)
{
    int queries = problem_queries(&sequences->problems[0]);
    enum error_kind kind = ERROR_NONE;
    *seconds = 0;
    if (audit)
        *audit = (struct memory_audit){.changed = ""};
    for (int query = 0; query < queries && !kind; query++) {
        struct memory_audit of_query = {.changed = ""};
        double launch_s = 0;
        kind = run_query(shipped_of(subject), sequences, query, audit ? &of_query : NULL, &launch_s, error);
        *seconds += launch_s;
        if (!kind && audit)
            memory_audit_join(audit, &of_query);
    }
    return kind;
}

static struct rounding_model rounding(const struct subject *subject, const struct problem *problem)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    /* One model for all queries: that of most keys, and of the position that is farthest from 0. */
    struct problem widest = *problem, first = problem_query(problem, 0);
    if (llabs(first.q_position) > llabs(widest.q_position))
        widest.q_position = first.q_position;
    return kernel_rounding(shipped->kernel, &shipped->options, shipped->recipe, &widest);
}

/* Another number of keys a chunk: about a third of those that a chunk has now, in whole tiles. */
static int64_t other_chunk_len(int64_t chunk_len, int64_t seq_len)
{
    int64_t keys = chunk_len < seq_len ? chunk_len : seq_len;
    int64_t other = (keys / 3 + CHUNK_LEN_MIN - 1) / CHUNK_LEN_MIN * CHUNK_LEN_MIN;
    if (other < CHUNK_LEN_MIN)
        other = CHUNK_LEN_MIN;
    return other == chunk_len ? other + CHUNK_LEN_MIN : other;
}

static enum error_kind repartition(const struct subject *subject, int64_t seq_len, struct subject **other, char *text,
                                   struct error *error)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    bool chunked = kernels[shipped->kernel]->uses_chunk_len && seq_len > CHUNK_LEN_MIN;
    bool paged = shipped->options.page_size > 0;
    *other = NULL;
    if (!chunked && !paged) {
        snprintf(text, SUBJECT_TEXT_SIZE, "%s",
                 seq_len > CHUNK_LEN_MIN ? "the kernel takes all keys in one go" : "these keys are one chunk");
        return ERROR_NONE;
    }
    struct shipped_subject *copy = malloc(sizeof *copy);
    if (!copy)
        return error_memory(error, "a subject", (double)sizeof *copy);
    *copy = *shipped;
    if (chunked)
        copy->options.chunk_len = other_chunk_len(copy->options.chunk_len, seq_len);
    if (paged) {
        copy->options.page_size = copy->options.page_size == 16 ? 32 : 16;
        copy->options.page_seed++;
        copy->options.pool_pages = 0; /* of pages of another size it would be another amount of memory */
    }
    snprintf(text, SUBJECT_TEXT_SIZE, "with %s %lld", chunked ? "chunk_len" : "page_size",
             chunked ? (long long)copy->options.chunk_len : (long long)copy->options.page_size);
    *other = &copy->subject;
    return ERROR_NONE;
}

static enum error_kind resettle(const struct subject *subject, const struct launch_setting *setting,
                                struct subject **other, char *text, struct error *error)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    const struct launch_setting can = device_settings(shipped->device);
    const char *device = device_kind_names[device_kind(shipped->device)];
    *other = NULL;
    *text = 0;
    if (setting->backward && !can.backward)
        snprintf(text, SUBJECT_TEXT_SIZE, "%s runs threads in an order of its own", device);
    if (setting->far_rows && !can.far_rows)
        snprintf(text, SUBJECT_TEXT_SIZE, "%s gives no address space for it", device);
    if (setting->shared_pages)
        snprintf(text, SUBJECT_TEXT_SIZE, "pages of its pool are each of one sequence");
    if (setting->layout)
        snprintf(text, SUBJECT_TEXT_SIZE, "the kernel takes packed rows, at addresses of %d bytes", BUFFER_ALIGNMENT);
    if (*text)
        return ERROR_NONE;
    struct shipped_subject *copy = malloc(sizeof *copy);
    if (!copy)
        return error_memory(error, "a subject", (double)sizeof *copy);
    *copy = *shipped;
    copy->options.setting = *setting;
    *other = &copy->subject;
    return ERROR_NONE;
}

static bool takes_device_keys(const struct subject *subject)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    return kernel_takes_device_keys(&shipped->options, shipped->recipe);
}

static double device_bytes(const struct subject *subject, const struct problem *shape)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    return device_keys_bytes(shipped->kernel, &shipped->options, shipped->recipe, shape);
}

static double workspace_bytes(const struct subject *subject, const struct problem *shape)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    return kernel_workspace_bytes(shipped->kernel, &shipped->options, shape->seq_len, shape->num_heads,
                                  shape->head_dim);
}

static enum error_kind replay(const struct subject *subject, struct replay *result, const struct problem *problem,
                              int threads, struct error *error)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    return replay_run(result, shipped->kernel, &shipped->options, shipped->recipe, problem, threads, error);
}

static double bytes_of_replay(const struct subject *subject, const struct problem *shape)
{
    const struct shipped_subject *shipped = shipped_of(subject);
    return replay_bytes(shipped->kernel, &shipped->options, shape->seq_len, shape->num_heads, shape->head_dim);
}

static const struct subject_ops shipped_ops = {
    .run = run,
    .rounding = rounding,
    .repartition = repartition,
    .resettle = resettle,
    .takes_device_keys = takes_device_keys,
    .device_bytes = device_bytes,
    .workspace_bytes = workspace_bytes,
    .replay = replay,
    .replay_bytes = bytes_of_replay,
};

/* Nats by which a row's largest logit lies above a sentinel of which it shows nothing: 2^32 keys of it weigh 2^-25. */
#define ABOVE_SENTINEL 40

/* Recipes' numbers are in the logits' units. A running maximum may begin where it likes, as long as it is no higher. */
static double least_logit(const struct recipe *recipe)
{
    double nats = recipe->log2e != LOG2E_EXPONENTIAL ? M_LN2 : 1, least = -INFINITY;
    if (recipe->sentinel.policy == SENTINEL_VALUE)
        least = (double)recipe->sentinel.value * nats + ABOVE_SENTINEL;
    if (recipe->initial_max == INITIAL_MAX_VALUE)
        least = fmax(least, (double)recipe->initial_max_value * nats);
    return least;
}

static bool promises_empty_rows(const struct recipe *recipe)
{
    bool infinite = recipe->sentinel.policy == SENTINEL_INFINITY || recipe->sentinel.policy == SENTINEL_EXCLUDE;
    return infinite && recipe->guards == GUARDS_SOUND && recipe->initial_max != INITIAL_MAX_VALUE &&
           recipe->empty_row == EMPTY_ROW_ZERO && recipe->initial_sum == 0 && recipe->epsilon == 0;
}

static int64_t chunk_len_of(enum kernel kernel, const struct kernel_options *options)
{
    return kernels[kernel]->uses_chunk_len ? options->chunk_len : options->page_size;
}

/*
 * A masked key's k must not matter, unless the recipe adds the sentinel to its logit: 0 then, a logit like any other. A
 * sentinel that adapts to the largest |k| passes over NaN, and rightly rises with Inf. A masked key's v must not matter
 * either; but only recipes that exclude masked keys promise not to read it, and for the others, 0 * NaN being NaN, it
 * is some other number: such that sums over a fully masked chunk, in whatever dtype, stay finite.
 */
struct shipped_subject shipped_subject(struct device *device, enum kernel kernel, const struct kernel_options *options,
                                       const struct recipe *recipe)
{
    struct shipped_subject shipped = {
        .subject = {.ops = &shipped_ops,
                    .own_slopes = recipe->slopes != SLOPES_FROM_INPUT,
                    .empty_rows = promises_empty_rows(recipe),
                    .least_logit = least_logit(recipe),
                    .chunk_len = chunk_len_of(kernel, options),
                    .masked_k = {NAN, INFINITY},
                    .masked_v = {NAN, INFINITY}},
        .device = device,
        .kernel = kernel,
        .options = *options,
        .recipe = recipe,
    };
    if (recipe->sentinel.policy == SENTINEL_ADAPTIVE)
        shipped.subject.masked_k[1] = NAN;
    if (recipe_adds_sentinel(recipe))
        shipped.subject.masked_k[0] = shipped.subject.masked_k[1] = 0;
    if (recipe->sentinel.policy != SENTINEL_EXCLUDE) {
        shipped.subject.masked_v[0] = -4;
        shipped.subject.masked_v[1] = 4;
    }
    return shipped;
}
