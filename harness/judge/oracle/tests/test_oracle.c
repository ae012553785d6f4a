/*
 * The oracles: sound kernels are not accused, and each oracle alone catches a kernel broken in its way.
 * ORACLE_TABLE=1 prints broken kernels x oracles as a Markdown table.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/oracle/oracle.h"
#include "harness/judge/oracle/tests/broken_kernel.h"
#include "harness/judge/verdict.h"
#include "harness/subject/launch_watch.h"

static struct oracle_report put_to_oracles(const struct subject *subject, const struct problem *problem,
                                           int64_t max_elements, unsigned which)
{
    struct oracle_inquiry inquiry = {
        .subject = subject,
        .problem = problem,
        .max_elements = max_elements,
        .threads = 1,
    };
    struct oracle_report report;
    struct error error;
    if (oracles_run(&report, &inquiry, which, &error))
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
    {.what = "no key at all", .shape = {0, 2, 1, 64, DTYPE_F16}, .empty = true},
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

/* The sentinels that are right in every problem, and in any chunk of one. An empty row is promised by two of them. Each
 * kernel is in each situation once, and with every choice of the others in one of twelve; soak_names draws more. */
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
        for (enum kernel kernel = 0; kernel < KERNEL_COUNT; kernel++) {
            enum sentinel_policy policy = policies[(i + kernel) % (situation->empty ? 2 : 3)];
            struct recipe recipe = {.sentinel.policy = policy,
                                    .bias = (i / 2 + kernel) % 2 ? BIAS_ABSOLUTE : BIAS_RELATIVE,
                                    .exponential = i % 2 ? EXPONENTIAL_POLYNOMIAL : EXPONENTIAL_EX2_APPROX};
            if (kernel_refusal(kernel, &recipe, situation->shape.dtype, KV_AS_DTYPE))
                continue;
            struct kernel_options options = {.chunk_len = i / 4 % 2 ? 64 : 96};
            struct shipped_subject subject = shipped_subject(device, kernel, &options, &recipe);
            struct oracle_report report =
                put_to_oracles(&subject.subject, &made.problem, situation->max_elements, ORACLE_ALL);
            for (int o = 0; o < ORACLE_COUNT; o++) {
                bool applies = !(o == ORACLE_HEAD_PERMUTATION && situation->shape.num_heads == 1) &&
                               !((o == ORACLE_ONE_KEY || o == ORACLE_EACH_KEY) && situation->empty) &&
                               !(o == ORACLE_QUIET_KEYS && (situation->empty || situation->shape.seq_len == 1)) &&
                               o != ORACLE_STRIDES &&
                               !(o == ORACLE_PARTITION &&
                                 (!kernels[kernel]->uses_chunk_len || situation->shape.seq_len <= CHUNK_LEN_MIN));
                if (report.outcome[o] != (applies ? ORACLE_HELD : ORACLE_NOT_APPLICABLE))
                    fail_msg("%s, %s, policy %d, bias %d: %s: %s %s", situation->what, kernels[kernel]->name,
                             (int)policy, (int)recipe.bias, oracle_names[o], oracle_outcome_names[report.outcome[o]],
                             report.detail[o]);
            }
        }
        free_problem(&made);
    }
    device_close(device);
}

/* Learned sinks have weight that no v and no query moves, and capped biases do not move with the query: oracles that
 * rely on that do not apply, and none of the others accuses anybody. */
