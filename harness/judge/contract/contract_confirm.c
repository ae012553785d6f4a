#include "harness/judge/contract/contract_confirm.h"

#include <stdio.h>

#include "harness/judge/contract/contract_evidence.h"
#include "harness/judge/contract/contract_parts.h"

/* ---- its own truth ----------------------------------------------------------------------------------------------- */

/* A trial with its own truth, which is to be cleared whatever is returned. */
static enum error_kind find_truth(const struct contract_inquiry *inquiry, const struct contract_trial *trial,
                                  struct truth *truth, struct exhibit *exhibit, struct error *error)
{
    const struct truth_options options = {
        .precision = TRUTH_DEFAULT_PRECISION, .threads = inquiry->threads, .progress = inquiry->progress};
    *exhibit = (struct exhibit){
        .problem = &trial->problem, .output = &trial->output, .truth = truth, .criterion = inquiry->stated->criterion};
    enum error_kind kind = truth_init(truth, &trial->problem, error);
    if (!kind)
        kind = truth_compute(truth, TRUTH_CERTIFIED, &trial->problem, &options, error);
    if (!kind)
        contract_change_truth(trial, truth);
    return kind;
}

/* A trial held against its own truth. */
struct confirming {
    const struct contract_inquiry *inquiry;
    struct class_report report; /* of all rows */
    struct truth truth;         /* of the trial, where it is gone through at once */
    class_set set;              /* of what covers it */
    bool is_off; /* some row by a factor, or a constant, of its own, or a part has not the truth's shape */
    bool fits;
};

/* The classes of a part's rows. What no class covers here, none covers in all. */
static enum error_kind confirm_part(void *context, struct contract_part *part, bool *stop, struct error *error)
{
    struct confirming *confirming = context;
    const struct contract_inquiry *inquiry = confirming->inquiry;
    const bool at_once = !inquiry->stated->parts;
    struct truth truth;
    struct exhibit exhibit;
    struct class_report report = {.num_rows = 0};
    struct class_whole whole;
    enum error_kind kind = find_truth(inquiry, part->trial, &truth, &exhibit, error);
    if (!kind)
        kind = class_find(&report, &exhibit, inquiry->threads, inquiry->progress, error);
    if (!kind) {
        class_of_rows(&whole, &report);
        confirming->is_off |= contract_leaves_factor(&exhibit) || !contract_has_shape(&exhibit) ||
                              contract_leaves_own_number(&exhibit, part->trial, whole.minimal[0]);
        *stop = !class_keep_asked(&whole, &report, inquiry->demand) || confirming->is_off;
        const struct problem *problem = &part->trial->problem;
        int heads = confirming->report.num_rows / problem_queries(problem);
        class_report_take_heads(&confirming->report, heads, part->first_head, &report, problem->num_heads);
    }
    class_report_clear(&report);
    if (at_once && !kind)
        confirming->truth = truth;
    else
        truth_clear(&truth);
    return kind;
}

/* Whether what is right under the trial is in some part another thing than as it was stated. */
static enum error_kind tell_apart(void *context, struct contract_part *part, bool *stop, struct error *error)
{
    struct confirming *confirming = context;
    const struct contract_inquiry *inquiry = confirming->inquiry;
    struct truth own = {.value = NULL}, *truth = &confirming->truth;
    struct exhibit exhibit;
    enum error_kind kind = ERROR_NONE;
    if (inquiry->stated->parts) {
        truth = &own;
        kind = find_truth(inquiry, part->trial, truth, &exhibit, error);
    }
    if (!kind)
        kind = contract_part_as_stated(part, error);
    if (!kind)
        kind = contract_differs(&confirming->fits, part->trial, truth, confirming->set, inquiry->threads,
                                inquiry->progress, error);
    truth_clear(&own);
    *stop = confirming->fits;
    return kind;
}

enum error_kind contract_confirm(const struct contract_inquiry *inquiry, const struct contract_trial *trial,
                                 struct class_whole *whole, bool *fits, struct contract_fit *fit, struct error *error)
{
    struct confirming confirming = {.inquiry = inquiry};
    const int kv_head = inquiry->kv_head;
    bool covered = false;
    *fits = false;
    enum error_kind kind = class_report_init(&confirming.report, problem_rows(&trial->problem), error);
    if (!kind)
        kind = contract_each_part(trial, kv_head, confirm_part, &confirming, error);
    if (!kind) {
        class_of_rows(whole, &confirming.report);
        covered = class_keep_asked(whole, &confirming.report, inquiry->demand) && !confirming.is_off;
        confirming.set = whole->minimal[0];
        fit->num_roundings = class_fewest_roundings(whole);
        fit->set = whole->minimal[0];
        class_name(fit->class_name, whole);
        snprintf(fit->text, sizeof fit->text, "%s", trial->text);
    }
    if (!kind && covered)
        kind = contract_each_part(trial, kv_head, tell_apart, &confirming, error);
    *fits = confirming.fits;
    class_report_clear(&confirming.report);
    truth_clear(&confirming.truth);
    return kind;
}

