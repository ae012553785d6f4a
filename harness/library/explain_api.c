/* Of what an element of an output is made, through the public interface. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "harness/library/api.h"
#include "harness/library/explained_element.h"
#include "harness/library/judged_parts.h"
#include "harness/support/json_value.h"
#include "harness/support/text_stream.h"
#include "reference/computing_environment.h"

struct alibicheck_explanation {
    char *json, *text;
};

/* An output with the truth that it was held against. */
struct looked_at {
    const struct truth *truth;
    struct given_source source;
    struct output output;
    int64_t worst; /* of all elements */
};

static double out_at(const struct looked_at *looked, int64_t index)
{
    float out;
    dtype_widen(looked->source.spec.dtype, looked->output.out, (size_t)index, 1, &out);
    return (double)out;
}

/* The element of a row that is furthest off; what is no number is. */
static int64_t worst_of_row(const struct looked_at *looked, int64_t row)
{
    int64_t dim = looked->truth->head_dim, worst = row * dim;
    double most = -1;
    for (int64_t i = row * dim; i < (row + 1) * dim; i++) {
        double out = out_at(looked, i), truth = looked->truth->value[i], err = fabs(out - truth);
        if (isnan(err))
            err = out == truth || (isnan(out) && isnan(truth)) ? 0 : INFINITY;
        if (err > most) {
            most = err;
            worst = i;
        }
    }
    return worst;
}

static enum error_kind check_place(const struct looked_at *looked, int64_t row, int64_t dim, struct error *failure)
{
    int64_t rows = problem_rows(&looked->source.source.shape), dims = looked->source.source.shape.head_dim;
    if (looked->truth->num_rows != rows || looked->truth->head_dim != dims)
        return error_set(failure, ERROR_USAGE,
                         "verdict: is of %d rows of %d elements, and the problem has %" PRId64 " of %" PRId64
                         "; allowed: the verdict of this problem and output",
                         looked->truth->num_rows, looked->truth->head_dim, rows, dims);
    if (row < -1 || row >= rows)
        return error_set(failure, ERROR_USAGE,
                         "row %" PRId64 ": allowed: 0 to %" PRId64 ", query * num_heads + head, or -1 for the worst",
                         row, rows - 1);
    if (dim < -1 || dim >= dims || (row == -1 && dim != -1))
        return error_set(failure, ERROR_USAGE,
                         "dim %" PRId64 ": allowed: 0 to %" PRId64 " of a row, or -1 for the worst", dim, dims - 1);
    return ERROR_NONE;
}

static enum error_kind refuse_change(const char *what, struct error *failure)
{
    return error_set(failure, ERROR_USAGE, "%s: has other numbers than when it was judged; allowed: what was judged",
                     what);
}

/* That the output is the one that the verdict is of. */
static enum error_kind check_output(struct looked_at *looked, const struct alibicheck_verdict *verdict,
                                    struct error *failure)
{
    return judge_output_digest(&looked->output, &looked->source.source.shape) == verdict->out_digest
               ? ERROR_NONE
               : refuse_change("output", failure);
}

/* The same of inputs. Of a problem in parts one alone is opened, and of that no digest is known. */
static enum error_kind check_inputs(const struct inputs *inputs, const struct alibicheck_verdict *verdict,
                                    struct error *failure)
{
    return verdict->in_parts || inputs->digest == verdict->input_digest ? ERROR_NONE
                                                                        : refuse_change("problem", failure);
}

/* Opens the part of the problem that has the element's head, and looks at its keys. */
static enum error_kind find(struct explained_element *element, const struct looked_at *looked, int64_t index,
                            const struct alibicheck_verdict *verdict, struct error *failure)
{
    const struct problem_source *source = &looked->source.source;
    const struct problem *shape = &source->shape;
    int64_t dims = shape->head_dim, row = index / dims;
    int head = (int)(row % shape->num_heads), kv_head = problem_kv_head(shape, head);
    struct part part = source->ops->part(source, 0);
    for (int i = 1; i < source->num_parts && kv_head >= part.kv_head + part.num_kv_heads; i++)
        part = source->ops->part(source, i);
    struct inputs inputs = {0};
    enum error_kind kind = source->ops->open(source, part, 1, NULL, &inputs, failure);
    if (kind)
        return kind;
    int first = part.kv_head * (shape->num_heads / shape->num_kv_heads);
    int64_t in_part = row / shape->num_heads * inputs.problem.num_heads + head - first;
    kind = check_inputs(&inputs, verdict, failure);
    if (!kind)
        kind = explained_element_find(element, &inputs.problem, out_at(looked, index), looked->truth->value[index],
                                      in_part * dims + index % dims, failure);
    element->head = head;
    inputs_clear(&inputs);
    return kind;
}

