/*
 * Whether a failure's name is right although it is another fault's, because that fault makes the same output of this
 * problem: what the name says is computed, and compared with what was judged, row by row.
 */
#ifndef HARNESS_EVALUATE_TESTS_FAULT_ALIAS_H
#define HARNESS_EVALUATE_TESTS_FAULT_ALIAS_H

#include "harness/evaluate/tests/drawn_fault.h"
#include "harness/evaluate/tests/faulty_answer.h"

/* What a fault would have answered in a row, divided, and its lse; NAN: any. */
struct alias_row {
    double out[ONLINE_MAX_DIM], lse;
};

/* Makes a row of the fault that a name is of. one: the row's query alone. */
typedef void alias_maker(struct alias_row *made, const struct problem *one, int head);

static inline void alias_clear(struct alias_row *made, const struct problem *one)
{
    for (int d = 0; d < one->head_dim; d++)
        made->out[d] = 0;
    made->lse = NAN;
}

/* All weights lost: 0, with the lse of no key, or of a learned sink alone. */
static inline void alias_lost(struct alias_row *made, const struct problem *one, int head)
{
    alias_clear(made, one);
    made->lse = one->sink_logits ? (double)one->sink_logits[head] : -INFINITY;
}

/* One logit for all visible keys, 0 beside a sink; lse is that of any. */
static inline void alias_uniform(struct alias_row *made, const struct problem *one, int head)
{
    double sum = one->sink_logits ? exp((double)one->sink_logits[head]) : 0;
    alias_clear(made, one);
    for (int64_t key = 0; key < one->seq_len; key++) {
        size_t row = problem_row(one, key, problem_kv_head(one, head));
        sum += problem_visible(one, key);
        for (int d = 0; d < one->head_dim && problem_visible(one, key); d++)
            made->out[d] += (double)online_element(one->v, problem_kv_dtype(one), row + (size_t)d);
    }
    for (int d = 0; d < one->head_dim; d++)
        made->out[d] *= problem_value_scale(one) / sum;
}

/* Attention by logits of a deviant, or -INFINITY for none. */
typedef float alias_logit(const struct problem *one, int head, int64_t key, const struct drawn_fault *fault);

/* Keys that have less weight, as by a k that is stale or a scale that is missing, are not there. */
static inline float alias_dropped(const struct problem *one, int head, int64_t key, const struct drawn_fault *fault)
{
    const struct deviant_keys right = {.deviation = DEVIANT_NOTHING};
    float logit = deviant_logit(one, head, key, &right);
    return deviant_logit(one, head, key, &fault->deviant) < logit ? -INFINITY : logit;
}

/* What a rest lacks, the scale or the bias, lack all keys: a rest of one key is all of it. */
static inline float alias_of_all(const struct problem *one, int head, int64_t key, const struct drawn_fault *fault)
{
    struct deviant_keys all = fault->deviant;
    all.some = one->seq_len + 1;
    return deviant_logit(one, head, key, &all);
}

static inline alias_logit *alias_logit_of(enum signature found, enum deviation deviation)
{
    if (found == SIGNATURE_DROPPED_KEYS)
        return alias_dropped;
    bool of_rest = (found == SIGNATURE_WRONG_SCALE && deviation == DEVIANT_TAIL_SCALE) ||
                   (found == SIGNATURE_DROPPED_BIAS && deviation == DEVIANT_TAIL_BIAS);
    return of_rest ? alias_of_all : NULL;
}

static inline void alias_deviant(struct alias_row *made, const struct problem *one, int head,
                                 const struct drawn_fault *fault, alias_logit *logit_of)
{
    struct online_state state = {.max = -INFINITY};
    float out[ONLINE_MAX_DIM];
    for (int64_t key = 0; key < one->seq_len; key++) {
        float logit = logit_of(one, head, key, fault);
        deviant_take_key(&state, one, head, key, logit, 1, &(struct deviant_keys){.deviation = DEVIANT_NOTHING});
    }
    made->lse = (double)online_finish(&state, one, head, out);
    for (int d = 0; d < one->head_dim; d++)
        made->out[d] = (double)out[d];
}

/* Whether a row that was judged is the one that was made, to its last digit and what weights of its dtype, or sums in
 * f32, lose on the way. */
static inline bool alias_is_row(const struct evaluation *evaluation, const struct alias_row *made, int row, bool no_lse)
{
    const struct problem *problem = &evaluation->judged.problem;
    const struct output *output = &evaluation->judged.output;
    size_t first = (size_t)row * (size_t)problem->head_dim;
    double share = fmax(0x1p-19, ldexp(1, -dtypes[problem->dtype].significand_bits));
    for (int d = 0; d < problem->head_dim; d++) {
        double out = (double)online_element(output->out, problem->dtype, first + (size_t)d);
        double loss = share * evaluation->judged.truth.magnitude[first + (size_t)d];
        if (!(fabs(out - made->out[d]) <= dtype_ulp(problem->dtype, made->out[d]) + loss))
            return false;
    }
    double lse = (double)output->lse[row];
    return no_lse || isnan(made->lse) || lse == made->lse ||
           fabs(lse - made->lse) <= 0x1p-19 * fmax(1, fabs(made->lse));
}

/* Makes a row by the one of the two that there is. */
static inline void alias_make(struct alias_row *made, const struct problem *one, int head,
                              const struct drawn_fault *fault, alias_maker *make, alias_logit *logit_of)
{
    if (make)
        make(made, one, head);
    else
        alias_deviant(made, one, head, fault, logit_of);
}

/* Whether the row that a finding is of is as made, and half of those that fail at least; of zeros, which are said of a
 * row, that one. */
