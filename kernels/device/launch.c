#include "kernels/device/launch.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/device/launch_choice.h"
#include "kernels/device/pack.h"
#include "kernels/geometry.h"
#include "reference/key_masks.h"
#include "reference/slopes.h"

static int64_t chunks_of(const struct kernel_options *options, int64_t seq_len)
{
    return (seq_len + options->chunk_len - 1) / options->chunk_len;
}

static bool of_chunks(const struct workspace_buffer *buffer)
{
    return buffer->unit == WORKSPACE_OF_CHUNKS;
}

/* Numbers for a (head, chunk) or (head, key). */
static int unit_reals(const struct workspace_buffer *buffer, int head_dim)
{
    return !buffer->name ? 0 : buffer->rows ? head_dim : 1;
}

double kernel_workspace_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                              int head_dim)
{
    double reals = 0;
    for (int i = 0; i < MAX_WORKSPACE_BUFFERS && kernels[kernel]->workspace[i].name; i++) {
        const struct workspace_buffer *buffer = &kernels[kernel]->workspace[i];
        int64_t units = of_chunks(buffer) ? chunks_of(options, seq_len) : seq_len;
        reals += (double)units * num_heads * unit_reals(buffer, head_dim);
    }
    return reals * (double)sizeof(float);
}

static const struct {
    const char *name;
    size_t argument; /* where its address is in attention_args */
} named_buffers[BUFFER_WORKSPACE] = {
    [BUFFER_Q] = {"q", offsetof(struct attention_args, q)},
    [BUFFER_K] = {"k", offsetof(struct attention_args, k)},
    [BUFFER_V] = {"v", offsetof(struct attention_args, v)},
    [BUFFER_PAGE_TABLE] = {"the page table", offsetof(struct attention_args, page_table)},
    [BUFFER_SLOPES] = {"slopes", offsetof(struct attention_args, slopes)},
    [BUFFER_SINKS] = {"the sinks", offsetof(struct attention_args, sink_logits)},
    [BUFFER_VISIBLE] = {"visible", offsetof(struct attention_args, visible)},
    [BUFFER_SEQUENCES] = {"the sequences", offsetof(struct attention_args, sequences)},
    [BUFFER_ARRIVALS] = {"the arrivals", offsetof(struct attention_args, arrivals)},
    [BUFFER_OUT] = {"out", offsetof(struct attention_args, out)},
    [BUFFER_LSE] = {"lse", offsetof(struct attention_args, lse)},
};

const char *buffer_name(enum kernel kernel, enum buffer buffer)
{
    return buffer < BUFFER_WORKSPACE ? named_buffers[buffer].name
                                     : kernels[kernel]->workspace[buffer - BUFFER_WORKSPACE].name;
}

void plan_bind(struct launch_plan *plan, enum buffer buffer, void *memory)
{
    if (buffer < BUFFER_WORKSPACE)
        memcpy((char *)&plan->args + named_buffers[buffer].argument, &memory, sizeof memory);
    else
        plan->args.workspace[buffer - BUFFER_WORKSPACE] = memory;
}

/* ---- a sequence ------------------------------------------------------------------------------------------------- */

/* The sentinel's value in the logits' units and dtype; -inf where the policy has none. */
static enum error_kind resolve_sentinel(float *value, const struct recipe *recipe, const struct problem *problem,
                                        struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    *value = -INFINITY;
    if (recipe->sentinel.policy == SENTINEL_VALUE)
        *value = recipe->sentinel.value;
    if (recipe->sentinel.policy == SENTINEL_ADAPTIVE)
        kind = adaptive_sentinel(value, problem, recipe, error);
    *value = dtype_round(dtype_rounding_dtype(recipe->logit_dtype), *value);
    return kind;
}

static float resolve_initial_max(float masked_logit, const struct recipe *recipe)
{
    switch (recipe->initial_max) {
    case INITIAL_MAX_VALUE:
        return recipe->initial_max_value;
    case INITIAL_MAX_INFINITY:
        return -INFINITY;
    default:
        return masked_logit;
    }
}

/* What is added to a key's index to give what the slope is multiplied by, and what lse is too high by for it. */
static void resolve_positions(struct sequence_args *sequence, const struct recipe *recipe,
                              const struct problem *problem)
{
    int64_t origin = recipe->bias == BIAS_ABSOLUTE ? 0 : problem->q_position;
    sequence->key_distance = recipe->key_shift - origin + problem->kv_offset;
    sequence->lse_distance = problem->q_position - origin;
    if (recipe->positions == POSITIONS_LOCAL)
        sequence->key_distance -= problem->kv_offset;
    if (recipe->positions == POSITIONS_TOP_LEFT) {
        sequence->key_distance = problem->kv_offset;
        sequence->lse_distance = 0;
    }
}

