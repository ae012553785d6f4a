/*
 * Tensors that options name, as what `alibicheck judge` judges: opened, held against each other, and put together as
 * sequences, step by step (judge_reading.h).
 */
#ifndef HARNESS_COMMAND_JUDGE_TENSORS_H
#define HARNESS_COMMAND_JUDGE_TENSORS_H

#include "harness/command/judge_bundle.h"
#include "harness/command/judge_exhibit.h"

/* The command line again, as input->command. */
enum error_kind judge_input_quote(struct judge_input *input, const struct judge_options *options, struct error *error);

/* Of input are there what judges it, mode among it, and nothing else. bundle has tensors that it made, and names; NULL:
 * there is none. ERROR_USAGE with the option or the file, what is wrong and what is allowed. */
enum error_kind judge_input_open_tensors(struct judge_input *input, const struct judge_options *options,
                                         struct judge_bundle *bundle, struct error *error);

#endif
