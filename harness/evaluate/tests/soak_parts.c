/*
 * What failures are called where a problem is worked on a KV head at a time, beside what they are called in one part.
 *     soak_parts CASE... [KEY=VALUE...] [only=NAME]  all points of the cases, or of the one that is called NAME, run by
 *         their kernels and then judged as outputs alone
 *     soak_parts drawn [FAILING [SEED]]  faults, and contracts that read keys in another place, drawn at random, until
 *         so many have failed (500, 0)
 * Prints each failure that has another name in parts, with SOAK_VERBOSE in the environment those that have none there,
 * too, and a table: of signatures and of contracts, how many are the
 * same, unknown in parts alone, and others. Exit code 1 if one is another, 3 if something could not be run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "harness/case/recipe_library.h"
#include "harness/evaluate/tests/drawn_contract.h"
#include "harness/evaluate/tests/named_fault.h"
#include "harness/evaluate/tests/one_head_parts.h"

enum { RUN_SIGNATURE, JUDGED_SIGNATURE, JUDGED_CONTRACT, ELSEWHERE_SIGNATURE, ELSEWHERE_CONTRACT, SUBJECTS };
enum { NAMED_SAME, UNKNOWN_SAME, UNKNOWN_IN_PARTS, OTHER, ENDS };

static long counts[SUBJECTS][ENDS];
static const char *const subjects[SUBJECTS] = {"signature of a run", "signature of an output", "contract of an output",
                                               "signature, keys elsewhere", "contract, keys elsewhere"};

/* Empty texts: there is no name. */
static void compare(int subject, const char *whole, const char *parts, const char *whole_says, const char *parts_say,
                    const char *label)
{
    bool named = *whole, same = !strcmp(whole, parts);
    int end = same && named ? NAMED_SAME : same ? UNKNOWN_SAME : !*parts ? UNKNOWN_IN_PARTS : OTHER;
    counts[subject][end]++;
    if (end == OTHER || (end == UNKNOWN_IN_PARTS && getenv("SOAK_VERBOSE")))
        printf("%s: %s: %s \"%s\", in parts %s \"%s\"\n", subjects[subject], label, named ? whole : "unknown",
               whole_says, *parts ? parts : "unknown", parts_say);
}

static const char *name_of(const struct signature_finding *finding)
{
    return finding->signature == SIGNATURE_UNKNOWN ? "" : signature_names[finding->signature];
}

static void compare_signatures(int subject, const struct signature_finding *whole,
                               const struct signature_finding *parts, const char *label)
{
    compare(subject, name_of(whole), name_of(parts), whole->detail, parts->detail, label);
}

static void compare_contracts(int subject, const struct contract_finding *whole, const struct contract_finding *parts,
                              const char *label)
{
    const char *of_whole = whole->named ? whole->fits[0].text : "", *of_parts = parts->named ? parts->fits[0].text : "";
    compare(subject, of_whole, of_parts, whole->num_fits ? whole->fits[0].text : "",
            parts->num_fits ? parts->fits[0].text : "", label);
}

/* ---- an output that is there ------------------------------------------------------------------------------------- */

