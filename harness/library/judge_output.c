#include "harness/library/hearing.h"
#include "harness/library/judged_parts.h"
#include "reference/computing_environment.h"

enum error_kind judge_find_truth(struct judged_output *judged, const struct problem_source *source,
                                 const struct judging *judging, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    *judged = (struct judged_output){.input_digest = 0};
    enum error_kind kind = truth_init(&judged->truth, &source->shape, error);
    return kind ? kind : judged_work_through(judged, source, NULL, judging->truth_method, judging, error);
}

enum error_kind judge_output(struct judged_output *judged, const struct problem_source *source,
                             const struct given_output *given, const struct judging *judging, struct error *error)
{
    COMPUTING_ENVIRONMENT();
    static const struct oracle_facts no_oracles = {0};
    const struct hearing hearing = {judged, judging, source, &judged->inputs};
    *judged = (struct judged_output){.input_digest = 0};
    enum error_kind kind = judged_take_output(&judged->output, &source->shape, given, error);
    if (!kind)
        kind = truth_init(&judged->truth, &source->shape, error);
    if (!kind && judging->arithmetic)
        kind = judged_make_bounds(judged, &source->shape, error);
    if (!kind)
        kind = judged_work_through(judged, source, given, judging->truth_method, judging, error);
    if (!kind)
        kind = hearing_reach_verdict(&hearing, error);
    /* What a certificate leaves undecided is judged again by MPFR. */
    if (!kind && hearing_is_undecided(&hearing)) {
        kind = judged_work_through(judged, source, given, TRUTH_PLAIN, judging, error);
        if (!kind)
            kind = hearing_reach_verdict(&hearing, error);
    }
    if (!kind)
        class_of_rows(&judged->class_of_all, &judged->classes);
    if (!kind && hearing_asks_cause(&hearing, &no_oracles))
        kind = hearing_find_signature(&hearing, &no_oracles, error);
    if (!kind && hearing_asks_contract(&hearing))
        kind = hearing_find_contract(&hearing, error);
    if (!kind)
        judged->output_digest = judge_output_digest(&judged->output, &judged->problem);
    return kind;
}
