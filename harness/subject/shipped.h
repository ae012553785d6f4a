/*
 * The kernels that come with the program, with a recipe, on a device.
 */
#ifndef HARNESS_SUBJECT_SHIPPED_H
#define HARNESS_SUBJECT_SHIPPED_H

#include "harness/subject/subject.h"
#include "kernels/kernel.h"

struct shipped_subject {
    struct subject subject; /* first: a pointer to it is one to all */
    struct device *device;  /* the caller's; NULL: it cannot be run, and answers all else */
    enum kernel kernel;
    struct kernel_options options;
    const struct recipe *recipe; /* the caller's */
};

struct shipped_subject shipped_subject(struct device *device, enum kernel kernel, const struct kernel_options *options,
                                       const struct recipe *recipe);

#endif
