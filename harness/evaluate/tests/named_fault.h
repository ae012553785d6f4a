/*
 * A drawn fault run, judged and named.
 */
#ifndef HARNESS_EVALUATE_TESTS_NAMED_FAULT_H
#define HARNESS_EVALUATE_TESTS_NAMED_FAULT_H

#include "harness/case/case.h"
#include "harness/evaluate/evaluate.h"
#include "harness/evaluate/tests/fault_alias.h"

enum fault_outcome {
    FAULT_REFUSED, /* a recipe that contradicts itself, or nothing to be done: no key is masked */
    FAULT_PASSED,  /* nothing to be seen */
    FAULT_RIGHT,
    FAULT_UNKNOWN,
    FAULT_NAMELESS, /* unknown, and there is no name for it */
    FAULT_WRONG,
    FAULT_OUTCOME_COUNT
};

struct named_fault {
    enum fault_outcome outcome;
    struct signature_finding finding;
    struct contract_finding contract;
    char text[FAULT_TEXT_SIZE]; /* the case, with what is planted as a comment */
    struct error error;
};

static inline enum error_kind fault_rejudge(struct evaluation *evaluation, const struct point *point, bool no_lse,
                                            struct error *error)
{
    const struct output output = {.out = evaluation->judged.output.out,
                                  .lse = no_lse ? NULL : evaluation->judged.output.lse};
    const struct exhibit exhibit = {
        .problem = &evaluation->judged.problem,
        .output = &output,
        .truth = &evaluation->judged.truth,
        .bound = evaluation->judged.bound,
        .lse_bound = evaluation->judged.lse_bound,
        .criterion = point->criterion,
    };
    verdict_clear(&evaluation->judged.verdict);
    enum error_kind kind = verdict_reach(&evaluation->judged.verdict, &exhibit, error);
    if (kind || criterion_decide(&point->criterion, &evaluation->judged.verdict.total) != DECISION_FAIL)
        return kind;
    return signature_find(&evaluation->judged.finding, &exhibit, &evaluation->judged.verdict, &(struct oracle_facts){0},
                          1, error);
}

/* The only point of a case. False if the case is refused. */
static inline bool fault_point(struct case_list *list, struct point *point, const char *text, struct error *error)
{
    if (case_list_parse(list, "drawn", text, strlen(text), NULL, 0, error))
        return false;
    case_point(list->cases[0], 0, point);
    return true;
}

/* sound: the point without the fault. */
static inline void fault_conclude(struct named_fault *named, const struct drawn_fault *fault, const struct point *point,
                                  const struct point *sound, const struct evaluation *evaluation, struct device *device)
{
    enum decision decision = criterion_decide(&point->criterion, &evaluation->judged.verdict.total);
    bool failed = decision == DECISION_FAIL || oracles_violated(&evaluation->oracles) > 0;
    enum signature found = evaluation->judged.finding.signature;
    named->finding = evaluation->judged.finding;
    if (decision == DECISION_UNBOUNDED || decision == DECISION_UNDECIDED)
        named->outcome = FAULT_REFUSED;
    else if (!failed)
        named->outcome = FAULT_PASSED;
    else if (found == SIGNATURE_UNKNOWN)
        named->outcome = fault->kind->names & NAME(UNKNOWN) ? FAULT_NAMELESS : FAULT_UNKNOWN;
    else
        named->outcome = fault->kind->names >> found & 1 || fault_is_alias(fault, evaluation, point, sound, device)
                             ? FAULT_RIGHT
                             : FAULT_WRONG;
}

/* Looks for the contract of an output, right or wrong, as if nothing were known of the kernel. */
static inline enum error_kind fault_contract(struct named_fault *named, const struct evaluation *evaluation,
                                             const struct point *point)
{
    const struct exhibit exhibit = {
        .problem = &evaluation->judged.problem,
        .output = &evaluation->judged.output,
        .truth = &evaluation->judged.truth,
        .criterion = point->criterion,
    };
    const struct class_demand demand = {.asked = false};
    return contract_search(&named->contract, &exhibit, &evaluation->judged.verdict, &demand, 1, NULL, &named->error);
}

/*
 * Runs a draw without its fault, all oracles looking on. FAULT_WRONG: it is accused, of an error beyond its bound, by
 * an oracle, or by a name other than rounding's; FAULT_RIGHT: it is outside its tolerance, and rounding is to blame.
 */
