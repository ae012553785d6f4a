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
    const char *core; /* whose kernels it has taken, by the library's name; "unknown" */
};

/*
 * *blas is OpenBLAS's functions, the same for all callers, until the program ends. ERROR_SYSTEM if it cannot be loaded,
 * with the loader's reason and the package that has it. It is loaded again with OPENBLAS_CORETYPE where it does not
 * know the CPU and nobody has set that. To load it, variables of the environment are set for a moment: no other thread
 * may be looking at them when it is called first.
 */
enum error_kind openblas_load(const struct openblas **blas, struct error *error);

/*
 * The core whose kernels suit this CPU where the library has taken those of `core`, which any CPU can run; NULL: those
 * are as good. A CPU that is newer than the library has none of its own there: 0.3.21 gives an Emerald Rapids, which
 * has AVX-512, those of SSE3 (get_coretype in dynamic.c ends with Prescott, for AMD's with Barcelona).
 */
const char *openblas_better_core(const char *core);

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
