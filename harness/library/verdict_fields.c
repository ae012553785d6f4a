#include "harness/library/verdict_fields.h"

#include "harness/judge/cause/signature.h"
#include "harness/problem/problem_spec.h"
#include "harness/support/build_info.h"
#include "harness/support/json_value.h"

/* ---- what is judged ---------------------------------------------------------------------------------------------- */

static json_t *list_slopes(const struct record_field *field, const void *member)
{
    (void)field;
    const struct problem_spec *problem = member;
    json_t *values = json_array();
    bool complete = values;
    for (int i = 0; complete && i < problem->num_slope_values; i++)
        complete = json_array_append_new(values, json_from_double((double)problem->slope_values[i])) == 0;
    return json_finish(values, complete);
}

static const struct record_field slopes_rows[] = {
    {RECORD_NAMED("values", "A slope a head."), .type = "list", .value = list_slopes},
};
const struct record_fields record_slopes_fields = RECORD_FIELDS(slopes_rows);

json_t *record_value_slopes(const struct record_field *field, const void *member)
{
    const struct problem_spec *problem = member;
    return problem->num_slope_values > 0 ? record_fields_to_json(field->members, problem)
                                         : json_string(slope_convention_names[problem->slopes]);
}

static bool put_soft_cap(json_t *object, const struct record_field *field, const void *member)
{
    const struct soft_cap_spec *cap = member;
    (void)field;
    return json_put(object, soft_cap_names[cap->where], json_from_double((double)cap->value));
}

static const struct record_field soft_cap_rows[] = {
    {RECORD_NAMED("PARAMETER", "The cap, under the name of where it is: before_bias or after_bias."), .type = "number",
     .put = put_soft_cap},
};
const struct record_fields record_soft_cap_fields = RECORD_FIELDS(soft_cap_rows);

json_t *record_value_soft_cap(const struct record_field *field, const void *member)
{
    const struct soft_cap_spec *cap = member;
    return cap->where ? record_fields_to_json(field->members, cap) : json_null();
}

static bool put_sinks(json_t *object, const struct record_field *field, const void *member)
{
    const struct sink_spec *sinks = member;
    (void)field;
    if (sinks->kind != SINKS_VALUES)
        return json_put(object, sink_logits_names[sinks->kind], json_from_double((double)sinks->number));
    json_t *values = json_array();
    bool complete = values;
    for (int i = 0; complete && i < sinks->num_values; i++)
        complete = json_array_append_new(values, json_from_double((double)sinks->values[i])) == 0;
    return json_put(object, sink_logits_names[SINKS_VALUES], json_finish(values, complete));
}

static const struct record_field sinks_rows[] = {
    {RECORD_NAMED("PARAMETER",
                  "value, of all heads; values, a list of each head's; or normal, the deviation they are drawn "
                  "with."),
     .type = "number, list", .put = put_sinks},
};
const struct record_fields record_sinks_fields = RECORD_FIELDS(sinks_rows);

json_t *record_value_sinks(const struct record_field *field, const void *member)
{
    const struct sink_spec *sinks = member;
    return sinks->kind ? record_fields_to_json(field->members, sinks) : json_null();
}

static const struct record_field tolerance_rows[] = {
    {RECORD_MEMBER("atol", struct tolerance, atol, REAL, "An element passes if e <= atol + rtol |truth|."),
     .unit = "of out"},
    {RECORD_MEMBER("rtol", struct tolerance, rtol, REAL, "See atol."), .unit = "1"},
    {RECORD_MEMBER("lse", struct tolerance, lse, REAL, "An lse passes if |lse - truth| <= this + 2^-21 |truth|."),
     .unit = "nats"},
};
const struct record_fields record_tolerance_fields = RECORD_FIELDS(tolerance_rows);

/* ---- what came of it --------------------------------------------------------------------------------------------- */

json_t *record_value_digest(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_digest(*(const uint64_t *)member);
}

json_t *record_value_detail(const struct record_field *field, const void *member)
{
    (void)field;
    return json_from_text(member);
}

struct worst {
    int64_t query, head, dim;
    double out, truth;
};

static const struct record_field worst_rows[] = {
    {RECORD_MEMBER("head", struct worst, head, WHOLE, "Its head.")},
    {RECORD_MEMBER("dim", struct worst, dim, WHOLE, "Its place in the head.")},
    {RECORD_MEMBER("out", struct worst, out, REAL, "What the kernel gives.")},
    {RECORD_MEMBER("truth", struct worst, truth, REAL, "What is true, rounded to f64.")},
    {RECORD_MEMBER("query", struct worst, query, WHOLE, "Its query.")},
};
const struct record_fields record_worst_fields = RECORD_FIELDS(worst_rows);

