/*
 * The oracles: sound kernels are not accused, and each oracle alone catches a kernel broken in its way.
 * ORACLE_TABLE=1 prints broken kernels x oracles as a Markdown table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/judge.h"
#include "harness/judge/oracle.h"
#include "kernels/device.h"
#include "kernels/tests/made_problem.h"

/* A kernel on the host device, and what breaks it. */
struct kernel_run {
    struct device *device;
    enum kernel kernel;
    const struct recipe *recipe;
    /* Changes what the kernel is told of sequence i of a launch; NULL: nothing. */
    void (*before)(struct problem *problems, int i, void *scratch);
    /* Changes what it answers for a sequence; NULL: nothing. */
    void (*after)(const struct problem *problem, const struct kernel_options *options, const struct output *output,
                  int run);
    bool keeps_zeros; /* elements that are 0 are not written */
    int runs;
};

enum { SCRATCH_BYTES = 4096, MAX_SEQUENCES = 3, MAX_ELEMENTS = 4096 };

static enum error_kind run_kernel(void *context, const struct kernel_options *options, const struct problem *problems,
                                  const struct output *outputs, int num_sequences, struct memory_audit *audit,
                                  struct error *error)
{
    static float old[MAX_SEQUENCES][MAX_ELEMENTS];
    struct kernel_run *run = context;
    struct problem told[MAX_SEQUENCES];
    double seconds;
    size_t elements = (size_t)problem_elements(problems);
    _Alignas(64) char scratch[SCRATCH_BYTES];
    assert_true(num_sequences <= MAX_SEQUENCES && elements <= MAX_ELEMENTS);
    memcpy(told, problems, (size_t)num_sequences * sizeof *problems);
    for (int i = 0; i < num_sequences; i++) {
        dtype_widen(problems[i].dtype, outputs[i].out, 0, elements, old[i]);
        if (run->before)
            run->before(told, i, scratch);
    }
    const struct batch batch = {run->kernel, options, run->recipe, told, outputs, num_sequences};
    enum error_kind kind = device_run_batch(run->device, &batch, audit, &seconds, error);
    for (int i = 0; i < num_sequences && !kind; i++) {
        for (size_t e = 0; e < elements && run->keeps_zeros; e++) {
            float value;
            dtype_widen(problems[i].dtype, outputs[i].out, e, 1, &value);
            if (value == 0)
                dtype_narrow(problems[i].dtype, outputs[i].out, e, 1, &old[i][e]);
        }
        if (run->after)
            run->after(&problems[i], options, &outputs[i], run->runs);
    }
    run->runs++;
    return kind;
}

static struct device *open_host(void)
{
    struct device *device;
    struct error error;
    if (device_open(&device, DEVICE_HOST, &(struct device_options){1}, &error))
        fail_msg("%s", error.text);
    return device;
}

static struct oracle_report put_to_oracles(struct kernel_run *run, const struct problem *problem, int64_t chunk_len,
                                           int64_t max_elements, unsigned which)
{
    struct kernel_options options = {.chunk_len = chunk_len};
    struct oracle_subject subject = {
        .run = run_kernel,
        .context = run,
        .kernel = run->kernel,
        .options = &options,
        .recipe = run->recipe,
        .problem = problem,
        .max_elements = max_elements,
        .threads = 1,
    };
    struct oracle_report report;
    struct error error;
    if (oracles_run(&report, &subject, which, &error))
        fail_msg("%s", error.text);
    return report;
}

/* ---- sound kernels ---------------------------------------------------------------------------------------------- */
struct situation {
    const char *what;
    struct {
        int64_t seq_len;
        int num_heads, num_kv_heads, head_dim;
        enum dtype dtype;
    } shape;
    struct {
        int64_t from, to, step;
    } removed;                /* keys */
    int64_t query_before_end; /* keys between the query and the newest */
    bool empty;               /* no key is visible */
    int64_t max_elements;     /* of a trial; 0: the default */
};

