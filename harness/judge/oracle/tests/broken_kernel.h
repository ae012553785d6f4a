/*
 * Kernels broken on purpose for the tests of the oracles, one way each: in what they are told, in what they answer, or
 * in what they do to the device's memory.
 */
#ifndef HARNESS_JUDGE_ORACLE_TESTS_BROKEN_KERNEL_H
#define HARNESS_JUDGE_ORACLE_TESTS_BROKEN_KERNEL_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/judge/oracle/oracle_work.h"
#include "harness/judge/oracle/trial.h"
#include "harness/subject/far_tensor.h"
#include "harness/subject/foreign.h"
#include "harness/subject/shipped.h"
#include "kernels/device/device.h"
#include "kernels/dialect/simt.h"
#include "kernels/tests/made_problem.h"

/* A kernel on the host device, and what breaks it. */
struct broken_subject {
    struct subject subject; /* first */
    struct shipped_subject sound;
    /* Changes what the kernel is told of sequence i of a launch; NULL: nothing. */
    void (*before)(struct problem *problems, int i, void *scratch);
    /* Changes what it answers for a sequence; NULL: nothing. */
    void (*after)(const struct problem *problem, const struct kernel_options *options, const struct output *output,
                  int run);
    bool keeps_zeros; /* elements that are 0 are not written */
    int *runs;        /* so far */
};

enum { SCRATCH_BYTES = 4096, MAX_SEQUENCES = ORACLE_MANY, MAX_ELEMENTS = 4096 };

static enum error_kind run_broken(const struct subject *subject, const struct sequences *sequences,
                                  struct memory_audit *audit, double *seconds, struct error *error)
{
    static float old[MAX_SEQUENCES][MAX_ELEMENTS];
    const struct broken_subject *broken = (const struct broken_subject *)(const void *)subject;
    const struct problem *problems = sequences->problems;
    struct problem told[MAX_SEQUENCES];
    size_t elements = (size_t)problem_elements(problems);
    _Alignas(64) char scratch[SCRATCH_BYTES];
    assert_true(sequences->count <= MAX_SEQUENCES && elements <= MAX_ELEMENTS);
    memcpy(told, problems, (size_t)sequences->count * sizeof *problems);
    for (int i = 0; i < sequences->count; i++) {
        dtype_widen(problems[i].dtype, sequences->outputs[i].out, 0, elements, old[i]);
        if (broken->before)
            broken->before(told, i, scratch);
    }
    const struct sequences as_told = {told, sequences->outputs, sequences->count, sequences->pages, NULL, false};
    enum error_kind kind = broken->sound.subject.ops->run(&broken->sound.subject, &as_told, audit, seconds, error);
    for (int i = 0; i < sequences->count && !kind; i++) {
        const struct output *output = &sequences->outputs[i];
        for (size_t e = 0; e < elements && broken->keeps_zeros; e++) {
            float value;
            dtype_widen(problems[i].dtype, output->out, e, 1, &value);
            if (value == 0)
                dtype_narrow(problems[i].dtype, output->out, e, 1, &old[i][e]);
        }
        if (broken->after)
            broken->after(&problems[i], &broken->sound.options, output, *broken->runs);
    }
    ++*broken->runs;
    return kind;
}

static struct rounding_model rounding_of_sound(const struct subject *subject, const struct problem *problem)
{
    const struct subject *sound = &((const struct broken_subject *)(const void *)subject)->sound.subject;
    return sound->ops->rounding(sound, problem);
}

/* The same break in a subject that is launched otherwise. */
static struct subject *broken_too(const struct broken_subject *broken, struct subject *sound)
{
    struct broken_subject *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    *copy = *broken;
    copy->sound = *(struct shipped_subject *)(void *)sound;
    subject_release(sound);
    return &copy->subject;
}

static enum error_kind resettle_broken(const struct subject *subject, const struct launch_setting *setting,
                                       struct subject **other, char *text, struct error *error)
{
    const struct broken_subject *broken = (const struct broken_subject *)(const void *)subject;
    struct subject *sound;
    enum error_kind kind = broken->sound.subject.ops->resettle(&broken->sound.subject, setting, &sound, text, error);
    *other = !kind && sound ? broken_too(broken, sound) : NULL;
    return kind;
}

static enum error_kind repartition_broken(const struct subject *subject, int64_t seq_len, struct subject **other,
                                          char *text, struct error *error)
{
    const struct broken_subject *broken = (const struct broken_subject *)(const void *)subject;
    struct subject *sound;
    enum error_kind kind = broken->sound.subject.ops->repartition(&broken->sound.subject, seq_len, &sound, text, error);
    *other = !kind && sound ? broken_too(broken, sound) : NULL;
    return kind;
}

