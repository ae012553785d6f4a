#include "kernels/launch.h"

#include <math.h>
#include <stdlib.h>

#include "kernels/simt.h"
#include "reference/slopes.h"

#define FUNCTION_NAME(name) [FUNCTION_##name] = #name,
const char *const kernel_function_names[FUNCTION_COUNT] = {KERNEL_FUNCTIONS(FUNCTION_NAME)};

enum { GROUPS = 3 }; /* 8, 16, 32 lanes a row */

/* [dtype of k and v][group]: in the order of KERNEL_VARIANTS. */
#define SINGLE_PASS_FUNCTION(name, dtype, group) FUNCTION_single_pass_##name,
#define SPLIT_KV_FUNCTION(name, dtype, group) FUNCTION_split_kv_##name,
#define TWO_PASS_LOGITS_FUNCTION(name, dtype, group) FUNCTION_two_pass_logits_##name,
#define TWO_PASS_OUTPUT_FUNCTION(name, dtype, group) FUNCTION_two_pass_output_##name,

/* The launches of a kernel: over chunks of keys first, or not; then one block a head, or not. */
static const struct {
    enum kernel_function functions[2][DTYPE_COUNT_WITH_FP8 * GROUPS];
    bool over_chunks[2];
    int num_launches;
} launches[KERNEL_COUNT] = {
    [KERNEL_SINGLE_PASS] = {{{KERNEL_VARIANTS(SINGLE_PASS_FUNCTION)}}, {false}, 1},
    [KERNEL_SPLIT_KV] = {{{KERNEL_VARIANTS(SPLIT_KV_FUNCTION)},
                          {[0 ... DTYPE_COUNT_WITH_FP8 * GROUPS - 1] = FUNCTION_split_kv_merge}},
                         {true, false},
                         2},
    [KERNEL_TWO_PASS] = {{{KERNEL_VARIANTS(TWO_PASS_LOGITS_FUNCTION)}, {KERNEL_VARIANTS(TWO_PASS_OUTPUT_FUNCTION)}},
                         {true, false},
                         2},
};

/* The column of a dtype and head dim in the tables above: the fewest lanes that hold a row, 8 elements a lane. */
static int variant_of(enum dtype dtype, int head_dim)
{
    int group = head_dim <= 64 ? 0 : head_dim <= 128 ? 1 : 2;
    return (int)dtype * GROUPS + group;
}

static int64_t chunks_of(const struct kernel_options *options, int64_t seq_len)
{
    return (seq_len + options->chunk_len - 1) / options->chunk_len;
}

double kernel_workspace_bytes(enum kernel kernel, const struct kernel_options *options, int64_t seq_len, int num_heads,
                              int head_dim)
{
    double reals = kernel == KERNEL_SPLIT_KV   ? (double)chunks_of(options, seq_len) * num_heads * (head_dim + 2)
                   : kernel == KERNEL_TWO_PASS ? (double)seq_len * num_heads
                                               : 0;
    return reals * (double)sizeof(float);
}

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
static void resolve_positions(struct attention_args *args, const struct recipe *recipe, const struct problem *problem)
{
    int64_t origin = recipe->bias == BIAS_ABSOLUTE ? 0 : problem->q_position;
    args->distance_offset = recipe->key_shift - origin + problem->kv_offset;
    args->lse_distance = problem->q_position - origin;
    if (recipe->positions == POSITIONS_LOCAL)
        args->distance_offset -= problem->kv_offset;
    if (recipe->positions == POSITIONS_TOP_LEFT) {
        args->distance_offset = problem->kv_offset;
        args->distance_magnitude = true;
        args->lse_distance = 0;
    }
}

static enum error_kind make_slopes(float **slopes, const struct recipe *recipe, int num_heads, struct error *error)
{
    if (recipe->slopes == SLOPES_FROM_INPUT)
        return ERROR_NONE;
    *slopes = malloc((size_t)num_heads * sizeof **slopes);
    if (!*slopes)
        return error_memory(error, "slopes", (double)num_heads * sizeof **slopes);
    slopes_fill(*slopes, num_heads, recipe->slopes == SLOPES_FROM_BLOOM ? SLOPES_BLOOM : SLOPES_GEOMETRIC,
                recipe->slopes_max_bias > 0 ? (double)recipe->slopes_max_bias : 8, 0, num_heads);
    return ERROR_NONE;
}

/* two_pass stands for frameworks, whose tensors have no slots past the end. */
static bool reads_past_end(enum kernel kernel, const struct recipe *recipe)
{
    return recipe->masked_values == MASKED_VALUES_READ && kernel != KERNEL_TWO_PASS;
}