/* elsewhere: a contract was drawn. *failed, unless NULL: the output is wrong. */
static enum error_kind judge_both_ways(const struct evaluation *evaluation, const struct point *point, bool elsewhere,
                                       const char *label, bool *failed, struct error *error)
{
    struct judged_output judged[2];
    enum error_kind kind = judge_at_once_and_in_parts(judged, evaluation, point, error);
    const bool fails = !kind && judged[0].finding.signature != SIGNATURE_NONE;
    if (fails) {
        compare_signatures(elsewhere ? ELSEWHERE_SIGNATURE : JUDGED_SIGNATURE, &judged[0].finding, &judged[1].finding,
                           label);
        compare_contracts(elsewhere ? ELSEWHERE_CONTRACT : JUDGED_CONTRACT, &judged[0].contract, &judged[1].contract,
                          label);
    }
    if (failed)
        *failed = fails;
    judged_output_clear(&judged[0]);
    judged_output_clear(&judged[1]);
    return kind;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

static struct evaluator evaluators[2];

static enum error_kind run_in_parts(const struct evaluation *whole, const struct point *point, const char *label,
                                    struct error *error)
{
    struct generated_source cut;
    struct problem_source_ops ops;
    struct evaluation parts = {.has_other = false};
    cut_by_head(&cut, &ops, &point->problem);
    enum error_kind kind = evaluate_from(&evaluators[1], &parts, point, &cut, error);
    if (!kind && parts.judged.finding.signature != SIGNATURE_NONE)
        compare_signatures(RUN_SIGNATURE, &whole->judged.finding, &parts.judged.finding, label);
    evaluation_clear(&parts);
    return kind;
}

static enum error_kind try_point(const struct point *point, struct error *error)
{
    char label[POINT_KEY_SIZE], text[SUBJECT_TEXT_SIZE];
    struct evaluation whole = {.has_other = false};
    if (point->batch != BATCH_ALONE || point->problem.num_kv_heads == 1 || !evaluate_takes(&evaluators[0], point, text))
        return ERROR_NONE;
    point_key(label, point);
    enum error_kind kind = evaluate(&evaluators[0], &whole, point, error);
    if (!kind && whole.judged.finding.signature != SIGNATURE_NONE && !contract_needs_all_heads(&point->recipe.contract))
        kind = run_in_parts(&whole, point, label, error);
    if (!kind && whole.judged.finding.signature != SIGNATURE_NONE && !*whole.subject_failure)
        kind = judge_both_ways(&whole, point, false, label, NULL, error);
    evaluation_clear(&whole);
    return kind;
}

static enum error_kind try_case(const struct test_case *test_case, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t p = 0; p < case_num_points(test_case) && !kind; p++) {
        struct point point;
        case_point(test_case, p, &point);
        kind = try_point(&point, error);
    }
    return kind;
}

static enum error_kind try_cases(int count, char **paths, struct error *error)
{
    struct case_list list = {0};
    const char *settings[64];
    const char *only = NULL;
    size_t num_settings = 0;
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < count && num_settings < 64; i++)
        if (strncmp(paths[i], "only=", 5) == 0)
            only = paths[i] + 5;
        else if (strchr(paths[i], '='))
            settings[num_settings++] = paths[i];
    for (int i = 0; i < count && !kind; i++)
        if (!strchr(paths[i], '='))
            kind = case_list_read(&list, paths[i], settings, num_settings, error);
    for (size_t c = 0; c < list.count && !kind; c++)
        if (!only || strcmp(only, case_name(list.cases[c])) == 0)
            kind = try_case(list.cases[c], error);
    case_list_clear(&list);
    return kind;
}

/* ---- draws ------------------------------------------------------------------------------------------------------- */

static enum error_kind try_draw(uint64_t seed, uint64_t number, bool *failed, struct error *error)
{
    struct drawn_fault fault;
    struct case_list list = {0};
    struct point point;
    struct evaluation evaluation = {.has_other = false};
    char text[FAULT_TEXT_SIZE], label[64];
    bool done = true;
    enum error_kind kind = ERROR_NONE;
    *failed = false;
    fault_draw(&fault, seed, number);
    snprintf(label, sizeof label, "%s, draw %llu %llu", fault.kind->name, (unsigned long long)seed,
             (unsigned long long)number);
    bool planted = fault.plant != PLANT_NONE;
    snprintf(text, sizeof text, "case: drawn\n%soracles: none\nrecipe: {name: drawn%s%s}\n", fault.problem,
             fault.variant, planted ? "" : fault.recipe);
    if (!fault_point(&list, &point, text, error) || point.problem.num_kv_heads == 1 || point.batch != BATCH_ALONE)
        goto out;
    kind = evaluate(&evaluators[0], &evaluation, &point, error);
    if (!kind && planted)
        kind = fault_answer(&evaluation, &point, &point.recipe, &fault, evaluators[0].device, &done, error);
    if (!kind && planted && done)
        kind = fault_rejudge(&evaluation, &point, false, error);
    *failed = !kind && done && criterion_decide(&point.criterion, &evaluation.judged.verdict.total) == DECISION_FAIL;
    if (*failed)
        kind = judge_both_ways(&evaluation, &point, false, label, NULL, error);
    if (*failed && !kind && !planted && !contract_needs_all_heads(&point.recipe.contract) &&
        evaluation.judged.finding.signature != SIGNATURE_NONE)
        kind = run_in_parts(&evaluation, &point, label, error);

out:
    evaluation_clear(&evaluation);
    case_list_clear(&list);
    return kind;
}