static inline bool alias_is_of(alias_maker *make, alias_logit *logit_of, const struct drawn_fault *fault,
                               const struct evaluation *evaluation, const struct criterion *criterion)
{
    const struct problem *problem = &evaluation->judged.problem;
    const struct signature_finding *finding = &evaluation->judged.finding;
    int failing = 0, alike = 0;
    bool found = false;
    for (int row = 0; row < problem_rows(problem); row++) {
        const struct problem one = problem_query(problem, row / problem->num_heads);
        struct alias_row made;
        if (criterion_decide(criterion, &evaluation->judged.verdict.rows[row]) != DECISION_FAIL)
            continue;
        alias_make(&made, &one, row % problem->num_heads, fault, make, logit_of);
        bool is_row = alias_is_row(evaluation, &made, row, fault->no_lse);
        failing++;
        alike += is_row;
        found |= is_row && row == finding->query * problem->num_heads + finding->head;
    }
    return found && (make == alias_lost || 2 * alike >= failing);
}

/* Whether out is the truth's in every row, and lse by one number another: what moves all weights alike does that. */
static inline bool alias_is_constant(const struct evaluation *evaluation)
{
    const struct problem *problem = &evaluation->judged.problem;
    const struct truth *truth = &evaluation->judged.truth;
    size_t dims = (size_t)problem->head_dim;
    double constant = (double)evaluation->judged.output.lse[0] - truth->lse[0];
    for (int row = 0; row < problem_rows(problem); row++) {
        struct alias_row made = {.lse = truth->lse[row] + constant};
        for (size_t d = 0; d < dims; d++)
            made.out[d] = truth->value[(size_t)row * dims + d];
        if (!alias_is_row(evaluation, &made, row, false))
            return false;
    }
    return true;
}

/* Whether a sound kernel that is told the problem with another fault answers the same. */
static inline bool alias_is_told(const struct evaluation *evaluation, const struct point *sound,
                                 const struct drawn_fault *other, bool no_lse, struct device *device)
{
    const struct problem *problem = &evaluation->judged.problem;
    size_t rows = (size_t)problem_rows(problem), dims = (size_t)problem->head_dim;
    struct evaluation answer = *evaluation;
    struct told told;
    struct error error;
    answer.judged.output = (struct output){malloc(rows * dims * dtypes[problem->dtype].size_bytes),
                                           malloc(rows * sizeof *answer.judged.output.lse)};
    bool same = told_init(&told, problem) && answer.judged.output.out && answer.judged.output.lse &&
                plant_fault(&told, problem, other) &&
                !fault_run(&answer, sound, &sound->recipe, &told.problem, device, &error);
    for (int row = 0; row < (int)rows && same; row++) {
        struct alias_row made = {.lse = (double)answer.judged.output.lse[row]};
        for (size_t d = 0; d < dims; d++)
            made.out[d] = (double)online_element(answer.judged.output.out, problem->dtype, (size_t)row * dims + d);
        same = alias_is_row(evaluation, &made, row, no_lse);
    }
    told_clear(&told);
    free(answer.judged.output.out);
    free(answer.judged.output.lse);
    return same;
}

/* Biases that are rounded are slopes that are, where distances are powers of 2. */
static inline bool alias_is_slope(const struct evaluation *evaluation, const struct point *sound, bool no_lse,
                                  struct device *device)
{
    const struct drawn_fault of_bf16 = {.plant = PLANT_SLOPE_ROUNDED, .at = 0},
                             of_f16 = {.plant = PLANT_SLOPE_ROUNDED, .at = 1};
    return alias_is_told(evaluation, sound, &of_bf16, no_lse, device) ||
           alias_is_told(evaluation, sound, &of_f16, no_lse, device);
}

/* Keys that are alike are moved by as many as the oldest is further away, where a query counts from the other end. */
static inline bool alias_is_shift(const struct evaluation *evaluation, const struct point *sound, bool no_lse,
                                  struct device *device)
{
    int keys = 0;
    if (sscanf(evaluation->judged.finding.detail, "all biases moved by slope * %d keys", &keys) != 1)
        return false;
    const struct drawn_fault nearer = {.plant = PLANT_POSITION, .at = -keys};
    return alias_is_told(evaluation, sound, &nearer, no_lse, device);
}

/* Whether what was found is right although it is not among the names of the fault's kind. sound: the point without the
 * fault. */
static inline bool fault_is_alias(const struct drawn_fault *fault, const struct evaluation *evaluation,
                                  const struct point *point, const struct point *sound, struct device *device)
{
    static alias_maker *const makers[SIGNATURE_COUNT] = {
        [SIGNATURE_SILENT_ZERO] = alias_lost,
        [SIGNATURE_UNIFORM] = alias_uniform,
        [SIGNATURE_WRONG_MERGE] = alias_uniform, /* tiles of one key without any factor */
    };
    const enum signature found = evaluation->judged.finding.signature;
    alias_logit *logit_of = fault->plant == PLANT_DEVIANT ? alias_logit_of(found, fault->deviant.deviation) : NULL;
    if (makers[found] || logit_of)
        return alias_is_of(makers[found], logit_of, fault, evaluation, &point->criterion);
    if (found == SIGNATURE_WRONG_LSE)
        return !fault->no_lse && alias_is_constant(evaluation);
    if (found == SIGNATURE_WRONG_SLOPE)
        return alias_is_slope(evaluation, sound, fault->no_lse, device);
    if (found == SIGNATURE_BIAS_SHIFT)
        return alias_is_shift(evaluation, sound, fault->no_lse, device);
    return found == SIGNATURE_DOUBLED_KEYS && fault->plant == PLANT_DEVIANT &&
           fault->deviant.deviation == DEVIANT_HEAVIEST && fault->size >= 2; /* counted so often */
}

#endif
