/*
 * The fields of a record: what a point is (record_point.c), and what came of it (record_result.c). Each is a new JSON
 * value; null where it is not known, NULL if memory ran out.
 */
#ifndef HARNESS_REPORT_RECORD_FIELD_H
#define HARNESS_REPORT_RECORD_FIELD_H

#include "harness/report/record.h"

typedef json_t *record_field(const struct record *record);

/* ---- what the point is ---- */
record_field record_get_case, record_get_kernel, record_get_recipe, record_get_seq_len, record_get_num_heads,
    record_get_num_kv_heads, record_get_head_dim, record_get_dtype, record_get_sentinel, record_get_seed,
    record_get_expect, record_get_key, record_get_tolerance, record_get_scale, record_get_max_bias, record_get_slopes,
    record_get_q_position, record_get_input, record_get_mask, record_get_chunk_len, record_get_bias,
    record_get_exponential, record_get_budget, record_get_judge, record_get_head_offset, record_get_total_heads,
    record_get_truth_of, record_get_truth_method, record_get_truth_precision, record_get_kv_dtype, record_get_k_scale,
    record_get_v_scale, record_get_kv_offset, record_get_page_size, record_get_page_seed, record_get_batch,
    record_get_sequence;

/* ---- what came of it ---- */
record_field record_get_schema, record_get_device, record_get_signature, record_get_finding, record_get_oracles,
    record_get_oracle_details, record_get_worst, record_get_status, record_get_input_digest, record_get_output_digest,
    record_get_truth_digest, record_get_truth_radius, record_get_references, record_get_seconds, record_get_device_name,
    record_get_contract_distance, record_get_heads, record_get_error, record_get_build;

#endif
