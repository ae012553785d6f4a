/*
 * What comes of a point once its parts have been worked on: the verdict, and why the output is what it is.
 */
#ifndef HARNESS_EVALUATE_CONCLUSION_H
#define HARNESS_EVALUATE_CONCLUSION_H

#include "harness/evaluate/part_work.h"

/* A run that is judged may be larger than the trials of oracles, and is asked of these two what they are. */
void conclude_audit(struct work *work);

/* What the watch over a subject's launches tells, once it is known which of them were right. */
void conclude_watch(struct work *work);

/* Who is at fault where a conventional reference disagrees. */
enum error_kind conclude_faults(struct work *work, struct error *error);

/* The name of a failure, or how the kernel failed to run. */
enum error_kind conclude_signature(struct work *work, struct error *error);

/* Of a kernel that is not ours, and whose output is wrong: under which other contract it is right. */
enum error_kind conclude_contract(struct work *work, struct error *error);

/* Of a point that fails and whose class nobody has asked for so far: its inputs are all there unless it is worked on in
 * parts. */
enum error_kind conclude_class(struct work *work, struct error *error);

#endif
