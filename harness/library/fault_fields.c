/* What a record says of two outputs that were compared. */
#include "harness/judge/fault.h"
#include "harness/library/verdict_fields.h"
#include "harness/support/json_value.h"

static const struct record_field side_rows[] = {
    {RECORD_MEMBER("kernel", struct fault_tally, at_fault[FAULT_KERNEL], WHOLE, "The kernel alone is."),
     .unit = "elements"},
    {RECORD_MEMBER("reference", struct fault_tally, at_fault[FAULT_REFERENCE], WHOLE, "The reference alone is."),
     .unit = "elements"},
    {RECORD_MEMBER("both", struct fault_tally, at_fault[FAULT_BOTH], WHOLE, "Both are."), .unit = "elements"},
};
static const struct record_fields side_fields = RECORD_FIELDS(side_rows);

/* ---- the reference itself against the truth ---------------------------------------------------------------------- */

struct worst_element {
    int64_t head, dim, query;
};

static const struct record_field place_rows[] = {
    {RECORD_MEMBER("head", struct worst_element, head, WHOLE, "Its head.")},
    {RECORD_MEMBER("dim", struct worst_element, dim, WHOLE, "Its place in the head.")},
    {RECORD_MEMBER("query", struct worst_element, query, WHOLE, "Its query.")},
};
static const struct record_fields place_fields = RECORD_FIELDS(place_rows);

static json_t *find_worst(const struct record_field *field, const void *member)
{
    const struct fault *fault = member;
    int64_t row = fault->truth.worst / fault->head_dim;
    const struct worst_element place = {row % fault->num_heads, fault->truth.worst % fault->head_dim,
                                        row / fault->num_heads};
    return record_fields_to_json(field->members, &place);
}

static const struct record_field rows_of_truth[] = {
    {RECORD_MEMBER("mismatched", struct fault, truth.mismatched, WHOLE, "As mismatched of the kernel."),
     .unit = "elements"},
    {RECORD_MEMBER("max_abs_err", struct fault, truth.max_abs_err, REAL, "The largest |reference - truth|."),
     .unit = "of out"},
    {RECORD_NAMED("worst", "The element that has it, or the first NaN."), .value = find_worst,
     .members = &place_fields},
    {RECORD_MEMBER("undecided", struct fault, truth.undecided, WHOLE, "As undecided of the kernel."),
     .unit = "comparisons"},
    {RECORD_MEMBER("max_lse_err", struct fault, truth.max_lse_err, REAL, "The largest |lse - truth|."), .unit = "nats"},
};
static const struct record_fields truth_fields = RECORD_FIELDS(rows_of_truth);

/* ---- heads ------------------------------------------------------------------------------------------------------- */

struct head_fault {
    int64_t head;
    struct fault_tally tally;
};

static const struct record_field head_rows[] = {
    {RECORD_MEMBER("head", struct head_fault, head, WHOLE, "Which head.")},
    {RECORD_MEMBER("mismatched", struct head_fault, tally.mismatched, WHOLE, "The same of the head."),
     .unit = "elements"},
    {RECORD_MEMBER("at_fault", struct head_fault, tally, OWN, "The same of the head."), .members = &side_fields},
};
static const struct record_fields head_fields = RECORD_FIELDS(head_rows);

static json_t *list_heads(const struct record_field *field, const void *member)
{
    const struct fault *fault = member;
    json_t *heads = json_array();
    bool complete = heads;
    for (int h = 0; complete && h < fault->num_heads; h++) {
        const struct head_fault head = {h, fault->heads[h]};
        if (head.tally.mismatched > 0)
            complete = json_array_append_new(heads, record_fields_to_json(field->members, &head)) == 0;
    }
    return json_finish(heads, complete);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static const struct record_field fault_rows[] = {
    {RECORD_MEMBER("mismatched", struct fault, total.mismatched, WHOLE,
                   "Elements that differ: not |kernel - reference| <= atol + rtol |reference|."),
     .unit = "elements"},
    {RECORD_MEMBER("max_abs_err", struct fault, max_abs_err, REAL, "The largest |kernel - reference|, NaN apart."),
     .unit = "of out"},
    {RECORD_MEMBER("at_fault", struct fault, total, OWN,
                   "Of the elements that differ: who is further from the truth than half of the tolerance."),
     .members = &side_fields},
    {RECORD_MEMBER("max_lse_err", struct fault, max_lse_err, REAL, "The largest difference of lse."), .unit = "nats"},
    {RECORD_NAMED("truth", "The reference itself against the truth, judged as a kernel is."), .members = &truth_fields},
    {RECORD_NAMED("heads", "The heads where they differ."), .value = list_heads, .members = &head_fields,
     .is_list = true},
};
const struct record_fields record_fault_fields = RECORD_FIELDS(fault_rows);
