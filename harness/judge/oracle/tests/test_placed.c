/* Packed tensors at odd multiples of 16 bytes: who is given them, and what comes of kernels that assume more of an
 * address. */
#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/tests/broken_subject.h"
#include "harness/subject/foreign.h"
#include "harness/subject/launch_watch.h"
#include "harness/subject/tensor_strides.h"
#include "kernels/launch_setting.h"

enum does {
    IS_SOUND,
    ERRS,
    REFUSES,
    CRASHES,
    ERRS_OF_NUMBERS,
    CRASHES_OF_NUMBERS,
    REFUSES_AND_ERRS_OF_NUMBERS,
    READS_PAST_K
};

/* A kernel of ours that does so where it is given tensors elsewhere, or lse and the inputs that are numbers. */
struct placed {
    struct shipped_subject *sound;
    enum does does;
    int launches; /* that were placed */
};

static enum error_kind run_placed(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                  double *seconds, struct error *error)
{
    struct placed *placed = launcher;
    struct sequences packed = *sequences;
    packed.strides = NULL;
    const bool tensors = sequences->strides && sequences->strides->of[STRIDED_Q].first > 0,
               shows = placed->does >= ERRS_OF_NUMBERS ? sequences->strides != NULL : tensors;
    const bool reads = placed->does == READS_PAST_K && tensors;
    placed->launches += tensors;
    for (int tensor = 0; tensor < STRIDED_COUNT && tensors; tensor++)
        assert_int_equal((size_t)sequences->strides->of[tensor].first * sizeof(float) % (2 * BUFFER_ALIGNMENT),
                         BUFFER_ALIGNMENT);
    const bool refuses = placed->does == REFUSES || placed->does == REFUSES_AND_ERRS_OF_NUMBERS;
    if ((refuses && tensors) || (shows && (placed->does == CRASHES || placed->does == CRASHES_OF_NUMBERS))) {
        error_set(error, ERROR_SUBJECT, "it does not run");
        return run_failed(error, refuses ? RUN_FAILURE_REFUSAL : RUN_FAILURE_CRASH);
    }
    enum error_kind kind = placed->sound->subject.ops->run(&placed->sound->subject, &packed, audit, seconds, error);
    if (!kind && shows &&
        (placed->does == ERRS || placed->does == ERRS_OF_NUMBERS || placed->does == REFUSES_AND_ERRS_OF_NUMBERS))
        f32(sequences->outputs[0].out)[0] += 1;
    if (reads)
        memory_stray_tell(&audit->read, "k", 70, 64);
    return kind;
}

/* *launches: that were placed. */
static struct oracle_report ask(enum does does, bool places, int *launches)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    struct device *device = open_host();
    struct made_problem made = make_problem(33, 1, 1, D, DTYPE_F32);
    int runs = 0;
    struct broken_subject subject = broken_subject(device, KERNEL_SINGLE_PASS, CHUNK, &recipe, &runs);
    struct placed placed = {.sound = &subject.sound, .does = does};
    const struct foreign_kernel kernel = {
        .name = "placed",
        .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI | ALIBICHECK_KERNEL_LSE |
                 ALIBICHECK_KERNEL_SAME_BITS,
        .arithmetic = "f32",
    };
    const struct foreign_launcher how = {.run = run_placed, .audits = true, .keeps = true, .places = places};
    struct foreign_subject foreign = foreign_subject(&kernel, &how, &placed);
    foreign.model = class_rounding_model;
    foreign.subject.any_order = false;
    struct launch_watch watch = {.num_launches = 0};
    foreign.subject.watch = &watch;
    const struct oracle_inquiry inquiry = {.subject = &foreign.subject, .problem = &made.problem, .threads = 1};
    struct oracle_report report;
    struct error error;
    if (oracles_run(&report, &inquiry, 1 << ORACLE_GUARDS | 1 << ORACLE_STRIDES, &error))
        fail_msg("%s", error.text);
    launch_watch_clear(&watch);
    free_problem(&made);
    device_close(device);
    *launches = placed.launches;
    return report;
}

static void test_what_comes_of_tensors_elsewhere(void **state)
{
    static const struct {
        enum does does;
        enum oracle_outcome outcome;
        const char *detail;
    } rows[] = {
        {IS_SOUND, ORACLE_HELD, ""},
        {ERRS, ORACLE_VIOLATED, "with tensors that begin at an odd multiple of 16 bytes, expected"},
        {REFUSES, ORACLE_NOT_APPLICABLE, "takes packed tensors"},
        {CRASHES, ORACLE_VIOLATED, "with tensors that begin at an odd multiple of 16 bytes: it does not run"},
        {ERRS_OF_NUMBERS, ORACLE_VIOLATED,
         "with lse, masks, slopes, sinks and tables that begin at any number, expected"},
        {CRASHES_OF_NUMBERS, ORACLE_VIOLATED,
         "with lse, masks, slopes, sinks and tables that begin at any number: it does not run"},
        {REFUSES_AND_ERRS_OF_NUMBERS, ORACLE_VIOLATED,
         "with lse, masks, slopes, sinks and tables that begin at any number, expected"},
    };
    int launches;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct oracle_report report = ask(rows[i].does, true, &launches);
        assert_int_equal(report.outcome[ORACLE_STRIDES], rows[i].outcome);
        assert_non_null(strstr(report.detail[ORACLE_STRIDES], rows[i].detail));
        assert_int_equal(report.outcome[ORACLE_GUARDS], ORACLE_HELD);
        assert_true(launches > 0);
    }
}

/* Of which strides say nothing: it shows there alone, since fences are there. */
static void test_what_is_read_past_an_input_is_no_matter_of_strides(void **state)
{
    int launches;
    (void)state;
    const struct oracle_report report = ask(READS_PAST_K, true, &launches);
    assert_int_equal(report.outcome[ORACLE_STRIDES], ORACLE_HELD);
    assert_int_equal(report.outcome[ORACLE_GUARDS], ORACLE_VIOLATED);
    assert_string_equal(report.detail[ORACLE_GUARDS], "in a launch for strides: read at byte 70 of k, which has 64");
}

/* A program behind a pipe lays out itself. */
static void test_who_is_not_given_them(void **state)
{
    int launches;
    (void)state;
    assert_int_equal(ask(ERRS, false, &launches).outcome[ORACLE_STRIDES], ORACLE_NOT_APPLICABLE);
    assert_int_equal(launches, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_comes_of_tensors_elsewhere),
        cmocka_unit_test(test_what_is_read_past_an_input_is_no_matter_of_strides),
        cmocka_unit_test(test_who_is_not_given_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
