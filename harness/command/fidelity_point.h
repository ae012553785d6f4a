/*
 * What is printed of a point that two sides ran: a line of a table, or a JSON object.
 */
#ifndef HARNESS_COMMAND_FIDELITY_POINT_H
#define HARNESS_COMMAND_FIDELITY_POINT_H

#include <jansson.h>

#include "harness/evaluate/pairing.h"

enum fidelity_status { FIDELITY_SAME, FIDELITY_DIFFERS, FIDELITY_FAILED, FIDELITY_SKIPPED, FIDELITY_STATUS_COUNT };

extern const char *const fidelity_status_names[FIDELITY_STATUS_COUNT];

/* The two sides, as they are called. */
struct fidelity_side {
    const char *kind; /* "host", "cuda:generic", "--plugin ./mine.so" */
    const char *name; /* and what exactly that is */
};

struct fidelity_point {
    const struct point *point;
    const struct fidelity_side *sides; /* [2] */
    const char *fidelity;              /* of the recipe between them */
    bool promised;                     /* it promises the same bits */
    const struct pairing *pairing;
};

enum fidelity_status fidelity_status(const struct fidelity_point *of);

/* On stdout. */
void fidelity_print_heading(void);
void fidelity_print_point(const struct fidelity_point *of);

/* A new object, or NULL for want of memory. */
json_t *fidelity_json(const struct fidelity_point *of);

#endif