static void test_sinks_and_soft_caps_are_no_fault(void **state)
{
    enum { HEADS = 6 };
    static const float sinks[HEADS] = {1.5f, -2, 0, 0.25f, 3, -0.5f};
    static const struct {
        const char *what;
        bool sinks;
        enum soft_cap soft_cap;
        unsigned not_applicable;
    } rows[] = {
        {"sinks", true, SOFT_CAP_NONE, 1 << ORACLE_CONSTANT_V | 1 << ORACLE_BIAS_SHIFT},
        {"a cap before the bias", false, SOFT_CAP_BEFORE_BIAS, 0},
        {"a cap after the bias", false, SOFT_CAP_AFTER_BIAS, 1 << ORACLE_BIAS_SHIFT},
        {"sinks beside a cap", true, SOFT_CAP_AFTER_BIAS, 1 << ORACLE_CONSTANT_V | 1 << ORACLE_BIAS_SHIFT},
    };
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    const struct kernel_options options = {.chunk_len = CHUNK};
    struct device *device = open_host();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int split = 0; split < 2; split++) {
            struct made_problem made = make_problem(200, HEADS, 3, 64, DTYPE_F32);
            made.problem.sink_logits = rows[i].sinks ? sinks : NULL;
            made.problem.soft_cap = rows[i].soft_cap;
            made.problem.soft_cap_value = rows[i].soft_cap ? 2 : 0;
            struct shipped_subject subject =
                shipped_subject(device, split ? KERNEL_SPLIT_KV : KERNEL_SINGLE_PASS, &options, &recipe);
            struct oracle_report report = put_to_oracles(&subject.subject, &made.problem, 0, ORACLE_ALL);
            for (int o = 0; o < ORACLE_COUNT; o++) {
                bool excused = rows[i].not_applicable >> o & 1;
                if (report.outcome[o] == ORACLE_VIOLATED || (excused && report.outcome[o] != ORACLE_NOT_APPLICABLE))
                    fail_msg("%s: %s: %s %s", rows[i].what, oracle_names[o], oracle_outcome_names[report.outcome[o]],
                             report.detail[o]);
            }
            assert_int_equal(report.outcome[ORACLE_CONSTANT_V] == ORACLE_HELD, !rows[i].sinks);
            assert_int_equal(report.outcome[ORACLE_BIAS_SHIFT] == ORACLE_HELD,
                             !(rows[i].not_applicable >> ORACLE_BIAS_SHIFT & 1));
            assert_int_equal(report.outcome[ORACLE_HEAD_PERMUTATION], ORACLE_HELD);
            free_problem(&made);
        }
    device_close(device);
}

/* ---- broken kernels --------------------------------------------------------------------------------------------- */
/* What a comparison with the truth says at the default tolerance. */
static bool numbers_pass(const struct subject *subject, const struct problem *problem, const struct truth *truth)
{
    float out[H * D + 1] = {0}, lse_memory[H + 1];
    struct output output = {out, lse_memory + 1};
    const struct sequences alone = {problem, &output, 1, NULL, NULL, false};
    const struct exhibit exhibit = {problem, &output, truth, .criterion.tolerance = {1e-3, 1e-3, 1e-3}};
    struct verdict verdict;
    struct error error;
    double seconds;
    if (subject->ops->run(subject, &alone, NULL, &seconds, &error) || verdict_reach(&verdict, &exhibit, &error))
        fail_msg("%s", error.text);
    bool pass = verdict.total.mismatched + verdict.total.lse_off == 0;
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
        int runs = 0;
        struct broken_subject subject = broken_subject(device, KERNEL_SPLIT_KV, CHUNK, &recipe, &runs);
        subject.before = broken->before;
        subject.after = broken->after;
        subject.keeps_zeros = broken->keeps_zeros;
        subject.sound.options.page_size = broken->page_size;
        struct foreign_subject foreign = foreign_broken(&subject.sound, broken->cuts);
        const struct subject *put = broken->is_foreign ? &foreign.subject : &subject.subject;
        struct oracle_report report = put_to_oracles(put, &made.problem, 0, ORACLE_ALL);
        bool pass = numbers_pass(put, &made.problem, &truth);
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
    } kernels_too[] = {{NULL, takes_all_to_be_as_long_as_the_second, ORACLE_BATCH},
                       {is_biased, NULL, ORACLE_CONSTANT_V},
                       {places_a_boundary_key_too_near, NULL, ORACLE_PARTITION},
                       {NULL, takes_the_query_to_be_the_newest_key, ORACLE_BIAS_SHIFT}};
    for (size_t i = 0; i < sizeof kernels_too / sizeof kernels_too[0]; i++) {
        int runs = 0;
        struct broken_subject subject = broken_subject(device, KERNEL_SPLIT_KV, CHUNK, &recipe, &runs);
        subject.before = kernels_too[i].before;
        subject.after = kernels_too[i].after;
        struct oracle_report report = put_to_oracles(&subject.subject, &made.problem, 250 * 4 * D, ORACLE_ALL);
        assert_int_equal(report.outcome[kernels_too[i].caught_by], ORACLE_VIOLATED);
        assert_int_equal(oracles_violated(&report), 1);
    }
    free_problem(&made);
    device_close(device);
}

