/*
 * The inputs at hand: those of one part of one problem, with all of its keys or its newest alone. What of missing keys
 * a device has said, their digest and the bounds of the whole, holds until they are made here, and is then held against
 * them.
 */
#ifndef HARNESS_EVALUATE_WORK_INPUTS_H
#define HARNESS_EVALUATE_WORK_INPUTS_H

#include "harness/evaluate/work.h"

/* The inputs of a part, unless they are at hand; newest: its newest keys are enough (problem_source_ops.open_newest).
 * ERROR_SYSTEM also if they are not what a device has said: then no truth is kept. */
enum error_kind work_open_inputs(struct work *work, struct part heads, bool newest, struct error *error);

/* The inputs of whatever part, for what the whole has of them: they are gone where another work could not open its. */
enum error_kind work_need_inputs(struct work *work, struct error *error);

/* All keys of a problem that is one part and has been worked through, where its newest ones are all there are: the
 * evaluation's problem then has k and v. For whoever asks more than a truth and bounds. Of several parts it has none.
 */
enum error_kind work_need_keys(struct work *work, struct error *error);

#endif
