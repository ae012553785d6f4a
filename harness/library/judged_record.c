#include "harness/library/judged_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/library/verdict_fields.h"
#include "harness/support/json_value.h"

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* What the numbers and the class that is asked for come to. */
static enum decision decision_of(const struct judging *judging, const struct judged_output *judged)
{
    return class_decide(criterion_decide(&judging->criterion, &judged->verdict.total), &judged->classes,
                        &judging->demand);
}

bool judged_class_is_open(const struct judging *judging, const struct judged_output *judged)
{
    return criterion_decide(&judging->criterion, &judged->verdict.total) == DECISION_PASS &&
           decision_of(judging, judged) == DECISION_UNBOUNDED;
}

const char *judged_status(const struct judging *judging, const struct judged_output *judged)
{
    return decision_statuses[decision_of(judging, judged)];
}

char *judged_key(const struct problem_spec *problem, int64_t sequence)
{
    char *key = NULL, queries[32] = "", kv[32] = "", at[32] = "";
    if (problem_spec_queries(problem) > 1)
        snprintf(queries, sizeof queries, ",num_queries=%d", problem_spec_queries(problem));
    if (problem->kv_format != KV_AS_DTYPE)
        snprintf(kv, sizeof kv, ",kv_dtype=%s", kv_format_names[problem->kv_format]);
    if (sequence >= 0)
        snprintf(at, sizeof at, ",sequence=%" PRId64, sequence);
    return asprintf(&key, "judge:seq_len=%" PRId64 ",num_heads=%d,num_kv_heads=%d,head_dim=%d%s,dtype=%s%s%s",
                    problem->seq_len, problem->num_heads, problem->num_kv_heads, problem->head_dim, queries,
                    dtypes[problem->dtype].name, kv, at) < 0
               ? NULL
               : key;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

#define VALUE(name)                                                                   \
    static json_t *value_##name(const struct record_field *field, const void *member) \
    {                                                                                 \
        (void)field;                                                                  \
        const struct judged_record *record = member;                                  \
        return name##_of(record);                                                     \
    }

static json_t *schema_of(const struct judged_record *record)
{
    (void)record;
    return json_integer(RECORD_SCHEMA);
}

static json_t *name_of(const struct judged_record *record)
{
    (void)record;
    return json_string("judge");
}

static json_t *pass_of(const struct judged_record *record)
{
    (void)record;
    return json_string("pass");
}

static json_t *worst_of(const struct judged_record *record)
{
    const struct problem shape = problem_spec_shape(record->problem);
    return worst_to_json(&record->judged->verdict, &record->judged->output, &record->judged->truth, &shape);
}

static json_t *status_of(const struct judged_record *record)
{
    return json_string(judged_status(record->judging, record->judged));
}

static json_t *key_of(const struct judged_record *record)
{
    char *key = judged_key(record->problem, -1);
    json_t *text = key ? json_from_text(key) : NULL;
    free(key);
    return text;
}

static json_t *radius_of(const struct judged_record *record)
{
    return json_from_double(truth_max_radius(&record->judged->truth));
}

static json_t *references_of(const struct judged_record *record)
{
    json_t *references = record->other ? json_object() : json_null();
    bool complete =
        references &&
        (!record->other || json_put(references, "other", record_fields_to_json(&record_fault_fields, record->other)));
    return json_finish(references, complete);
}

static json_t *seconds_of(const struct judged_record *record)
{
    const struct seconds *spent = &record->judged->seconds;
    const struct {
        const char *name;
        double spent;
    } all[] = {
        {"inputs", spent->inputs}, {"kernel", spent->kernel},       {"truth", spent->truth},
        {"judge", spent->judge},   {"reference", spent->reference}, {"oracles", spent->oracles},
    };
    json_t *seconds = json_object();
    bool complete = seconds;
    for (size_t i = 0; complete && i < sizeof all / sizeof *all; i++)
        complete = json_put(seconds, all[i].name, json_from_double(all[i].spent));
    complete = complete && json_put(seconds, "ended", json_from_time(record->ended)) &&
               json_put(seconds, "shard", json_null()) && json_put(seconds, "shard_points", json_null());
    return json_finish(seconds, complete);
}

static json_t *mask_of(const struct judged_record *record)
{
    return record->masked ? json_string("given") : json_null();
}

static json_t *heads_of(const struct judged_record *record)
{
    return heads_to_json(&record->judged->verdict, record->problem->num_heads);
}

static json_t *error_of(const struct judged_record *record)
{
    char text[256], asked[CLASS_NAME_SIZE];
    const struct metrics *total = &record->judged->verdict.total;
    if (judged_class_is_open(record->judging, record->judged)) {
        snprintf(text, sizeof text,
                 "in class %s rounding can do anything, so whether the output is in it cannot be told",
                 class_format(asked, &record->judging->demand.arithmetic));
        return json_string(text);
    }
    if (criterion_decide(&record->judging->criterion, total) != DECISION_UNDECIDED)
        return json_null();
    snprintf(text, sizeof text, "the tolerance lies within the radius of the truth for %" PRId64 " elements",
             total->undecided);
    return json_string(text);
}

static json_t *kv_dtype_of(const struct judged_record *record)
{
    return json_string(dtypes[problem_spec_kv_dtype(record->problem)].name);
}

static json_t *build_of(const struct judged_record *record)
{
    (void)record;
    return build_to_json();
}

static json_t *nothing_of(const struct judged_record *record)
{
    (void)record;
    return json_array();
}

static json_t *class_of(const struct judged_record *record)
{
    return class_to_json(&record->judged->class_of_all);
}

static json_t *classes_of(const struct judged_record *record)
{
    return classes_to_json(&record->judged->class_of_all);
}

static json_t *head_classes_of(const struct judged_record *record)
{
    return row_classes_to_json(&record->judged->classes);
}

static json_t *class_asked_of(const struct judged_record *record)
{
    char text[CLASS_NAME_SIZE];
    const struct class_demand *demand = &record->judging->demand;
    return demand->asked ? json_string(class_format(text, &demand->arithmetic)) : json_null();
}

VALUE(class)
VALUE(classes)
VALUE(head_classes)
VALUE(class_asked)
VALUE(schema)
VALUE(name)
VALUE(pass)
VALUE(worst)
VALUE(status)
VALUE(key)
VALUE(radius)
VALUE(references)
VALUE(seconds)
VALUE(mask)
VALUE(heads)
VALUE(error)
VALUE(kv_dtype)
VALUE(build)
VALUE(nothing)

/* ---- rows -------------------------------------------------------------------------------------------------------- */

enum judged_part {
    PART_RECORD = RECORD_HOLDER,
    PART_NONE,
    PART_PROBLEM,
    PART_JUDGING,
    PART_JUDGED,
    PART_TOTAL,
    PART_FAILURE,
    PART_CONTRACT
};

static const void *find_part(const void *holder, int part)
{
    const struct judged_record *record = holder;
    switch ((enum judged_part)part) {
    case PART_RECORD:
        return record;
    case PART_NONE:
        return NULL;
    case PART_PROBLEM:
        return record->problem;
    case PART_JUDGING:
        return record->judging;
    case PART_JUDGED:
        return record->judged;
    case PART_TOTAL:
        return &record->judged->verdict.total;
    case PART_CONTRACT:
        return record->judged->contract.num_fits > 0 ? &record->judged->contract : NULL;
    case PART_FAILURE:
        return record->judged->finding.signature == SIGNATURE_NONE ? NULL : &record->judged->finding;
    }
    return NULL;
}

/* What the fields mean is said where those of a point's record are (record_table.c); a test holds the names together.
 */
#define OF(in, structure, called, member, of_type, ...) \
    {                                                   \
        .part = PART_##in, .field = {                   \
            .name = called,                             \
            .type = FIELD_##of_type,                    \
            FIELD_MEMBER(structure, member),            \
            __VA_ARGS__                                 \
        }                                               \
    }
