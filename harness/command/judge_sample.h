/*
 * --sample: some rows of all sequences, drawn by --sample-seed, each set of so many rows as likely as any other.
 */
#ifndef HARNESS_COMMAND_JUDGE_SAMPLE_H
#define HARNESS_COMMAND_JUDGE_SAMPLE_H

#include "harness/command/judge_exhibit.h"

/* Draws from the rows of sequences, `heads` for each query, as input->sample; first_query[sequences + 1] says where
 * each one's queries begin among those of all, from 0 on. None where nobody asks for a sample, or for as many rows as
 * there are. ERROR_USAGE with the option and what is allowed. */
enum error_kind judge_sample_draw(struct judge_input *input, const struct judge_options *options, int64_t sequences,
                                  const int64_t *first_query, int heads, struct error *error);

/* Whether a sequence has rows that are judged. */
bool judge_sample_has(const struct judge_input *input, int64_t sequence);

/* What is to be said of a sequence's rows, into what is known of its point. */
void judge_sample_say(struct given *given, const struct judge_input *input, int64_t sequence);

void judge_sample_clear(struct judge_input *input);

#endif
