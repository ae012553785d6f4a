/* Judging through the public interface. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <mpfr.h>

#include "harness/library/api.h"
#include "harness/library/exhibit_bundle.h"
#include "harness/library/judged_message.h"
#include "harness/library/judged_record.h"
#include "harness/library/other_output.h"
#include "harness/library/span.h"
#include "harness/library/turned.h"
#include "harness/problem/problem_source.h"
#include "harness/support/json_value.h"
#include "harness/support/replacement.h"
#include "reference/computing_environment.h"

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

/* An output of the caller's, as what judging reads. */
struct handed_over {
    struct given_output given;
    float *lse; /* [Q, H] natural; NULL: there is none */
};

static enum error_kind check_lse(const struct alibicheck_output *output, const struct problem_spec *spec,
                                 const char *name, struct error *failure)
{
    const int64_t counts[] = {problem_spec_queries(spec), spec->num_heads};
    char lse[32];
    if (output->lse_base != ALIBICHECK_LSE_BASE_E && output->lse_base != ALIBICHECK_LSE_BASE_2)
        return error_set(failure, ERROR_USAGE,
                         "lse_base of %s: is %d; allowed: ALIBICHECK_LSE_BASE_E, as FlashAttention returns, or "
                         "ALIBICHECK_LSE_BASE_2, as FlashInfer does",
                         name, (int)output->lse_base);
    snprintf(lse, sizeof lse, "lse of %s", name);
    return span_check(lse, counts, output->lse_strides, 2, failure);
}

static enum error_kind take_lse(float **natural, const struct alibicheck_output *output,
                                const struct problem_spec *spec, const char *name, struct error *failure)
{
    size_t heads = (size_t)spec->num_heads, rows = (size_t)problem_spec_queries(spec) * heads;
    *natural = NULL;
    if (!output->lse)
        return ERROR_NONE;
    enum error_kind kind = check_lse(output, spec, name, failure);
    if (kind)
        return kind;
    *natural = malloc(rows * sizeof **natural);
    if (!*natural)
        return error_memory(failure, "lse", (double)rows * sizeof **natural);
    for (size_t row = 0; row < rows; row++) {
        const int64_t at =
            (int64_t)(row / heads) * output->lse_strides[0] + (int64_t)(row % heads) * output->lse_strides[1];
        float lse;
        memcpy(&lse, (const char *)output->lse + at * (int64_t)sizeof lse, sizeof lse); /* at any byte, as out is */
        (*natural)[row] = output->lse_base == ALIBICHECK_LSE_BASE_2 ? (float)((double)lse * M_LN2) : lse;
    }
    return ERROR_NONE;
}

enum error_kind api_view_out(struct tensor_view *view, const struct alibicheck_output *output,
                             const struct alibicheck_problem *problem, const char *name, struct error *failure)
{
    const struct problem_spec *spec = &problem->spec;
    const int64_t counts[VIEW_AXES] = {problem_spec_queries(spec), spec->num_heads, spec->head_dim};
    enum error_kind kind = api_view(view, &output->out, name, counts, failure);
    if (kind)
        return kind;
    if (view->dtype >= DTYPE_COUNT)
        return error_set(failure, ERROR_USAGE, "%s: is of %s; allowed: f16, bf16, f32", name, dtypes[view->dtype].name);
    return view->elements ? ERROR_NONE : error_set(failure, ERROR_USAGE, "%s: its elements are NULL", name);
}

static enum error_kind hand_over(struct handed_over *handed, const struct alibicheck_output *output,
                                 const struct alibicheck_problem *problem, const char *name, struct error *failure)
{
    struct tensor_view out;
    *handed = (struct handed_over){.lse = NULL};
    enum error_kind kind = api_view_out(&out, output, problem, name, failure);
    if (!kind)
        kind = take_lse(&handed->lse, output, &problem->spec, name, failure);
    if (!kind)
        handed->given = given_output(&out, handed->lse);
    return kind;
}

