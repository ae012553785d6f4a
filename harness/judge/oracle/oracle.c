#include "harness/judge/oracle/oracle.h"

#include <math.h>
#include <stdio.h>

#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_other.h"
#include "harness/subject/launch_watch.h"
#include "reference/computing_environment.h"

static const char nobody_looks[] = "nobody tells what is written in the kernel's own memory";

static enum error_kind check_poison(struct oracle_work *work, struct error *error)
{
    if (!oracle_tells(work, ORACLE_POISON, work->inquiry->subject->without_poison,
                      "what stood in the output before is not there when the kernel begins"))
        return ERROR_NONE;
    enum error_kind kind = oracle_need_repeat(work, error);
    if (kind)
        return kind;
    if (work->undetermined)
        oracle_conclude(work, ORACLE_POISON, ORACLE_NOT_APPLICABLE, "runs differ with the same poison too");
    else if (work->poison_shows)
        oracle_expect(work, ORACLE_POISON, &work->base, NULL, "after another poison");
    else
        oracle_hold(work, ORACLE_POISON);
    return ERROR_NONE;
}

static enum error_kind check_inputs(struct oracle_work *work, struct error *error)
{
    enum error_kind kind = oracle_need_base(work, error);
    if (kind)
        return kind;
    if (*work->audit.changed)
        oracle_conclude(work, ORACLE_INPUTS, ORACLE_VIOLATED, "%s is not what it was before the run",
                        work->audit.changed);
    else if (oracle_tells(work, ORACLE_INPUTS, work->inquiry->subject->without_audit, nobody_looks))
        oracle_hold(work, ORACLE_INPUTS);
    return ERROR_NONE;
}

static enum error_kind check_determinism(struct oracle_work *work, struct error *error)
{
    enum error_kind kind = oracle_need_repeat(work, error);
    if (kind)
        return kind;
    if (work->undetermined)
        oracle_expect(work, ORACLE_DETERMINISM, &work->base, NULL, "in another run");
    if (work->report->outcome[ORACLE_DETERMINISM] != ORACLE_VIOLATED)
        oracle_hold(work, ORACLE_DETERMINISM);
    return ERROR_NONE;
}

static enum error_kind check_guards(struct oracle_work *work, struct error *error)
{
    if (!oracle_tells(work, ORACLE_GUARDS, work->inquiry->subject->without_audit, nobody_looks))
        return ERROR_NONE;
    char where[ORACLE_DETAIL_SIZE];
    enum error_kind kind = oracle_need_base(work, error);
    if (kind)
        return kind;
    if (memory_audit_say(where, sizeof where, &work->audit))
        oracle_conclude(work, ORACLE_GUARDS, ORACLE_VIOLATED, "%s", where);
    else
        oracle_hold(work, ORACLE_GUARDS);
    return ERROR_NONE;
}

const struct oracle_info oracles[ORACLE_COUNT] = {
    [ORACLE_POISON] = {.about = "every element of out and lse is written, whatever stood there before",
                       .check = check_poison},
    [ORACLE_INPUTS] = {.about = "the inputs in the device's memory are what they were before the run",
                       .check = check_inputs,
                       .of_no_output = true},
    [ORACLE_DETERMINISM] = {.about = "two runs on the same inputs give the same bits", .check = check_determinism},
    [ORACLE_MASKED_SLOTS] = {.about = "what stands past the length and in masked keys changes no bit",
                             .check = check_masked_slots},
    [ORACLE_PARTITION] =
        {.about = "another chunk length, page size or width of the page table changes no more than rounding does",
         .check = check_partition},
    [ORACLE_CONSTANT_V] = {.about = "if all of v is one number, so is out", .check = check_constant_v},
    [ORACLE_BIAS_SHIFT] = {.about = "a shift of the query moves lse by slope times shift, and out not at all",
                           .check = check_bias_shift},
    [ORACLE_HEAD_PERMUTATION] =
        {.about =
             "heads in another order, with their slopes, give the same bits, and no row depends on what others score",
         .check = check_head_permutation},
    [ORACLE_GUARDS] =
        {.about =
             "nothing is written before or past a buffer of the device's memory, or read past an input of a plug-in",
         .check = check_guards,
         .of_no_output = true},
    [ORACLE_BATCH] =
        {.about =
             "other sequences in the same launch, shorter, longer and as long, some in the same pages, change no bit",
         .check = check_batch},
    [ORACLE_SCHEDULE] = {.about = "threads and blocks that take turns in the opposite order give the same bits",
                         .check = check_schedule},
    [ORACLE_PLACEMENT] = {.about = "NaN around every tensor, and addresses aligned to 16 bytes alone, change no bit",
                          .check = check_placement},
    [ORACLE_OFFSETS] =
        {.about = "k and v so far into their buffers that 32 bits hold no index, and 16 no page, change no bit",
         .check = check_offsets},
    [ORACLE_ONE_KEY] = {.about = "of one key alone lse is its logit and out its v", .check = check_one_key},
    [ORACLE_EACH_KEY] = {.about = "where k and v tell keys apart and weights are known, out shows each key at its own",
                         .check = check_each_key},
    [ORACLE_LENGTHS] = {.about =
                            "of lengths at and around tiles and chunks, and of none, out shows each key at its own",
                        .check = check_lengths},
    [ORACLE_HISTORY] = {.about =
                            "launches of another length and head_dim, or with other numbers, before it change no bit",
                        .check = check_history},
    [ORACLE_STRIDES] =
        {.about = "rows that lie apart, heads before keys, and tensors that begin at an odd element change no bit",
         .check = check_strides,
         .of_no_output = true},
    [ORACLE_QUIET_KEYS] = {.about = "keys far below the maximum, each of which weighs next to nothing, have the weight "
                                    "that is theirs together",
                           .check = check_quiet_keys},
};