static enum error_kind put_down(struct alibicheck_explanation *explanation, const struct explained_element *element,
                                struct error *failure)
{
    size_t size;
    json_t *object = record_fields_to_json(&record_explained_fields, element);
    explanation->json = object ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(object);
    FILE *stream = explanation->json ? text_stream_open(&explanation->text, &size) : NULL;
    if (!stream)
        return error_memory(failure, "an explanation", 4096);
    explained_element_print(stream, element, "element");
    bool complete = !ferror(stream);
    return fclose(stream) == 0 && complete ? ERROR_NONE : error_memory(failure, "an explanation", 4096);
}

static enum error_kind explain(struct alibicheck_explanation *explanation, const struct alibicheck_problem *problem,
                               const struct alibicheck_output *output, const struct alibicheck_verdict *verdict,
                               int64_t row, int64_t dim, struct error *failure)
{
    struct looked_at looked = {.truth = &verdict->truth.truth, .worst = verdict->total.worst};
    struct explained_element element;
    struct tensor_view out;
    enum error_kind kind = api_view_out(&out, output, problem, "out", failure);
    if (!kind)
        kind = api_source(&looked.source, problem, out.dtype, failure);
    if (!kind)
        kind = check_place(&looked, row, dim, failure);
    const struct given_output given = given_output(&out, NULL);
    if (!kind)
        kind = judged_take_output(&looked.output, &looked.source.source.shape, &given, failure);
    if (!kind)
        kind = check_output(&looked, verdict, failure);
    if (!kind) {
        int64_t dims = looked.truth->head_dim, index = row >= 0 && dim >= 0 ? row * dims + dim
                                                       : row >= 0           ? worst_of_row(&looked, row)
                                                       : looked.worst >= 0  ? looked.worst
                                                                            : 0;
        kind = find(&element, &looked, index, verdict, failure);
    }
    if (!kind)
        kind = put_down(explanation, &element, failure);
    free(looked.output.out);
    free(looked.output.lse);
    return kind;
}

int alibicheck_explain(alibicheck_explanation **explanation, const alibicheck_problem *problem,
                       const struct alibicheck_output *output, const alibicheck_verdict *verdict, int64_t row,
                       int64_t dim, struct alibicheck_error *error)
{
    COMPUTING_ENVIRONMENT();
    struct error failure;
    if (!api_has(explanation, "explanation", &failure))
        return api_end(error, &failure);
    *explanation = NULL;
    if (!api_has(problem, "problem", &failure) || !api_has(output, "output", &failure) ||
        !api_has(verdict, "verdict", &failure))
        return api_end(error, &failure);
    *explanation = calloc(1, sizeof **explanation);
    if (!*explanation) {
        error_memory(&failure, "an explanation", sizeof **explanation);
        return api_end(error, &failure);
    }
    if (explain(*explanation, problem, output, verdict, row, dim, &failure)) {
        alibicheck_explanation_free(*explanation);
        *explanation = NULL;
        return api_end(error, &failure);
    }
    return api_end(error, NULL);
}

void alibicheck_explanation_free(alibicheck_explanation *explanation)
{
    if (!explanation)
        return;
    free(explanation->json);
    free(explanation->text);
    free(explanation);
}

const char *alibicheck_explanation_text(const alibicheck_explanation *explanation)
{
    return explanation ? explanation->text : "";
}

const char *alibicheck_explanation_json(const alibicheck_explanation *explanation)
{
    return explanation ? explanation->json : "null";
}
