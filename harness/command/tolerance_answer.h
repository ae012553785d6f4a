/*
 * What a rule makes of one problem: of each planted fault, of sound arithmetic of each class, of the point's own
 * kernel.
 */
#ifndef HARNESS_COMMAND_TOLERANCE_ANSWER_H
#define HARNESS_COMMAND_TOLERANCE_ANSWER_H

#include "harness/command/tolerance_options.h"
#include "harness/evaluate/evaluate.h"

enum { TOLERANCE_MAX_FAULTS = 64, TOLERANCE_MAX_SOUND = CLASS_ROUNDING_COUNT + 3 };

/* What a fault is to the problem. */
enum fault_effect {
    FAULT_NONE,      /* it has no such */
    FAULT_UNCHANGED, /* its result, in the output's dtype, stays what it is */
    FAULT_OF_LSE,    /* its lse alone changes, which the rule does not look at */
    FAULT_COUNTS
};

/* A row of the answer. */
struct answer {
    const char *name;
    char class_name[CLASS_NAME_SIZE]; /* that name points to, of a class */
    enum fault_effect effect;         /* of a fault */
    bool is_none;                     /* of a class: nothing is promised */
    struct rule_figures figures;
    bool accepted;
};

struct answers {
    struct answer faults[TOLERANCE_MAX_FAULTS], sound[TOLERANCE_MAX_SOUND];
    int num_sound;
    const struct answer *sought; /* the class that is asked for, one of sound */
    /* What the rule would have to be multiplied by to accept the first fault that is beyond what is sound, and that
     * fault; infinite: nothing would do. */
    double least_fault;
    const char *least_name;
    int seeds;   /* that the point's kernel was run on */
    double seen; /* the largest of what its outputs need; NAN: it was run on none */
    int num_accepted, num_faults;
};

/* A problem with its truth, and what is asked of it. */
struct asking {
    const struct tolerance_options *options;
    struct evaluator *evaluator;
    struct progress *progress;
    const struct point *point;
    bool has_kernel; /* else nothing is known but tensors */
    struct rule rule;
    struct problem problem;
    struct truth truth;
    double *out, *lse; /* [R, D], [R]: of the row of the answer that is asked */
};

/* Fills answers, zeroed, from a problem whose truth is there. */
enum error_kind tolerance_ask(struct asking *asking, struct answers *answers, struct error *error);

/* Prints them on stdout (tolerance_print.c). */
enum error_kind tolerance_print(const struct asking *asking, const struct answers *answers, struct error *error);

#endif
