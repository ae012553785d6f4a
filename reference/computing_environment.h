/*
 * The floating-point environment that every number here is computed in: IEEE's default. Rounding to nearest, nothing
 * flushed to zero (on x86-64 FTZ and DAZ off), no exception trapped, x87 at its full precision. Error-free
 * transformations, the radii of truths and the kernels' bits hold in no other.
 *
 * A thread inherits the environment of the one that made it, and whoever calls, or a library that was loaded, may have
 * changed it (gcc's -ffast-math links code that sets FTZ and DAZ at start). So every function that others may call, and
 * every thread of a parallel region, holds the default while it computes, and leaves what it found.
 */
#ifndef REFERENCE_COMPUTING_ENVIRONMENT_H
#define REFERENCE_COMPUTING_ENVIRONMENT_H

#include <fenv.h>

struct computing_environment {
    fenv_t saved;
};

/* Sets the default for the calling thread and returns what was set before. */
struct computing_environment computing_environment_enter(void);

/* Sets it back, exception flags included. */
void computing_environment_leave(const struct computing_environment *before);

/* A declaration: the thread has the default environment from here to the end of the block, however that is left. */
#define COMPUTING_ENVIRONMENT() COMPUTING_ENVIRONMENT_AT(__LINE__)
#define COMPUTING_ENVIRONMENT_AT(line) COMPUTING_ENVIRONMENT_HELD(line)
#define COMPUTING_ENVIRONMENT_HELD(line)                                                                             \
    __attribute__((unused, cleanup(computing_environment_leave))) const struct computing_environment before_##line = \
        computing_environment_enter()

#endif