enum error_kind plan_launches(struct launch_plan *plan, enum kernel kernel, const struct kernel_options *options,
                              const struct recipe *recipe, const struct problem *problem, struct error *error)
{
    float masked_logit;
    *plan = (struct launch_plan){0};
    if (problem->head_dim < HEAD_DIM_MIN || problem->head_dim > HEAD_DIM_MAX || problem->head_dim % HEAD_DIM_STEP)
        return error_set(error, ERROR_USAGE, "kernel %s takes no head_dim %d; allowed: %d to %d in steps of %d",
                         kernels[kernel].name, problem->head_dim, HEAD_DIM_MIN, HEAD_DIM_MAX, HEAD_DIM_STEP);
    enum error_kind kind = resolve_sentinel(&masked_logit, recipe, problem, error);
    if (kind)
        return kind;
    plan->args = (struct attention_args){
        .seq_len = problem->seq_len,
        .num_heads = problem->num_heads,
        .num_kv_heads = problem->num_kv_heads,
        .head_dim = problem->head_dim,
        .dtype = (int)problem->dtype,
        .page_size = options->page_size,
        .scale = (float)problem_logit_scale(problem),
        .value_scale = (float)problem_value_scale(problem),
        .masked_logit = masked_logit,
        .initial_max = resolve_initial_max(masked_logit, recipe),
        .initial_sum = recipe->initial_sum,
        .max_offset = recipe->log2e == LOG2E_FOLDED ? recipe->max_offset * (float)M_LOG2E : recipe->max_offset,
        .epsilon = recipe->epsilon,
        .merge_cutoff = recipe->log2e == LOG2E_FOLDED ? recipe->merge_cutoff * (float)M_LOG2E : recipe->merge_cutoff,
        .natural_logits = recipe->log2e == LOG2E_EXPONENTIAL,
        .guard_infinity = !recipe->unguarded,
        .exclude = recipe->sentinel.policy == SENTINEL_EXCLUDE,
        .add_masked_logit = recipe->masked_entry == MASKED_ADD,
        .read_masked_values = recipe->masked_values == MASKED_VALUES_READ,
        .read_past_end = reads_past_end(kernel, recipe),
        .has_bias = recipe->bias != BIAS_NONE,
        .scale_entry = (int)recipe->scale_entry,
        .exponential = (int)recipe->exponential,
        .empty_row = (int)recipe->empty_row,
        .division = (int)recipe->division,
        .merge = (int)recipe->merge,
        .slope_dtype = (int)recipe->slope_dtype,
        .position_dtype = (int)recipe->position_dtype,
        .bias_dtype = (int)recipe->bias_dtype,
        .dot_dtype = (int)recipe->dot_dtype,
        .logit_dtype = (int)recipe->logit_dtype,
        .weight_dtype = (int)recipe->weight_dtype,
        .partial_dtype = (int)recipe->partial_dtype,
    };
    resolve_positions(&plan->args, recipe, problem);

    unsigned heads = (unsigned)problem->num_heads, chunks = 1;
    if (launches[kernel].over_chunks[0]) {
        plan->args.chunk_len = options->chunk_len;
        chunks = (unsigned)chunks_of(options, problem->seq_len);
        plan->args.num_chunks = (int)chunks;
    }
    plan->num_partials = kernel == KERNEL_SPLIT_KV ? (size_t)chunks * heads : 0;
    plan->num_logits = kernel == KERNEL_TWO_PASS ? (size_t)problem->seq_len * heads : 0;
    int variant = variant_of(problem_kv_dtype(problem), problem->head_dim);
    for (int i = 0; i < launches[kernel].num_launches; i++)
        plan->launches[plan->num_launches++] =
            (struct launch){launches[kernel].functions[i][variant], launches[kernel].over_chunks[i] ? chunks : 1, heads,
                            MAX_BLOCK_THREADS};
    kind = make_slopes(&plan->slopes, recipe, problem->num_heads, error);
    if (!kind)
        kind = kv_cache_lay_out(&plan->cache, problem, options, plan->args.read_past_end ? WARP_SIZE : 0, error);
    return kind;
}

void plan_clear(struct launch_plan *plan)
{
    free(plan->slopes);
    kv_cache_clear(&plan->cache);
}

size_t plan_workspace_reals(const struct launch_plan *plan)
{
    return plan->num_partials * (size_t)(plan->args.head_dim + 2) + plan->num_logits;
}

void plan_place_workspace(struct launch_plan *plan, void *workspace, size_t real_bytes)
{
    char *reals = workspace;
    plan->args.partial_max = reals;
    plan->args.partial_sum = reals + plan->num_partials * real_bytes;
    plan->args.partial_out = reals + 2 * plan->num_partials * real_bytes;
    plan->args.logits = reals + plan->num_partials * (size_t)(plan->args.head_dim + 2) * real_bytes;
}
