/*
 * The floating-point environment that every number here is computed in: IEEE's default. Rounding to nearest, nothing
 * flushed to zero (on x86-64 FTZ and DAZ off), no exception trapped, x87 at its full precision. Error-free
 * transformations, the radii of truths and the kernels' bits hold in no other.
 *
 * A thread inherits the environment of the one that made it, and whoever calls, or a library that was loaded, may have
 * changed it (gcc's -ffast-math links code that sets FTZ and DAZ at start). So every function that others may call, and
 * every thread of a parallel region, holds the default while it computes, and leaves what it found.
 */
#ifndef REFERENCE_FLOAT_ENVIRONMENT_H
#define REFERENCE_FLOAT_ENVIRONMENT_H

#include <fenv.h>

struct float_environment {
    fenv_t saved;
};

/* Sets the default for the calling thread and returns what was set before. */
struct float_environment float_environment_enter(void);

/* Sets it back, exception flags included. */
void float_environment_leave(const struct float_environment *before);

/* A declaration: the thread has the default environment from here to the end of the block, however that is left. */
#define FLOAT_ENVIRONMENT_DEFAULT() FLOAT_ENVIRONMENT_DEFAULT_AT(__LINE__)
#define FLOAT_ENVIRONMENT_DEFAULT_AT(line) FLOAT_ENVIRONMENT_HELD(line)
#define FLOAT_ENVIRONMENT_HELD(line)                                                                         \
    __attribute__((unused, cleanup(float_environment_leave))) const struct float_environment before_##line = \
        float_environment_enter()

#endif
