/* Kernels broken on purpose for the tests of the oracles, one way each: in what they are told, or in what they answer.
 */
#ifndef HARNESS_JUDGE_ORACLE_TESTS_BROKEN_ANSWER_H
#define HARNESS_JUDGE_ORACLE_TESTS_BROKEN_ANSWER_H

#include "harness/judge/oracle/tests/broken_subject.h"

/* One maximum of several rows: the weights of those that are far below it are 0 in f32. */
static void rows_below(const struct problem *problem, const struct output *output, float maximum)
{
    for (int row = 0; row < problem_rows(problem); row++) {
        if (!(output->lse[row] < maximum - 103.3F))
            continue;
        memset(f32(output->out) + row * problem->head_dim, 0, (size_t)problem->head_dim * sizeof(float));
        output->lse[row] = -INFINITY;
    }
}

static float maximum_of(const struct problem *problem, const struct output *output)
{
    float maximum = -INFINITY;
    for (int row = 0; row < problem_rows(problem); row++)
        maximum = fmaxf(maximum, output->lse[row]);
    return maximum;
}

static void takes_one_maximum(const struct problem *problem, const struct kernel_options *options,
                              const struct output *output, int run)
{
    (void)options, (void)run;
    rows_below(problem, output, maximum_of(problem, output));
}

/* Atomic additions in an order that changes. */
static void differs_by_an_ulp(const struct problem *problem, const struct kernel_options *options,
                              const struct output *output, int run)
{
    (void)options;
    if (run % 2 && problem->seq_len > 0)
        f32(output->out)[70] = nextafterf(f32(output->out)[70], 2);
}

/* Weight 0 times whatever the last tile's slots hold. */
static void reads_past_the_end(const struct problem *problem, const struct kernel_options *options,
                               const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads; h++)
        f32(output->out)[h * D] +=
            0 * f32(problem->v)[problem_row(problem, problem->seq_len, problem_kv_head(problem, h))];
}

static void reads_masked_values(const struct problem *problem, const struct kernel_options *options,
                                const struct output *output, int run)
{
    (void)options, (void)run;
    if (problem->seq_len > MASKED_KEY)
        f32(output->out)[3] += 0 * f32(problem->v)[problem_row(problem, MASKED_KEY, 0) + 3];
}

/* A head has `weight` too much of a key, if there is one. */
static void weigh_more(const struct problem *problem, int64_t key, int head, float weight, const struct output *output)
{
    for (int d = 0; d < D && key < problem->seq_len; d++) {
        float *out = &f32(output->out)[head * D + d];
        size_t row = problem_row(problem, key, problem_kv_head(problem, head));
        *out += weight * (f32(problem->v)[row + (size_t)d] - *out);
    }
}

/* The first key of the second chunk is taken to be a little nearer than it is. */
static void places_a_boundary_key_too_near(const struct problem *problem, const struct kernel_options *options,
                                           const struct output *output, int run)
{
    (void)run;
    for (int h = 0; h < problem->num_heads; h++)
        weigh_more(problem, options->chunk_len, h, 8e-4f * problem->slopes[h], output);
}

/* The same of a key of which nothing else knows. */
static void counts_a_key_twice(const struct problem *problem, const struct kernel_options *options,
                               const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads; h++)
        weigh_more(problem, 280, h, 2e-4f, output);
}

/* Weighs v of one key with the weight of another, if there are both. */
static void take_value_of(const struct problem *problem, int64_t key, int64_t other, double weight, int head,
                          const struct output *output)
{
    size_t of_key = problem_row(problem, key, problem_kv_head(problem, head)),
           of_other = problem_row(problem, other, problem_kv_head(problem, head));
    for (int d = 0; d < D; d++)
        f32(output->out)[head * D + d] += (float)(weight * ((double)f32(problem->v)[of_other + (size_t)d] -
                                                            (double)f32(problem->v)[of_key + (size_t)d]));
}

/* Two keys' v, each in the other's place, in the path of heads without a slope. */
static void swaps_two_values(const struct problem *problem, const struct kernel_options *options,
                             const struct output *output, int run)
{
    enum { ONE = 270, OTHER = 283 };
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads && problem->seq_len > OTHER; h++) {
        if (problem->slopes[h] != 0)
            continue;
        take_value_of(problem, ONE, OTHER, weight_in(problem, ONE, h, output), h, output);
        take_value_of(problem, OTHER, ONE, weight_in(problem, OTHER, h, output), h, output);
    }
}

/* A row of a tile is loaded one key late: v of the key after, in the same path. */
static void takes_v_of_the_key_after(const struct problem *problem, const struct kernel_options *options,
                                     const struct output *output, int run)
{
    enum { FIRST = 264, END = 288 };
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads && problem->seq_len > END; h++)
        for (int64_t key = FIRST; key < END && problem->slopes[h] == 0; key++)
            take_value_of(problem, key, key + 1, weight_in(problem, key, h, output), h, output);
}

/* Passes over keys of less than a thousandth of the largest weight, in the same path. */
static void leaves_out_light_keys(const struct problem *problem, const struct kernel_options *options,
                                  const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads; h++) {
        double largest = 0, left_out = 0;
        for (int64_t key = 0; key < problem->seq_len && problem->slopes[h] == 0; key++)
            largest = fmax(largest, weight_in(problem, key, h, output));
        for (int64_t key = 0; key < problem->seq_len && problem->slopes[h] == 0; key++) {
            const double weight = weight_in(problem, key, h, output);
            const size_t row = problem_row(problem, key, problem_kv_head(problem, h));
            for (int d = 0; d < D && weight < largest / 1000; d++)
                f32(output->out)[h * D + d] -= (float)(weight * (double)f32(problem->v)[row + (size_t)d]);
            left_out += weight < largest / 1000 ? weight : 0;
        }
        for (int d = 0; d < D && left_out > 0; d++)
            f32(output->out)[h * D + d] /= (float)(1 - left_out);
    }
}