/* Where all of a launch has one length, or pages in common: no other launch of the oracle shows it, nor does another
 * oracle. */
static void test_sequences_of_one_length_and_with_common_pages(void **state)
{
    struct device *device = open_host();
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    (void)state;
    for (size_t i = 0; i < sizeof broken_in_batches / sizeof broken_in_batches[0]; i++) {
        struct made_problem made = make_broken_problem();
        int runs = 0;
        struct broken_subject subject = broken_subject(device, KERNEL_SINGLE_PASS, CHUNK, &recipe, &runs);
        struct foreign_subject foreign = foreign_in_batch(&subject.sound, &broken_in_batches[i]);
        struct oracle_report report = put_to_oracles(&foreign.subject, &made.problem, 0, ORACLE_ALL);
        assert_int_equal(report.outcome[ORACLE_BATCH], ORACLE_VIOLATED);
        assert_int_equal(oracles_violated(&report), 1);
        assert_non_null(strstr(report.detail[ORACLE_BATCH], broken_in_batches[i].run_was));
        free_problem(&made);
    }
    device_close(device);
}

/* What oracles say of a kernel that answers something else after a run, and how often it was run. */
struct asked {
    struct oracle_report report;
    int runs;
};

/* watch: somebody else's kernel; NULL: one of ours. */
static struct asked ask_of(void (*after)(const struct problem *, const struct kernel_options *, const struct output *,
                                         int),
                           struct launch_watch *watch, unsigned which)
{
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct device *device = open_host();
    struct made_problem made = make_broken_problem();
    struct asked asked = {.runs = 0};
    struct broken_subject subject = broken_subject(device, KERNEL_SINGLE_PASS, CHUNK, &recipe, &asked.runs);
    subject.after = after;
    subject.subject.watch = watch;
    asked.report = put_to_oracles(&subject.subject, &made.problem, 0, which);
    free_problem(&made);
    device_close(device);
    return asked;
}

/* Every second run differs, as runs with every second poison do. */
static void test_what_alternates_is_not_blamed_on_the_poison(void **state)
{
    (void)state;
    const struct asked asked = ask_of(differs_by_an_ulp, NULL, 1 << ORACLE_POISON | 1 << ORACLE_DETERMINISM);
    assert_int_equal(asked.report.outcome[ORACLE_POISON], ORACLE_NOT_APPLICABLE);
    assert_int_equal(asked.report.outcome[ORACLE_DETERMINISM], ORACLE_VIOLATED);
    assert_int_equal(asked.report.outcome[ORACLE_GUARDS], ORACLE_NOT_RUN);
    assert_int_equal(asked.runs, 3);
}

/* As a sum of two parts that come in any order. The first four runs are as a kernel would have them that answers to the
 * poison: NaN, a number, a number, NaN. */
static void has_one_of_two_results(const struct problem *problem, const struct kernel_options *options,
                                   const struct output *output, int run)
{
    static const bool is_other[] = {false, true, true, false, false, true, false, true};
    (void)problem, (void)options;
    if (is_other[run % 8])
        f32(output->out)[70] = nextafterf(f32(output->out)[70], 2);
}

static void test_few_results_are_not_blamed_on_the_poison(void **state)
{
    (void)state;
    const struct asked asked = ask_of(has_one_of_two_results, NULL, 1 << ORACLE_POISON | 1 << ORACLE_DETERMINISM);
    assert_int_equal(asked.report.outcome[ORACLE_POISON], ORACLE_NOT_APPLICABLE);
    assert_int_equal(asked.report.outcome[ORACLE_DETERMINISM], ORACLE_VIOLATED);
}

static void differs_in_every_third_run(const struct problem *problem, const struct kernel_options *options,
                                       const struct output *output, int run)
{
    (void)problem, (void)options;
    if (run % 3 == 2)
        f32(output->out)[70] = nextafterf(f32(output->out)[70], 2);
}

static void differs_once(const struct problem *problem, const struct kernel_options *options,
                         const struct output *output, int run)
{
    (void)problem, (void)options;
    if (run == 2 || run == 3)
        f32(output->out)[70] = nextafterf(f32(output->out)[70], 2);
}

