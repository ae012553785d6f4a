/*
 * What `alibicheck judge` is given, made sense of: files opened, shapes held against each other, what is missing asked
 * for; then each sequence of a batch as a problem and an output.
 */
#ifndef HARNESS_COMMAND_JUDGE_INPUT_H
#define HARNESS_COMMAND_JUDGE_INPUT_H

#include "harness/command/judge_exhibit.h"

/* input is overwritten and stays where it is; whatever the result, it is to be cleared. ERROR_USAGE with the option or
 * the file, what is wrong and what is allowed. --other is a tensor, if anything (judge_other.h). */
enum error_kind judge_input_open(struct judge_input *input, const struct judge_options *options, struct error *error);
void judge_input_clear(struct judge_input *input);

/* The same of a folder that `run --dump` wrote (judge_folder.c). */
enum error_kind judge_input_open_folder(struct judge_input *input, const struct judge_options *options,
                                        struct error *error);

/* ERROR_SYSTEM if a file has changed since it was opened. */
enum error_kind judge_input_check(const struct judge_input *input, struct error *error);

#endif
