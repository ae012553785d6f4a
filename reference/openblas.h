/*
 * OpenBLAS, loaded when a conventional reference is first asked for. A program that was linked with it starts a thread
 * a CPU, each with its buffers, before main, whatever it was called for.
 */
#ifndef REFERENCE_OPENBLAS_H
#define REFERENCE_OPENBLAS_H

#include <cblas.h>

#include "reference/error.h"

/* What is used of it, by the names of cblas.h. It runs on the calling thread alone. */
struct openblas {
    __typeof__(cblas_sgemv) *sgemv;
    __typeof__(cblas_dgemv) *dgemv;
    __typeof__(cblas_sasum) *sasum;
    __typeof__(cblas_dasum) *dasum;
};

/*
 * *blas is OpenBLAS's functions, the same for all callers, until the program ends. ERROR_SYSTEM if it cannot be loaded,
 * with the loader's reason and the package that has it. To load it, OPENBLAS_NUM_THREADS is set for a moment: no other
 * thread may be looking at the environment when it is called first.
 */
enum error_kind openblas_load(const struct openblas **blas, struct error *error);

/* A file with the library, open, that a program carries in itself, or -1; for a machine that has none. There is no such
 * function but in the program of `make portable` (harness/portable_openblas.c). */
int openblas_carried(void) __attribute__((weak));

/*
 * *callers is how many threads, 1 to `threads`, can be inside of OpenBLAS at once: each takes a buffer, of which it has
 * a limited number, and where memory for one is refused it asks again for ever. ERROR_SYSTEM if there is memory for
 * none.
 */
enum error_kind openblas_callers(int *callers, int threads, struct error *error);

#endif
