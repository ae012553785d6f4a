/* Kernels that keep how a launch of two sequences was cut for the launch behind it alone: which choice of the oracle of
 * batches shows what they keep it by. */
#include "harness/judge/class/class_rounding.h"
#include "harness/judge/oracle/tests/broken_subject.h"
#include "harness/subject/foreign.h"

enum { NUM_KEYS = 100, PAIR = 2 };

/* A kernel of ours that is given no more keys than the plan has. */
struct planner {
    struct shipped_subject *sound;
    int of;                /* the sequence whose length a plan is kept by */
    int64_t length;        /* of that, when the plan was made */
    int64_t planned[PAIR]; /* keys */
};

static enum error_kind run_as_planned(void *launcher, const struct sequences *sequences, struct memory_audit *audit,
                                      double *seconds, struct error *error)
{
    struct planner *planner = launcher;
    struct sequences told = *sequences;
    struct problem problems[PAIR];
    if (sequences->count == PAIR) {
        memcpy(problems, sequences->problems, sizeof problems);
        for (int i = 0; i < PAIR; i++) {
            if (planner->length != sequences->problems[planner->of].seq_len)
                planner->planned[i] = problems[i].seq_len;
            if (problems[i].seq_len > planner->planned[i])
                problems[i].seq_len = planner->planned[i];
        }
        told.problems = problems;
    }
    planner->length = sequences->count == PAIR ? sequences->problems[planner->of].seq_len : -1;
    return planner->sound->subject.ops->run(&planner->sound->subject, &told, audit, seconds, error);
}

static enum oracle_outcome ask(struct broken_subject *subject, const struct problem *problem, int of, uint64_t choice)
{
    static const struct foreign_kernel kernel = {
        .name = "planner",
        .takes = ALIBICHECK_KERNEL_F32 | ALIBICHECK_KERNEL_BATCH | ALIBICHECK_KERNEL_ALIBI | ALIBICHECK_KERNEL_LSE |
                 ALIBICHECK_KERNEL_SAME_BITS,
        .arithmetic = "f32",
    };
    static const struct foreign_launcher how = {.run = run_as_planned, .audits = true, .keeps = true};
    struct planner planner = {.sound = &subject->sound, .of = of, .length = -1};
    struct foreign_subject foreign = foreign_subject(&kernel, &how, &planner);
    foreign.model = class_rounding_model;
    foreign.subject.any_order = false;
    const struct oracle_inquiry inquiry = {
        .subject = &foreign.subject, .problem = problem, .choice = choice, .threads = 1};
    struct oracle_report report;
    struct error error;
    if (oracles_run(&report, &inquiry, 1 << ORACLE_BATCH, &error))
        fail_msg("%s", error.text);
    return report.outcome[ORACLE_BATCH];
}

/* Where the trial has just been behind, what is kept by the last length shows, and by the first where it was before. */
static void test_plans_of_the_launch_before_show(void **state)
{
    static const struct recipe recipe = {.sentinel.policy = SENTINEL_EXCLUDE};
    enum { CHOICES = 8 };
    struct device *device = open_host();
    struct made_problem made = make_problem(NUM_KEYS, 1, 1, D, DTYPE_F32);
    int runs = 0, by_last = 0;
    struct broken_subject subject = broken_subject(device, KERNEL_SINGLE_PASS, CHUNK, &recipe, &runs);
    (void)state;
    for (uint64_t choice = 0; choice < CHOICES; choice++) {
        const bool last = ask(&subject, &made.problem, PAIR - 1, choice) == ORACLE_VIOLATED;
        assert_int_equal(ask(&subject, &made.problem, 0, choice) == ORACLE_VIOLATED, !last);
        by_last += last;
    }
    assert_in_range(by_last, 1, CHOICES - 1);
    free_problem(&made);
    device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plans_of_the_launch_before_show)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