/* A problem with the scales and slopes that the recipe takes. */
static struct problem taken_problem(const struct launch_plan *plan, const struct batch *batch, int i)
{
    struct problem taken = contract_scales(&batch->recipe->contract, &batch->problems[i]);
    if (plan->slopes)
        taken.slopes = plan->slopes;
    return taken;
}

/* Keys that the kernel takes the problem to have. */
static int64_t taken_keys(const struct recipe *recipe, const struct problem *problem)
{
    return problem->seq_len + recipe->contract.keys_past_end;
}

/* Sequence i, which lies behind the one before it in every buffer but the KV cache (kv_cache_lay_out). */
static enum error_kind plan_sequence(struct launch_plan *plan, const struct batch *batch, int i, struct error *error)
{
    const struct problem *problem = &batch->problems[i], taken = taken_problem(plan, batch, i);
    struct sequence_args *sequence = &plan->sequences[i], first = {0};
    const struct sequence_args *before = i ? sequence - 1 : &first;
    int64_t heads = problem->num_heads;
    if (batch->options->page_size && taken_keys(batch->recipe, problem) > UINT32_MAX)
        return error_set(error, ERROR_USAGE, "kernel %s takes no pages for more than 2^32 - 1 keys",
                         kernels[batch->kernel]->name);
    *sequence = (struct sequence_args){
        .seq_len = taken_keys(batch->recipe, problem),
        .first_query = i * heads,
        .first_key = before->first_key + (before->has_mask ? before->seq_len : 0),
        .first_chunk = before->first_chunk + before->num_chunks * heads,
        .first_logit = before->first_logit + before->seq_len * heads,
        .num_chunks = (int)chunks_of(batch->options, taken_keys(batch->recipe, problem)),
        .has_mask = problem->visible != NULL,
    };
    resolve_positions(sequence, batch->recipe, problem);
    enum error_kind kind = resolve_sentinel(&sequence->masked_logit, batch->recipe, &taken, error);
    sequence->initial_max = resolve_initial_max(sequence->masked_logit, batch->recipe);
    return kind;
}

