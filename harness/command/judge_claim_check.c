/* What a bundle without k and v says, held against what its tensors give. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "harness/command/judge_claim.h"
#include "harness/evaluate/outcome.h"
#include "harness/support/source.h"

static const char allowed[] = "a bundle that was made of these tensors";

struct checking {
    const struct exhibit_bundle *bundle;
    const struct evaluation *evaluation;
    char path[PATH_QUOTE_SIZE];
};

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static enum error_kind check_digests(const struct checking *checking, struct error *error)
{
    const struct exhibit_digests are = exhibit_digests(&checking->evaluation->judged.problem);
    const struct exhibit_digests *said = &checking->bundle->digests;
    for (int i = 0; i < EXHIBIT_INPUT_COUNT; i++)
        if (said->has[i] && are.of[i] != said->of[i])
            return error_set(error, ERROR_USAGE,
                             "%s: is of another %s: its %s is %016" PRIx64 ", and what is given has %016" PRIx64
                             "; allowed: the tensors that it was made of",
                             checking->path, exhibit_input_names[i], exhibit_digest_keys[i], said->of[i], are.of[i]);
    return ERROR_NONE;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* Whether two enclosures of one number have it in common. What the sums round off is below 2^-100 of it. */
static bool agree(double value, double tail, double radius, double other, double other_tail, double other_radius)
{
    if (!isfinite(value) || !isfinite(other))
        return (isnan(value) && isnan(other)) || value == other;
    double apart = fabs((value - other) + (tail - other_tail));
    return apart <= (radius + other_radius) * (1 + 0x1p-50) + 0x1p-100 * fabs(value);
}

static enum error_kind refuse_number(const struct checking *checking, const char *what, size_t at, size_t dim,
                                     double said, double is, struct error *error)
{
    size_t heads = (size_t)checking->bundle->spec.num_heads, row = at / dim;
    char element[32] = "";
    if (dim > 1)
        snprintf(element, sizeof element, ", dim %zu", at % dim);
    return error_set(error, ERROR_USAGE,
                     "%s: its %s at query %zu, head %zu%s is %.17g, and comes to %.17g; allowed: %s", checking->path,
                     what, row / heads, row % heads, element, said, is, allowed);
}

static enum error_kind check_truth(const struct checking *checking, struct error *error)
{
    const struct truth *is = &checking->evaluation->judged.truth, *said = &checking->bundle->truth;
    size_t dim = (size_t)is->head_dim, rows = (size_t)is->num_rows;
    for (size_t i = 0; i < rows * dim; i++) {
        if (!agree(is->value[i], is->tail[i], is->radius[i], said->value[i], said->tail[i], said->radius[i]))
            return said->value[i] == is->value[i]
                       ? refuse_number(checking, "truth's tail", i, dim, said->tail[i], is->tail[i], error)
                       : refuse_number(checking, "truth", i, dim, said->value[i], is->value[i], error);
        /* Each is within 1e-9 of the exact one where the radius is small (truth.h). */
        bool known = is->radius[i] <= 0x1p-40 * is->magnitude[i] && is->magnitude[i] > 1e-220;
        if (known && !(fabs(is->magnitude[i] - said->magnitude[i]) <= 1e-8 * is->magnitude[i]))
            return refuse_number(checking, "magnitude", i, dim, said->magnitude[i], is->magnitude[i], error);
    }
    for (size_t r = 0; r < rows; r++)
        if (!agree(is->lse[r], is->lse_tail[r], is->lse_radius[r], said->lse[r], said->lse_tail[r],
                   said->lse_radius[r]))
            return refuse_number(checking, "true lse", r, 1, said->lse[r], is->lse[r], error);
    return ERROR_NONE;
}

/* Bounds follow from inputs, truth and recipe by the same steps; builds may round some of them otherwise. */
static bool alike(double a, double b)
{
    return a == b || fabs(a - b) <= 1e-9 * fabs(a);
}

static enum error_kind check_bounds(const struct checking *checking, struct error *error)
{
    const struct exhibit_bundle *bundle = checking->bundle;
    const struct evaluation *evaluation = checking->evaluation;
    size_t dim = (size_t)bundle->spec.head_dim, rows = (size_t)evaluation->judged.truth.num_rows;
    if (!evaluation->judged.bound || !bundle->bound)
        return ERROR_NONE;
    for (size_t i = 0; i < rows * dim; i++)
        if (!alike(evaluation->judged.bound[i], bundle->bound[i]))
            return refuse_number(checking, "bound", i, dim, bundle->bound[i], evaluation->judged.bound[i], error);
    for (size_t r = 0; r < rows; r++)
        if (!alike(evaluation->judged.lse_bound[r], bundle->lse_bound[r]))
            return refuse_number(checking, "bound of lse", r, 1, bundle->lse_bound[r], evaluation->judged.lse_bound[r],
                                 error);
    return ERROR_NONE;
}

