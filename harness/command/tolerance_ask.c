#include "harness/command/tolerance_answer.h"

#include <math.h>
#include <string.h>

#include "harness/judge/class/class_rounding.h"
#include "harness/judge/contract/planted.h"

/* What two exact results may be apart by the rounding of double precision, of the largest number. */
#define SAME 0x1p-40

static double narrowed(double number, enum dtype dtype)
{
    return (double)dtype_round(dtype, (float)number);
}

/* Numbers as the output's dtype has them; lse is in f32. */
static void narrow(struct asking *asking)
{
    for (int64_t i = 0; i < problem_elements(&asking->problem); i++)
        asking->out[i] = narrowed(asking->out[i], asking->problem.dtype);
    for (int64_t r = 0; r < problem_rows(&asking->problem); r++)
        asking->lse[r] = (double)(float)asking->lse[r];
}

static enum error_kind measure(const struct asking *asking, struct answer *answer, const struct truth *truth,
                               struct error *error)
{
    int64_t count = problem_elements(&asking->problem);
    if (!rule_measure(&answer->figures, &asking->rule, asking->out, truth->value, count))
        return error_memory(error, "a rule", (double)count * sizeof(double));
    rule_measure_lse(&answer->figures, &asking->rule, asking->lse, truth->lse, problem_rows(&asking->problem));
    answer->accepted = rule_accepts(&asking->rule, &answer->figures);
    return ERROR_NONE;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static bool differ(double planted, double exact, double largest, enum dtype dtype)
{
    return narrowed(planted, dtype) != narrowed(exact, dtype) && !(fabs(planted - exact) <= SAME * largest);
}

static double largest_of(const double *numbers, int64_t count)
{
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, isfinite(numbers[i]) ? fabs(numbers[i]) : 0);
    return largest;
}

/* What a fault changed in a result that is rounded to what outputs are held in. */
static enum fault_effect effect_of(const struct asking *asking)
{
    const struct truth *truth = &asking->truth;
    int64_t elements = problem_elements(&asking->problem), rows = problem_rows(&asking->problem);
    double largest = largest_of(truth->value, elements), largest_lse = largest_of(truth->lse, rows);
    bool out = false, lse = false, looks_at_lse = !isnan(asking->rule.lse);
    for (int64_t i = 0; i < elements && !out; i++)
        out = differ(asking->out[i], truth->value[i], largest, asking->problem.dtype);
    for (int64_t r = 0; r < rows && !lse; r++)
        lse = differ(asking->lse[r], truth->lse[r], largest_lse, DTYPE_F32);
    if (out || (lse && looks_at_lse))
        return FAULT_COUNTS;
    return lse ? FAULT_OF_LSE : FAULT_UNCHANGED;
}

static void count_fault(struct answers *answers, const struct answer *answer)
{
    double sound = answers->sought->figures.needed;
    answers->num_faults++;
    answers->num_accepted += answer->accepted;
    if (answer->figures.needed > sound && answer->figures.needed < answers->least_fault) {
        answers->least_fault = answer->figures.needed;
        answers->least_name = answer->name;
    }
}