static enum error_kind plan_sequences(struct launch_plan *plan, const struct batch *batch, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    plan->sequences = calloc((size_t)batch->num_sequences, sizeof *plan->sequences);
    if (!plan->sequences)
        return error_memory(error, "the sequences", (double)batch->num_sequences * (double)sizeof *plan->sequences);
    for (int i = 0; i < batch->num_sequences && !kind; i++)
        kind = plan_sequence(plan, batch, i, error);
    return kind;
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

/* Slopes of the recipe's own making, and what its contract makes of those given or made. */
static enum error_kind make_slopes(float **slopes, const struct recipe *recipe, const struct problem *problem,
                                   struct error *error)
{
    int heads = problem->num_heads;
    bool own = recipe->slopes != SLOPES_FROM_INPUT, changed = contract_changes_slopes(&recipe->contract);
    if (!own && !changed)
        return ERROR_NONE;
    float *made = malloc(2 * (size_t)heads * sizeof *made);
    *slopes = made;
    if (!made)
        return error_memory(error, "slopes", 2.0 * heads * sizeof *made);
    for (int head = 0; head < heads && own; head++)
        slopes_fill(made + head, 1, recipe->slopes == SLOPES_FROM_BLOOM ? SLOPES_BLOOM : SLOPES_GEOMETRIC,
                    recipe->slopes_max_bias > 0 ? (double)recipe->slopes_max_bias : 8,
                    problem_whole_head(problem, head), problem_whole_heads(problem));
    if (!own)
        memcpy(made, problem->slopes, (size_t)heads * sizeof *made);
    if (changed) {
        memcpy(made + heads, made, (size_t)heads * sizeof *made);
        contract_slopes(&recipe->contract, made + heads, heads, made);
    }
    return ERROR_NONE;
}

/*
 * The recipe as kernels read it: what they add to logits or compare with them in the logits' units, no choice that the
 * kernel does not have or that a sequence's numbers have made (resolve_positions), and no name, which a GPU cannot
 * follow.
 */
static struct recipe resolve_recipe(const struct batch *batch)
{
    struct recipe resolved = *batch->recipe;
    float nats = resolved.log2e != LOG2E_EXPONENTIAL ? (float)M_LOG2E : 1;
    resolved.name = NULL;
    resolved.max_offset *= nats;
    resolved.merge_cutoff *= nats;
    if (resolved.positions == POSITIONS_LOCAL)
        resolved.positions = POSITIONS_GLOBAL;
    if (resolved.masked_values == MASKED_VALUES_READ_PAST_END && !kernels[batch->kernel]->reads_past_end)
        resolved.masked_values = MASKED_VALUES_READ;
    if (!kernels[batch->kernel]->knows_sum)
        resolved.weight_form = WEIGHT_EXPONENTIALS;
    if (resolved.sink == SINK_EVERY_CHUNK && !kernels[batch->kernel]->uses_chunk_len)
        resolved.sink = SINK_COUNTED;
    return resolved;
}

/* Where the kernel caps logits. */
static enum soft_cap resolve_soft_cap(const struct recipe *recipe, const struct problem *problem)
{
    if (problem->soft_cap == SOFT_CAP_NONE || recipe->soft_cap == SOFT_CAP_IGNORED)
        return SOFT_CAP_NONE;
    if (recipe->soft_cap != SOFT_CAP_OTHER_SIDE)
        return problem->soft_cap;
    return problem->soft_cap == SOFT_CAP_BEFORE_BIAS ? SOFT_CAP_AFTER_BIAS : SOFT_CAP_BEFORE_BIAS;
}

static struct attention_args make_args(const struct launch_plan *plan, const struct batch *batch)
{
    const struct problem taken = taken_problem(plan, batch, 0), *problem = &taken;
    return (struct attention_args){
        .chunk_len = batch->options->chunk_len,
        .num_heads = problem->num_heads,
        .num_kv_heads = problem->num_kv_heads,
        .head_dim = problem->head_dim,
        .dtype = (int)problem->dtype,
        .page_size = batch->options->page_size,
        .scale = (float)problem_logit_scale(problem),
        .value_scale = (float)problem_value_scale(problem),
        .soft_cap_entry = (int)resolve_soft_cap(batch->recipe, problem),
        .soft_cap = problem->soft_cap_value,
        .recipe = resolve_recipe(batch),
    };
}

/* Which keys are visible, and how many masks remove the others, for recipes that ask (attention_args), or that take
 * more keys than a mask knows: no mask removes those. */
static enum error_kind count_masks(struct launch_plan *plan, const struct batch *batch, struct error *error)
{
    const struct sequence_args *last = &plan->sequences[batch->num_sequences - 1];
    size_t keys = (size_t)(last->first_key + (last->has_mask ? last->seq_len : 0));
    bool each = batch->recipe->masked_entry == MASKED_ADD_EACH;
    if ((!each && batch->recipe->contract.keys_past_end == 0) || keys == 0)
        return ERROR_NONE;
    plan->masks = malloc(keys);
    if (!plan->masks)
        return error_memory(error, "the masks of keys", (double)keys);
    for (int i = 0; i < batch->num_sequences; i++)
        for (int64_t key = 0; key < plan->sequences[i].seq_len && plan->sequences[i].has_mask; key++) {
            int masks = key < batch->problems[i].seq_len ? problem_masks(&batch->problems[i], key) : 0;
            plan->masks[plan->sequences[i].first_key + key] = (uint8_t)(masks == 0 ? 1 : each ? (masks - 1) << 1 : 0);
        }
    return ERROR_NONE;
}

/* Sizes, and what of one sequence lies where the caller has it. */
static void make_buffers(struct launch_plan *plan, const struct batch *batch, size_t real_bytes)
{
    const struct problem *problem = batch->problems;
    const struct sequence_args *last = &plan->sequences[batch->num_sequences - 1];
    size_t heads = (size_t)problem->num_heads, sequences = (size_t)batch->num_sequences;
    size_t row = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    bool sinks = problem->sink_logits && batch->recipe->sink != SINK_IGNORED;
    size_t keys = (size_t)(last->first_key + (last->has_mask ? last->seq_len : 0));
    size_t chunks_of_heads = (size_t)last->first_chunk + (size_t)last->num_chunks * heads;
    size_t keys_of_heads = (size_t)last->first_logit + (size_t)last->seq_len * heads;
    const struct plan_buffer buffers[BUFFER_COUNT] = {
        [BUFFER_Q] = {problem->q, NULL, sequences * row},
        [BUFFER_K] = {plan->cache.k, NULL, plan->cache.size_bytes},
        [BUFFER_V] = {plan->cache.v, NULL, plan->cache.size_bytes},
        [BUFFER_PAGE_TABLE] = {plan->cache.page_table, NULL, (size_t)plan->cache.page_entries * sizeof(int32_t)},
        [BUFFER_SLOPES] = {plan->slopes ? plan->slopes : problem->slopes, NULL, heads * sizeof(float)},
        [BUFFER_SINKS] = {problem->sink_logits, NULL, sinks ? heads * sizeof(float) : 0},
        [BUFFER_VISIBLE] = {plan->masks ? plan->masks : problem->visible, NULL, keys},
        [BUFFER_SEQUENCES] = {plan->sequences, NULL, sequences * sizeof *plan->sequences},
        [BUFFER_ARRIVALS] = {plan->arrivals, NULL, plan->arrivals ? sequences * heads * sizeof *plan->arrivals : 0},
        [BUFFER_OUT] = {batch->outputs->out, batch->outputs->out, sequences * row},
        [BUFFER_LSE] = {batch->outputs->lse, batch->outputs->lse, sequences * heads * sizeof(float)},
    };
    memcpy(plan->buffers, buffers, sizeof buffers);
    for (int i = 0; i < MAX_WORKSPACE_BUFFERS; i++) {
        const struct workspace_buffer *buffer = &kernels[batch->kernel]->workspace[i];
        plan->buffers[BUFFER_WORKSPACE + i].size_bytes = (of_chunks(buffer) ? chunks_of_heads : keys_of_heads) *
                                                         (size_t)unit_reals(buffer, problem->head_dim) * real_bytes;
    }
}

/* ---- plans ------------------------------------------------------------------------------------------------------ */

/* Keys that are on the device are seen by kernels alone. */
static enum error_kind check_keys(const struct batch *batch, struct error *error)
{
    if (!batch->keys_on_device ||
        (batch->num_sequences == 1 && kernel_takes_device_keys(batch->options, batch->recipe)))
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "kernel %s: keys that are on the device are of one sequence, not far away, and of a recipe whose "
                     "sentinel is not adaptive",
                     kernels[batch->kernel]->name);
}

