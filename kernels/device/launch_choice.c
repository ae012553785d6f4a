#include "kernels/device/launch_choice.h"

#include <stdlib.h>

#include "kernels/attention/columns.h"
#include "kernels/attention/plain.h"
#include "kernels/attention/row_ring.h"
#include "kernels/geometry.h"

#define HOST_KERNEL(enumerator, name) [KERNEL_##enumerator] = &host_##name,
static const struct compiled_kernel *const host_kernels[KERNEL_COUNT] = {KERNELS(HOST_KERNEL)};

const char *launch_name(const struct launch *launch)
{
    return launch_form(host_kernels, launch)->name; /* every device calls it so */
}

/* Of the dtype of k and v: whether there are plain forms, and their place among them. */
static const int plain_dtypes[DTYPE_COUNT_WITH_FP8] = {
    [DTYPE_F16] = 0, [DTYPE_BF16] = 1, [DTYPE_E4M3] = 2, [DTYPE_F32] = -1, [DTYPE_E5M2] = -1, [DTYPE_E4M3FNUZ] = -1,
};

_Static_assert(NUM_GENERIC_FORMS == DTYPE_COUNT_WITH_FP8 * LANE_GROUPS, "a generic form for each dtype and group");
_Static_assert(NUM_PLAIN_FORMS == 3 * LANE_GROUPS * PLAIN_SHARES, "plain forms for each of plain_dtypes");
_Static_assert((int)HEAD_DIM_MAX <= (int)MAX_HEAD_DIM, "a row fits the largest group");

static int generic_form(enum dtype dtype, int group)
{
    return (int)dtype * LANE_GROUPS + group;
}

/* share: of plain_shares. */
static int plain_form(enum dtype dtype, int group, int share)
{
    return NUM_GENERIC_FORMS + (plain_dtypes[dtype] * LANE_GROUPS + group) * PLAIN_SHARES + share;
}

/* The plain forms take the launch: constants are what the arguments are, all lanes have elements, and runs of keys lie
 * together in pages. */
static bool takes_plain(const struct launch_plan *plan, const struct batch *batch)
{
    const struct problem *problem = batch->problems;
    int64_t page_size = batch->options->page_size, tile = WARP_SIZE;
    bool runs = page_size == 0 || (page_size % PLAIN_RUN_KEYS == 0 && batch->options->chunk_len % tile == 0);
    struct attention_args args = plan->args;
    if (kernels[plan->kernel]->tensor_cores)
        args.recipe.weight_dtype = ROUND_F32; /* always those of the dtype, in every form */
    return plain_fields_hold(&args) && plain_dtypes[problem_kv_dtype(problem)] >= 0 && runs &&
           problem->head_dim == group_lanes(group_of(problem->head_dim)) * LANE_DIMS;
}

/* Whether most keys are of sequences without a mask: of masked ones heads share no rows. */
static bool shares_rows(const struct launch_plan *plan, const struct batch *batch)
{
    int64_t keys = 0, masked = 0;
    for (int i = 0; i < batch->num_sequences; i++) {
        keys += plan->sequences[i].seq_len;
        masked += plan->sequences[i].has_mask ? plan->sequences[i].seq_len : 0;
    }
    return masked <= keys / 2;
}

/* Whether a block of the plain forms that have a ring has its memory: of GPUs that have plain forms some have less. */
static bool has_shared_room(const struct plan_options *options)
{
    return options->shared_room == 0 || RING_BYTES + PLAIN_STATIC_BYTES_MAX <= options->shared_room;
}

/* Query heads that share rows by a plain form. */
static const int plain_shares[PLAIN_SHARES] = {1, 2, MAX_SHARED_HEADS};

/* Which of plain_shares is the largest that the heads of a KV head take and that leaves enough blocks, where all blocks
 * for one head each would be so many. Columns share rows in every form. */
static int largest_share(const struct problem *problem, const struct kernel_launch *step, unsigned long blocks,
                         const struct plan_options *options)
{
    int heads = problem->num_heads / problem->num_kv_heads, share = step->over_columns ? 0 : PLAIN_SHARES - 1;
    while (share > 0 &&
           (heads % plain_shares[share] != 0 || blocks / (unsigned)plain_shares[share] < options->shared_blocks))
        share--;
    return share;
}

/* A launch of the batch, whose longest sequence has so many chunks. plain: there may be a plain form for it. */
static struct launch choose_launch(const struct launch_plan *plan, const struct batch *batch, int number, int chunks,
                                   bool plain, const struct plan_options *options)
{
    const struct problem *problem = batch->problems;
    const struct kernel_launch *step = &kernels[batch->kernel]->launches[number];
    unsigned heads = (unsigned)problem->num_heads, over = step->over_chunks ? (unsigned)chunks : 1;
    enum dtype dtype = problem_kv_dtype(problem);
    int group = group_of(problem->head_dim), form = generic_form(dtype, group);
    bool takes = false;
    if (plain && step->has_plain && (step->over_columns || has_shared_room(options))) {
        int share = largest_share(problem, step, (unsigned long)heads * over * (unsigned)batch->num_sequences, options);
        takes = share > 0 || options->plain_alone;
        if (takes)
            form = plain_form(dtype, group, share);
        heads /= (unsigned)plain_shares[share];
    }
    if (step->over_columns)
        heads = (unsigned)column_blocks(&plan->args);
    return (struct launch){
        .kernel = batch->kernel,
        .step = number,
        .form = form,
        .blocks_x = step->over_chunks ? heads * over : 1,
        .blocks_y = step->over_chunks ? 1 : heads,
        .blocks_z = (unsigned)batch->num_sequences,
        .threads = BLOCK_THREADS,
        .shared_bytes = takes && !step->over_columns ? RING_BYTES : 0,
    };
}

/* Leaves a merge out that the last blocks of a plain form before it can do, and makes what they count themselves by. */
static enum error_kind merge_within(struct launch_plan *plan, const struct batch *batch, struct error *error)
{
    const struct kernel_launch *steps = kernels[batch->kernel]->launches;
    int last = plan->num_launches - 1;
    size_t rows = (size_t)batch->num_sequences * (size_t)batch->problems->num_heads;
    if (!steps[last].merges || plan->launches[last - 1].form < NUM_GENERIC_FORMS)
        return ERROR_NONE;
    plan->num_launches = last;
    plan->arrivals = calloc(rows, sizeof *plan->arrivals);
    return plan->arrivals ? ERROR_NONE : error_memory(error, "the arrivals of blocks", (double)rows * sizeof(uint32_t));
}

enum error_kind choose_launches(struct launch_plan *plan, const struct batch *batch, const struct plan_options *options,
                                struct error *error)
{
    int chunks = 1;
    bool plain = !options->generic && takes_plain(plan, batch) && (options->plain_alone || shares_rows(plan, batch));
    for (int i = 0; i < batch->num_sequences; i++)
        chunks = plan->sequences[i].num_chunks > chunks ? plan->sequences[i].num_chunks : chunks;
    if ((int64_t)batch->problems->num_heads * chunks > INT32_MAX)
        return error_set(error, ERROR_USAGE, "kernel %s takes no more than 2^31 - 1 chunks of all heads",
                         kernels[batch->kernel]->name);
    plan->num_launches = kernels[batch->kernel]->num_launches;
    for (int i = 0; i < plan->num_launches; i++)
        plan->launches[i] = choose_launch(plan, batch, i, chunks, plain, options);
    return options->merge_apart ? ERROR_NONE : merge_within(plan, batch, error);
}
