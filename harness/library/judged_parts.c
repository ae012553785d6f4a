#include "harness/library/judged_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void judged_step(const struct judging *judging, const char *name, long work)
{
    if (judging->step)
        judging->step(judging->context, name, work);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

void judged_take_rows(void *whole, const void *rows, const struct problem *part, int whole_heads, size_t row_bytes)
{
    size_t bytes = (size_t)part->num_heads * row_bytes;
    for (int query = 0; query < problem_queries(part); query++)
        memcpy((char *)whole + (size_t)(query * whole_heads + part->place.first_head) * row_bytes,
               (const char *)rows + (size_t)query * bytes, bytes);
}

void judged_give_rows(void *rows, const void *whole, const struct problem *part, int whole_heads, size_t row_bytes)
{
    size_t bytes = (size_t)part->num_heads * row_bytes;
    for (int query = 0; query < problem_queries(part); query++)
        memcpy((char *)rows + (size_t)query * bytes,
               (const char *)whole + (size_t)(query * whole_heads + part->place.first_head) * row_bytes, bytes);
}

/* ---- the truth --------------------------------------------------------------------------------------------------- */

void judged_begin_parts(struct judged_output *judged)
{
    judged->truth.plain_rows = 0;
    judged->contract_distance = 0;
    judged->input_digest = 0;
}

void judged_end_parts(struct judged_output *judged, const struct problem_source *source, const struct inputs *inputs)
{
    judged->truth.contract = source->contract;
    judged->truth_digest = truth_digest(&judged->truth);
    judged->problem = inputs_whole(inputs, &source->shape);
}

void judged_take_truth(struct judged_output *judged, int whole_heads, int first_head, const struct truth *truth,
                       int num_heads, double contract_distance)
{
    truth_take_heads(&judged->truth, whole_heads, first_head, truth, num_heads);
    judged->truth.plain_rows += truth->plain_rows;
    judged->contract_distance = fmax(judged->contract_distance, contract_distance);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------ */

enum error_kind judged_make_bounds(struct judged_output *judged, const struct problem *shape, struct error *error)
{
    size_t elements = (size_t)problem_elements(shape), rows = (size_t)problem_rows(shape);
    judged->bound = calloc(elements, sizeof *judged->bound);
    judged->lse_bound = calloc(rows, sizeof *judged->lse_bound);
    return judged->bound && judged->lse_bound
               ? ERROR_NONE
               : error_memory(error, "error bounds", (double)(elements + rows) * sizeof *judged->bound);
}

void judged_take_bounds(struct judged_output *judged, int whole_heads, const struct problem *part, const double *bound,
                        const double *lse_bound)
{
    judged_take_rows(judged->bound, bound, part, whole_heads, (size_t)part->head_dim * sizeof *bound);
    judged_take_rows(judged->lse_bound, lse_bound, part, whole_heads, sizeof *lse_bound);
}

/* What an lse has lost on its way from another base was lost of what the arithmetic gave: relative to that, which lies
 * within its bound of the truth. */
enum error_kind judged_find_bounds(struct judged_output *judged, double *bound, double *lse_bound,
                                   const struct problem *shape, const struct problem *part, const struct truth *truth,
                                   const struct judging *judging, struct error *error)
{
    double start = seconds_now();
    judged_step(judging, "bound", 0);
    const struct rounding_model rounding = judging->arithmetic->ops->rounding(judging->arithmetic, shape);
    enum error_kind kind =
        error_bounds(bound, lse_bound, &rounding, part, truth, judging->threads, judging->progress, error);
    for (int r = 0; r < problem_rows(part) && !kind && judging->lse_rounding > 0; r++)
        if (isfinite(truth->lse[r]))
            lse_bound[r] += judging->lse_rounding * (fabs(truth->lse[r]) + lse_bound[r]);
    judged->seconds.judge += seconds_now() - start;
    return kind;
}

/* The bounds of some heads, or of one row, which the truth is of; whole_heads and the part's place say where they
 * belong. */
static enum error_kind find_bounds(struct judged_output *judged, const struct problem *shape, int whole_heads,
                                   const struct problem *part, const struct truth *truth, const struct judging *judging,
                                   struct error *error)
{
    size_t elements = (size_t)problem_elements(part), rows = (size_t)problem_rows(part);
    double *bound = malloc((elements + rows) * sizeof *bound);
    if (!bound)
        return error_memory(error, "error bounds", (double)(elements + rows) * sizeof *bound);
    enum error_kind kind = judged_find_bounds(judged, bound, bound + elements, shape, part, truth, judging, error);
    if (!kind)
        judged_take_bounds(judged, whole_heads, part, bound, bound + elements);
    free(bound);
    return kind;
}

/* Those of a row that is a problem of its own, number `at` of the whole. */
static enum error_kind find_row_bounds(struct judged_output *judged, const struct problem *shape, int at,
                                       const struct problem *row, const struct truth *truth,
                                       const struct judging *judging, struct error *error)
{
    struct problem placed = *row;
    placed.place.first_head = at;
    return find_bounds(judged, shape, problem_rows(shape), &placed, truth, judging, error);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

enum error_kind judged_find_classes(struct judged_output *judged, const struct problem *shape,
                                    const struct exhibit *exhibit, const struct judging *judging, struct error *error)
{
    const struct problem *part = exhibit->problem;
    struct class_report report = {.num_rows = 0};
    double start = seconds_now();
    judged_step(judging, "class", 0);
    enum error_kind kind = class_find(&report, exhibit, judging->threads, judging->progress, error);
    if (!kind && judged->classes.num_rows == 0)
        kind = class_report_init(&judged->classes, problem_rows(shape), error);
    if (!kind)
        class_report_take_heads(&judged->classes, shape->num_heads, part->place.first_head, &report, part->num_heads);
    class_report_clear(&report);
    judged->seconds.judge += seconds_now() - start;
    return kind;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static enum error_kind open_heads(struct judged_output *judged, const struct problem_source *source, struct part part,
                                  const struct judging *judging, struct error *error)
{
    double start = seconds_now();
    inputs_reuse(&judged->inputs);
    judged_step(judging, "inputs", 0);
    enum error_kind kind = source->ops->open(source, part, judging->threads, judging->progress, &judged->inputs, error);
    judged->seconds.inputs += seconds_now() - start;
    return kind;
}

static enum error_kind open_part(struct judged_output *judged, const struct problem_source *source, int index,
                                 const struct judging *judging, struct error *error)
{
    enum error_kind kind = open_heads(judged, source, source->ops->part(source, index), judging, error);
    if (!kind)
        judged->input_digest = judge_input_digest(judged->input_digest, judged->inputs.digest, source->num_parts);
    return kind;
}

enum error_kind judged_take_output(struct output *output, const struct problem *problem,
                                   const struct given_output *given, struct error *error)
{
    size_t elements = (size_t)problem_elements(problem), rows = (size_t)problem_rows(problem);
    const struct sequences sequences = {problem, output, 1, NULL, NULL, false};
    double seconds;
    output->out = malloc(elements * dtypes[problem->dtype].size_bytes);
    output->lse = given->lse ? malloc(rows * sizeof(float)) : NULL;
    if (!output->out || !output->lse != !given->lse)
        return error_memory(error, "the output", (double)elements * (double)dtypes[problem->dtype].size_bytes);
    return given->subject.ops->run(&given->subject, &sequences, NULL, &seconds, error);
}

/* The classes of the rows of the part that is open, which the truth is of. */
static enum error_kind find_classes(struct judged_output *judged, const struct problem *shape,
                                    const struct truth *truth, const struct given_output *given,
                                    const struct judging *judging, struct error *error)
{
    const struct problem *part = &judged->inputs.problem;
    struct output output = {.out = NULL};
    const struct exhibit exhibit = {.problem = part, .output = &output, .truth = truth};
    double start = seconds_now();
    enum error_kind kind = judged_take_output(&output, part, given, error);
    judged->seconds.judge += seconds_now() - start;
    if (!kind)
        kind = judged_find_classes(judged, shape, &exhibit, judging, error);
    free(output.out);
    free(output.lse);
    return kind;
}

/* The truth of the part that is open, among those of the others. */
static enum error_kind find_truth(struct judged_output *judged, const struct problem_source *source,
                                  const struct given_output *given, enum truth_method method,
                                  const struct judging *judging, struct error *error)
{
    const struct problem *part = &judged->inputs.problem;
    const struct truth_contract contract = truth_contract_of_heads(&source->contract, part->place.first_head);
    const struct truth_options options = {judging->truth_precision, judging->threads, judging->progress, &contract};
    struct truth own = {.value = NULL}, *truth = source->num_parts == 1 ? &judged->truth : &own;
    double start = seconds_now(), distance = 0;
    enum error_kind kind = truth == &own ? truth_init(&own, part, error) : ERROR_NONE;
    judged_step(judging, "truth", problem_keys_seen(part));
    if (!kind)
        kind = judge_truth(truth, &distance, truth_method_under(method, source->contract.of), part, &options, error);
    if (!kind && truth == &own)
        judged_take_truth(judged, source->shape.num_heads, part->place.first_head, &own, part->num_heads, distance);
    else
        judged->contract_distance = distance;
    judged->seconds.truth += seconds_now() - start;
    if (!kind && judged->bound)
        kind = find_bounds(judged, &source->shape, source->shape.num_heads, part, truth, judging, error);
    if (!kind && given)
        kind = find_classes(judged, &source->shape, truth, given, judging, error);
    truth_clear(&own);
    return kind;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* A row of the part that is open, which is of one KV head, as a problem of its own: query `query`, head `head` of the
 * part's. */
static struct problem row_problem(const struct problem *part, int query, int head)
{
    struct problem row = problem_query(part, query);
    size_t row_bytes = (size_t)part->head_dim * dtypes[part->dtype].size_bytes;
    row.q = (const char *)row.q + (size_t)head * row_bytes;
    row.slopes += head;
    row.sink_logits = row.sink_logits ? row.sink_logits + head : NULL;
    row.place = (struct head_place){problem_whole_head(part, head), problem_whole_heads(part), 1};
    row.num_heads = row.num_kv_heads = 1;
    return row;
}

/* Truth, bounds and class of a row, which is number `at` of the whole. */
static enum error_kind find_row(struct judged_output *judged, const struct problem_source *source, int at,
                                const struct problem *row, enum truth_method method, const struct judging *judging,
                                struct error *error)
{
    const struct problem *shape = &source->shape;
    const struct truth_contract contract = truth_contract_of_heads(&source->contract, row->place.first_head);
    const struct truth_options options = {judging->truth_precision, judging->threads, judging->progress, &contract};
    size_t element_bytes = dtypes[shape->dtype].size_bytes, dim = (size_t)shape->head_dim;
    struct class_report report = {.num_rows = 0};
    struct output output = {.out = (char *)judged->output.out + (size_t)at * dim * element_bytes,
                            .lse = judged->output.lse ? judged->output.lse + at : NULL};
    struct truth truth;
    double distance = 0, start = seconds_now();
    enum error_kind kind = truth_init(&truth, row, error);
    if (!kind)
        kind = judge_truth(&truth, &distance, truth_method_under(method, source->contract.of), row, &options, error);
    judged->seconds.truth += seconds_now() - start;
    const struct exhibit exhibit = {.problem = row, .output = &output, .truth = &truth};
    if (!kind)
        judged_take_truth(judged, problem_rows(shape), at, &truth, 1, distance);
    if (!kind && judged->bound)
        kind = find_row_bounds(judged, shape, at, row, &truth, judging, error);
    start = seconds_now();
    if (!kind)
        kind = class_find(&report, &exhibit, judging->threads, judging->progress, error);
    if (!kind)
        class_report_take_heads(&judged->classes, problem_rows(shape), at, &report, 1);
    judged->seconds.judge += seconds_now() - start;
    class_report_clear(&report);
    truth_clear(&truth);
    return kind;
}

/* Those of a sample, the KV heads one after the other that have some. */
static enum error_kind work_through_rows(struct judged_output *judged, const struct problem_source *source,
                                         enum truth_method method, const struct judging *judging, struct error *error)
{
    const struct problem *shape = &source->shape;
    int heads = shape->num_heads, group = heads / shape->num_kv_heads, queries = problem_queries(shape);
    enum error_kind kind =
        judged->classes.num_rows > 0 ? ERROR_NONE : class_report_init(&judged->classes, problem_rows(shape), error);
    judged->classes.rows = judging->rows;
    for (int kv_head = 0; kv_head < shape->num_kv_heads && !kind; kv_head++) {
        bool open = false;
        for (int i = 0; i < queries * group && !kind; i++) {
            int query = i / group, head = i % group, at = query * heads + kv_head * group + head;
            if (!judging->rows[at])
                continue;
            if (!open)
                kind = open_heads(judged, source, (struct part){kv_head, 1}, judging, error);
            open = true;
            if (kind)
                break;
            const struct problem row = row_problem(&judged->inputs.problem, query, head);
            judged_step(judging, "truth", problem_keys_seen(&row));
            kind = find_row(judged, source, at, &row, method, judging, error);
        }
    }
    if (kind)
        return kind;
    judged->truth.contract = source->contract;
    judged->truth_digest = truth_digest_of_rows(&judged->truth, judging->rows);
    judged->problem = *shape;
    return ERROR_NONE;
}

enum error_kind judged_work_through(struct judged_output *judged, const struct problem_source *source,
                                    const struct given_output *given, enum truth_method method,
                                    const struct judging *judging, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    judged_begin_parts(judged);
    if (judging->rows)
        return work_through_rows(judged, source, method, judging, error);
    for (int i = 0; i < source->num_parts && !kind; i++) {
        kind = open_part(judged, source, i, judging, error);
        if (!kind)
            kind = find_truth(judged, source, given, method, judging, error);
    }
    if (!kind)
        judged_end_parts(judged, source, &judged->inputs);
    return kind;
}
