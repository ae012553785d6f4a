/*
 * Many sequences in one launch, of lengths at and around what kernels cut their keys by, each a problem that tells keys
 * apart. A sound kernel, which is the usual one, has all of them right; one that is not right is run alone, where it is
 * `lengths`' if it is wrong there too, and `batch`'s if it is not.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/judge/oracle/oracle_allowance.h"
#include "harness/judge/oracle/oracle_checks.h"
#include "harness/judge/oracle/oracle_levels.h"
#include "harness/subject/tensor_memory.h"
#include "harness/judge/poison.h"

enum { AROUND = 3, FIXED = ORACLE_MANY - AROUND, MAX_HEADS = 2, LONGEST_SHARE = 8, FEW = 257, SHORT = 65 };

/* Sequences whose keys are those of one cache, the i-th from key i on. */
struct many {
    int count;
    struct problem problems[ORACLE_MANY];
    struct output outputs[ORACLE_MANY];
    void *cache, *results; /* memory */
};

/* At and around a tile of lanes; at or beside two, four, and the rounds of a block; none, one; -1: few. */
static const struct {
    int64_t length;
    bool beside; /* or one less, or one more, as is drawn */
} fixed_lengths[FIXED] = {{33, false}, {0, false},  {256, true}, {1, false},  {64, true},  {-1, false}, {31, false},
                          {-1, false}, {-1, false}, {32, false}, {-1, false}, {128, true}, {-1, false}, {-1, false}};

/* What the subject cuts its keys by, or may: one of its multiples of which no more than a share of the trial's keys are
 * in it, else itself. */
static int64_t boundary_of(const struct oracle_work *work)
{
    static const int64_t usual[] = {512, 1024, 2048, 4096};
    uint64_t mix = trial_mix(work->inquiry->choice, 31);
    int64_t unit = work->inquiry->subject->chunk_len, most = work->trial.problem.seq_len / LONGEST_SHARE;
    if (unit == 0)
        unit = usual[mix % (sizeof usual / sizeof usual[0])];
    return unit <= most ? unit * (1 + (int64_t)(mix / 8 % (uint64_t)(most / unit))) : unit;
}

/* Lengths of which none is longer than the trial: the others are drawn. Of a boundary that costs much, one. */
static int64_t drawn_length(const struct oracle_work *work, int i)
{
    int64_t keys = work->trial.problem.seq_len, boundary = boundary_of(work);
    uint64_t mix = trial_mix(work->inquiry->choice, 37);
    int64_t length = i < FIXED ? fixed_lengths[i].length : boundary + (i - FIXED - 1);
    bool dear = boundary > FEW && i >= FIXED && (uint64_t)(i - FIXED) != mix % AROUND;
    if (i < FIXED && fixed_lengths[i].beside)
        length += (int64_t)(trial_mix(mix, (uint64_t)i + 100) % 3) - 1;
    if (length >= 0 && length <= keys && !dear)
        return length;
    return (int64_t)(trial_mix(mix, (uint64_t)i) % (uint64_t)((keys < SHORT ? keys : SHORT) + 1));
}

/* Each query has a key, where rows without one are not promised. */
static int64_t length_of(const struct oracle_work *work, int i)
{
    const int64_t length = drawn_length(work, i), queries = problem_queries(&work->trial.problem);
    return work->inquiry->subject->empty_rows || length > queries ? length : queries;
}

/* A few heads of the trial's, and its queries, of which the last stands at the newest key. */
static struct problem problem_of_length(const struct problem *problem, int64_t length)
{
    static const float no_slopes[MAX_HEADS];
    int group = problem->num_heads / problem->num_kv_heads;
    struct problem some = *problem;
    some.num_kv_heads = problem->num_kv_heads < 2 || group > 1 ? 1 : 2;
    some.num_heads = some.num_kv_heads * (group < 2 ? 1 : 2);
    some.seq_len = length;
    some.kv_slots = some.kv_offset = 0;
    some.q_position = length - 1;
    some.slopes = no_slopes;
    some.visible = NULL;
    return some;
}