/* On the problem of a draw, often with several queries: what answers has its keys elsewhere. */
static enum error_kind try_contract(uint64_t seed, uint64_t number, bool *failed, struct error *error)
{
    struct drawn_fault fault;
    struct case_list list = {0};
    struct point point;
    struct evaluation evaluation = {.has_other = false};
    char text[FAULT_TEXT_SIZE], drawn[CONTRACT_TEXT_SIZE], label[CONTRACT_TEXT_SIZE + 64];
    enum error_kind kind = ERROR_NONE;
    bool done = false;
    *failed = false;
    fault_draw(&fault, seed, number);
    uint64_t state = fault.state + 1;
    const int queries = draw_below(&state, 3) ? 1 : 2 + draw_below(&state, 4);
    snprintf(text, sizeof text, "case: drawn\n%snum_queries: %d\noracles: none\nrecipe: {name: drawn}\n", fault.problem,
             queries);
    if (!fault_point(&list, &point, text, error) || point.problem.num_kv_heads == 1 || point.batch != BATCH_ALONE)
        goto out;
    kind = evaluate(&evaluators[0], &evaluation, &point, error);
    if (!kind)
        kind = contract_answer(&evaluation, &state, drawn, &done, error);
    snprintf(label, sizeof label, "%s, contract %llu %llu", drawn, (unsigned long long)seed,
             (unsigned long long)number);
    if (!kind && done)
        kind = judge_both_ways(&evaluation, &point, true, label, failed, error);

out:
    evaluation_clear(&evaluation);
    case_list_clear(&list);
    return kind;
}

static enum error_kind try_draws(long wanted, uint64_t seed, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    long failing = 0;
    for (uint64_t number = 0; failing < wanted && !kind; number++) {
        bool failed;
        kind = try_draw(seed, number, &failed, error);
        failing += failed;
        if (!kind)
            kind = try_contract(seed, number, &failed, error);
        failing += failed;
    }
    return kind;
}

int main(int argc, char **argv)
{
    struct error error = {.text = ""};
    enum error_kind kind = recipe_library_open(&error);
    bool drawn = argc > 1 && !strcmp(argv[1], "drawn");
    for (int i = 0; i < 2 && !kind; i++) {
        evaluators[i] = (struct evaluator){.threads = 1};
        kind = device_open(&evaluators[i].device, DEVICE_HOST, &(struct device_options){.threads = 1}, &error);
    }
    if (!kind && drawn)
        kind =
            try_draws(argc > 2 ? strtol(argv[2], NULL, 10) : 500, argc > 3 ? strtoull(argv[3], NULL, 10) : 0, &error);
    else if (!kind)
        kind = try_cases(argc - 1, argv + 1, &error);
    for (int i = 0; i < 2; i++) {
        evaluator_clear(&evaluators[i]);
        if (evaluators[i].device)
            device_close(evaluators[i].device);
    }
    recipe_library_close();
    if (kind) {
        fprintf(stderr, "soak_parts: %s\n", error.text);
        return 3;
    }
    printf("| %-25s | the same | unknown in both | unknown in parts | another |\n", "");
    printf("|---------------------------|----------|-----------------|------------------|---------|\n");
    long others = 0;
    for (int s = 0; s < SUBJECTS; s++) {
        printf("| %-25s | %8ld | %15ld | %16ld | %7ld |\n", subjects[s], counts[s][NAMED_SAME], counts[s][UNKNOWN_SAME],
               counts[s][UNKNOWN_IN_PARTS], counts[s][OTHER]);
        others += counts[s][OTHER];
    }
    return others > 0;
}