/* Of a kernel of ours: base, repeat, another problem, that with all changed at once, the other again, one as it is, and
 * then the run with other masked slots. */
enum { TOGETHER_RUN = 3, SLOTS_RUN = 6 };

static void differs_with_slots(const struct problem *problem, const struct kernel_options *options,
                               const struct output *output, int run)
{
    (void)problem, (void)options;
    if (run == TOGETHER_RUN || run == SLOTS_RUN)
        f32(output->out)[70] = nextafterf(f32(output->out)[70], 2);
}

static void differs_with_all_at_once(const struct problem *problem, const struct kernel_options *options,
                                     const struct output *output, int run)
{
    (void)problem, (void)options;
    if (run == TOGETHER_RUN)
        f32(output->out)[70] = nextafterf(f32(output->out)[70], 2);
}

/* Base, repeat and then the run with other masked slots, which is the third; what follows are runs on end. Of them the
 * first tells nothing. Kernels of ours are not asked again. */
static void test_what_differs_now_and_then_is_found_in_runs_on_end(void **state)
{
    static const struct {
        void (*after)(const struct problem *, const struct kernel_options *, const struct output *, int);
        bool is_ours;
        enum oracle_outcome determinism, masked_slots;
        int runs;
    } rows[] = {
        {differs_in_every_third_run, false, ORACLE_VIOLATED, ORACLE_VIOLATED, 6},
        {differs_with_slots, true, ORACLE_HELD, ORACLE_VIOLATED, SLOTS_RUN + 1},
        {differs_once, false, ORACLE_HELD, ORACLE_VIOLATED, 10},
        {NULL, false, ORACLE_HELD, ORACLE_HELD, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct launch_watch watch = {.num_launches = 0};
        const struct asked asked =
            ask_of(rows[i].after, rows[i].is_ours ? NULL : &watch, 1 << ORACLE_DETERMINISM | 1 << ORACLE_MASKED_SLOTS);
        assert_int_equal(asked.report.outcome[ORACLE_DETERMINISM], rows[i].determinism);
        assert_int_equal(asked.report.outcome[ORACLE_MASKED_SLOTS], rows[i].masked_slots);
        assert_int_equal(asked.runs, rows[i].runs);
        launch_watch_clear(&watch);
    }
}

/* It is told by the last of its oracles, where all of them were asked. */
static void test_what_shows_with_all_changed_at_once_is_told(void **state)
{
    static const unsigned which[] = {ORACLE_ALL, ORACLE_ALL & ~(1u << ORACLE_MASKED_SLOTS)};
    (void)state;
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        const struct asked asked = ask_of(differs_with_all_at_once, NULL, which[i]);
        assert_int_equal(oracles_violated(&asked.report), which[i] == ORACLE_ALL);
        if (which[i] == ORACLE_ALL)
            assert_non_null(strstr(asked.report.detail[ORACLE_HISTORY], "masked slots filled, expected"));
    }
}

/* A sentinel above the logits: masked keys weigh what v they have in, and who changes it changes out. */
static void test_a_leak_is_a_masked_slot_that_matters(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(150, 2, 2, D, DTYPE_F16);
    struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -5}};
    struct kernel_options options = {.chunk_len = CHUNK};
    struct shipped_subject subject = shipped_subject(device, KERNEL_SINGLE_PASS, &options, &recipe);
    (void)state;
    mask_keys(&made, 40, 150, 1);
    struct oracle_report report = put_to_oracles(&subject.subject, &made.problem, 0, 1 << ORACLE_MASKED_SLOTS);
    assert_int_equal(report.outcome[ORACLE_MASKED_SLOTS], ORACLE_VIOLATED);
    assert_int_equal(report.not_finite, 0);
    free_problem(&made);
    device_close(device);
}

/* A layout is named alone where it shows alone; what shows in all of them at once and in none alone is no less wrong.
 * Nobody waits twice for one that hangs. */