/* The lengths at places first, first + step, ...; many_clear whatever the result. */
static enum error_kind many_init(struct many *many, const struct oracle_work *work, int first, int step,
                                 struct error *error)
{
    int64_t longest = 0;
    for (int i = first; i < ORACLE_MANY; i += step) {
        struct problem *problem = &many->problems[many->count++];
        *problem = problem_of_length(&work->trial.problem, length_of(work, i));
        longest = problem->seq_len > longest ? problem->seq_len : longest;
    }
    const struct problem *some = many->problems;
    const int64_t keys = longest + ORACLE_MANY + 1;
    size_t row = (size_t)some->num_kv_heads * (size_t)some->head_dim * dtypes[problem_kv_dtype(some)].size_bytes;
    size_t q = tensor_aligned((size_t)problem_elements(some) * dtypes[some->dtype].size_bytes);
    size_t each = output_bytes(some), cache = tensor_aligned((size_t)keys * row);
    char *tensors = many->cache = tensor_allocate(q + 2 * cache);
    char *results = many->results = tensor_allocate((size_t)many->count * each);
    if (!tensors || !results)
        return error_memory(error, "many sequences", (double)(q + 2 * cache + (size_t)many->count * each));
    for (int i = 0; i < many->count; i++) {
        many->problems[i].q = tensors;
        many->problems[i].k = tensors + q + (size_t)i * row;
        many->problems[i].v = tensors + q + cache + (size_t)i * row;
        many->outputs[i] = output_in(results + (size_t)i * each, some);
    }
    return levels_load(&(struct levels_tensors){tensors, tensors + q, tensors + q + cache}, some, keys, error);
}

static void many_clear(struct many *many)
{
    free(many->cache);
    free(many->results);
}

/* Runs `count` of them, from the i-th on, in one launch. */
static enum error_kind run_some(const struct oracle_work *work, struct many *many, int first, int count,
                                struct error *error)
{
    const struct subject *subject = work->inquiry->subject;
    const struct sequences sequences = {&many->problems[first], &many->outputs[first], count, NULL, NULL, false};
    double seconds;
    for (int i = first; i < first + count; i++)
        output_poison(&many->outputs[i], &many->problems[i]);
    enum error_kind kind = oracle_check_cancelled(work, error);
    return kind ? kind : subject->ops->run(subject, &sequences, NULL, &seconds, error);
}

/* A row without keys is exact. */
static void allow_empty_rows(struct oracle_work *work, const struct problem *problem)
{
    for (int row = 0; row < problem_rows(problem); row++) {
        if (work->expected.lse[row] != -INFINITY)
            continue;
        work->allowed.lse[row] = 0;
        for (int i = row * problem->head_dim; i < (row + 1) * problem->head_dim; i++)
            work->allowed.out[i] = 0;
    }
}

/* Concludes oracle from the i-th one's output. */
static enum error_kind judge_one(struct oracle_work *work, const struct many *many, int i, enum oracle oracle,
                                 const char *how, struct error *error)
{
    const struct problem *problem = &many->problems[i];
    char run_was[64];
    trial_take_output(&work->got, problem, &many->outputs[i]);
    enum error_kind kind = levels_expect(work, problem, i, error);
    if (kind)
        return kind;
    allow_empty_rows(work, problem);
    snprintf(run_was, sizeof run_was, "%s %lld keys that are told apart", how, (long long)problem->seq_len);
    levels_judge(work, oracle, problem, run_was);
    return ERROR_NONE;
}

/* The i-th one alone. */
static enum error_kind judge_alone(struct oracle_work *work, struct many *many, int i, struct error *error)
{
    enum error_kind kind = run_some(work, many, i, 1, error);
    return kind ? kind : judge_one(work, many, i, ORACLE_LENGTHS, "of", error);
}

