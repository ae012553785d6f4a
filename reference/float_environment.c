#include "reference/float_environment.h"

/* FE_DFL_ENV clears FTZ and DAZ too: glibc 2.36, sysdeps/x86_64/fpu/fesetenv.c; on arm64 it clears all of FPCR. In a
 * file of its own, so that no compiler moves arithmetic across. */
struct float_environment float_environment_enter(void)
{
    struct float_environment before;
    fegetenv(&before.saved);
    fesetenv(FE_DFL_ENV);
    return before;
}

void float_environment_leave(const struct float_environment *before)
{
    fesetenv(&before->saved);
}