static const struct situation situations[] = {
    {.what = "f16", .shape = {130, 4, 4, 64, DTYPE_F16}},
    {.what = "bf16, grouped", .shape = {97, 6, 2, 80, DTYPE_BF16}},
    {.what = "f32, one KV head", .shape = {70, 3, 1, 64, DTYPE_F32}},
    {.what = "one key", .shape = {1, 2, 2, 64, DTYPE_F16}},
    {.what = "one head", .shape = {65, 1, 1, 64, DTYPE_F32}},
    {.what = "holes", .shape = {150, 4, 2, 64, DTYPE_F32}, .removed = {1, 150, 3}},
    {.what = "only old keys", .shape = {150, 2, 2, 64, DTYPE_F16}, .removed = {40, 150, 1}},
    {.what = "first chunks empty", .shape = {150, 2, 2, 64, DTYPE_BF16}, .removed = {0, 140, 1}},
    {.what = "query among the keys",
     .shape = {100, 4, 2, 64, DTYPE_F32},
     .removed = {5, 50, 2},
     .query_before_end = 60},
    {.what = "query past the keys", .shape = {100, 2, 2, 64, DTYPE_F16}, .query_before_end = -50},
    {.what = "no key", .shape = {60, 2, 1, 64, DTYPE_F16}, .removed = {0, 60, 1}, .empty = true},
    {.what = "part of the heads",
     .shape = {64, 8, 4, 64, DTYPE_F32},
     .removed = {3, 60, 7},
     .max_elements = 64 * 4 * 64},
    {.what = "part of the keys",
     .shape = {300, 12, 3, 64, DTYPE_F16},
     .removed = {120, 300, 1},
     .max_elements = 100 * 4 * 64},
};

/* The sentinels that are right in every problem, and in any chunk of one. An empty row is promised by two of them. */
static void test_sound_kernels_hold(void **state)
{
    static const enum sentinel_policy policies[] = {SENTINEL_INFINITY, SENTINEL_EXCLUDE, SENTINEL_ADAPTIVE};
    struct device *device = open_host();
    (void)state;
    for (size_t i = 0; i < sizeof situations / sizeof situations[0]; i++) {
        const struct situation *situation = &situations[i];
        struct made_problem made =
            make_problem(situation->shape.seq_len, situation->shape.num_heads, situation->shape.num_kv_heads,
                         situation->shape.head_dim, situation->shape.dtype);
        made.problem.q_position -= situation->query_before_end;
        if (situation->removed.step)
            mask_keys(&made, situation->removed.from, situation->removed.to, situation->removed.step);
        for (int variant = 0; variant < KERNEL_COUNT * 3 * 2; variant++) {
            enum kernel kernel = (enum kernel)(variant % KERNEL_COUNT);
            enum sentinel_policy policy = policies[variant / KERNEL_COUNT % 3];
            struct recipe recipe = {.sentinel.policy = policy,
                                    .bias = variant / KERNEL_COUNT / 3 ? BIAS_ABSOLUTE : BIAS_RELATIVE,
                                    .exponential = variant % 3 ? EXPONENTIAL_POLYNOMIAL : EXPONENTIAL_EX2_APPROX};
            if (situation->empty && policy == SENTINEL_ADAPTIVE)
                continue;
            struct kernel_run run = {.device = device, .kernel = kernel, .recipe = &recipe};
            struct oracle_report report =
                put_to_oracles(&run, &made.problem, variant % 2 ? 64 : 96, situation->max_elements, ORACLE_ALL);
            for (int o = 0; o < ORACLE_COUNT; o++) {
                bool applies = !(o == ORACLE_HEAD_PERMUTATION && situation->shape.num_heads == 1) &&
                               !(o == ORACLE_PARTITION &&
                                 (!kernels[kernel].uses_chunk_len || situation->shape.seq_len <= CHUNK_LEN_MIN));
                if (report.outcome[o] != (applies ? ORACLE_HELD : ORACLE_NOT_APPLICABLE))
                    fail_msg("%s, %s, policy %d, bias %d: %s: %s %s", situation->what, kernels[kernel].name,
                             (int)policy, (int)recipe.bias, oracle_names[o], oracle_outcome_names[report.outcome[o]],
                             report.detail[o]);
            }
        }
        free_problem(&made);
    }
    device_close(device);
}

