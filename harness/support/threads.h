/* The CPU threads of a program that works in OpenMP's parallel regions. */
#ifndef HARNESS_SUPPORT_THREADS_H
#define HARNESS_SUPPORT_THREADS_H

#include "reference/error.h"

enum { THREADS_MAX = 1024 };

/* How many there are unless somebody says: OMP_NUM_THREADS, or one a CPU that this process may use; 1 to THREADS_MAX.
 */
int threads_default(void);

/*
 * Starts the threads, 1 to THREADS_MAX, that regions of so many run on; they stay as long as every region asks for as
 * many. ERROR_SYSTEM if the system refuses one, with its reason: OpenMP, asked first, would end the program.
 */
enum error_kind threads_start(int threads, struct error *error);

#endif
