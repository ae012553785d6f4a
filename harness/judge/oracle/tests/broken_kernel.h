/* The kernels broken on purpose, and which oracle alone catches each; the problem that they are run on. */
#ifndef HARNESS_JUDGE_ORACLE_TESTS_BROKEN_KERNEL_H
#define HARNESS_JUDGE_ORACLE_TESTS_BROKEN_KERNEL_H

#include "harness/judge/oracle/tests/broken_answer.h"
#include "harness/judge/oracle/tests/broken_foreign.h"
#include "harness/judge/oracle/tests/broken_memory.h"

static const struct broken_kernel {
    const char *what;
    enum oracle caught_by;
    void (*before)(struct problem *problems, int i, void *scratch);
    void (*after)(const struct problem *problem, const struct kernel_options *options, const struct output *output,
                  int run);
    bool keeps_zeros;
    void (*misbehave)(const struct launch_plan *plan);
    enum error_kind (*launch)(void *state, const struct launch_plan *plan, double *seconds, struct error *error);
    int page_size;
    bool is_foreign;    /* foreign_broken, */
    enum far_axis cuts; /* which of whose offsets it holds in 32 bits, in place of what else is wrong with it */
} broken_kernels[] = {
    {.what = "leaves an element unwritten if it is 0", .caught_by = ORACLE_POISON, .keeps_zeros = true},
    {.what = "writes an element past out", .caught_by = ORACLE_GUARDS, .misbehave = writes_past_out},
    {.what = "writes an element before lse", .caught_by = ORACLE_GUARDS, .misbehave = writes_before_lse},
    {.what = "writes an element past its partial sums",
     .caught_by = ORACLE_GUARDS,
     .misbehave = writes_past_partial_sums},
    {.what = "writes into k", .caught_by = ORACLE_INPUTS, .misbehave = writes_into_k},
    {.what = "differs by an ulp from run to run", .caught_by = ORACLE_DETERMINISM, .after = differs_by_an_ulp},
    {.what = "multiplies v past the length by 0", .caught_by = ORACLE_MASKED_SLOTS, .after = reads_past_the_end},
    {.what = "multiplies v of a masked key by 0", .caught_by = ORACLE_MASKED_SLOTS, .after = reads_masked_values},
    {.what = "takes a chunk's first key to be 8e-4 nearer",
     .caught_by = ORACLE_PARTITION,
     .after = places_a_boundary_key_too_near},
    {.what = "gives 3e-4 too little", .caught_by = ORACLE_CONSTANT_V, .after = is_biased},
    {.what = "takes the query to stand at the newest key",
     .caught_by = ORACLE_BIAS_SHIFT,
     .before = takes_the_query_to_be_the_newest_key},
    {.what = "holds the query's position in bf16",
     .caught_by = ORACLE_BIAS_SHIFT,
     .before = holds_the_position_in_bf16},
    {.what = "rounds the first head otherwise",
     .caught_by = ORACLE_HEAD_PERMUTATION,
     .after = rounds_the_first_head_otherwise},
    {.what = "rounds by what KV head h modulo their number holds",
     .caught_by = ORACLE_HEAD_PERMUTATION,
     .after = rounds_by_the_kv_head_modulo},
    {.what = "takes one maximum for all rows of a sequence",
     .caught_by = ORACLE_HEAD_PERMUTATION,
     .after = takes_one_maximum},
    {.what = "takes all sequences of a launch to be as long as the second",
     .caught_by = ORACLE_BATCH,
     .before = takes_all_to_be_as_long_as_the_second},
    {.what = "takes sequences of one length for one",
     .caught_by = ORACLE_BATCH,
     .before = takes_equal_lengths_for_one_sequence},
    {.what = "reads masks where the first sequence has one",
     .caught_by = ORACLE_BATCH,
     .before = reads_masks_where_the_first_has_one},
    {.what = "holds a sequence's number in 2 bits", .caught_by = ORACLE_BATCH, .before = holds_the_sequence_in_2_bits},
    {.what = "holds it in 4 bits", .caught_by = ORACLE_BATCH, .before = holds_the_sequence_in_4_bits},
    {.what = "finds all sequences' keys where the first one's are",
     .caught_by = ORACLE_BATCH,
     .launch = launch_with_the_first_rows},
    {.what = "hands numbers from warp to warp without a barrier",
     .caught_by = ORACLE_SCHEDULE,
     .launch = launch_without_a_barrier},
    {.what = "takes k to begin at a multiple of 64 bytes",
     .caught_by = ORACLE_PLACEMENT,
     .launch = launch_with_k_at_64_bytes},
    {.what = "multiplies what stands before v by 0", .caught_by = ORACLE_PLACEMENT, .launch = launch_and_read_before_v},
    {.what = "multiplies what stands past v's slots by 0",
     .caught_by = ORACLE_PLACEMENT,
     .launch = launch_and_read_past_the_slots},
    {.what = "holds an element's index in 32 bits", .caught_by = ORACLE_OFFSETS, .launch = launch_with_int_indices},
    {.what = "holds a page's number in 16 bits",
     .caught_by = ORACLE_OFFSETS,
     .launch = launch_with_pages_of_16_bits,
     .page_size = 16},
    {.what = "multiplies the page behind each by 0",
     .caught_by = ORACLE_OFFSETS,
     .launch = launch_and_read_a_neighbour,
     .page_size = 16},
    {.what = "adds 1e-4 to lse", .caught_by = ORACLE_ONE_KEY, .after = adds_to_lse},
    {.what = "rounds the scale up by 1e-5", .caught_by = ORACLE_ONE_KEY, .before = rounds_the_scale_up},
    {.what = "weighs a key 2e-4 too much", .caught_by = ORACLE_EACH_KEY, .after = counts_a_key_twice},
    {.what = "exchanges the values of two keys where slopes are 0",
     .caught_by = ORACLE_EACH_KEY,
     .after = swaps_two_values},
    {.what = "weighs v of the key after in a tile, where slopes are 0",
     .caught_by = ORACLE_EACH_KEY,
     .after = takes_v_of_the_key_after},
    {.what = "drops the last key where their number is a multiple of 64",
     .caught_by = ORACLE_LENGTHS,
     .before = drops_the_last_key_of_whole_tiles},
    {.what = "takes partial results that it finds for its own",
     .caught_by = ORACLE_HISTORY,
     .launch = launch_with_what_is_there},
    {.what = "merges chunks that a longer launch left",
     .caught_by = ORACLE_HISTORY,
     .launch = launch_with_chunks_of_before},
    {.what = "goes on with the lanes of the last launch's head_dim",
     .caught_by = ORACLE_HISTORY,
     .after = keeps_lanes_of_the_last_launch},
    {.what = "begins with the maxima of the last launch's head_dim",
     .caught_by = ORACLE_HISTORY,
     .after = keeps_maxima_of_the_last_launch},
    {.what = "writes nothing where there is no key", .caught_by = ORACLE_LENGTHS, .after = leaves_empty_sequences},
    {.what = "reads k as packed, whatever its strides", .caught_by = ORACLE_STRIDES, .is_foreign = true},
    {.what = "holds a key's place in 32 bits, by strides",
     .caught_by = ORACLE_OFFSETS,
     .is_foreign = true,
     .cuts = FAR_ROWS},
    {.what = "holds a KV head's place in 32 bits, by strides",
     .caught_by = ORACLE_OFFSETS,
     .is_foreign = true,
     .cuts = FAR_HEADS},
    {.what = "leaves out keys of a thousandth of the largest weight, where slopes are 0",
     .caught_by = ORACLE_QUIET_KEYS,
     .after = leaves_out_light_keys},
};

/* v of dim ZERO_DIM is 0, and so is the output there. v has a slot past the length, as a cache does. */
static struct made_problem make_broken_problem(void)
{
    struct made_problem made = make_problem(N + 1, H, HKV, D, DTYPE_F32);
    made.problem.seq_len = N;
    made.problem.q_position = N - 1;
    mask_keys(&made, MASKED_KEY, N, 7);
    for (size_t i = ZERO_DIM; i < (size_t)N * HKV * D; i += D)
        ((float *)made.v)[i] = 0;
    return made;
}

#endif
