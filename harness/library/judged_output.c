#include "harness/library/judged_output.h"

#include <math.h>
#include <stdlib.h>

#include <xxhash.h>

#include "harness/judge/poison.h"

/* How far another contract's truth lies from that of the inputs. */
static enum error_kind measure_contract(double *distance, const struct truth *truth, const struct problem *part,
                                        struct truth_options options, struct error *error)
{
    struct truth of_inputs;
    options.contract = NULL;
    options.progress = NULL; /* its work is not counted */
    enum error_kind kind = truth_init(&of_inputs, part, error);
    if (!kind)
        kind = truth_compute(&of_inputs, TRUTH_CERTIFIED, part, &options, error);
    if (!kind)
        *distance = truth_distance(truth, &of_inputs);
    truth_clear(&of_inputs);
    return kind;
}

enum error_kind judge_truth(struct truth *truth, double *contract_distance, enum truth_method method,
                            const struct problem *part, const struct truth_options *options, struct error *error)
{
    *contract_distance = 0;
    enum error_kind kind = truth_compute(truth, method, part, options, error);
    if (kind || !options->contract || options->contract->of == TRUTH_OF_INPUTS)
        return kind;
    return measure_contract(contract_distance, truth, part, *options, error);
}

uint64_t judge_input_digest(uint64_t so_far, uint64_t part, int num_parts)
{
    uint64_t pair[2] = {so_far, part};
    return num_parts == 1 ? part : XXH64(pair, sizeof pair, 0);
}

uint64_t judge_output_digest(struct output *output, const struct problem *problem)
{
    size_t size_bytes = (size_t)problem_elements(problem) * dtypes[problem->dtype].size_bytes;
    output_unite_nans(output, problem);
    uint64_t digest = XXH64(output->out, size_bytes, 0);
    return output->lse ? XXH64(output->lse, (size_t)problem_rows(problem) * sizeof(float), digest) : digest;
}

struct exhibit judged_exhibit(const struct judged_output *judged, const struct judging *judging)
{
    return (struct exhibit){
        .problem = &judged->problem,
        .output = &judged->output,
        .truth = &judged->truth,
        .bound = judged->bound,
        .lse_bound = judged->lse_bound,
        .criterion = judging->criterion,
        .rows = judging->rows,
        .turned = judging->turned,
        .is_rounding = judged->classes.num_rows > 0 && judged->class_of_all.outcome == CLASS_FOUND,
        .is_coarse = judged->classes.num_rows > 0 && class_is_coarse(&judged->class_of_all),
        .progress = judging->progress,
    };
}

void judged_without_cause(struct judged_output *judged, const struct judging *judging, const char *remedy)
{
    const struct metrics *rows = judged->verdict.rows;
    judged->finding =
        (struct signature_finding){.signature = SIGNATURE_UNKNOWN, .head = -1, .residual = NAN, .remedy = remedy};
    for (int r = 0; r < judged->verdict.num_rows; r++)
        judged->finding.num_rows_failing += criterion_decide(&judging->criterion, &rows[r]) == DECISION_FAIL;
}

void judged_output_clear(struct judged_output *judged)
{
    inputs_clear(&judged->inputs);
    verdict_clear(&judged->verdict);
    class_report_clear(&judged->classes);
    truth_clear(&judged->truth);
    free(judged->output.out);
    free(judged->output.lse);
    free(judged->bound);
    free(judged->lse_bound);
    *judged = (struct judged_output){.input_digest = 0};
}
