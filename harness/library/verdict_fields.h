/*
 * Fields of a record that say what was judged and what came of it, whether or not a case asked for it.
 */
#ifndef HARNESS_LIBRARY_VERDICT_FIELDS_H
#define HARNESS_LIBRARY_VERDICT_FIELDS_H

#include "harness/judge/class/class_find.h"
#include "harness/judge/contract/contract_search.h"
#include "harness/judge/verdict.h"
#include "harness/library/record_row.h"

/* Of an element, of a row's metrics, of struct signature_finding, tolerance, problem_spec, soft_cap_spec, sink_spec,
 * build_info, fault, contract_finding. */
extern const struct record_fields record_worst_fields, record_head_fields, record_finding_fields,
    record_tolerance_fields, record_slopes_fields, record_soft_cap_fields, record_sinks_fields, record_build_fields,
    record_fault_fields, record_contract_fields;

record_value record_value_digest, /* uint64_t */
    record_value_detail,          /* char[] */
    record_value_slopes,          /* of struct problem_spec */
    record_value_soft_cap,        /* struct soft_cap_spec */
    record_value_sinks;           /* struct sink_spec */

/* The worst element; null if there is no element. */
json_t *worst_to_json(const struct verdict *verdict, const struct output *output, const struct truth *truth,
                      const struct problem *shape);

/* The class of an output, every smallest set of roundings that explains it, and the class of each row. */
json_t *class_to_json(const struct class_whole *whole);
json_t *classes_to_json(const struct class_whole *whole);
json_t *row_classes_to_json(const struct class_report *report);

/* What a record says of this build, a new object, or NULL. */
json_t *build_to_json(void);

/* The figures of each row, a list. */
json_t *heads_to_json(const struct verdict *verdict, int num_heads);

#endif
