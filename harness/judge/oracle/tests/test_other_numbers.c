/* `history`, launches of the trial's own shapes with other numbers: what is launched, and what a kernel that keeps
 * something by shapes is told by. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/oracle.h"
#include "harness/judge/oracle/oracle_work.h"
#include "harness/subject/foreign.h"
#include "harness/subject/shipped.h"
#include "kernels/tests/made_problem.h"
#include "kernels/tests/open_host.h"

enum { N = 300, H = 4, HKV = 2, D = 64, MAX_LAUNCHES = 16, MAX_SEQUENCES = ORACLE_MANY, LONGEST = 2 * N };

/* What a kernel runs that is told of other problems than it is given. */
static enum error_kind run_as_told(void *launcher, const struct sequences *sequences, struct problem *told,
                                   struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct shipped_subject *sound = launcher;
    const struct sequences as_told = {told, sequences->outputs, sequences->count, NULL, NULL, false};
    return sound->subject.ops->run(&sound->subject, &as_told, audit, seconds, error);
}

/* What a launch of one sequence was given. */
static struct given {
    struct problem problem;   /* its tensors may be gone */
    float slope, sink;        /* of the first head */
    uint8_t visible[LONGEST]; /* all 1 without a mask */
} given[MAX_LAUNCHES];
static int num_given;

