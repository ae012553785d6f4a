/*
 * A kernel that is a function of this process: each output is written between guard zones, and what it is given is
 * looked at again after the launch. The outputs of a launch are kept until the next one has ended: what is still
 * written to them then is written too late.
 */
#ifndef HARNESS_SUBJECT_CALLBACK_H
#define HARNESS_SUBJECT_CALLBACK_H

#include "harness/subject/foreign.h"
#include "harness/subject/kept_outputs.h"
#include "harness/subject/leftover.h"

struct callback {
    const struct alibicheck_kernel *kernel; /* the caller's */
    unsigned takes;
    enum giving giving;            /* of a copy: what it changes is not changed for who judges */
    const struct fencing *fencing; /* of inputs that do not lie packed, in a process of the kernel's own; NULL: none */
    struct kept_outputs kept;      /* its device is that of a kernel whose tensors are there; NULL: they are here */
    unsigned num_launches;         /* so far */
    struct leftover *leftover;     /* the caller's: where to keep what launches leave behind; NULL: nobody asks */
};

/* Frees all but what is the caller's. */
void callback_clear(struct callback *callback);

/* As foreign_launcher.run, but that a failure is told without the kernel's name. */
enum error_kind callback_run(struct callback *callback, const struct sequences *sequences, struct memory_audit *audit,
                             double *seconds, struct error *error);

/* Its `run` takes a struct callback. */
extern const struct foreign_launcher callback_launcher;

#endif