static inline enum error_kind fault_sound(struct named_fault *named, const struct drawn_fault *fault,
                                          struct evaluator *evaluator)
{
    struct case_list list = {0};
    struct point point;
    struct evaluation evaluation = {.has_other = false};
    enum error_kind kind = ERROR_NONE;
    *named = (struct named_fault){.outcome = FAULT_REFUSED};
    snprintf(named->text, sizeof named->text, "case: drawn\n%srecipe: {name: drawn%s}\n", fault->problem,
             fault->variant);
    if (!fault_point(&list, &point, named->text, &named->error))
        goto out;
    kind = evaluate(evaluator, &evaluation, &point, &named->error);
    if (kind)
        goto out;
    const struct metrics *total = &evaluation.judged.verdict.total;
    enum signature found = evaluation.judged.finding.signature;
    bool beyond = criterion_out_beyond(&point.criterion, total) || criterion_lse_beyond(&point.criterion, total);
    bool rounding = found == SIGNATURE_PRECISION_LOSS || found == SIGNATURE_UNKNOWN;
    named->finding = evaluation.judged.finding;
    kind = fault_contract(named, &evaluation, &point);
    if (kind)
        goto out;
    if (named->contract.named)
        named->outcome = FAULT_WRONG;
    else if (criterion_decide(&point.criterion, total) == DECISION_PASS && !oracles_violated(&evaluation.oracles))
        named->outcome = FAULT_PASSED;
    else
        named->outcome = beyond || oracles_violated(&evaluation.oracles) || !rounding ? FAULT_WRONG : FAULT_RIGHT;

out:
    evaluation_clear(&evaluation);
    case_list_clear(&list);
    return kind;
}

/* Runs and names a fault; by_bound: judged with `budget: 1`. A fault on top of rounding that fails by itself is
 * refused. ERROR_SYSTEM if something cannot be run. */
static inline enum error_kind fault_name(struct named_fault *named, const struct drawn_fault *fault, bool by_bound,
                                         struct evaluator *evaluator)
{
    enum { SOUND, FAULTY, CASES };
    struct case_list lists[CASES] = {{0}, {0}};
    struct point points[CASES];
    struct evaluation evaluation = {.has_other = false};
    char sound[FAULT_TEXT_SIZE];
    bool planted = fault->plant != PLANT_NONE, done = true;
    const char *budget = by_bound ? "budget: 1\n" : "";
    enum error_kind kind = ERROR_NONE;
    *named = (struct named_fault){.outcome = FAULT_REFUSED};
    snprintf(named->text, sizeof named->text, "# %s%s: %d, %lld, %.9g\ncase: drawn\n%s%srecipe: {name: drawn%s%s}\n",
             planted ? "planted, " : "", fault->kind->name, (int)fault->plant, (long long)fault->at, fault->size,
             fault->problem, budget, fault->variant, fault->recipe);
    snprintf(sound, sizeof sound, "case: sound\n%s%soracles: none\nrecipe: {name: sound%s}\n", fault->problem, budget,
             fault->variant);
    if (!fault_point(&lists[SOUND], &points[SOUND], sound, &named->error) ||
        !fault_point(&lists[FAULTY], &points[FAULTY], named->text, &named->error))
        goto out;
    kind = evaluate(evaluator, &evaluation, &points[SOUND], &named->error);
    if (kind || criterion_decide(&points[SOUND].criterion, &evaluation.judged.verdict.total) != DECISION_PASS ||
        fault_visible(&evaluation.judged.problem) < 2) /* one key weighs 1, whatever becomes of its logit */
        goto out;
    if (planted) {
        kind = fault_answer(&evaluation, &points[SOUND], &points[FAULTY].recipe, fault, evaluator->device, &done,
                            &named->error);
        if (!kind && done)
            kind = fault_rejudge(&evaluation, &points[SOUND], fault->no_lse, &named->error);
    } else {
        evaluation_clear(&evaluation);
        kind = evaluate(evaluator, &evaluation, &points[FAULTY], &named->error);
    }
    if (!kind && done)
        fault_conclude(named, fault, &points[FAULTY], &points[SOUND], &evaluation, evaluator->device);
    if (!kind && done && named->outcome >= FAULT_RIGHT && fault->kind->names == 1u << SIGNATURE_PRECISION_LOSS) {
        kind = fault_contract(named, &evaluation, &points[FAULTY]);
        if (named->contract.named) /* roundings are no other contract */
            named->outcome = FAULT_WRONG;
    }

out:
    evaluation_clear(&evaluation);
    case_list_clear(&lists[SOUND]);
    case_list_clear(&lists[FAULTY]);
    return kind;
}

#endif
