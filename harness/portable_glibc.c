/*
 * What objects that are compiled against a later glibc ask for and glibc 2.28 does not have. Of 2.38: the functions of
 * <stdlib.h> and <stdio.h> that read C23's binary numbers, 0b101, in base 0, 2 and %i. Nothing here reads such, so they
 * are the functions of before, which the headers of today have no name for. Of 2.33: mallinfo2, which is the machine's
 * where it has one; else the heap has no bytes in use, and what a plug-in leaves on it is not seen
 * (subject/leftover.h).
 */
#include <dlfcn.h>
#include <malloc.h>
#include <stdarg.h>

#define OF_BEFORE(name) __asm__(#name)

extern long strtol_before(const char *text, char **end, int base) OF_BEFORE(strtol);
extern long long strtoll_before(const char *text, char **end, int base) OF_BEFORE(strtoll);
extern unsigned long strtoul_before(const char *text, char **end, int base) OF_BEFORE(strtoul);
extern unsigned long long strtoull_before(const char *text, char **end, int base) OF_BEFORE(strtoull);
extern int vsscanf_before(const char *text, const char *format, va_list values) OF_BEFORE(__isoc99_vsscanf);

long __isoc23_strtol(const char *text, char **end, int base);
long long __isoc23_strtoll(const char *text, char **end, int base);
unsigned long __isoc23_strtoul(const char *text, char **end, int base);
unsigned long long __isoc23_strtoull(const char *text, char **end, int base);
int __isoc23_vsscanf(const char *text, const char *format, va_list values);
int __isoc23_sscanf(const char *text, const char *format, ...);

long __isoc23_strtol(const char *text, char **end, int base)
{
    return strtol_before(text, end, base);
}

long long __isoc23_strtoll(const char *text, char **end, int base)
{
    return strtoll_before(text, end, base);
}

unsigned long __isoc23_strtoul(const char *text, char **end, int base)
{
    return strtoul_before(text, end, base);
}

unsigned long long __isoc23_strtoull(const char *text, char **end, int base)
{
    return strtoull_before(text, end, base);
}

int __isoc23_vsscanf(const char *text, const char *format, va_list values)
{
    return vsscanf_before(text, format, values);
}

int __isoc23_sscanf(const char *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int read = vsscanf_before(text, format, values);
    va_end(values);
    return read;
}

struct mallinfo2 mallinfo2(void)
{
    union {
        void *object;
        struct mallinfo2 (*function)(void);
    } of_machine = {dlsym(RTLD_NEXT, "mallinfo2")};
    return of_machine.object ? of_machine.function() : (struct mallinfo2){0};
}
