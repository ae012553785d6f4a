#include "reference/computing_environment.h"

/* FE_DFL_ENV clears FTZ and DAZ too: glibc 2.36, sysdeps/x86_64/fpu/fesetenv.c; on arm64 it clears all of FPCR. In a
 * file of its own, so that no compiler moves arithmetic across. */
struct computing_environment computing_environment_enter(void)
{
    struct computing_environment before;
    fegetenv(&before.saved);
    fesetenv(FE_DFL_ENV);
    return before;
}

void computing_environment_leave(const struct computing_environment *before)
{
    fesetenv(&before->saved);
}