/* ---- the other output -------------------------------------------------------------------------------------------- */

static enum error_kind compare(struct fault *fault, const struct judged_output *judged, const struct judging *judging,
                               const struct handed_over *other, struct error *failure)
{
    const struct exhibit exhibit = judged_exhibit(judged, judging);
    return other_output_compare(fault, &exhibit, &other->given, failure);
}

/* ---- the verdict ------------------------------------------------------------------------------------------------- */

/* Takes the truth, and says what came of it. */
static enum error_kind put_down(struct alibicheck_verdict *verdict, struct judged_output *judged,
                                const struct judged_record *record, struct error *failure)
{
    json_t *object = judged_record_to_json(record);
    verdict->json = object ? json_print(object, JSON_COMPACT | JSON_PRINT_FLAGS) : NULL;
    json_decref(object);
    verdict->message = judged_message(record);
    if (!verdict->json || !verdict->message)
        return error_memory(failure, "the record", 4096);
    verdict->total = judged->verdict.total;
    verdict->status = judged_status(record->judging, judged);
    verdict->passed = !strcmp(verdict->status, "pass");
    verdict->signature = judged->finding.signature;
    class_name(verdict->class, &judged->class_of_all);
    struct output out = {judged->output.out, NULL};
    verdict->input_digest = judged->input_digest;
    verdict->out_digest = judge_output_digest(&out, &judged->problem);
    verdict->in_parts = !judged->problem.k;
    verdict->truth.truth = judged->truth;
    judged->truth = (struct truth){.value = NULL};
    return ERROR_NONE;
}

static enum error_kind write_without_kv(const char *path, const struct judged_output *judged, const struct truth *truth,
                                        const struct judging *judging, const struct bundle_facts *common,
                                        struct error *failure)
{
    struct exhibit exhibit = judged_exhibit(judged, judging);
    exhibit.truth = truth;
    const struct exhibit_bundle_facts facts = {
        .facts = *common,
        .truth_method = judging->truth_method,
        .truth_precision = judging->truth_precision,
        .contract_distance = judged->contract_distance,
        .truth_digest = judged->truth_digest,
        .total = &judged->verdict.total,
        .finding = &judged->finding,
        .contract = &judged->contract,
        .threads = judging->threads,
    };
    return exhibit_bundle_write(path, &exhibit, &facts, failure);
}

/* Its elements in an order, and with signs, of which nothing is kept. */
static enum error_kind write_private(const char *path, const struct judged_output *judged,
                                     const struct bundle_facts *common, struct error *failure)
{
    struct turning turning;
    struct turned turned = {.q = NULL};
    struct bundle_facts facts = *common;
    facts.turned = true;
    enum error_kind kind = turning_draw(&turning, judged->problem.head_dim, failure);
    if (!kind)
        kind = turned_make(&turned, &turning, &judged->problem, &judged->output, failure);
    if (!kind) {
        facts.input_digest = problem_tensors_digest(&turned.problem);
        facts.output_digest = judge_output_digest(&turned.output, &turned.problem);
        kind = bundle_write(path, &turned.problem, &turned.output, &facts, failure);
    }
    turned_clear(&turned);
    return kind;
}

static enum error_kind too_large(const struct alibicheck_options *options, struct error *failure)
{
    return error_set(failure, ERROR_USAGE,
                     "bundle %.300s: the problem is too large to be in memory whole; allowed: k and v up to 2 GiB",
                     options->bundle);
}