static void test_what_shows_in_layouts_together_is_told(void **state)
{
#define ALL_WAYS "with rows apart, heads before keys, tensors that begin at an odd element"
    static const struct {
        const struct foreign_launcher *launcher;
        const char *text;
    } rows[] = {{&packed_keys, "with rows apart, expected"},
                {&one_stride, "with rows apart, heads before keys, expected"},
                {&packed_second, "with rows apart, as the second of 2 in one launch, expected"},
                {&crashes_apart, "with rows apart: it does not run"},
                {&crashes_of_both, ALL_WAYS ": it does not run"},
                {&refuses_apart, ALL_WAYS ": it does not run"},
                {&hangs_apart, ALL_WAYS ": it does not run"}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct device *device = open_host();
        struct made_problem made = make_broken_problem();
        struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
        struct kernel_options options = {.chunk_len = CHUNK};
        struct shipped_subject sound = shipped_subject(device, KERNEL_SINGLE_PASS, &options, &recipe);
        struct foreign_subject foreign = foreign_broken(&sound, FAR_NONE);
        foreign.how = rows[i].launcher;
        struct oracle_report report =
            put_to_oracles(&foreign.subject, &made.problem, 0, 1 << ORACLE_DETERMINISM | 1 << ORACLE_STRIDES);
        assert_int_equal(report.outcome[ORACLE_DETERMINISM], ORACLE_HELD);
        assert_int_equal(report.outcome[ORACLE_STRIDES], ORACLE_VIOLATED);
        if (!strstr(report.detail[ORACLE_STRIDES], rows[i].text))
            fail_msg("%s", report.detail[ORACLE_STRIDES]);
        free_problem(&made);
        device_close(device);
    }
}

/* What is in a masked slot may be NaN: weight 0 times that is no number, where a number is right. */
static void test_a_masked_slot_that_is_read_shows_by_a_nan(void **state)
{
    (void)state;
    const struct asked asked = ask_of(reads_masked_values, NULL, 1 << ORACLE_DETERMINISM | 1 << ORACLE_MASKED_SLOTS);
    assert_int_equal(asked.report.outcome[ORACLE_DETERMINISM], ORACLE_HELD);
    assert_int_equal(asked.report.outcome[ORACLE_MASKED_SLOTS], ORACLE_VIOLATED);
    assert_int_equal(asked.report.not_finite, 1 << ORACLE_MASKED_SLOTS);
}

/* A recipe that makes its own slopes promises nothing of heads in another order. */
static void test_own_slopes_promise_no_permutation(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(40, 2, 2, D, DTYPE_F32);
    struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE, .slopes = SLOPES_FROM_BLOOM};
    int runs = 0;
    struct broken_subject subject = broken_subject(device, KERNEL_SINGLE_PASS, CHUNK, &recipe, &runs);
    (void)state;
    subject.before = makes_its_own_slopes;
    struct oracle_report report = put_to_oracles(&subject.subject, &made.problem, 0, ORACLE_ALL);
    assert_int_equal(report.outcome[ORACLE_HEAD_PERMUTATION], ORACLE_NOT_APPLICABLE);
    assert_int_equal(oracles_violated(&report), 0);
    free_problem(&made);
    device_close(device);
}

/* A kernel that is right but for its slopes is accused of its slopes alone: what rounding does to its result comes from
 * its result, which is elsewhere. One of the first eight has another chunk length show more than rounding does at the
 * truth. */
static void test_wrong_slopes_alone_are_no_other_fault(void **state)
{
    struct device *device = open_host();
    (void)state;
    for (int index = 0; index < 14; index++) {
        struct made_problem made =
            make_sequence(index, 300, 8, 8, 64, index < 8 ? DTYPE_F16 : (enum dtype)(index % DTYPE_COUNT));
        struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE,
                                .slopes = SLOPES_FROM_BLOOM,
                                .bias = index % 2 ? BIAS_ABSOLUTE : BIAS_RELATIVE};
        const struct kernel_options options = {.chunk_len = 96};
        struct shipped_subject subject = shipped_subject(device, KERNEL_SPLIT_KV, &options, &recipe);
        for (int h = 0; h < 8; h++)
            made.slopes[h] *= index % 4 < 2 ? 0.5f : 0.125f;
        struct oracle_report report =
            put_to_oracles(&subject.subject, &made.problem, 0, index < 8 ? 1u << ORACLE_PARTITION : ORACLE_ALL);
        for (int o = 0; o < ORACLE_COUNT; o++)
            if ((report.outcome[o] == ORACLE_VIOLATED) != (o == ORACLE_BIAS_SHIFT && index >= 8))
                fail_msg("problem %d: %s: %s %s", index, oracle_names[o], oracle_outcome_names[report.outcome[o]],
                         report.detail[o]);
        free_problem(&made);
    }
    device_close(device);
}