/* ---- broken kernels --------------------------------------------------------------------------------------------- */
enum { N = 300, H = 4, HKV = 2, D = 64, MASKED_KEY = 290, CHUNK = 96, ZERO_DIM = 5 };

static float *f32(const void *tensor)
{
    return (float *)(uintptr_t)tensor;
}

/* Atomic additions in an order that changes. */
static void differs_by_an_ulp(const struct problem *problem, const struct kernel_options *options,
                              const struct output *output, int run)
{
    (void)problem, (void)options;
    if (run % 2)
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
    f32(output->out)[3] += 0 * f32(problem->v)[problem_row(problem, MASKED_KEY, 0) + 3];
}

/* The first key of the second chunk has 2e-4 of the weight too much. */
static void counts_a_boundary_key_twice(const struct problem *problem, const struct kernel_options *options,
                                        const struct output *output, int run)
{
    (void)run;
    for (int h = 0; h < problem->num_heads; h++)
        for (int d = 0; d < D; d++) {
            float *out = &f32(output->out)[h * D + d];
            size_t row = problem_row(problem, options->chunk_len, problem_kv_head(problem, h));
            *out += 2e-4f * (f32(problem->v)[row + (size_t)d] - *out);
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

/* A batch padded to its shortest sequence, the first one here. */
static void takes_all_to_be_as_long_as_the_first(struct problem *problems, int i, void *scratch)
{
    (void)scratch;
    if (problems[i].seq_len > problems[0].seq_len)
        problems[i].seq_len = problems[0].seq_len;
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
    f32(plan->args.partial_sum)[plan->buffers[BUFFER_PARTIAL_SUM].size_bytes / sizeof(float)] = 1;
}

/* A fused kernel that appends the new token's k in place, at the wrong slot. */
static void writes_into_k(const struct launch_plan *plan)
{
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
        sequences[i].first_row = 0;
    plan_bind(&broken, BUFFER_SEQUENCES, sequences);
    return device_host_ops.launch(state, &broken, seconds, error);
}

/* Memory with room around it for what a kernel writes where it should not. */
enum { MARGIN_BYTES = 4096 };

static enum error_kind allocate_with_margins(void *state, void **memory, size_t size_bytes, struct error *error)
{
    enum error_kind kind = device_host_ops.allocate(state, memory, size_bytes + 2 * MARGIN_BYTES, error);
    if (!kind)
        *memory = (char *)*memory + MARGIN_BYTES;
    return kind;
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
    if (device_open_with(&device, DEVICE_HOST, ops, &(struct device_options){1}, &error))
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
    {.what = "weighs a chunk's first key 2e-4 too much",
     .caught_by = ORACLE_PARTITION,
     .after = counts_a_boundary_key_twice},
    {.what = "gives 3e-4 too little", .caught_by = ORACLE_CONSTANT_V, .after = is_biased},
    {.what = "takes the query to stand at the newest key",
     .caught_by = ORACLE_BIAS_SHIFT,
     .before = takes_the_query_to_be_the_newest_key},
    {.what = "holds the query's position in bf16",
     .caught_by = ORACLE_BIAS_SHIFT,
     .before = holds_the_position_in_bf16},
    {.what = "makes its own slopes", .caught_by = ORACLE_HEAD_PERMUTATION, .before = makes_its_own_slopes},
    {.what = "takes all sequences of a launch to be as long as the first",
     .caught_by = ORACLE_BATCH,
     .before = takes_all_to_be_as_long_as_the_first},
    {.what = "finds all sequences' keys where the first one's are",
     .caught_by = ORACLE_BATCH,
     .launch = launch_with_the_first_rows},
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

/* What a comparison with the truth says at the default tolerance. */
static bool numbers_pass(struct kernel_run *run, const struct problem *problem, const struct truth *truth)
{
    float out[H * D + 1] = {0}, lse_memory[H + 1];
    struct output output = {out, lse_memory + 1};
    struct kernel_options options = {.chunk_len = CHUNK};
    struct tolerance tolerance = {1e-3, 1e-3};
    struct verdict verdict;
    struct error error;
    if (run_kernel(run, &options, problem, &output, 1, NULL, &error) ||
        verdict_reach(&verdict, &output, truth, NULL, NULL, problem, &tolerance, &error))
        fail_msg("%s", error.text);
    bool pass = verdict.total.mismatched + verdict.total.lse_mismatched == 0;
    verdict_clear(&verdict);
    return pass;
}

static void print_heading(void)
{
    printf("| broken kernel | numbers |");
    for (int o = 0; o < ORACLE_COUNT; o++)
        printf(" %s |", oracle_names[o]);
    printf("\n|---|---|");
    for (int o = 0; o < ORACLE_COUNT; o++)
        printf("---|");
    printf("\n");
}

static void print_row(const char *what, bool pass, const struct oracle_report *report)
{
    printf("| %s | %s |", what, pass ? "pass" : "fail");
    for (int o = 0; o < ORACLE_COUNT; o++)
        printf(" %s |", report->outcome[o] == ORACLE_VIOLATED         ? "**caught**"
                        : report->outcome[o] == ORACLE_NOT_APPLICABLE ? "n/a"
                                                                      : "-");
    printf("\n");
}

/* By its own oracle and by no other, and not by the comparison with the truth either. The caller's tensors stay. */
static void test_each_oracle_alone_catches_its_broken_kernel(void **state)
{
    bool table = getenv("ORACLE_TABLE") != NULL, caught[ORACLE_COUNT] = {false};
    size_t k_bytes = (size_t)(N + 1) * HKV * D * sizeof(float);
    struct made_problem made = make_broken_problem(), same = make_broken_problem();
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct truth truth;
    struct truth_options options = {.precision = 128, .threads = 1};
    struct error error;
    (void)state;
    if (truth_init(&truth, &made.problem, &error) || truth_plain(&truth, &made.problem, &options, &error))
        fail_msg("%s", error.text);
    if (table)
        print_heading();
    for (size_t i = 0; i < sizeof broken_kernels / sizeof broken_kernels[0]; i++) {
        const struct broken_kernel *broken = &broken_kernels[i];
        struct device_ops ops;
        misbehave = broken->misbehave;
        struct device *device = open_broken(&ops, broken->misbehave ? launch_and_misbehave
                                                  : broken->launch  ? broken->launch
                                                                    : device_host_ops.launch);
        struct kernel_run run = {device,        KERNEL_SPLIT_KV,     &recipe, broken->before,
                                 broken->after, broken->keeps_zeros, 0};
        struct oracle_report report = put_to_oracles(&run, &made.problem, CHUNK, 0, ORACLE_ALL);
        bool pass = numbers_pass(&run, &made.problem, &truth);
        assert_memory_equal(made.k, same.k, k_bytes);
        if (table)
            print_row(broken->what, pass, &report);
        for (int o = 0; o < ORACLE_COUNT; o++) {
            bool own = o == (int)broken->caught_by;
            if ((report.outcome[o] == ORACLE_VIOLATED) != own)
                fail_msg("a kernel that %s: %s: %s %s", broken->what, oracle_names[o],
                         oracle_outcome_names[report.outcome[o]], report.detail[o]);
            assert_int_equal(report.detail[o][0] != 0, report.outcome[o] != ORACLE_HELD);
            caught[o] |= own;
        }
        assert_int_equal(oracles_violated(&report), 1);
        assert_true(pass);
        device_close(device);
    }
    for (int o = 0; o < ORACLE_COUNT; o++)
        if (!caught[o])
            fail_msg("no broken kernel for %s", oracle_names[o]);
    truth_clear(&truth);
    free_problem(&made);
    free_problem(&same);
}

/* What the broken kernel does shows as well in a part of the problem that is small enough. */
static void test_a_part_of_the_problem_shows_it(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(600, 12, 3, D, DTYPE_F32);
    struct recipe recipe = {.sentinel.policy = SENTINEL_INFINITY};
    (void)state;
    mask_keys(&made, 580, 600, 1);
    static const struct {
        void (*after)(const struct problem *, const struct kernel_options *, const struct output *, int);
        void (*before)(struct problem *, int, void *);
        enum oracle caught_by;
    } kernels_too[] = {{NULL, takes_all_to_be_as_long_as_the_first, ORACLE_BATCH},
                       {is_biased, NULL, ORACLE_CONSTANT_V},
                       {counts_a_boundary_key_twice, NULL, ORACLE_PARTITION},
                       {NULL, takes_the_query_to_be_the_newest_key, ORACLE_BIAS_SHIFT}};
    for (size_t i = 0; i < sizeof kernels_too / sizeof kernels_too[0]; i++) {
        struct kernel_run run = {device, KERNEL_SPLIT_KV, &recipe, kernels_too[i].before, kernels_too[i].after, false,
                                 0};
        struct oracle_report report = put_to_oracles(&run, &made.problem, CHUNK, 250 * 4 * D, ORACLE_ALL);
        assert_int_equal(report.outcome[kernels_too[i].caught_by], ORACLE_VIOLATED);
        assert_int_equal(oracles_violated(&report), 1);
    }
    free_problem(&made);
    device_close(device);
}

/* Every second run differs, as runs with every second poison do. */
static void test_what_alternates_is_not_blamed_on_the_poison(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_broken_problem();
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct kernel_run run = {device, KERNEL_SINGLE_PASS, &recipe, NULL, differs_by_an_ulp, false, 0};
    (void)state;
    struct oracle_report report =
        put_to_oracles(&run, &made.problem, CHUNK, 0, 1 << ORACLE_POISON | 1 << ORACLE_DETERMINISM);
    assert_int_equal(report.outcome[ORACLE_POISON], ORACLE_NOT_APPLICABLE);
    assert_int_equal(report.outcome[ORACLE_DETERMINISM], ORACLE_VIOLATED);
    assert_int_equal(report.outcome[ORACLE_GUARDS], ORACLE_NOT_RUN);
    assert_int_equal(run.runs, 4);
    free_problem(&made);
    device_close(device);
}

/* A sentinel above the logits: masked keys weigh what v they have in, and who changes it changes out. */
static void test_a_leak_is_a_masked_slot_that_matters(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(150, 2, 2, D, DTYPE_F16);
    struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -5}};
    struct kernel_run run = {.device = device, .kernel = KERNEL_SINGLE_PASS, .recipe = &recipe};
    (void)state;
    mask_keys(&made, 40, 150, 1);
    struct oracle_report report = put_to_oracles(&run, &made.problem, CHUNK, 0, 1 << ORACLE_MASKED_SLOTS);
    assert_int_equal(report.outcome[ORACLE_MASKED_SLOTS], ORACLE_VIOLATED);
    free_problem(&made);
    device_close(device);
}

/* A recipe that makes its own slopes promises nothing of heads in another order. */
static void test_own_slopes_promise_no_permutation(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(40, 2, 2, D, DTYPE_F32);
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .slopes = SLOPES_FROM_BLOOM};
    struct kernel_run run = {.device = device, .recipe = &recipe, .before = makes_its_own_slopes};
    (void)state;
    struct oracle_report report = put_to_oracles(&run, &made.problem, CHUNK, 0, ORACLE_ALL);
    assert_int_equal(report.outcome[ORACLE_HEAD_PERMUTATION], ORACLE_NOT_APPLICABLE);
    assert_int_equal(oracles_violated(&report), 0);
    free_problem(&made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_kernels_hold),
        cmocka_unit_test(test_each_oracle_alone_catches_its_broken_kernel),
        cmocka_unit_test(test_a_part_of_the_problem_shows_it),
        cmocka_unit_test(test_what_alternates_is_not_blamed_on_the_poison),
        cmocka_unit_test(test_a_leak_is_a_masked_slot_that_matters),
        cmocka_unit_test(test_own_slopes_promise_no_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
