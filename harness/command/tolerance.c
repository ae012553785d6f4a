#include "harness/command/tolerance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "harness/evaluate/evaluate.h"
#include "harness/judge/class/class_rounding.h"
#include "harness/judge/contract/planted.h"
#include "harness/support/json_value.h"

/* What is to be accepted: arithmetic that is sound, each with what its roundings can do in any order of sums. */
static const struct sound_class {
    const char *name;
    class_set set;
} sound_classes[] = {
    {"f32", CLASS_F32},
    {"f32+weights16", 1u << CLASS_WEIGHTS16},
    {"f32+absolute-bias", 1u << CLASS_ABSOLUTE_BIAS},
};

enum { NUM_SOUND = sizeof sound_classes / sizeof *sound_classes, MAX_FAULTS = 64 };

/* A row of the answer. */
struct answer {
    const char *name, *about;
    bool is_none; /* of a fault: the problem has no such; of a class: nothing is promised */
    struct rule_figures figures;
    bool accepted;
};

struct answers {
    struct answer faults[MAX_FAULTS], sound[NUM_SOUND];
    double most_sound;  /* what tolerances would have to be multiplied by to accept all that is sound in f32, */
    double least_fault; /* and to accept the first fault that is beyond that */
    const char *least_name;
    double seen; /* the same of the largest error that the point's kernel made on `seeds` seeds; NAN: not looked for */
    int num_accepted, num_faults;
};

struct asking {
    const struct tolerance_options *options;
    struct evaluator *evaluator;
    struct progress *progress;
    const struct point *point;
    struct rule rule;
    struct problem problem;
    struct truth truth;
    double *output; /* [R, D] */
};

/* Elements as the output's dtype has them. */
static void narrow(double *elements, const struct problem *problem)
{
    for (int64_t i = 0; i < problem_elements(problem); i++)
        elements[i] = (double)dtype_round(problem->dtype, (float)elements[i]);
}

static enum error_kind measure(struct asking *asking, struct answer *answer, struct error *error)
{
    int64_t count = problem_elements(&asking->problem);
    if (!rule_measure(&answer->figures, &asking->rule, asking->output, asking->truth.value, count))
        return error_memory(error, "a rule", (double)count * sizeof(double));
    answer->accepted = rule_accepts(&asking->rule, &answer->figures);
    return ERROR_NONE;
}

static enum error_kind ask_faults(struct asking *asking, struct answers *answers, struct error *error)
{
    const struct output none = {NULL, NULL};
    const struct exhibit stated = {.problem = &asking->problem, .output = &none, .truth = &asking->truth};
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < num_planted_faults && !kind; i++) {
        struct answer *answer = &answers->faults[i];
        *answer = (struct answer){planted_faults[i].name, planted_faults[i].about, .is_none = false};
        progress_display_step(asking->evaluator->display, answer->name, 0);
        kind = planted_answer(asking->output, &answer->is_none, &planted_faults[i], &stated, error);
        if (!kind && progress_cancelled(asking->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
        if (kind || answer->is_none)
            continue;
        narrow(asking->output, &asking->problem);
        kind = measure(asking, answer, error);
        answers->num_faults++;
        answers->num_accepted += answer->accepted;
        if (answer->figures.needed > answers->most_sound && answer->figures.needed < answers->least_fault) {
            answers->least_fault = answer->figures.needed;
            answers->least_name = answer->name;
        }
    }
    return kind;
}

/* The output that is as far off as a class allows, away from 0. */
static enum error_kind ask_sound(struct asking *asking, struct answers *answers, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < NUM_SOUND && !kind; i++) {
        struct answer *answer = &answers->sound[i];
        const struct rounding_model model = class_rounding_model(sound_classes[i].set, &asking->problem);
        *answer = (struct answer){sound_classes[i].name, "", .is_none = false};
        progress_display_step(asking->evaluator->display, answer->name, 0);
        kind = error_bound(asking->output, &model, &asking->problem, &asking->truth, asking->options->selection.threads,
                           asking->progress, error);
        for (int64_t e = 0; e < problem_elements(&asking->problem) && !kind; e++) {
            answer->is_none |= !isfinite(asking->output[e]);
            asking->output[e] = asking->truth.value[e] + copysign(asking->output[e], asking->truth.value[e]);
        }
        if (kind || answer->is_none)
            continue;
        kind = measure(asking, answer, error);
        answers->most_sound = fmax(answers->most_sound, i == 0 ? answer->figures.needed : 0);
    }
    return kind;
}