/* All in one launch, then those alone that are wrong. */
static enum error_kind judge_together(struct oracle_work *work, struct many *many, struct error *error)
{
    static const char how[] = "as one of " ORACLE_MANY_TEXT " sequences, of";
    enum error_kind kind = run_some(work, many, 0, many->count, error);
    for (int i = 0; i < many->count && !kind; i++) {
        struct oracle_report together = {.failed = 0}, alone = {.failed = 0};
        work->report = &together;
        kind = judge_one(work, many, i, ORACLE_BATCH, how, error);
        if (kind || together.outcome[ORACLE_BATCH] != ORACLE_VIOLATED)
            continue;
        work->report = &alone;
        kind = judge_alone(work, many, i, error);
        oracle_keep(&work->many, &alone, ORACLE_LENGTHS);
        if (alone.outcome[ORACLE_LENGTHS] == ORACLE_HELD)
            oracle_keep(&work->many, &together, ORACLE_BATCH);
    }
    return kind;
}

/* Some of the lengths, another few for another choice, where one launch does not take them all. */
static enum error_kind judge_some(struct oracle_work *work, struct many *many, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < many->count && !kind; i++) {
        struct oracle_report alone = {.failed = 0};
        work->report = &alone;
        kind = judge_alone(work, many, i, error);
        oracle_keep(&work->many, &alone, ORACLE_LENGTHS);
    }
    return kind;
}

enum error_kind oracle_need_many(struct oracle_work *work, struct error *error)
{
    enum { SOME = 4 };
    const struct subject *subject = work->inquiry->subject;
    struct oracle_report *report = work->report;
    struct many many = {.count = 0};
    char text[SUBJECT_TEXT_SIZE];
    const char *why = levels_do_not_apply(work);
    enum error_kind kind = oracle_need_repeat(work, error);
    if (!kind)
        kind = oracle_need_usual(work, error);
    if (kind || work->have_many)
        return kind;
    work->have_many = true;
    if (why) {
        work->many.outcome[ORACLE_LENGTHS] = ORACLE_NOT_APPLICABLE;
        snprintf(work->many.detail[ORACLE_LENGTHS], ORACLE_DETAIL_SIZE, "%s", why);
        return ERROR_NONE;
    }
    const struct problem shape = problem_of_length(&work->trial.problem, 0);
    const bool together = !subject->ops->takes || subject->ops->takes(subject, &shape, ORACLE_MANY, text);
    work->many.outcome[ORACLE_LENGTHS] = ORACLE_HELD;
    kind = together ? many_init(&many, work, 0, 1, error)
                    : many_init(&many, work, (int)(trial_mix(work->inquiry->choice, 41) % SOME), SOME, error);
    if (!kind)
        kind = together ? judge_together(work, &many, error) : judge_some(work, &many, error);
    work->report = report;
    many_clear(&many);
    return kind;
}

void oracle_tell_many(struct oracle_work *work, enum oracle oracle)
{
    if (work->many.outcome[oracle] != ORACLE_NOT_RUN)
        oracle_keep(work->report, &work->many, oracle);
}

enum error_kind check_lengths(struct oracle_work *work, struct error *error)
{
    enum error_kind kind = oracle_need_many(work, error);
    if (!kind)
        oracle_tell_many(work, ORACLE_LENGTHS);
    return kind;
}

double many_bytes(const struct problem *part)
{
    double keys = (double)(part->seq_len + problem_queries(part)), drawn = ORACLE_MANY * fmin(keys, FEW),
           around = AROUND * keys;
    struct problem some = problem_of_length(part, 0);
    double key = 2.0 * some.num_kv_heads * some.head_dim * (double)dtypes[problem_kv_dtype(part)].size_bytes;
    return (keys + ORACLE_MANY + 1 + drawn + around) * key +
           (ORACLE_MANY + 1) * (double)problem_elements(&some) * 2 * (double)sizeof(float);
}