/* Keys are not shown to a recipe whose sentinel is near what their logits would be: of the problem as it is it may be
 * far. */
static void test_no_key_is_shown_near_a_sentinel(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(130, 4, 4, 64, DTYPE_F32);
    struct recipe recipe = {.sentinel = {SENTINEL_VALUE, -8}};
    const struct kernel_options options = {.chunk_len = 96};
    (void)state;
    struct shipped_subject subject = shipped_subject(device, KERNEL_SPLIT_KV, &options, &recipe);
    const unsigned keys = 1u << ORACLE_ONE_KEY | 1u << ORACLE_EACH_KEY;
    struct oracle_report report = put_to_oracles(&subject.subject, &made.problem, 0, keys);
    assert_int_equal(report.outcome[ORACLE_ONE_KEY], ORACLE_HELD);
    assert_int_equal(report.outcome[ORACLE_EACH_KEY], ORACLE_NOT_APPLICABLE);
    recipe.sentinel.value = -5e4f;
    subject = shipped_subject(device, KERNEL_SPLIT_KV, &options, &recipe);
    report = put_to_oracles(&subject.subject, &made.problem, 0, keys);
    assert_int_equal(report.outcome[ORACLE_ONE_KEY], ORACLE_HELD);
    assert_int_equal(report.outcome[ORACLE_EACH_KEY], ORACLE_HELD);
    free_problem(&made);
    device_close(device);
}

/* Where the scale is so large that no bound of theirs is finite, keys that are told apart show nothing: a bound that is
 * no number accuses nobody. */
static void test_a_bound_that_is_no_number_accuses_nobody(void **state)
{
    struct device *device = open_host();
    struct made_problem made = make_problem(130, 4, 4, 64, DTYPE_F32);
    struct recipe recipe = {.sentinel = {SENTINEL_EXCLUDE, 0}};
    const struct kernel_options options = {.chunk_len = 96};
    (void)state;
    struct shipped_subject subject = shipped_subject(device, KERNEL_SPLIT_KV, &options, &recipe);
    for (int exponent = 20; exponent <= 60; exponent += 4) {
        made.problem.scale = ldexpf(1, exponent);
        struct oracle_report report = put_to_oracles(&subject.subject, &made.problem, 0, ORACLE_ALL);
        for (int o = 0; o < ORACLE_COUNT; o++)
            if (report.outcome[o] == ORACLE_VIOLATED)
                fail_msg("scale 2^%d: %s %s", exponent, oracle_names[o], report.detail[o]);
    }
    free_problem(&made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_kernels_hold),
        cmocka_unit_test(test_sinks_and_soft_caps_are_no_fault),
        cmocka_unit_test(test_each_oracle_alone_catches_its_broken_kernel),
        cmocka_unit_test(test_a_part_of_the_problem_shows_it),
        cmocka_unit_test(test_sequences_of_one_length_and_with_common_pages),
        cmocka_unit_test(test_what_alternates_is_not_blamed_on_the_poison),
        cmocka_unit_test(test_few_results_are_not_blamed_on_the_poison),
        cmocka_unit_test(test_what_differs_now_and_then_is_found_in_runs_on_end),
        cmocka_unit_test(test_what_shows_with_all_changed_at_once_is_told),
        cmocka_unit_test(test_a_leak_is_a_masked_slot_that_matters),
        cmocka_unit_test(test_what_shows_in_layouts_together_is_told),
        cmocka_unit_test(test_a_masked_slot_that_is_read_shows_by_a_nan),
        cmocka_unit_test(test_own_slopes_promise_no_permutation),
        cmocka_unit_test(test_wrong_slopes_alone_are_no_other_fault),
        cmocka_unit_test(test_no_key_is_shown_near_a_sentinel),
        cmocka_unit_test(test_a_bound_that_is_no_number_accuses_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