/* The bundle that options ask for. */
static enum error_kind write_bundle(const struct alibicheck_options *options, const struct alibicheck_verdict *verdict,
                                    const struct judged_record *record, struct error *failure)
{
    const struct judged_output *judged = record->judged;
    const struct judging *judging = record->judging;
    if (!options || !options->bundle || (options->bundle_if_wrong && verdict->passed))
        return ERROR_NONE;
    if (!judged->problem.k)
        return too_large(options, failure);
    char *key = judged_key(record->problem, -1);
    const struct bundle_facts facts = {
        .case_name = "judge",
        .key = key,
        .criterion = judging->criterion,
        .demand = judging->demand,
        .scales = record->scales,
        .input_digest = judged->input_digest,
        .output_digest = judged->output_digest,
    };
    enum error_kind kind =
        !key ? error_memory(failure, "a key", CLASS_NAME_SIZE)
        : options->bundle_kind == API_BUNDLE_WITHOUT_KV
            ? write_without_kv(options->bundle, judged, &verdict->truth.truth, judging, &facts, failure)
        : options->bundle_kind == API_BUNDLE_PRIVATE
            ? write_private(options->bundle, judged, &facts, failure)
            : bundle_write(options->bundle, &judged->problem, &judged->output, &facts, failure);
    free(key);
    return kind;
}

/* Has the message of a wrong output say why there is no bundle, and takes the error: it would be told in the place of
 * what is wrong. Of an output that passes nothing is lost, and who asked for its bundle is told the error. */
static enum error_kind tell_no_bundle(struct alibicheck_verdict *verdict, enum error_kind kind, struct error *failure)
{
    char *message = NULL;
    if (verdict->passed || kind == ERROR_INTERRUPTED)
        return kind;
    verdict->bundle_error = strdup(failure->text);
    if (!verdict->bundle_error ||
        asprintf(&message, "%s  no bundle was written: %s\n", verdict->message, failure->text) < 0)
        return error_memory(failure, "the message", (double)strlen(verdict->message));
    free(verdict->message);
    verdict->message = message;
    return ERROR_NONE;
}

/* Whether there could be a bundle, looked at before any work: a verdict that cannot be kept is not reached in vain. */
static enum error_kind try_bundle(const struct alibicheck_options *options, const struct problem_source *source,
                                  struct error *failure)
{
    struct replacement file;
    struct stat there;
    if (!options || !options->bundle)
        return ERROR_NONE;
    if (source->num_parts > 1 && !options->bundle_if_wrong)
        return too_large(options, failure);
    if (stat(options->bundle, &there) == 0 && !S_ISREG(there.st_mode)) /* whoever reads a pipe would see its end */
        return ERROR_NONE;
    enum error_kind kind = replacement_open(&file, options->bundle, failure);
    if (!kind)
        replacement_drop(&file);
    return kind;
}

static enum error_kind judge(struct alibicheck_verdict *verdict, const struct alibicheck_problem *problem,
                             const struct alibicheck_output *output, const struct alibicheck_output *other,
                             const struct alibicheck_options *options, struct error *failure)
{
    struct handed_over handed = {.lse = NULL}, of_other = {.lse = NULL};
    struct given_source source;
    struct judging judging;
    struct judged_output judged = {.input_digest = 0};
    struct fault fault = {.num_heads = 0};
    struct tensor_view out;
    enum error_kind kind = api_view_out(&out, output, problem, "out", failure);
    if (!kind)
        kind = api_source(&source, problem, out.dtype, failure);
    if (!kind)
        kind = hand_over(&handed, output, problem, "out", failure);
    if (!kind && other)
        kind = hand_over(&of_other, other, problem, "other", failure);
    if (!kind)
        kind = api_judging(&judging, options, out.dtype, failure);
    if (!kind)
        kind = try_bundle(options, &source.source, failure);
    if (!kind)
        kind = judge_output(&judged, &source.source, &handed.given, &judging, failure);
    if (!kind && other)
        kind = compare(&fault, &judged, &judging, &of_other, failure);
    const struct judged_record record = {
        .problem = &source.spec,
        .judging = &judging,
        .judged = &judged,
        .other = other ? &fault : NULL,
        .masked = problem->tensors.visible,
        .scales = api_scales(problem),
        .ended = time(NULL),
    };
    if (!kind)
        kind = put_down(verdict, &judged, &record, failure);
    if (!kind && (kind = write_bundle(options, verdict, &record, failure)))
        kind = tell_no_bundle(verdict, kind, failure);
    fault_clear(&fault);
    judged_output_clear(&judged);
    free(handed.lse);
    free(of_other.lse);
    return kind;
}

