/*
 * A problem that is worked on in parts, launched at once: its keys are gathered in the device's memory while its parts
 * are opened one by one, and the subject is run on all heads when they are there. So is one of a single part whose keys
 * the device makes.
 */
#ifndef HARNESS_EVALUATE_GATHERING_H
#define HARNESS_EVALUATE_GATHERING_H

#include "harness/evaluate/part_work.h"
#include "harness/problem/key_source.h"
#include "kernels/device/device_keys.h"

struct gathering {
    struct device_keys keys;
    bool makes;               /* the device makes them, from source; else they are copied there */
    struct key_source source; /* of the whole problem */
    int num_parts;            /* the first ones of the source, which are there */
};

/*
 * Begins to gather the keys of a problem for those works on it whose subject can be launched at once, which have the
 * gathering from then on; the others go on part by part. So do all, and nothing is gathered, where the problem is one
 * part that the device cannot make, or the device works in this process's memory or has no room for the keys and
 * whatever is run beside them.
 */
void gathering_begin(struct gathering *gathering, struct work *works, int count);
void gathering_end(struct gathering *gathering);

/*
 * Puts a part's keys there, or has them made there, unless the work of another point has done so. Parts come in order.
 * Those that the device makes are the part's own by their digest, or the result is ERROR_SYSTEM; of a part that is here
 * with its newest keys alone they are compared with some of those, and its digest is then that of what was made; if it
 * is the whole, so are its bounds.
 */
enum error_kind gathering_put(struct work *work, const struct part_work *part, int index, struct error *error);

/* Runs the subject on the whole problem, once all parts are there: its output is the evaluation's. */
enum error_kind gathering_run(struct work *work, struct error *error);

#endif