json_t *worst_to_json(const struct verdict *verdict, const struct output *output, const struct truth *truth,
                      const struct problem *shape)
{
    int64_t element = verdict->total.worst, row = element / shape->head_dim;
    if (element < 0)
        return json_null();
    float out;
    dtype_widen(shape->dtype, output->out, (size_t)element, 1, &out);
    const struct worst worst = {
        .query = row / shape->num_heads,
        .head = row % shape->num_heads,
        .dim = element % shape->head_dim,
        .out = (double)out,
        .truth = truth->value[element],
    };
    return record_fields_to_json(&record_worst_fields, &worst);
}

struct row_metrics {
    int64_t query, head;
    struct metrics metrics;
};

#define HEAD_METRIC(of_metric)          \
    .metric = &metric_table[of_metric], \
    .field = {.offset = offsetof(struct row_metrics, metrics), .about = "The field of this name, of the head."}

static const struct record_field head_rows[] = {
    {RECORD_MEMBER("head", struct row_metrics, head, WHOLE, "Which head.")},
    {HEAD_METRIC(METRIC_MISMATCHED)},
    {HEAD_METRIC(METRIC_MAX_ABS_ERR)},
    {HEAD_METRIC(METRIC_MAX_ULP_ERR)},
    {HEAD_METRIC(METRIC_P99_ULP_ERR)},
    {HEAD_METRIC(METRIC_MAX_SCALED_ERR)},
    {HEAD_METRIC(METRIC_RMS_ERR)},
    {HEAD_METRIC(METRIC_NAN)},
    {HEAD_METRIC(METRIC_INF)},
    {HEAD_METRIC(METRIC_BUDGET_USED)},
    {HEAD_METRIC(METRIC_LSE_MISMATCHED)},
    {HEAD_METRIC(METRIC_MAX_LSE_ERR)},
    {HEAD_METRIC(METRIC_LSE_BUDGET_USED)},
    {HEAD_METRIC(METRIC_LSE_OFF)},
    {RECORD_MEMBER("query", struct row_metrics, query, WHOLE, "Of which query.")},
};
const struct record_fields record_head_fields = RECORD_FIELDS(head_rows);

json_t *heads_to_json(const struct verdict *verdict, int num_heads)
{
    json_t *heads = json_array();
    bool complete = heads;
    for (int r = 0; complete && r < verdict->num_rows; r++) {
        if (verdict->rows[r].elements == 0)
            continue;
        const struct row_metrics head = {r / num_heads, r % num_heads, verdict->rows[r]};
        complete = json_array_append_new(heads, record_fields_to_json(&record_head_fields, &head)) == 0;
    }
    return json_finish(heads, complete);
}

static const struct record_field finding_rows[] = {
    {RECORD_MEMBER("head", struct signature_finding, head, WHOLE,
                   "The head that detail and residual are of; -1 for none.")},
    {RECORD_MEMBER("detail", struct signature_finding, detail, TEXT,
                   "What the match says: \"slope 0.0078 in place of 0.84\"."),
     .value = record_value_detail},
    {RECORD_MEMBER("residual", struct signature_finding, residual, REAL,
                   "The largest |out - predicted| of the head; of one that fails by its lse alone, and of bias-shift, "
                   "the same of lse."),
     .unit = "tolerances"},
    {RECORD_MEMBER("heads_failing", struct signature_finding, num_rows_failing, WHOLE, "All that fail."),
     .unit = "heads"},
    {RECORD_MEMBER("heads_examined", struct signature_finding, num_rows_examined, WHOLE, "The worst of them."),
     .unit = "heads"},
    {RECORD_MEMBER("heads_explained", struct signature_finding, num_rows_explained, WHOLE,
                   "Of those, the ones with this signature."),
     .unit = "heads"},
    {RECORD_MEMBER("query", struct signature_finding, query, WHOLE, "The query that detail and residual are of.")},
};
const struct record_fields record_finding_fields = RECORD_FIELDS(finding_rows);

/* ---- the program ------------------------------------------------------------------------------------------------- */

#define OF_BUILD(member, says) RECORD_MEMBER(#member, struct build_info, member, TEXT, says)

static const struct record_field build_rows[] = {
    {OF_BUILD(version, "The program's version.")},
    {OF_BUILD(commit, "Of its sources, with -dirty behind it where they were changed; unknown without git.")},
    {OF_BUILD(compiler, "What compiled it.")},
    {OF_BUILD(optimize, "How it was optimized, its kernels apart.")},
    {OF_BUILD(arch, "The instruction set it was compiled for; default: the compiler's.")},
    {OF_BUILD(sanitizers, "Those that are compiled in; none.")},
    {OF_BUILD(cuda_archs, "GPU architectures with machine code; none: the host device alone.")},
    {OF_BUILD(flags, "The builder's own CPPFLAGS, CFLAGS and NVCCFLAGS; none.")},
    {OF_BUILD(changes, "A hash of how the sources differ from the commit, or of the sources without git; none.")},
};
const struct record_fields record_build_fields = RECORD_FIELDS(build_rows);

json_t *build_to_json(void)
{
    return record_fields_to_json(&record_build_fields, &build_info);
}