/* A subject that fails to run where it ran before has violated what it is put to. */
static enum error_kind conclude_failure(struct oracle_work *work, enum oracle oracle, enum error_kind kind,
                                        const struct error *error)
{
    if (kind != ERROR_SUBJECT)
        return kind;
    oracle_conclude(work, oracle, ORACLE_VIOLATED, "%s", error->text);
    work->report->repeats[oracle] = 0; /* there is no output */
    work->failed = true;
    work->report->failed |= 1u << oracle;
    work->report->how = run_failure_of(error);
    return ERROR_NONE;
}

/* What was written beside the buffers of a launch, and what was changed, if that is the first time. */
struct strays {
    char breached[ORACLE_DETAIL_SIZE], changed[ORACLE_DETAIL_SIZE];
};

/* Notes what launches of an oracle have done, whichever of them it was. */
static void note_strays(struct strays *strays, const struct subject *subject, enum oracle oracle)
{
    const struct memory_audit *audit = subject->watch ? &subject->watch->audit : NULL;
    char where[120]; /* beside the rest */
    if (audit && !*strays->breached && memory_audit_say(where, sizeof where, audit))
        snprintf(strays->breached, sizeof strays->breached, "in a launch for %s: %s", oracle_names[oracle], where);
    if (audit && *audit->changed && !*strays->changed)
        snprintf(strays->changed, sizeof strays->changed, "in a launch for %s: %s is not what it was before the run",
                 oracle_names[oracle], audit->changed);
}

/* Whether an oracle that compares results has seen a difference where two runs had none. */
static bool may_differ_from_run_to_run(const struct oracle_work *work, unsigned which)
{
    const struct oracle_report *report = work->report;
    if (!(which >> ORACLE_DETERMINISM & 1) || report->outcome[ORACLE_DETERMINISM] != ORACLE_HELD || work->failed)
        return false;
    for (enum oracle o = 0; o < ORACLE_COUNT; o++)
        if (report->outcome[o] == ORACLE_VIOLATED && !oracles[o].of_no_output)
            return true;
    return false;
}

/*
 * What differs now and then may do so first where an oracle has changed something, and would be blamed on that. So the
 * base is run some times more, on end. The first of these runs stands for what launches before it have left behind,
 * which is `history`'s to say, and they are compared with each other alone.
 */
static enum error_kind run_again(struct oracle_work *work, struct error *error)
{
    enum { RUNS_MORE = 6 };
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i <= RUNS_MORE && !kind && work->report->outcome[ORACLE_DETERMINISM] == ORACLE_HELD; i++) {
        trial_reload(&work->trial);
        kind = oracle_run(work, TRIAL_POISON_NAN, work->inquiry->subject, error);
        if (!kind && i == 1)
            oracle_copy_values(work, &work->expected, &work->got);
        else if (!kind && i > 1)
            oracle_expect(work, ORACLE_DETERMINISM, &work->expected, NULL, "in another run of several");
    }
    return kind;
}

enum error_kind oracles_run(struct oracle_report *report, const struct oracle_inquiry *inquiry, unsigned which,
                            struct error *error)
{
    COMPUTING_ENVIRONMENT();
    struct oracle_work work;
    struct strays strays = {.breached = ""};
    *report = (struct oracle_report){0};
    if (inquiry->subject->watch)
        inquiry->subject->watch->audit = (struct memory_audit){.changed = ""};
    enum error_kind kind = oracle_work_init(&work, report, inquiry, error);
    for (enum oracle o = 0; o < ORACLE_COUNT && !kind; o++) {
        work.watch = oracles[o].of_no_output ? NULL : inquiry->subject->watch;
        if (which >> o & 1 && work.failed)
            oracle_conclude(&work, o, ORACLE_NOT_APPLICABLE, "the kernel has failed to run");
        else if (which >> o & 1 && oracle_takes(&work, o, &work.trial.problem, 1))
            kind = conclude_failure(&work, o, oracles[o].check(&work, error), error);
        note_strays(&strays, inquiry->subject, o);
    }
    work.watch = inquiry->subject->watch;
    if (!kind && work.watch && may_differ_from_run_to_run(&work, which)) /* of ours nobody else's state is at work */
        kind = conclude_failure(&work, ORACLE_DETERMINISM, run_again(&work, error), error);
    note_strays(&strays, inquiry->subject, ORACLE_DETERMINISM);
    oracle_report_violate(report, which, ORACLE_INPUTS, strays.changed);
    oracle_report_violate(report, which, ORACLE_GUARDS, strays.breached);
    oracle_work_clear(&work);
    return kind;
}

double oracles_bytes(const struct problem *shape, int threads)
{
    struct truth_options options = {.precision = TRUTH_DEFAULT_PRECISION, .threads = threads};
    struct problem part = trial_shape(shape, TRIAL_MAX_ELEMENTS);
    return trial_bytes(shape, TRIAL_MAX_ELEMENTS) +
           truth_bytes(TRUTH_CERTIFIED, part.seq_len, problem_rows(&part), part.head_dim, &options) +
           10 * (double)problem_elements(&part) * (double)sizeof(double) + other_bytes(&part) + many_bytes(&part) +
           2 * TRIAL_MANY * fmin((double)problem_elements(&part), OFFSETS_MANY_ELEMENTS) * (double)sizeof(float);
}
