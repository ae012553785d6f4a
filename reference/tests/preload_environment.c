/*
 * A library for LD_PRELOAD that spoils the floating-point environment as a library built with -ffast-math or a caller
 * would: for the program at its start, and for every thread that it makes, at the thread's start. Which one is said by
 * the variable SPOILED_ENVIRONMENT: a value of MXCSR in hexadecimal. scripts/check-environment uses it. x86-64.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <xmmintrin.h>

struct start {
    void *(*function)(void *);
    void *argument;
};

static void spoil(void)
{
    const char *value = getenv("SPOILED_ENVIRONMENT");
    unsigned mxcsr = value ? (unsigned)strtoul(value, NULL, 16) : 0x1f80;
    /* x87: the same rounding, two bits at 10 where MXCSR has them at 13. */
    unsigned short control = (unsigned short)(0x037f | (mxcsr >> 3 & 0x0c00));
    _mm_setcsr(mxcsr);
    __asm__ volatile("fldcw %0" ::"m"(control));
}

static void *spoiled_start(void *memory)
{
    struct start start = *(struct start *)memory;
    free(memory);
    spoil();
    return start.function(start.argument);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
    int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    struct start *start = malloc(sizeof *start);
    if (!create || !start) {
        fprintf(stderr, "preload_environment: no thread\n");
        abort();
    }
    *start = (struct start){function, argument};
    int result = create(thread, attributes, spoiled_start, start);
    if (result)
        free(start);
    return result;
}

__attribute__((constructor)) static void spoil_program(void)
{
    spoil();
}