/* ---- what speaks against it -------------------------------------------------------------------------------------- */

/* What speaks against an output. */
struct weighing {
    const struct contract_inquiry *inquiry;
    class_set set;    /* of what it may be off by */
    bool of_trial;    /* it is held against the truth of the trial; else against what was stated */
    bool without_lse; /* out alone */
    struct contract_off off;
    struct class_report report; /* of classify_part */
};

static struct exhibit weighed_exhibit(const struct weighing *weighing, const struct contract_trial *part,
                                      struct output *out_alone)
{
    struct exhibit exhibit = *part->stated;
    *out_alone = (struct output){exhibit.output->out, NULL};
    if (weighing->without_lse)
        exhibit.output = out_alone;
    return exhibit;
}

static enum error_kind weigh_part(void *context, struct contract_part *part, bool *stop, struct error *error)
{
    struct weighing *weighing = context;
    const struct contract_inquiry *inquiry = weighing->inquiry;
    struct truth truth = {.value = NULL};
    struct output out_alone;
    struct exhibit exhibit = weighed_exhibit(weighing, part->trial, &out_alone);
    enum error_kind kind = weighing->of_trial ? find_truth(inquiry, part->trial, &truth, &exhibit, error) : ERROR_NONE;
    if (!kind)
        kind = contract_count_off(&weighing->off, &exhibit, weighing->set, inquiry->threads, inquiry->progress, error);
    *stop = contract_is_enough(&weighing->off);
    truth_clear(&truth);
    return kind;
}

static enum error_kind weigh(bool *enough, struct weighing *weighing, const struct contract_trial *trial,
                             struct error *error)
{
    enum error_kind kind = contract_each_part(trial, weighing->inquiry->kv_head, weigh_part, weighing, error);
    *enough = !kind && contract_is_enough(&weighing->off);
    return kind;
}

enum error_kind contract_weigh_trial(bool *enough, const struct contract_inquiry *inquiry,
                                     const struct contract_trial *trial, class_set set, struct error *error)
{
    struct weighing weighing = {.inquiry = inquiry, .set = set, .of_trial = true};
    return weigh(enough, &weighing, trial, error);
}

enum error_kind contract_weigh_stated(bool *enough, const struct contract_inquiry *inquiry, class_set set,
                                      bool without_lse, struct error *error)
{
    struct weighing weighing = {.inquiry = inquiry, .set = set, .without_lse = without_lse};
    const struct contract_trial stated = contract_trial_begin(inquiry->stated);
    return weigh(enough, &weighing, &stated, error);
}

static enum error_kind classify_part(void *context, struct contract_part *part, bool *stop, struct error *error)
{
    struct weighing *weighing = context;
    const struct contract_inquiry *inquiry = weighing->inquiry;
    struct output out_alone;
    const struct exhibit exhibit = weighed_exhibit(weighing, part->trial, &out_alone);
    struct class_report report = {.num_rows = 0};
    enum error_kind kind = class_find(&report, &exhibit, inquiry->threads, inquiry->progress, error);
    (void)stop;
    if (!kind)
        class_report_take_heads(&weighing->report, inquiry->stated->problem->num_heads, part->first_head, &report,
                                exhibit.problem->num_heads);
    class_report_clear(&report);
    return kind;
}

enum error_kind contract_classify_stated(struct class_whole *whole, const struct contract_inquiry *inquiry,
                                         bool without_lse, struct error *error)
{
    struct weighing weighing = {.inquiry = inquiry, .without_lse = without_lse};
    const struct contract_trial stated = contract_trial_begin(inquiry->stated);
    enum error_kind kind = class_report_init(&weighing.report, problem_rows(inquiry->stated->problem), error);
    if (!kind)
        kind = contract_each_part(&stated, inquiry->kv_head, classify_part, &weighing, error);
    if (!kind)
        class_of_rows(whole, &weighing.report);
    class_report_clear(&weighing.report);
    return kind;
}