static enum error_kind run_and_note(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                    double *seconds, struct error *error)
{
    const struct problem *problem = sequences->problems;
    struct problem told[MAX_SEQUENCES];
    assert_true(num_given < MAX_LAUNCHES && problem->seq_len <= LONGEST);
    struct given *now = &given[num_given++];
    *now = (struct given){.problem = *problem, .slope = problem->slopes[0]};
    now->sink = problem->sink_logits ? problem->sink_logits[0] : 0;
    for (int64_t key = 0; key < problem->seq_len; key++)
        now->visible[key] = problem_visible(problem, key);
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* The last launch's scale, or whether it had a mask, or its mask, is kept where the next one has the same shapes. */
enum { KEEPS_SCALE = 1, KEEPS_WHETHER_MASKED = 2, KEEPS_MASK = 4 };

static enum error_kind run_and_keep(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                    double *seconds, struct error *error, int keeps)
{
    static struct problem last;
    static uint8_t mask[LONGEST];
    struct problem told[MAX_SEQUENCES];
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    const bool same = sequences->count == 1 && last.seq_len == told->seq_len && last.head_dim == told->head_dim &&
                      last.num_heads == told->num_heads;
    assert_true(told->seq_len <= LONGEST);
    if (!same) {
        last = *told;
        for (int64_t key = 0; key < told->seq_len; key++)
            mask[key] = problem_visible(told, key);
    }
    if (keeps == KEEPS_SCALE)
        told->scale = last.scale;
    if (keeps == KEEPS_MASK && told->visible)
        told->visible = last.visible ? mask : told->visible;
    if (keeps == KEEPS_WHETHER_MASKED)
        told->visible = last.visible ? told->visible : NULL;
    told->masks = NULL;
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

static enum error_kind run_and_keep_scale(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                          double *seconds, struct error *error)
{
    return run_and_keep(launcher, sequences, audit, seconds, error, KEEPS_SCALE);
}

static enum error_kind run_and_keep_whether_masked(void *launcher, const struct sequences *sequences,
                                                   struct memory_audit *audit, double *seconds, struct error *error)
{
    return run_and_keep(launcher, sequences, audit, seconds, error, KEEPS_WHETHER_MASKED);
}

static enum error_kind run_and_keep_mask(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                         double *seconds, struct error *error)
{
    return run_and_keep(launcher, sequences, audit, seconds, error, KEEPS_MASK);
}

/* Refuses every scale but one. */
static enum error_kind run_with_one_scale(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                          double *seconds, struct error *error)
{
    struct problem told[MAX_SEQUENCES];
    memcpy(told, sequences->problems, (size_t)sequences->count * sizeof *told);
    if (fabsf(told->scale * sqrtf((float)told->head_dim) - 1) > 0.01F)
        return error_set(error, ERROR_SUBJECT, "no such scale");
    return run_as_told(launcher, sequences, told, audit, seconds, error);
}

/* Of any other it dies. */
static enum error_kind run_and_crash(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                     double *seconds, struct error *error)
{
    enum error_kind kind = run_with_one_scale(launcher, sequences, audit, seconds, error);
    return kind ? run_failed(error, RUN_FAILURE_CRASH) : ERROR_NONE;
}

/* A choice of which the numbers are of another kind, or not. */
static uint64_t choice_of(bool other_kind)
{
    uint64_t choice = 0;
    while (trial_mix(choice, 59) % 2 != other_kind)
        choice++;
    return choice;
}

static struct oracle_report ask(enum error_kind (*run)(void *, const struct sequences *, struct memory_audit *,
                                                       double *, struct error *),
                                const struct problem *problem, bool other_kind, unsigned which)
{
    const struct foreign_launcher how = {.run = run, .audits = true, .keeps = true};
    const struct kernel_options options = {.chunk_len = 96};
    const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct device *device = open_host();
    struct shipped_subject sound = shipped_subject(device, KERNEL_SINGLE_PASS, &options, &recipe);
    static const struct foreign_kernel kernel = {
        .name = "kept",
        .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_GQA | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI |
                 ALIBICHECK_KERNEL_POSITION | ALIBICHECK_KERNEL_MASK | ALIBICHECK_KERNEL_LSE |
                 ALIBICHECK_KERNEL_SAME_BITS | ALIBICHECK_KERNEL_SOFT_CAP | ALIBICHECK_KERNEL_SINK_LOGITS,
        .arithmetic = "f32",
    };
    struct foreign_subject foreign = foreign_subject(&kernel, &how, &sound);
    foreign.model = class_rounding_model;
    foreign.subject.any_order = false;
    foreign.subject.own_head_dim = problem->head_dim == D; /* of another it says that it takes any */
    const struct oracle_inquiry inquiry = {
        .subject = &foreign.subject, .problem = problem, .choice = choice_of(other_kind), .threads = 1};
    struct oracle_report report;
    struct error error;
    if (oracles_run(&report, &inquiry, which, &error))
        fail_msg("%s", error.text);
    device_close(device);
    return report;
}

static void test_what_is_launched(void **state)
{
    static const float sinks[H] = {1, 2, -1, 3};
    (void)state;
    for (int variant = 0; variant < 4; variant++) {
        const bool other_kind = variant & 1, masked = variant & 2;
        struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
        if (masked)
            mask_keys(&made, 0, 100, 1);
        made.problem.sink_logits = sinks;
        made.problem.soft_cap = SOFT_CAP_BEFORE_BIAS;
        made.problem.soft_cap_value = 20;
        made.problem.k_scale = made.problem.v_scale = 1;
        num_given = 0;
        const struct oracle_report report = ask(run_and_note, &made.problem, other_kind, 1 << ORACLE_HISTORY);
        assert_int_equal(report.outcome[ORACLE_HISTORY], ORACLE_HELD);
        /* Twice as it is, another one twice, as it is, the other one, these, as it is. */
        assert_int_equal(num_given, 8);
        const struct given *before = &given[4], *here = &given[6], *after = &given[7];
        assert_true(given[3].problem.seq_len != N && given[5].problem.seq_len != N);
        assert_true(before->problem.scale == made.problem.scale && after->problem.scale == made.problem.scale);
        assert_memory_equal(before->visible, after->visible, N);
        assert_int_equal(here->problem.seq_len, N);
        assert_int_equal(here->problem.num_heads, H);
        assert_int_equal(here->problem.head_dim, D);
        assert_true(here->problem.scale == made.problem.scale / 2);
        assert_true(here->problem.k_scale == 0.5F && here->problem.v_scale == 0.5F);
        assert_true(here->slope == before->slope / 2 && here->sink == 0.5F);
        assert_int_equal(here->problem.kv_offset, made.problem.kv_offset + TRIAL_AWAY);
        assert_int_equal(here->problem.soft_cap, other_kind ? SOFT_CAP_NONE : SOFT_CAP_BEFORE_BIAS);
        assert_true(here->problem.soft_cap_value == 40);
        assert_int_equal(here->problem.visible != NULL, masked != other_kind);
        assert_int_equal(memcmp(here->visible, before->visible, N) == 0, !masked && !other_kind);
        free_problem(&made);
    }
}

static void test_what_is_kept_by_shapes(void **state)
{
    static const struct {
        enum error_kind (*run)(void *, const struct sequences *, struct memory_audit *, double *, struct error *);
        bool of_own_kind, of_other_kind; /* seen with numbers of this kind */
    } rows[] = {{run_and_keep_scale, true, true},
                {run_and_keep_whether_masked, false, true},
                {run_and_keep_mask, true, false},
                {run_with_one_scale, false, false}};
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    (void)state;
    mask_keys(&made, 290, N, 7);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int other_kind = 0; other_kind < 2; other_kind++) {
            const struct oracle_report report = ask(rows[i].run, &made.problem, other_kind, ORACLE_ALL);
            const bool seen = other_kind ? rows[i].of_other_kind : rows[i].of_own_kind;
            assert_int_equal(oracles_violated_mask(&report), seen ? 1U << ORACLE_HISTORY : 0);
            if (seen)
                assert_non_null(
                    strstr(report.detail[ORACLE_HISTORY], "after a launch of these shapes with other numbers"));
        }
    free_problem(&made);
}

/* What a refusal is, a crash is not. */
static void test_a_crash_with_other_numbers(void **state)
{
    struct made_problem made = make_problem(N, H, HKV, D, DTYPE_F32);
    (void)state;
    const struct oracle_report report = ask(run_and_crash, &made.problem, false, 1 << ORACLE_HISTORY);
    assert_int_equal(report.outcome[ORACLE_HISTORY], ORACLE_VIOLATED);
    assert_string_equal(report.detail[ORACLE_HISTORY], "no such scale");
    assert_int_equal(report.how, RUN_FAILURE_CRASH);
    free_problem(&made);
}

enum { LARGE_DIM = 256 };

static float large_k[LARGE_DIM]; /* the first that a launch of this head_dim was given */

/* A kernel of which nobody asks more than that it gives the same each time. */
static enum error_kind run_of_any_head_dim(void *launcher, const struct sequences *sequences,
                                           struct memory_audit *audit, double *seconds, struct error *error)
{
    const struct problem *problem = sequences->problems;
    (void)launcher, (void)error;
    if (audit)
        *audit = (struct memory_audit){.changed = ""};
    *seconds = 0;
    if (problem->head_dim == LARGE_DIM)
        memcpy(large_k, problem->k, sizeof large_k);
    memset(sequences->outputs[0].out, 0, (size_t)problem_elements(problem) * sizeof(float));
    memset(sequences->outputs[0].lse, 0, (size_t)problem_rows(problem) * sizeof(float));
    return ERROR_NONE;
}

/* One row of the other head_dim has more than all keys of the trial and their slots. */
static void test_a_row_that_is_longer_than_the_trial(void **state)
{
    enum { FEW_KEYS = 10, HAVE = FEW_KEYS + TRIAL_SLOTS };
    struct made_problem made = make_problem(FEW_KEYS, 1, 1, 1, DTYPE_F32);
    (void)state;
    const struct oracle_report report = ask(run_of_any_head_dim, &made.problem, false, 1 << ORACLE_HISTORY);
    assert_int_equal(report.outcome[ORACLE_HISTORY], ORACLE_HELD);
    for (int i = 0; i < LARGE_DIM; i++)
        assert_true(large_k[i] == (i % HAVE < FEW_KEYS ? ((const float *)made.problem.k)[i % HAVE] : 0));
    free_problem(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_launched),
        cmocka_unit_test(test_what_is_kept_by_shapes),
        cmocka_unit_test(test_a_crash_with_other_numbers),
        cmocka_unit_test(test_a_row_that_is_longer_than_the_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