/* The largest error that the kernel of the point makes on some seeds, by the rule. */
static enum error_kind ask_kernel(struct asking *asking, struct answers *answers, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    answers->seen = asking->options->seeds > 0 ? 0 : NAN;
    for (int seed = 0; seed < asking->options->seeds && !kind; seed++) {
        struct point point = *asking->point;
        struct evaluation evaluation;
        struct answer answer;
        point.problem.seed += (uint64_t)seed;
        point.oracles = 0;
        point.baselines = 0;
        kind = evaluate(asking->evaluator, &evaluation, &point, error);
        for (int64_t i = 0; i < problem_elements(&evaluation.problem) && !kind; i++) {
            float out;
            dtype_widen(evaluation.problem.dtype, evaluation.output.out, (size_t)i, 1, &out);
            asking->output[i] = (double)out;
        }
        if (!kind && !rule_measure(&answer.figures, &asking->rule, asking->output, evaluation.truth.value,
                                   problem_elements(&evaluation.problem)))
            kind = error_memory(error, "a rule", (double)problem_elements(&evaluation.problem) * sizeof(double));
        if (!kind)
            answers->seen = fmax(answers->seen, answer.figures.needed);
        evaluation_clear(&evaluation);
        if (!kind && progress_cancelled(asking->progress))
            kind = error_set(error, ERROR_INTERRUPTED, "interrupted");
    }
    return kind;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void print_rule(const struct rule *rule)
{
    printf("  rule:");
    if (rule->by_elements) {
        static const char *const words[RULE_COMBINE_COUNT] = {
            [RULE_SUM] = "+", [RULE_EITHER] = "or", [RULE_BOTH] = "and"};
        printf(" atol %g %s rtol %g |truth|", rule->atol, words[rule->combine], rule->rtol);
        if (rule->ratio < 1)
            printf(" for %g%% of the elements", 100 * rule->ratio);
    }
    if (!isnan(rule->cosine))
        printf(" cosine >= %.9g", rule->cosine);
    if (!isnan(rule->nmse))
        printf(" nmse <= %g", rule->nmse);
    if (!isnan(rule->norm))
        printf(" relative norm <= %g", rule->norm);
    printf("\n");
}

/* NaN without the sign that printf would show. */
static double plain(double number)
{
    return isnan(number) ? (double)NAN : number;
}

static void print_answer(const struct answer *answer, const char *good, const char *bad)
{
    const struct rule_figures *figures = &answer->figures;
    if (answer->is_none)
        return;
    printf("  %-24s %10.3g %9.1f%% %12.6g %10.3g %10.3g   %s\n", answer->name, figures->max_abs,
           100 * (double)(figures->elements - figures->accepted) / (double)figures->elements, plain(figures->cosine),
           figures->nmse, figures->needed, answer->accepted ? good : bad);
}

/* Faults that no tolerance of the rule's form tells from sound arithmetic: it would have to accept them. */
static int print_untold(const struct answers *answers)
{
    int untold = 0;
    for (int i = 0; i < num_planted_faults; i++)
        if (!answers->faults[i].is_none && answers->faults[i].figures.needed <= answers->most_sound)
            printf("%s%s", untold++ ? ", " : "  No tolerance of this form tells from sound f32 arithmetic: ",
                   answers->faults[i].name);
    printf("%s", untold ? ".\n" : "");
    return untold;
}

static void print_advice(const struct asking *asking, const struct answers *answers)
{
    const struct rule *rule = &asking->rule;
    printf("  The rule lets %d of %d faults pass.\n", answers->num_accepted, answers->num_faults);
    if (!rule->by_elements)
        return;
    int untold = print_untold(answers);
    if (untold < answers->num_faults)
        printf("  The loosest that refuses %s: just below atol %.3g, rtol %.3g (%s).\n", untold ? "all others" : "all",
               rule->atol * answers->least_fault, rule->rtol * answers->least_fault, answers->least_name);
    printf("  Sound f32 arithmetic may need atol %.3g, rtol %.3g, whatever the order of its sums.\n",
           rule->atol * answers->most_sound, rule->rtol * answers->most_sound);
    if (!isnan(answers->seen))
        printf("  The point's own kernel needs atol %.3g, rtol %.3g on %d seeds.\n", rule->atol * answers->seen,
               rule->rtol * answers->seen, asking->options->seeds);
}

static void print_text(const struct asking *asking, const struct answers *answers)
{
    char key[POINT_KEY_SIZE];
    printf("%s\n", point_key(key, asking->point));
    print_rule(&asking->rule);
    printf("  %-24s %10s %10s %12s %10s %10s\n", "fault", "max error", "refused", "cosine", "nmse", "needs");
    for (int i = 0; i < num_planted_faults; i++)
        print_answer(&answers->faults[i], "PASSES", "refused");
    printf("  %-24s\n", "sound, at its bound");
    for (int i = 0; i < NUM_SOUND; i++)
        print_answer(&answers->sound[i], "accepted", "MAY BE REFUSED");
    print_advice(asking, answers);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *json_from_answer(const struct answer *answer)
{
    const struct rule_figures *figures = &answer->figures;
    return json_pack("{s:s, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "name", answer->name, "accepted",
                     (int)answer->accepted, "elements", (json_int_t)figures->elements, "within",
                     (json_int_t)figures->accepted, "max_abs", json_from_double(figures->max_abs), "max_rel",
                     json_from_double(figures->max_rel), "cosine", json_from_double(figures->cosine), "nmse",
                     json_from_double(figures->nmse), "norm", json_from_double(figures->norm), "needs",
                     json_from_double(figures->needed));
}

static json_t *json_from_list(const struct answer *answers, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        if (!answers[i].is_none)
            json_array_append_new(list, json_from_answer(&answers[i]));
    return list;
}

static json_t *json_or_null(double number)
{
    return isnan(number) ? json_null() : json_from_double(number);
}

static enum error_kind print_json(const struct asking *asking, const struct answers *answers, struct error *error)
{
    char key[POINT_KEY_SIZE];
    const struct rule *rule = &asking->rule;
    json_t *object = json_pack(
        "{s:s, s:{s:o, s:o, s:s, s:o, s:o, s:o, s:o}, s:o, s:o, s:o, s:o, s:o}", "key", point_key(key, asking->point),
        "rule", "atol", rule->by_elements ? json_from_double(rule->atol) : json_null(), "rtol",
        rule->by_elements ? json_from_double(rule->rtol) : json_null(), "combine", rule_combine_names[rule->combine],
        "ratio", json_from_double(rule->ratio), "cosine", json_or_null(rule->cosine), "nmse", json_or_null(rule->nmse),
        "norm", json_or_null(rule->norm), "faults", json_from_list(answers->faults, num_planted_faults), "sound",
        json_from_list(answers->sound, NUM_SOUND), "least_fault", json_from_double(answers->least_fault), "most_sound",
        json_from_double(answers->most_sound), "seen", json_or_null(answers->seen));
    bool printed = object && json_dumpf(object, stdout, JSON_COMPACT | JSON_PRINT_FLAGS) == 0;
    json_decref(object);
    printf("\n");
    return printed ? ERROR_NONE : error_memory(error, "an answer as JSON", 0);
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static enum error_kind ask(struct asking *asking, struct answers *answers, struct error *error)
{
    const struct generated_source source = generated_source(&asking->point->problem);
    const struct truth_options truth_options = {.precision = asking->point->truth_precision,
                                                .threads = asking->options->selection.threads,
                                                .progress = asking->progress};
    struct inputs inputs = {0};
    progress_display_step(asking->evaluator->display, "inputs", 0);
    enum error_kind kind =
        source.source.ops->open(&source.source, whole_problem(&asking->point->problem),
                                asking->options->selection.threads, asking->progress, &inputs, error);
    asking->problem = inputs.problem;
    if (!kind)
        kind = truth_init(&asking->truth, &asking->problem, error);
    if (!kind)
        kind = truth_compute(&asking->truth, TRUTH_CERTIFIED, &asking->problem, &truth_options, error);
    asking->output = kind ? NULL : malloc(((size_t)problem_elements(&asking->problem) + 1) * sizeof(double));
    if (!kind && !asking->output)
        kind = error_memory(error, "an output", (double)problem_elements(&asking->problem) * sizeof(double));
    if (!kind)
        kind = ask_sound(asking, answers, error);
    if (!kind)
        kind = ask_faults(asking, answers, error);
    if (!kind)
        kind = ask_kernel(asking, answers, error);
    free(asking->output);
    truth_clear(&asking->truth);
    inputs_clear(&inputs);
    return kind;
}

static enum error_kind ask_point(struct evaluator *evaluator, const struct point *point,
                                 const struct tolerance_options *options, struct progress *progress, bool first,
                                 bool *good, struct error *error)
{
    struct asking asking = {
        .options = options, .evaluator = evaluator, .progress = progress, .point = point, .rule = options->rule};
    struct answers answers = {.least_fault = INFINITY, .seen = NAN, .least_name = ""};
    char key[POINT_KEY_SIZE];
    if (!options->has_tolerances) {
        asking.rule.atol = point->criterion.tolerance.atol;
        asking.rule.rtol = point->criterion.tolerance.rtol;
    }
    progress_display_point(evaluator->display, point_key(key, point));
    enum error_kind kind = ask(&asking, &answers, error);
    if (kind)
        return kind;
    *good = *good && answers.num_accepted == 0 && (answers.sound[0].is_none || answers.sound[0].accepted);
    progress_display_hide(evaluator->display);
    if (options->json) {
        kind = print_json(&asking, &answers, error);
    } else {
        printf("%s", first ? "" : "\n");
        print_text(&asking, &answers);
    }
    if (!kind && (fflush(stdout) || ferror(stdout)))
        kind = error_set(error, ERROR_SYSTEM, "stdout: cannot be written");
    progress_display_show(evaluator->display);
    return kind;
}

static enum error_kind check_selection(const struct selection *selection, const struct tolerance_options *options,
                                       struct error *error)
{
    char key[POINT_KEY_SIZE];
    if (selection->count > TOLERANCE_MAX_POINTS)
        return error_set(error, ERROR_USAGE,
                         "tolerance: %zu points; allowed: up to %d; choose with --only GLOB or --set "
                         "KEY=VALUE",
                         selection->count, TOLERANCE_MAX_POINTS);
    for (size_t i = 0; i < selection->count; i++) {
        const struct point *point = &selection->points[i];
        if (problem_spec_parts(&point->problem) > 1)
            return error_set(error, ERROR_USAGE, "tolerance: point %.300s is too large to be in memory whole",
                             point_key(key, point));
        enum error_kind kind =
            selection_check_memory(point, 2 * evaluate_bytes(point, options->selection.threads), 1, error);
        if (kind)
            return kind;
    }
    return ERROR_NONE;
}

int tolerance(const struct tolerance_options *options, struct progress *progress, struct error *error)
{
    struct evaluator evaluator = {.threads = options->selection.threads, .progress = progress};
    struct selection selection;
    bool good = true;
    enum error_kind kind = selection_make(&selection, &options->selection, error);
    if (!kind)
        kind = check_selection(&selection, options, error);
    if (!kind)
        kind = selection_open_device(&evaluator.device, &options->selection, error);
    if (!kind) {
        evaluator.display = progress_display_start(selection.count, progress);
        for (size_t i = 0; i < selection.count && !kind; i++)
            kind = ask_point(&evaluator, &selection.points[i], options, progress, i == 0, &good, error);
        progress_display_stop(evaluator.display);
    }
    evaluator_clear(&evaluator);
    device_close(evaluator.device);
    selection_clear(&selection);
    return kind ? (int)kind : !good;
}
