/*
 * --other as a folder of `run --dump`, a recorded call or a bundle: the output in there, of the same problem.
 */
#ifndef HARNESS_COMMAND_JUDGE_OTHER_H
#define HARNESS_COMMAND_JUDGE_OTHER_H

#include "harness/command/judge_input.h"

/*
 * As judge_input_open, and where --other is one of these it is opened beside the input, whose one sequence then has its
 * output as the other one. ERROR_USAGE if it is of another problem, as far as is said without reading k and v:
 * judge_other_check tells the rest. judge_other_clear closes, whatever the result.
 */
enum error_kind judge_other_open(struct judge_input *input, const struct judge_options *options, struct error *error);

/* ERROR_USAGE if the inputs that are judged have another digest than those of the other output. */
enum error_kind judge_other_check(const struct judge_input *input, uint64_t input_digest, struct error *error);

/* What was opened; NULL: nothing. */
const struct judge_input *judge_other_input(const struct judge_input *input);

/* ERROR_SYSTEM if a file of either has changed since it was opened. */
enum error_kind judge_other_check_files(const struct judge_input *input, struct error *error);

/* Clears the input and what was opened beside it. */
void judge_other_clear(struct judge_input *input);

#endif
