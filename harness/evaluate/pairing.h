/*
 * A point run on two sides, which are to have the same bits: the point's kernel on two devices, or on one and by a
 * kernel that is not ours. Nothing is judged: what is compared is bits, and where they part is looked for.
 */
#ifndef HARNESS_EVALUATE_PAIRING_H
#define HARNESS_EVALUATE_PAIRING_H

#include "harness/evaluate/evaluation.h"
#include "harness/judge/parting/bits.h"
#include "harness/judge/parting/parting.h"

struct pairing_side {
    struct device *device;                 /* NULL: foreign is the side */
    const struct foreign_subject *foreign; /* the same */
};

enum { PAIRING_TEXT_SIZE = 400 };

struct pairing {
    bool skipped;                 /* the second side does not take the point */
    char text[PAIRING_TEXT_SIZE]; /* why; of a point that is not: how a side failed to run; "": both ran */
    struct bits_apart bits;
    struct parting parting; /* of the first row that differs, where one does and both ran */
};

/* evaluator->foreign is NULL; its inputs are used and kept. The first side is a device. pairing is overwritten. */
enum error_kind pair_point(struct evaluator *evaluator, const struct pairing_side sides[2], const struct point *point,
                           struct pairing *pairing, struct error *error);

/* Memory that it takes at its peak. */
double pair_bytes(const struct point *point, int threads);

#endif
