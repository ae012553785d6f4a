/*
 * What numbers are computed, read and written in. Floating point is IEEE's default: rounding to nearest, nothing
 * flushed to zero (on x86-64 FTZ and DAZ off), no exception trapped, x87 at its full precision. Error-free
 * transformations, the radii of truths and the kernels' bits hold in no other. The locale is C: in others a text has
 * 0,5 for 0.5.
 *
 * A thread inherits the floating-point environment of the one that made it, whoever calls, or a library that was
 * loaded, may have changed it (gcc's -ffast-math links code that sets FTZ and DAZ at start), and a locale is the
 * process's until a thread sets one. So every function that others may call, and every thread of a parallel region,
 * holds the default while it computes, and leaves what it found.
 */
#ifndef REFERENCE_COMPUTING_ENVIRONMENT_H
#define REFERENCE_COMPUTING_ENVIRONMENT_H

#include <fenv.h>
#include <locale.h>

struct computing_environment {
    fenv_t floats;
    locale_t locale; /* the thread's, or LC_GLOBAL_LOCALE */
    locale_t own;    /* C */
};

/* Sets the default for the calling thread and returns what was set before. */
struct computing_environment computing_environment_enter(void);

/* Sets it back, exception flags included. Functions of the caller that run in between may be given its locale with
 * uselocale(before.locale), and uselocale(before.own) goes on. */
void computing_environment_leave(const struct computing_environment *before);

/* A declaration: the thread has the default environment from here to the end of the block, however that is left. */
#define COMPUTING_ENVIRONMENT() COMPUTING_ENVIRONMENT_AT(__LINE__)
#define COMPUTING_ENVIRONMENT_AT(line) COMPUTING_ENVIRONMENT_HELD(line)
#define COMPUTING_ENVIRONMENT_HELD(line)                                                                             \
    __attribute__((unused, cleanup(computing_environment_leave))) const struct computing_environment before_##line = \
        computing_environment_enter()

#endif
