#include "kernels/launch.h"

#include <math.h>

#include "kernels/simt.h"

#define FUNCTION_NAME(name) [FUNCTION_##name] = #name,
const char *const kernel_function_names[FUNCTION_COUNT] = {KERNEL_FUNCTIONS(FUNCTION_NAME)};

enum { GROUPS = 3 }; /* 8, 16, 32 lanes a row */

/* [dtype][group]: in the order of KERNEL_VARIANTS. */
#define SINGLE_PASS_FUNCTION(name, dtype, group) FUNCTION_single_pass_##name,
#define SPLIT_KV_FUNCTION(name, dtype, group) FUNCTION_split_kv_##name,
#define MERGE_FUNCTION(name, dtype) [dtype] = FUNCTION_split_kv_merge_##name,
static const enum kernel_function single_pass_functions[DTYPE_COUNT * GROUPS] = {KERNEL_VARIANTS(SINGLE_PASS_FUNCTION)};
static const enum kernel_function split_kv_functions[DTYPE_COUNT * GROUPS] = {KERNEL_VARIANTS(SPLIT_KV_FUNCTION)};
static const enum kernel_function merge_functions[DTYPE_COUNT] = {KERNEL_DTYPES(MERGE_FUNCTION)};

/* The row of a dtype and head dim in the tables above: the fewest lanes that hold a row, 8 elements a lane. */
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
    if (kernel != KERNEL_SPLIT_KV)
        return 0;
    return (double)chunks_of(options, seq_len) * num_heads * (head_dim + 2) * (double)sizeof(float);
}

static enum error_kind resolve_sentinel(struct attention_args *args, const struct recipe *recipe,
                                        const struct problem *problem, struct error *error)
{
    float value = -INFINITY;
    if (recipe->sentinel.policy == SENTINEL_VALUE)
        value = recipe->sentinel.value;
    if (recipe->sentinel.policy == SENTINEL_ADAPTIVE) {
        enum error_kind kind = adaptive_sentinel(&value, problem, recipe, error);
        if (kind)
            return kind;
    }
    args->masked_logit = args->initial_max = value;
    args->guard_infinity = isinf(value) != 0;
    args->exclude = recipe->sentinel.policy == SENTINEL_EXCLUDE;
    return ERROR_NONE;
}

enum error_kind plan_launches(struct launch_plan *plan, enum kernel kernel, const struct kernel_options *options,
                              const struct recipe *recipe, const struct problem *problem, struct error *error)
{
    int variant = variant_of(problem->dtype, problem->head_dim);
    unsigned heads = (unsigned)problem->num_heads;
    *plan = (struct launch_plan){
        .args =
            {
                .seq_len = problem->seq_len,
                .q_position = problem->q_position,
                .num_heads = problem->num_heads,
                .num_kv_heads = problem->num_kv_heads,
                .head_dim = problem->head_dim,
                .scale = problem->scale,
                .absolute_bias = recipe->bias == BIAS_ABSOLUTE,
                .ex2_approx = recipe->exponential == EXPONENTIAL_EX2_APPROX,
            },
    };
    if (problem->head_dim < HEAD_DIM_MIN || problem->head_dim > HEAD_DIM_MAX || problem->head_dim % HEAD_DIM_STEP)
        return error_set(error, ERROR_USAGE, "kernel %s takes no head_dim %d; allowed: %d to %d in steps of %d",
                         kernels[kernel].name, problem->head_dim, HEAD_DIM_MIN, HEAD_DIM_MAX, HEAD_DIM_STEP);
    enum error_kind kind = resolve_sentinel(&plan->args, recipe, problem, error);
    if (kind)
        return kind;

    if (kernel == KERNEL_SINGLE_PASS) {
        plan->launches[plan->num_launches++] =
            (struct launch){single_pass_functions[variant], 1, heads, MAX_BLOCK_THREADS};
    } else {
        int64_t chunks = chunks_of(options, problem->seq_len);
        plan->args.chunk_len = options->chunk_len;
        plan->args.num_chunks = (int)chunks;
        plan->num_partials = (size_t)chunks * heads;
        plan->launches[plan->num_launches++] =
            (struct launch){split_kv_functions[variant], (unsigned)chunks, heads, MAX_BLOCK_THREADS};
        plan->launches[plan->num_launches++] =
            (struct launch){merge_functions[problem->dtype], 1, heads, MAX_BLOCK_THREADS};
    }
    return ERROR_NONE;
}