/* ---- findings ---------------------------------------------------------------------------------------------------- */

static enum error_kind refuse_word(const struct checking *checking, const char *what, const char *said, const char *is,
                                   struct error *error)
{
    const struct exhibit_bundle *bundle = checking->bundle;
    return error_set(error, ERROR_USAGE,
                     "%s: its %s is %s, as alibicheck %s (%s) wrote it, and comes to %s; allowed: %s", checking->path,
                     what, said, bundle->version, bundle->commit, is, allowed);
}

/* The class of each row by the bundle's bounds. */
static enum error_kind check_classes(const struct checking *checking, struct error *error)
{
    const struct exhibit_bundle *bundle = checking->bundle;
    const struct class_report *are = &checking->evaluation->judged.classes;
    const struct problem problem = problem_spec_shape(&bundle->spec);
    const struct exhibit exhibit = {.problem = &problem, .output = &bundle->output, .truth = &bundle->truth};
    struct class_report said;
    struct error failure;
    enum error_kind kind = class_find_again(&said, &bundle->classes, &exhibit, &failure);
    if (kind)
        kind = error_set(error, kind, "%s: %s; allowed: %s", checking->path, failure.text, allowed);
    for (int row = 0; row < are->num_rows && !kind; row++) {
        struct class_whole is, was;
        char is_name[CLASS_NAME_SIZE], was_name[CLASS_NAME_SIZE];
        class_of_row(&is, are, row);
        class_of_row(&was, &said, row);
        if (strcmp(class_name(is_name, &is), class_name(was_name, &was)) != 0)
            kind = refuse_word(checking, "class of a row", was_name, is_name, error);
    }
    class_report_clear(&said);
    return kind;
}

static const char *status_of(const struct evaluation *evaluation, const struct point *point)
{
    enum decision of_numbers = criterion_decide(&point->criterion, &evaluation->judged.verdict.total);
    return decision_statuses[class_decide(of_numbers, &evaluation->judged.classes, &point->demand)];
}

static const char *contract_of(const struct contract_finding *contract)
{
    return contract->num_fits == 0 ? "none" : contract->fits[0].text;
}

/* What was found, if it was found as it is now: of the output alone, and judged by the same. */
static enum error_kind check_findings(const struct checking *checking, const struct judge_input *input,
                                      struct error *error)
{
    const struct exhibit_found *found = &checking->bundle->found;
    const struct evaluation *evaluation = checking->evaluation;
    const char *status = status_of(evaluation, input->points);
    char name[CLASS_NAME_SIZE];
    class_name(name, &evaluation->judged.class_of_all);
    if (strcmp(found->class_name, name) != 0)
        return refuse_word(checking, "class", found->class_name, name, error);
    if (!input->claim->given.as_before)
        return ERROR_NONE;
    if (strcmp(found->status, status) != 0)
        return refuse_word(checking, "status", found->status, status, error);
    if (found->of_run)
        return ERROR_NONE;
    if (found->finding.signature != evaluation->judged.finding.signature)
        return refuse_word(checking, "signature", signature_names[found->finding.signature],
                           signature_names[evaluation->judged.finding.signature], error);
    return strcmp(contract_of(&found->contract), contract_of(&evaluation->judged.contract)) == 0 &&
                   found->contract.named == evaluation->judged.contract.named
               ? ERROR_NONE
               : refuse_word(checking, "contract", contract_of(&found->contract),
                             contract_of(&evaluation->judged.contract), error);
}

enum error_kind judge_claim_check(const struct judge_input *input, const struct evaluation *evaluation,
                                  struct error *error)
{
    if (!input->claim || !input->claim->has_tensors)
        return ERROR_NONE;
    struct checking checking = {.bundle = &input->claim->bundle, .evaluation = evaluation};
    quote_path(checking.path, input->claim->bundle.path);
    enum error_kind kind = check_digests(&checking, error);
    if (!kind)
        kind = check_truth(&checking, error);
    if (!kind)
        kind = check_bounds(&checking, error);
    if (!kind)
        kind = check_classes(&checking, error);
    return kind ? kind : check_findings(&checking, input, error);
}
