/* What `alibicheck sentinel` prints: a model, its lowest logits length by length, and how each stand-in for -inf fares.
 */
#ifndef HARNESS_SENTINEL_SENTINEL_REPORT_H
#define HARNESS_SENTINEL_SENTINEL_REPORT_H

#include <stdio.h>

#include "harness/sentinel/sentinel_tensors.h"
#include "harness/sentinel/stand_ins.h"

enum { REPORT_LENGTHS = 64 };

struct sentinel_report {
    int num_heads, head_offset, total_heads;
    enum slope_convention slopes; /* SLOPES_COUNT: given one by one, of no convention */
    double max_bias;
    struct logit_range range;
    char dot_source[256];             /* where range.dot_bound comes from */
    int64_t seq_lens[REPORT_LENGTHS]; /* at least one > range.nearest_distance */
    int num_lengths;
    const struct stand_in_list *stand_ins;
    const struct sentinel_tensors *tensors; /* range is theirs; NULL: from bounds alone */
};

void sentinel_report_text(FILE *stream, const struct sentinel_report *report);

/* One JSON object on a line of standard output; numbers read back exactly, what is never reached is null.
 * ERROR_SYSTEM. */
enum error_kind sentinel_report_json(const struct sentinel_report *report, struct error *error);

#endif
