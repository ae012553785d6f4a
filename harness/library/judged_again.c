#include "harness/library/judged_again.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/library/judged_record.h"
#include "harness/support/source.h"
#include "reference/computing_environment.h"

static bool same_class(const struct class_demand *a, const struct class_demand *b)
{
    return a->asked == b->asked && (!a->asked || (a->arithmetic.output == b->arithmetic.output &&
                                                  class_closed(a->arithmetic.set) == class_closed(b->arithmetic.set)));
}

bool judged_as_before(const struct exhibit_bundle *bundle, const struct criterion *criterion,
                      const struct class_demand *demand)
{
    const struct criterion *before = &bundle->criterion;
    bool by_bound = before->mode != JUDGE_TOLERANCE;
    return before->mode == criterion->mode && (!by_bound || before->budget == criterion->budget) &&
           before->tolerance.atol == criterion->tolerance.atol && before->tolerance.rtol == criterion->tolerance.rtol &&
           before->tolerance.lse == criterion->tolerance.lse && same_class(&bundle->demand, demand);
}

static void take(struct judged_output *judged, struct exhibit_bundle *bundle)
{
    *judged = (struct judged_output){
        .problem = problem_spec_shape(&bundle->spec),
        .output = bundle->output,
        .bound = bundle->bound,
        .lse_bound = bundle->lse_bound,
        .truth = bundle->truth,
        .input_digest = bundle->input_digest,
        .truth_digest = bundle->truth_digest,
        .contract_distance = bundle->contract_distance,
    };
    judged->problem.slopes = bundle->slopes;
    judged->problem.sink_logits = bundle->sink_logits;
    bundle->output = (struct output){.out = NULL};
    bundle->truth = (struct truth){.value = NULL};
    bundle->bound = bundle->lse_bound = NULL;
}

static enum error_kind reach_verdict(struct judged_output *judged, const struct exhibit_bundle *bundle,
                                     const struct exhibit *exhibit, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    struct error failure;
    enum error_kind kind = verdict_reach(&judged->verdict, exhibit, error);
    if (kind)
        return kind;
    struct metrics *total = &judged->verdict.total;
    total->unwritten = bundle->found.unwritten < total->nan ? bundle->found.unwritten : total->nan;
    kind = class_find_again(&judged->classes, &bundle->classes, exhibit, &failure);
    if (kind)
        return error_set(error, kind, "%s: %s; allowed: a bundle as it was written", quote_path(quoted, bundle->path),
                         failure.text);
    class_of_rows(&judged->class_of_all, &judged->classes);
    judged->output_digest = judge_output_digest(&judged->output, &judged->problem);
    if (judged->output_digest == bundle->output_digest)
        return ERROR_NONE;
    return error_set(error, ERROR_USAGE,
                     "%s: output_digest is %016" PRIx64 " and the output has %016" PRIx64
                     "; allowed: a bundle as it was written",
                     quote_path(quoted, bundle->path), bundle->output_digest, judged->output_digest);
}

static enum error_kind contradict(const struct exhibit_bundle *bundle, const char *what, const char *then,
                                  const char *now, struct error *error)
{
    char quoted[PATH_QUOTE_SIZE];
    return error_set(error, ERROR_USAGE,
                     "%s: its %s was %s when alibicheck %s (%s) wrote it, and comes to %s by the numbers in it; "
                     "allowed: a bundle as it was written",
                     quote_path(quoted, bundle->path), what, then, bundle->version, bundle->commit, now);
}

/* What cannot be looked for without keys, under another question than was asked. */
static void find_nothing(struct judged_output *judged, const struct exhibit_bundle *bundle,
                         const struct judging *judging)
{
    struct signature_finding *finding = &judged->finding;
    judged_without_cause(judged, judging, "Without k and v no cause is sought: with --q, --k and --v it is.");
    if (bundle->found.finding.signature != SIGNATURE_NONE)
        snprintf(finding->detail, sizeof finding->detail, "named %s when the bundle was written, judged otherwise",
                 signature_names[bundle->found.finding.signature]);
}

static enum error_kind take_cause(struct judged_output *judged, const struct exhibit_bundle *bundle,
                                  const struct judging *judging, struct error *error)
{
    char name[CLASS_NAME_SIZE];
    const char *status = judged_status(judging, judged);
    const struct exhibit_found *found = &bundle->found;
    bool as_before = judged_as_before(bundle, &judging->criterion, &judging->demand);
    class_name(name, &judged->class_of_all);
    if (strcmp(name, found->class_name) != 0)
        return contradict(bundle, "class", found->class_name, name, error);
    if (as_before && strcmp(status, found->status) != 0)
        return contradict(bundle, "status", found->status, status, error);
    /* Of what is but in another class than is asked for no cause is sought. */
    if (criterion_decide(&judging->criterion, &judged->verdict.total) == DECISION_PASS)
        return ERROR_NONE;
    if (!as_before || found->finding.signature == SIGNATURE_NONE) {
        find_nothing(judged, bundle, judging);
        return ERROR_NONE;
    }
    judged->finding = found->finding;
    judged->contract = found->contract;
    return ERROR_NONE;
}

enum error_kind judge_again(struct judged_output *judged, struct exhibit_bundle *bundle, const struct judging *judging,
                            struct error *error)
{
    COMPUTING_ENVIRONMENT();
    double start = seconds_now();
    take(judged, bundle);
    const struct exhibit exhibit = judged_exhibit(judged, judging);
    enum error_kind kind = reach_verdict(judged, bundle, &exhibit, error);
    if (!kind)
        kind = take_cause(judged, bundle, judging, error);
    judged->seconds.judge = seconds_now() - start;
    return kind;
}