static enum error_kind ask_faults(struct asking *asking, struct answers *answers, struct error *error)
{
    const struct output none = {NULL, NULL};
    const struct exhibit stated = {.problem = &asking->problem, .output = &none, .truth = &asking->truth};
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < num_planted_faults && !kind; i++) {
        struct answer *answer = &answers->faults[i];
        bool is_none = false;
        answer->name = planted_faults[i].name;
        progress_display_step(asking->evaluator->display, answer->name, 0);
        kind = planted_answer(asking->out, asking->lse, &is_none, &planted_faults[i], &stated, error);
        if (!kind && progress_cancelled(asking->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
        if (!kind && !is_none)
            answer->effect = effect_of(asking);
        if (kind || answer->effect != FAULT_COUNTS)
            continue;
        narrow(asking);
        kind = measure(asking, answer, &asking->truth, error);
        count_fault(answers, answer);
    }
    return kind;
}

/* ---- sound arithmetic -------------------------------------------------------------------------------------------- */

/* The class asked for, and those that have one rounding or none. */
static int list_classes(struct arithmetic_class *classes, const struct arithmetic_class *sought, int *place)
{
    int count = 0;
    classes[count++] = (struct arithmetic_class){.output = true};
    classes[count++] = (struct arithmetic_class){.set = CLASS_F32};
    for (int i = 0; i < CLASS_ROUNDING_COUNT; i++)
        classes[count++] = (struct arithmetic_class){.set = 1u << i};
    for (*place = 0; *place < count; (*place)++)
        if (classes[*place].output == sought->output && classes[*place].set == sought->set)
            return count;
    classes[count++] = *sought;
    return count;
}

/* The result, rounded once. */
static void round_truth(struct asking *asking)
{
    memcpy(asking->out, asking->truth.value, (size_t)problem_elements(&asking->problem) * sizeof *asking->out);
    memcpy(asking->lse, asking->truth.lse, (size_t)problem_rows(&asking->problem) * sizeof *asking->lse);
    narrow(asking);
}

/* An output that is as far off as a class allows, away from 0. */
static enum error_kind at_bound(struct asking *asking, struct answer *answer, class_set set, struct error *error)
{
    const struct truth *truth = &asking->truth;
    const struct rounding_model model = class_rounding_model(set, &asking->problem);
    enum error_kind kind = error_bounds(asking->out, asking->lse, &model, &asking->problem, truth,
                                        asking->options->selection.threads, asking->progress, error);
    for (int64_t i = 0; i < problem_elements(&asking->problem) && !kind; i++) {
        answer->is_none |= !isfinite(asking->out[i]);
        asking->out[i] = truth->value[i] + copysign(asking->out[i], truth->value[i]);
    }
    for (int64_t r = 0; r < problem_rows(&asking->problem) && !kind; r++) {
        answer->is_none |= !isfinite(asking->lse[r]);
        asking->lse[r] += truth->lse[r];
    }
    return kind;
}

static enum error_kind ask_class(struct asking *asking, struct answer *answer, const struct arithmetic_class *class,
                                 struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    answer->name = class_format(answer->class_name, class);
    progress_display_step(asking->evaluator->display, answer->name, 0);
    if (class->output)
        round_truth(asking);
    else
        kind = at_bound(asking, answer, class->set, error);
    if (!kind && !answer->is_none)
        kind = measure(asking, answer, &asking->truth, error);
    /* The angle at which an error of this size may turn the output is largest where it is at right angles to that:
     * cosine^2 >= 1 - |d|^2 / |r|^2. */
    if (!kind && !answer->is_none && !class->output && answer->figures.nmse > 0) {
        rule_set_cosine(&answer->figures, &asking->rule,
                        answer->figures.nmse < 1 ? sqrt(1 - answer->figures.nmse) : -1);
        answer->accepted = rule_accepts(&asking->rule, &answer->figures);
    }
    return kind;
}

static enum error_kind ask_sound(struct asking *asking, struct answers *answers, struct error *error)
{
    struct arithmetic_class classes[TOLERANCE_MAX_SOUND];
    int sought;
    enum error_kind kind = ERROR_NONE;
    answers->num_sound = list_classes(classes, &asking->options->sought, &sought);
    answers->sought = &answers->sound[sought];
    for (int i = 0; i < answers->num_sound && !kind; i++)
        kind = ask_class(asking, &answers->sound[i], &classes[i], error);
    return kind;
}

/* ---- the point's own kernel -------------------------------------------------------------------------------------- */

static int seeds_of(const struct asking *asking)
{
    const struct problem *problem = &asking->problem;
    double numbers = (double)problem->seq_len * problem->num_heads * problem->head_dim;
    double fit = floor(TOLERANCE_SEEDS_NUMBERS / fmax(numbers, 1));
    if (!asking->has_kernel)
        return 0;
    if (asking->options->seeds != TOLERANCE_SEEDS_OF_POINT)
        return asking->options->seeds;
    return fit < 1 ? 1 : fit < TOLERANCE_SEEDS ? (int)fit : TOLERANCE_SEEDS;
}

static enum error_kind ask_seed(struct asking *asking, struct answers *answers, uint64_t seed, struct error *error)
{
    struct point point = *asking->point;
    struct evaluation evaluation;
    struct answer answer;
    point.problem.seed += seed;
    point.oracles = 0;
    point.baselines = 0;
    enum error_kind kind = evaluate(asking->evaluator, &evaluation, &point, error);
    for (int64_t i = 0; i < problem_elements(&evaluation.judged.problem) && !kind; i++) {
        float out;
        dtype_widen(evaluation.judged.problem.dtype, evaluation.judged.output.out, (size_t)i, 1, &out);
        asking->out[i] = (double)out;
    }
    for (int64_t r = 0; r < problem_rows(&evaluation.judged.problem) && !kind; r++)
        asking->lse[r] = (double)evaluation.judged.output.lse[r];
    if (!kind)
        kind = measure(asking, &answer, &evaluation.judged.truth, error);
    if (!kind)
        answers->seen = fmax(answers->seen, answer.figures.needed);
    evaluation_clear(&evaluation);
    return kind;
}

/* The largest error that the kernel of the point makes on some seeds, by the rule. */
static enum error_kind ask_kernel(struct asking *asking, struct answers *answers, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    answers->seeds = seeds_of(asking);
    answers->seen = answers->seeds > 0 ? 0 : (double)NAN;
    for (int seed = 0; seed < answers->seeds && !kind; seed++) {
        kind = ask_seed(asking, answers, (uint64_t)seed, error);
        if (!kind && progress_cancelled(asking->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    return kind;
}

enum error_kind tolerance_ask(struct asking *asking, struct answers *answers, struct error *error)
{
    answers->least_fault = INFINITY;
    enum error_kind kind = ask_sound(asking, answers, error);
    if (!kind)
        kind = ask_faults(asking, answers, error);
    if (!kind)
        kind = ask_kernel(asking, answers, error);
    return kind;
}
