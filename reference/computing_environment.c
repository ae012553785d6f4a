#include "reference/computing_environment.h"

/* FE_DFL_ENV clears FTZ and DAZ too: glibc 2.36, sysdeps/x86_64/fpu/fesetenv.c; on arm64 it clears all of FPCR. In a
 * file of its own, so that no compiler moves arithmetic across. Locale C is an object that is there, of glibc
 * (locale/newlocale.c) as of musl, so that asking for it takes no memory and cannot fail. */
struct computing_environment computing_environment_enter(void)
{
    struct computing_environment before = {.own = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    before.locale = uselocale(before.own);
    fegetenv(&before.floats);
    fesetenv(FE_DFL_ENV);
    return before;
}

void computing_environment_leave(const struct computing_environment *before)
{
    fesetenv(&before->floats);
    uselocale(before->locale);
    if (before->own)
        freelocale(before->own);
}