int alibicheck_judge(alibicheck_verdict **verdict, const alibicheck_problem *problem,
                     const struct alibicheck_output *output, const struct alibicheck_output *other,
                     const alibicheck_options *options, struct alibicheck_error *error)
{
    COMPUTING_ENVIRONMENT();
    struct error failure;
    if (!api_has(verdict, "verdict", &failure))
        return api_end(error, &failure);
    *verdict = NULL;
    if (!api_has(problem, "problem", &failure) || !api_has(output, "output", &failure))
        return api_end(error, &failure);
    *verdict = calloc(1, sizeof **verdict);
    if (!*verdict) {
        error_memory(&failure, "a verdict", sizeof **verdict);
        return api_end(error, &failure);
    }
    if (judge(*verdict, problem, output, other, options, &failure)) {
        alibicheck_verdict_free(*verdict);
        *verdict = NULL;
        return api_end(error, &failure);
    }
    return api_end(error, NULL);
}

void alibicheck_verdict_free(alibicheck_verdict *verdict)
{
    if (!verdict)
        return;
    truth_clear(&verdict->truth.truth);
    free(verdict->json);
    free(verdict->message);
    free(verdict->bundle_error);
    free(verdict);
}

int alibicheck_verdict_passed(const alibicheck_verdict *verdict)
{
    return verdict && verdict->passed;
}

const char *alibicheck_verdict_status(const alibicheck_verdict *verdict)
{
    return verdict ? verdict->status : "error";
}

const char *alibicheck_verdict_signature(const alibicheck_verdict *verdict)
{
    return signature_names[verdict ? verdict->signature : SIGNATURE_NONE];
}

const char *alibicheck_verdict_class(const alibicheck_verdict *verdict)
{
    return verdict ? verdict->class : "none";
}

const char *alibicheck_verdict_json(const alibicheck_verdict *verdict)
{
    return verdict ? verdict->json : "null";
}

const char *alibicheck_verdict_message(const alibicheck_verdict *verdict)
{
    return verdict ? verdict->message : "";
}

const char *alibicheck_verdict_bundle_error(const alibicheck_verdict *verdict)
{
    return verdict && verdict->bundle_error ? verdict->bundle_error : "";
}

const alibicheck_truth *alibicheck_verdict_truth(const alibicheck_verdict *verdict)
{
    return verdict ? &verdict->truth : NULL;
}

/* "elements, mismatched, ..." */
static enum error_kind name_metrics(const char *metric, struct error *failure)
{
    char names[1024];
    size_t length = 0;
    for (int m = 0; m < METRIC_COUNT && length < sizeof names; m++)
        length +=
            (size_t)snprintf(names + length, sizeof names - length, "%s%s", m ? ", " : "", metric_table[m].field.name);
    return error_set(failure, ERROR_USAGE, "metric \"%.64s\": allowed: %s", metric, names);
}

int alibicheck_verdict_number(const alibicheck_verdict *verdict, const char *metric, double *number,
                              struct alibicheck_error *error)
{
    struct error failure;
    if (!api_has(number, "number", &failure))
        return api_end(error, &failure);
    *number = NAN;
    if (!api_has(verdict, "verdict", &failure) || !api_has(metric, "metric", &failure))
        return api_end(error, &failure);
    for (int m = 0; m < METRIC_COUNT; m++)
        if (!strcmp(metric, metric_table[m].field.name)) {
            bool unknown = metric_table[m].of_lse && verdict->total.lse_unknown;
            *number = unknown ? (double)NAN : metric_value((enum metric)m, &verdict->total);
            return api_end(error, NULL);
        }
    name_metrics(metric, &failure);
    return api_end(error, &failure);
}