static enum error_kind check_shapes(const struct batch *batch, struct error *error)
{
    const struct problem *first = batch->problems;
    if (!kernel_takes_head_dim(first->head_dim))
        return error_set(error, ERROR_USAGE, "kernel %s takes no head_dim %d; allowed: " HEAD_DIMS_WORDS,
                         kernels[batch->kernel]->name, first->head_dim);
    const char *refusal = kernel_refusal(batch->kernel, batch->recipe, first->dtype, first->kv_format);
    if (refusal)
        return error_set(error, ERROR_USAGE, "kernel %s %s", kernels[batch->kernel]->name, refusal);
    for (int i = 1; i < batch->num_sequences; i++) {
        const struct problem *other = &batch->problems[i];
        if (other->num_heads != first->num_heads || other->num_kv_heads != first->num_kv_heads ||
            other->head_dim != first->head_dim || other->dtype != first->dtype || other->kv_format != first->kv_format)
            return error_set(error, ERROR_USAGE,
                             "sequence %d of a batch has other heads, head_dim or dtype than the first", i);
    }
    return ERROR_NONE;
}

/* The recipe is the dtype's. */
static enum error_kind plan_for_dtype(struct launch_plan *plan, const struct batch *batch,
                                      const struct plan_options *options, struct error *error)
{
    *plan = (struct launch_plan){.kernel = batch->kernel, .setting = batch->options->setting};
    enum error_kind kind = check_shapes(batch, error);
    if (!kind)
        kind = check_keys(batch, error);
    if (!kind)
        kind = make_slopes(&plan->slopes, batch->recipe, batch->problems, error);
    if (kind || (kind = plan_sequences(plan, batch, error)) || (kind = count_masks(plan, batch, error)))
        return kind;
    plan->args = make_args(plan, batch);
    bool past_end = plan->args.recipe.masked_values == MASKED_VALUES_READ_PAST_END;
    int64_t slack = batch->recipe->contract.keys_past_end + (past_end ? WARP_SIZE : 0);
    kind = choose_launches(plan, batch, options, error);
    if (!kind)
        kind = kv_cache_lay_out(&plan->cache, batch, slack, plan->sequences, error);
    if (kind)
        return kind;
    make_buffers(plan, batch, options->real_bytes);
    return batch->num_sequences > 1 ? plan_pack(plan, batch, error) : ERROR_NONE;
}

enum error_kind plan_launches(struct launch_plan *plan, const struct batch *batch, const struct plan_options *options,
                              struct error *error)
{
    const struct recipe recipe = kernel_recipe(batch->kernel, batch->recipe, batch->problems->dtype);
    struct batch for_dtype = *batch;
    for_dtype.recipe = &recipe;
    return plan_for_dtype(plan, &for_dtype, options, error);
}

void plan_clear(struct launch_plan *plan)
{
    free(plan->sequences);
    free(plan->slopes);
    free(plan->masks);
    free(plan->arrivals);
    free(plan->packed);
    kv_cache_clear(&plan->cache);
}