#define OF_PROBLEM(name, type, ...) OF(PROBLEM, struct problem_spec, #name, name, type, __VA_ARGS__)
#define OF_TOTAL(of_metric)                                    \
    {                                                          \
        .part = PART_TOTAL, .metric = &metric_table[of_metric] \
    }
#define COMPUTED(called, function)                           \
    {                                                        \
        .field = {.name = called}, .value = value_##function \
    }
#define DIGEST(which)                                                                                 \
    {                                                                                                 \
        .part = PART_JUDGED,                                                                          \
        .field = {.name = #which, .type = FIELD_UNSIGNED, FIELD_MEMBER(struct judged_output, which)}, \
        .value = record_value_digest                                                                  \
    }
#define UNKNOWN(called)                               \
    {                                                 \
        .part = PART_NONE, .field = {.name = called } \
    }

static const struct record_field rows[] = {
    COMPUTED("schema", schema),
    COMPUTED("case", name),
    UNKNOWN("kernel"),
    UNKNOWN("recipe"),
    UNKNOWN("device"),
    OF_PROBLEM(seq_len, WHOLE),
    OF_PROBLEM(num_heads, WHOLE),
    OF_PROBLEM(num_kv_heads, WHOLE),
    OF_PROBLEM(head_dim, WHOLE),
    OF_PROBLEM(dtype, CHOICE, .names = FIELD_NAMES_OF(dtypes, name, DTYPE_COUNT)),
    UNKNOWN("sentinel"),
    UNKNOWN("seed"),
    OF_TOTAL(METRIC_ELEMENTS),
    OF_TOTAL(METRIC_MISMATCHED),
    OF_TOTAL(METRIC_MAX_ABS_ERR),
    OF_TOTAL(METRIC_MAX_ULP_ERR),
    OF_TOTAL(METRIC_BUDGET_USED),
    OF_TOTAL(METRIC_NAN),
    OF_TOTAL(METRIC_INF),
    OF(JUDGED, struct judged_output, "signature", finding.signature, CHOICE,
       .names = FIELD_NAMES_FIRST(signature_names, SIGNATURE_COUNT)),
    COMPUTED("worst", worst),
    COMPUTED("status", status),
    COMPUTED("expect", pass),
    COMPUTED("key", key),
    DIGEST(input_digest),
    DIGEST(output_digest),
    DIGEST(truth_digest),
    COMPUTED("truth_radius", radius),
    COMPUTED("references", references),
    COMPUTED("seconds", seconds),
    UNKNOWN("device_name"),
    {.part = PART_JUDGING,
     .field = {.name = "tolerance", .type = FIELD_OWN, FIELD_MEMBER(struct judging, criterion.tolerance)},
     .members = &record_tolerance_fields},
    OF_TOTAL(METRIC_UNDECIDED),
    OF_TOTAL(METRIC_UNWRITTEN),
    OF_TOTAL(METRIC_P99_ULP_ERR),
    OF_TOTAL(METRIC_P50_ULP_ERR),
    OF_TOTAL(METRIC_MAX_REL_ERR),
    OF_TOTAL(METRIC_MAX_SCALED_ERR),
    OF_TOTAL(METRIC_RMS_ERR),
    OF_TOTAL(METRIC_MAX_LSE_ERR),
    OF_PROBLEM(scale, REAL),
    UNKNOWN("max_bias"),
    {.part = PART_PROBLEM, .field = {.name = "slopes"}, .value = record_value_slopes, .members = &record_slopes_fields},
    OF_PROBLEM(q_position, WHOLE),
    UNKNOWN("input"),
    COMPUTED("mask", mask),
    UNKNOWN("chunk_len"),
    UNKNOWN("bias"),
    UNKNOWN("exponential"),
    UNKNOWN("head_offset"),
    UNKNOWN("total_heads"),
    UNKNOWN("budget"),
    OF_TOTAL(METRIC_UNBOUNDED),
    OF_TOTAL(METRIC_LSE_MISMATCHED),
    OF(JUDGING, struct judging, "truth_method", truth_method, CHOICE,
       .names = FIELD_NAMES_FIRST(truth_method_names, TRUTH_METHOD_COUNT)),
    OF(JUDGING, struct judging, "truth_precision", truth_precision, WHOLE),
    OF_PROBLEM(truth_of, CHOICE, .names = FIELD_NAMES_OF(truth_ofs, name, TRUTH_OF_COUNT)),
    OF(JUDGED, struct judged_output, "contract_distance", contract_distance, REAL),
    {.part = PART_FAILURE, .field = {.name = "finding"}, .members = &record_finding_fields},
    UNKNOWN("oracles"),
    UNKNOWN("oracle_details"),
    COMPUTED("heads", heads),
    COMPUTED("error", error),
    COMPUTED("kv_dtype", kv_dtype),
    OF_PROBLEM(k_scale, REAL),
    OF_PROBLEM(v_scale, REAL),
    OF_PROBLEM(kv_offset, WHOLE),
    UNKNOWN("page_size"),
    UNKNOWN("page_seed"),
    UNKNOWN("batch"),
    UNKNOWN("sequence"),
    OF_TOTAL(METRIC_LSE_BUDGET_USED),
    OF(JUDGING, struct judging, "judge", criterion.mode, CHOICE,
       .names = FIELD_NAMES_FIRST(judge_mode_names, JUDGE_MODE_COUNT)),
    OF_TOTAL(METRIC_LSE_OFF),
    OF_TOTAL(METRIC_LSE_UNBOUNDED),
    COMPUTED("build", build),
    OF(PROBLEM, struct problem_spec, "num_queries", num_queries, WHOLE),
    UNKNOWN("point_digest"),
    UNKNOWN("run"),
    UNKNOWN("launched"),
    UNKNOWN("recipe_keys"),
    UNKNOWN("recipe_digest"),
    UNKNOWN("overridden"),
    COMPUTED("settings", nothing),
    {.part = PART_PROBLEM,
     .field = {.name = "soft_cap", FIELD_MEMBER(struct problem_spec, soft_cap)},
     .value = record_value_soft_cap,
     .members = &record_soft_cap_fields},
    {.part = PART_PROBLEM,
     .field = {.name = "sink_logits", FIELD_MEMBER(struct problem_spec, sinks)},
     .value = record_value_sinks,
     .members = &record_sinks_fields},
    UNKNOWN("pool_pages"),
    {.part = PART_CONTRACT, .field = {.name = "contract"}, .members = &record_contract_fields},
    COMPUTED("class", class),
    COMPUTED("classes", classes),
    COMPUTED("head_classes", head_classes),
    COMPUTED("class_asked", class_asked),
    UNKNOWN("sample"),
    UNKNOWN("workload"),
    UNKNOWN("known_bugs"),
    UNKNOWN("fidelity"),
    UNKNOWN("taken_over"),
    UNKNOWN("explanation"),
    UNKNOWN("run_failure"),
    UNKNOWN("promises"),
    UNKNOWN("expected_signature"),
    UNKNOWN("shared_prefix"),
    UNKNOWN("sampled_truth_digest"),
    UNKNOWN("launch_failure"),
    UNKNOWN("kernel_digest"),
};

const struct record_fields judged_record_fields = {rows, sizeof rows / sizeof rows[0], find_part};

json_t *judged_record_to_json(const struct judged_record *record)
{
    return record_fields_to_json(&judged_record_fields, record);
}