static const struct subject_ops broken_ops = {
    .run = run_broken,
    .rounding = rounding_of_sound,
    .repartition = repartition_broken,
    .resettle = resettle_broken,
};

/* A kernel with nothing broken yet; runs: a count of the caller's, 0. */
static struct broken_subject broken_subject(struct device *device, enum kernel kernel, int64_t chunk_len,
                                            const struct recipe *recipe, int *runs)
{
    const struct kernel_options options = {.chunk_len = chunk_len};
    struct broken_subject broken = {.sound = shipped_subject(device, kernel, &options, recipe), .runs = runs};
    broken.subject = broken.sound.subject;
    broken.subject.ops = &broken_ops;
    return broken;
}

enum { N = 300, H = 4, HKV = 2, D = 64, MASKED_KEY = 290, CHUNK = 96, ZERO_DIM = 5 };

static float *f32(const void *tensor)
{
    return (float *)(uintptr_t)tensor;
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

/* The weight of a key in a row that is right. */
static double weight_in(const struct problem *problem, int64_t key, int head, const struct output *output)
{
    size_t row = problem_row(problem, key, problem_kv_head(problem, head));
    double logit = (double)problem->slopes[head] * (double)problem_distance(problem, key);
    for (int d = 0; d < D; d++)
        logit += problem_logit_scale(problem) * (double)f32(problem->q)[head * D + d] *
                 (double)f32(problem->k)[row + (size_t)d];
    return problem_visible(problem, key) ? exp(logit - (double)output->lse[head]) : 0;
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

/* ---- kernels that are broken in the device's memory: what they do beside their launches -------------------------- */

static void writes_past_out(const struct launch_plan *plan)
{
    f32(plan->args.out)[plan->buffers[BUFFER_OUT].size_bytes / sizeof(float)] = 0;
}

static void writes_before_lse(const struct launch_plan *plan)
{
    f32(plan->args.lse)[-1] = 0;
}

static void writes_past_partial_sums(const struct launch_plan *plan)
{
    enum { PARTIAL_SUM = 1 }; /* of split_kv's workspace */
    f32(plan->args.workspace[PARTIAL_SUM])[plan->buffers[BUFFER_WORKSPACE + PARTIAL_SUM].size_bytes / sizeof(float)] =
        1;
}

/* A fused kernel that appends the new token's k in place, at the wrong slot. */
static void writes_into_k(const struct launch_plan *plan)
{
    if (plan->buffers[BUFFER_K].size_bytes > (17 * HKV + 2) * D * sizeof(float) && !plan->cache.far)
        f32(plan->args.k)[(17 * HKV + 1) * D] += 0.5f;
}

static void (*misbehave)(const struct launch_plan *plan);

static enum error_kind launch_and_misbehave(void *state, const struct launch_plan *plan, double *seconds,
                                            struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind)
        misbehave(plan);
    return kind;
}

/* Finds the keys of every sequence of a launch where those of the first are. */
static enum error_kind launch_with_the_first_rows(void *state, const struct launch_plan *plan, double *seconds,
                                                  struct error *error)
{
    struct launch_plan broken = *plan;
    struct sequence_args sequences[MAX_SEQUENCES];
    int count = (int)(plan->buffers[BUFFER_SEQUENCES].size_bytes / sizeof *sequences);
    memcpy(sequences, plan->args.sequences, plan->buffers[BUFFER_SEQUENCES].size_bytes);
    for (int i = 0; i < count; i++)
        sequences[i].first_row = sequences[0].first_row;
    plan_bind(&broken, BUFFER_SEQUENCES, sequences);
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* One launch more, in which one warp hands the first head's out to another, and nobody waits. */
struct handed {
    float *out;
};

SIMT_KERNEL(hand_over, struct handed, args)
{
    __shared__ float row[WARP_SIZE];
    unsigned lane = threadIdx.x % WARP_SIZE;
    if (threadIdx.x < WARP_SIZE)
        row[lane] = args.out[lane];
    else /* __syncthreads() is missing */
        args.out[lane] = row[lane];
    __syncthreads();
    row[lane] = 0;
}

static enum error_kind launch_without_a_barrier(void *state, const struct launch_plan *plan, double *seconds,
                                                struct error *error)
{
    const struct handed args = {plan->args.out};
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    return kind ? kind
                : simt_launch(state, "hand_over", host_hand_over, &args, &(struct simt_grid){1, 1, 1, 64}, error);
}

/* Copies of 64 bytes, from where they may begin. */
static enum error_kind launch_with_k_at_64_bytes(void *state, const struct launch_plan *plan, double *seconds,
                                                 struct error *error)
{
    struct launch_plan broken = *plan;
    broken.args.k = (const void *)((uintptr_t)plan->args.k & ~(uintptr_t)63);
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* Adds 0 times an element that is `at` elements from a buffer's beginning. */
static void read_beside(const struct launch_plan *plan, const void *buffer, ptrdiff_t at)
{
    f32(plan->args.out)[5] += 0 * f32(buffer)[at];
}

/* A copy that begins a row early. */
static enum error_kind launch_and_read_before_v(void *state, const struct launch_plan *plan, double *seconds,
                                                struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind)
        read_beside(plan, plan->args.v, -D);
    return kind;
}

/* A tile that ends more slots past the last key than there are. */
static enum error_kind launch_and_read_past_the_slots(void *state, const struct launch_plan *plan, double *seconds,
                                                      struct error *error)
{
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind)
        read_beside(plan, plan->args.v, (ptrdiff_t)(plan->buffers[BUFFER_V].size_bytes / sizeof(float)) + D);
    return kind;
}

/* The index of an element in an int. */
static enum error_kind launch_with_int_indices(void *state, const struct launch_plan *plan, double *seconds,
                                               struct error *error)
{
    struct launch_plan broken = *plan;
    struct sequence_args sequences[MAX_SEQUENCES];
    int count = (int)(plan->buffers[BUFFER_SEQUENCES].size_bytes / sizeof *sequences);
    int64_t row = (int64_t)plan->args.num_kv_heads * plan->args.head_dim;
    memcpy(sequences, plan->args.sequences, plan->buffers[BUFFER_SEQUENCES].size_bytes);
    for (int i = 0; i < count; i++)
        sequences[i].first_row = (int32_t)(uint32_t)(uint64_t)(sequences[i].first_row * row) / row;
    plan_bind(&broken, BUFFER_SEQUENCES, sequences);
    return device_host_ops.launch(state, &broken, seconds, error);
}

static enum error_kind launch_with_page_table(void *state, const struct launch_plan *plan, int32_t (*made_of)(int32_t),
                                              double *seconds, struct error *error)
{
    struct launch_plan broken = *plan;
    size_t entries = plan->buffers[BUFFER_PAGE_TABLE].size_bytes / sizeof(int32_t);
    int32_t *table = malloc(entries * sizeof *table);
    assert_non_null(table);
    for (size_t i = 0; i < entries; i++)
        table[i] = made_of(plan->args.page_table[i]);
    plan_bind(&broken, BUFFER_PAGE_TABLE, table);
    enum error_kind kind = device_host_ops.launch(state, &broken, seconds, error);
    free(table);
    return kind;
}

static int32_t in_16_bits(int32_t page)
{
    return (int16_t)(uint16_t)(uint32_t)page;
}

static enum error_kind launch_with_pages_of_16_bits(void *state, const struct launch_plan *plan, double *seconds,
                                                    struct error *error)
{
    return launch_with_page_table(state, plan, in_16_bits, seconds, error);
}

/* A copy goes on into the next page of the pool, whoever has it. */
static enum error_kind launch_and_read_a_neighbour(void *state, const struct launch_plan *plan, double *seconds,
                                                   struct error *error)
{
    const ptrdiff_t page = (ptrdiff_t)plan->args.page_size * plan->args.num_kv_heads * plan->args.head_dim;
    const size_t entries = plan->buffers[BUFFER_PAGE_TABLE].size_bytes / sizeof(int32_t);
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    for (size_t i = 0; i < 4 && i < entries && !kind; i++)
        read_beside(plan, plan->args.v, (plan->args.page_table[i] + 1) * page);
    return kind;
}

/* Takes partial results for its own that it finds in its workspace. */
static enum error_kind launch_with_what_is_there(void *state, const struct launch_plan *plan, double *seconds,
                                                 struct error *error)
{
    struct launch_plan broken = *plan;
    const float found = *f32(plan->args.workspace[0]);
    if (found != 0 && !isnan(found)) { /* the merge alone */
        broken.launches[0] = plan->launches[plan->num_launches - 1];
        broken.num_launches = 1;
    }
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* Merges a chunk too many where a longer launch has left more chunks in the workspace, of weight 2e-4. */
static enum error_kind launch_with_chunks_of_before(void *state, const struct launch_plan *plan, double *seconds,
                                                    struct error *error)
{
    static int left;
    int chunks = plan->sequences[0].num_chunks;
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    if (!kind && plan->setting.workspace == WORKSPACE_KEPT && chunks < left)
        *f32(plan->args.out) *= 1 - 2e-4f;
    left = plan->setting.workspace == WORKSPACE_OWN ? 0 : chunks;
    return kind;
}

/* Goes on with the number of lanes that the last launch took. */
static void keeps_lanes_of_the_last_launch(const struct problem *problem, const struct kernel_options *options,
                                           const struct output *output, int run)
{
    static int last;
    (void)options;
    if (run > 0 && last != problem->head_dim)
        f32(output->out)[3] *= 1 - 2e-4f;
    last = problem->head_dim;
}

/* Memory with room around it for what a kernel writes where it should not. */
enum { MARGIN_BYTES = 4096 };

static enum error_kind allocate_with_margins(void *state, void **memory, size_t size_bytes, struct error *error)
{
    enum error_kind kind = device_host_ops.allocate(state, memory, size_bytes + 2 * MARGIN_BYTES, error);
    if (kind)
        return kind;
    memset(*memory, 0, size_bytes + 2 * MARGIN_BYTES);
    *memory = (char *)*memory + MARGIN_BYTES;
    return ERROR_NONE;
}

static void release_with_margins(void *state, void *memory)
{
    device_host_ops.release(state, memory ? (char *)memory - MARGIN_BYTES : NULL);
}

/* The host device with another launch, in memory of its own as a GPU has it. */
static struct device *open_broken(struct device_ops *ops,
                                  enum error_kind (*launch)(void *state, const struct launch_plan *plan,
                                                            double *seconds, struct error *error))
{
    struct device *device;
    struct error error;
    *ops = device_host_ops;
    ops->shares_memory = false;
    ops->allocate = allocate_with_margins;
    ops->release = release_with_margins;
    ops->launch = launch;
    if (device_open_with(&device, DEVICE_HOST, ops, &(struct device_options){.threads = 1}, &error))
        fail_msg("%s", error.text);
    return device;
}

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
    {.what = "takes all sequences of a launch to be as long as the second",
     .caught_by = ORACLE_BATCH,
     .before = takes_all_to_be_as_long_as_the_second},
    {.what = "takes sequences of one length for one",
     .caught_by = ORACLE_BATCH,
     .before = takes_equal_lengths_for_one_sequence},
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
};

/* ---- a kernel that is not ours ----------------------------------------------------------------------------------- */

/* That takes strides, and reads k by none: the host device's, of what stands where k would be packed. */
static enum error_kind run_with_packed_keys(void *launcher, const struct sequences *sequences,
                                            struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct shipped_subject *sound = launcher;
    struct problem told[MAX_SEQUENCES];
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    void *memory = NULL;
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    if (sequences->strides) {
        const struct tensor_strides *strides = &sequences->strides->of[STRIDED_K];
        const struct strided_shape shape = strided_shape(told, NULL, STRIDED_K);
        const size_t bytes = strided_bytes(strides, &shape), first = (size_t)strides->first * sizeof(float);
        assert_int_equal(sequences->count, 1);
        assert_non_null(memory = malloc(bytes));
        memset(memory, dtype_nan_byte(told->dtype), bytes);
        strided_spread(memory, told->k, strides, &shape);
        told->k = (char *)memory + first;
        told->kv_slots = 0; /* the copy has none */
    }
    enum error_kind kind = sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
    free(memory);
    return kind;
}

/* That takes strides, and reads k where 32 bits hold of one stride's share of an offset what they can. */
static enum error_kind run_with_offsets_of_32_bits(void *launcher, const struct sequences *sequences,
                                                   struct memory_audit *audit, double *seconds, struct error *error,
                                                   enum far_axis cuts)
{
    const struct shipped_subject *sound = launcher;
    struct problem told[MAX_SEQUENCES];
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    struct far_tensor far = {.memory = NULL};
    char *memory = NULL;
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    if (sequences->strides && sequences->strides->far_elements > 0) {
        const struct tensor_strides *strides = &sequences->strides->of[STRIDED_K];
        const struct strided_shape shape = strided_shape(told, NULL, STRIDED_K);
        const int64_t rows = strided_rows(&shape), row_bytes = shape.dim * (int64_t)sizeof(float);
        assert_int_equal(sequences->count, 1);
        assert_non_null(memory = malloc((size_t)(rows * row_bytes)));
        assert_true(far_tensor_make(&far, told->k, strides, &shape, sequences->strides->far_elements));
        for (int64_t i = 0; i < rows; i++) {
            const int64_t of_key = i / shape.heads * strides->row, of_head = i % shape.heads * strides->head;
            const int64_t place =
                cuts == FAR_ROWS ? (int32_t)(uint32_t)of_key + of_head : of_key + (int32_t)(uint32_t)of_head;
            memcpy(memory + i * row_bytes, far.first + place * (int64_t)sizeof(float), (size_t)row_bytes);
        }
        told->k = memory;
        told->kv_slots = 0; /* the copy has none */
    }
    enum error_kind kind = sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
    far_tensor_clear(&far);
    free(memory);
    return kind;
}

static enum error_kind run_with_keys_of_32_bits(void *launcher, const struct sequences *sequences,
                                                struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_with_offsets_of_32_bits(launcher, sequences, audit, seconds, error, FAR_ROWS);
}

static enum error_kind run_with_heads_of_32_bits(void *launcher, const struct sequences *sequences,
                                                 struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_with_offsets_of_32_bits(launcher, sequences, audit, seconds, error, FAR_HEADS);
}

/* Runs sequences as others than they are. */
static enum error_kind run_as_told(void *launcher, const struct sequences *sequences, struct problem *told,
                                   struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct shipped_subject *sound = launcher;
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    return sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
}

/* A path of its own for launches whose sequences have one length, in which v is the first one's. */
static enum error_kind run_with_one_length(void *launcher, const struct sequences *sequences,
                                           struct memory_audit *audit, double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    bool one_length = true;
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        one_length &= told[i].seq_len == told[0].seq_len;
    }
    for (int i = 0; i < sequences->count && one_length; i++)
        told[i].v = told[0].v;
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* Goes through the pool, where a page is of the last sequence that has it: others do without. */
static enum error_kind run_with_owned_pages(void *launcher, const struct sequences *sequences,
                                            struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct paged_cache *pages = sequences->pages;
    struct problem told[MAX_SEQUENCES];
    for (int i = 0; i < sequences->count; i++) {
        told[i] = sequences->problems[i];
        for (int later = i + 1; later < sequences->count; later++)
            if (told[i].seq_len > 0 && sequences->problems[later].seq_len > 0 &&
                pages->block_table[i * pages->max_pages] == pages->block_table[later * pages->max_pages])
                told[i].seq_len -= pages->page_size;
    }
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

static const struct foreign_launcher of_32_bits[] = {
    [FAR_ROWS] = {.run = run_with_keys_of_32_bits, .audits = true, .keeps = true, .far = true},
    [FAR_HEADS] = {.run = run_with_heads_of_32_bits, .audits = true, .keeps = true, .far = true}};
static const struct foreign_launcher packed_keys = {.run = run_with_packed_keys, .audits = true, .keeps = true};
static const struct foreign_kernel with_packed_keys = {
    .name = "packed_keys",
    .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
             ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_SAME_BITS |
             ALIBICHECK_KERNEL_STRIDES,
    .arithmetic = "f32",
};

static const struct foreign_kernel with_pages = {
    .name = "with_pages",
    .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
             ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE | ALIBICHECK_KERNEL_SAME_BITS |
             ALIBICHECK_KERNEL_PAGES,
    .arithmetic = "f32",
};

/* In a batch. */
static const struct broken_in_batch {
    const char *run_was; /* as what of a launch it is seen */
    struct foreign_launcher launcher;
} broken_in_batches[] = {
    {"as the second of 2 of one length in one launch, v constant",
     {.run = run_with_one_length, .audits = true, .keeps = true}},
    {"as the first of 2 in one launch that share their first pages",
     {.run = run_with_owned_pages, .audits = true, .keeps = true}},
};

static struct foreign_subject foreign_broken(struct shipped_subject *sound, enum far_axis cuts)
{
    struct foreign_subject foreign = foreign_subject(&with_packed_keys, cuts ? &of_32_bits[cuts] : &packed_keys, sound);
    foreign.model = class_rounding_model; /* of f32: no other roundings */
    foreign.subject.any_order = false;
    return foreign;
}

static struct foreign_subject foreign_in_batch(struct shipped_subject *sound, const struct broken_in_batch *broken)
{
    const struct foreign_subject foreign = foreign_subject(&with_pages, &broken->launcher, sound);
    struct foreign_subject paged = foreign_subject_paged(&foreign, &(struct page_setting){.size = 16});
    paged.model = class_rounding_model;
    paged.subject.any_order = false;
    return paged;
}

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
