/*
 * An output judged again from a bundle without k and v: verdict and class are reached from the truth and the bounds
 * that are in it, and what needs keys is taken over as it was found when it was written.
 */
#ifndef HARNESS_LIBRARY_JUDGED_AGAIN_H
#define HARNESS_LIBRARY_JUDGED_AGAIN_H

#include "harness/library/exhibit_bundle.h"
#include "harness/library/judged_output.h"

/* Whether an output is judged as it was when the bundle was written: then what was found is what is found. */
bool judged_as_before(const struct exhibit_bundle *bundle, const struct criterion *criterion,
                      const struct class_demand *demand);

/*
 * judged is overwritten and, whatever the result, to be cleared; it takes output, truth and bounds out of the bundle,
 * which is to outlive it. Of judging criterion and demand are read.
 *
 * The cause of a failure is what was found, if it is judged as before; else it is unknown. ERROR_USAGE for a bundle
 * that contradicts itself: its output has another digest, a bound of a class is missing, or, judged as before, it comes
 * to another status or class than it did.
 */
enum error_kind judge_again(struct judged_output *judged, struct exhibit_bundle *bundle, const struct judging *judging,
                            struct error *error);

#endif
