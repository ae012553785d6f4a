/*
 * The options of `alibicheck sentinel`.
 */
#ifndef HARNESS_COMMAND_SENTINEL_OPTIONS_H
#define HARNESS_COMMAND_SENTINEL_OPTIONS_H

#include <argp.h>

#include "harness/sentinel/sentinel_report.h"
#include "harness/support/field.h"

/* NAN, and of num_heads and total_heads 0: not given. */
struct sentinel_arguments {
    int num_heads, head_dim, head_offset, total_heads;
    double max_bias, scale;
    double q_bound, k_bound, q_norm, k_norm, logit_bound;
    int64_t nearest_distance;
    int slopes, bias;
    bool json;
    const char *q, *k, *dump;
    bool raw_bf16; /* --dtype */
    enum dtype raw_fp8;
    uint32_t given; /* which options were given; sentinel_arguments_parse checks them against each other */
    bool lengths_given, nearest_given;
    int64_t seq_lens[REPORT_LENGTHS];
    int num_lengths;
};

/* The options of the command. */
const struct argp *sentinel_parser(void);

/* The field that an option's value is put into; NULL: it is read otherwise. */
const struct field *sentinel_option_field(int option);

/* Parses (argp: a wrong option, or options that contradict each other, end the program with exit code 2). */
void sentinel_arguments_parse(struct sentinel_arguments *arguments, int argc, char **argv);

/* The largest of them, 0 if there are none. */
int64_t longest_length(const int64_t *seq_lens, int count);

#endif