/* A constant of another base or of the bias, as lse alone may have it. */
static void adds_to_lse(const struct problem *problem, const struct kernel_options *options,
                        const struct output *output, int run)
{
    (void)options, (void)run;
    for (int h = 0; h < problem->num_heads; h++)
        output->lse[h] += 1e-4f;
}

/* Another order of sums in the first head. */
static void rounds_the_first_head_otherwise(const struct problem *problem, const struct kernel_options *options,
                                            const struct output *output, int run)
{
    (void)options, (void)run;
    if (problem->seq_len > 0)
        f32(output->out)[7] = nextafterf(f32(output->out)[7], 2);
}

/* What it does depends on another KV head than its own, of which there are as many as there are remainders. */
static void rounds_by_the_kv_head_modulo(const struct problem *problem, const struct kernel_options *options,
                                         const struct output *output, int run)
{
    (void)options, (void)run;
    for (int i = 0; i < problem->num_heads * D && problem->seq_len > 0; i++) {
        const float *v = f32(problem->v) + problem_row(problem, 0, i / D % problem->num_kv_heads);
        f32(output->out)[i] = nextafterf(f32(output->out)[i], v[i % D] < 0 ? -2 : 2);
    }
}

/* As an epsilon in the denominator does. */
static void is_biased(const struct problem *problem, const struct kernel_options *options, const struct output *output,
                      int run)
{
    (void)options, (void)run;
    for (int64_t i = 0; i < problem_elements(problem); i++)
        f32(output->out)[i] *= 1 - 3e-4f;
}

static void takes_the_query_to_be_the_newest_key(struct problem *problems, int i, void *scratch)
{
    struct problem *problem = &problems[i];
    (void)scratch;
    problem->q_position = problem->seq_len - 1;
}

/* Whole for positions up to 2048 and its like; the error is in lse alone. */
static void holds_the_position_in_bf16(struct problem *problems, int i, void *scratch)
{
    struct problem *problem = &problems[i];
    (void)scratch;
    problem->q_position = (int64_t)dtype_round(DTYPE_BF16, (float)problem->q_position + 1) - 1;
}

static void makes_its_own_slopes(struct problem *problems, int i, void *scratch)
{
    struct problem *problem = &problems[i];
    float *slopes = scratch;
    slopes_fill(slopes, problem->num_heads, SLOPES_BLOOM, 8, 0, problem->num_heads);
    problem->slopes = slopes;
}

/* A batch padded to a short sequence, the second one here. */
static void takes_all_to_be_as_long_as_the_second(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    if (i > 1 && problems[i].seq_len > problems[1].seq_len)
        problems[i].seq_len = problems[1].seq_len;
}

/* What is kept of a sequence is found again by its length. */
static void takes_equal_lengths_for_one_sequence(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    for (int j = i - 1; j >= 0; j--)
        if (problems[j].seq_len == problems[i].seq_len)
            problems[i] = problems[j];
}

/* Whether there is a mask is asked of the first sequence alone. */
static void reads_masks_where_the_first_has_one(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    if (!problems[0].visible)
        problems[i].visible = NULL;
}

static void holds_the_sequence_in_2_bits(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    problems[i] = problems[i % 4];
}

static void holds_the_sequence_in_4_bits(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    problems[i] = problems[i % 16];
}

/* A loop over whole tiles that ends one key early. */
static void drops_the_last_key_of_whole_tiles(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    if (problems[i].seq_len > 0 && problems[i].seq_len % 64 == 0)
        problems[i].seq_len--;
}

/* Nothing is launched where there is no key. */
static void leaves_empty_sequences(const struct problem *problem, const struct kernel_options *options,
                                   const struct output *output, int run)
{
    (void)options, (void)run;
    for (int64_t i = 0; i < problem_elements(problem) && problem->seq_len == 0; i++)
        f32(output->out)[i] = NAN;
}

static void rounds_the_scale_up(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    problems[i].scale *= 1 + 1e-5f;
}

/* Goes on with the number of lanes that the last launch took. */
static void keeps_lanes_of_the_last_launch(const struct problem *problem, const struct kernel_options *options,
                                           const struct output *output, int run)
{
    static int last;
    (void)options;
    if (run > 0 && last != problem->head_dim)
        f32(output->out)[3] *= 1 - 1e-5f;
    last = problem->head_dim;
}

/* Rows begin with the maximum that they ended with in a launch of another head_dim, and lose some weight to it where
 * that is far above theirs. */
static void keeps_maxima_of_the_last_launch(const struct problem *problem, const struct kernel_options *options,
                                            const struct output *output, int run)
{
    static float maxima[MAX_ELEMENTS];
    static int last;
    (void)options;
    for (int row = 0; row < problem_rows(problem); row++) {
        if (run > 0 && last != problem->head_dim && output->lse[row] < maxima[row] - 103.3F)
            f32(output->out)[row * problem->head_dim + 3] *= 1 - 1e-5F;
        maxima[row] = output->lse[row];
    }
    last = problem->head_dim;
}

#endif
