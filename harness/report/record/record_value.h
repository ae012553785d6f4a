/*
 * Values of a record that are no members of a struct, and the fields of those that are objects. record_field.h says
 * what the functions are given.
 */
#ifndef HARNESS_REPORT_RECORD_RECORD_VALUE_H
#define HARNESS_REPORT_RECORD_RECORD_VALUE_H

#include "harness/library/verdict_fields.h"
#include "harness/report/record/record_field.h"

/* ---- of struct record ---- */
record_value record_value_schema, record_value_case, record_value_key, record_value_kernel, record_value_kv_dtype,
    record_value_batch, record_value_truth_radius, record_value_worst, record_value_references, record_value_heads,
    record_value_build, record_value_run, record_value_settings, record_value_class, record_value_classes,
    record_value_head_classes, record_value_known_bugs, record_value_taken_over, record_value_launched,
    record_value_launch_failure, record_value_run_failure, record_value_promises, record_value_kernel_digest;

/* ---- of a member ---- */
record_value record_value_reason, /* char[], null if empty */
    record_value_mask,            /* of struct point */
    record_value_class_asked,     /* struct class_demand */
    record_value_workload, record_value_recipe, record_value_sentinel, record_value_point_digest,
    record_value_recipe_digest, record_value_expected_signature; /* of struct point */

extern const struct record_fields record_reference_fields, record_seconds_fields, record_input_fields,
    record_mask_fields, record_oracle_fields, record_oracle_detail_fields, record_run_fields, record_recipe_fields,
    record_sample_fields, record_override_fields, record_workload_fields, record_taken_over_fields;

#endif
