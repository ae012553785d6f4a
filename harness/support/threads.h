/* The CPU threads of a program that works in OpenMP's parallel regions. */
#ifndef HARNESS_SUPPORT_THREADS_H
#define HARNESS_SUPPORT_THREADS_H

#include <pthread.h>

#include "reference/error.h"

enum { THREADS_MAX = 1024 };

/* How many there are unless somebody says: OMP_NUM_THREADS, or one a CPU that this process may use, and no more than
 * its control group has time for; 1 to THREADS_MAX. */
int threads_default(void);

/* CPUs that a file like a control group's cpu.max, "QUOTA PERIOD" in microseconds, gives time to, rounded up;
 * THREADS_MAX where it limits nothing or is not there. More threads than that wait for each other until the period is
 * over. */
int threads_quota(const char *path);

/*
 * Starts the threads, 1 to THREADS_MAX, that regions of so many run on; they stay as long as every region asks for as
 * many. ERROR_SYSTEM if the system refuses one, with its reason: OpenMP, asked first, would end the program; or if the
 * stack that OpenMP gives them is too small.
 */
enum error_kind threads_start(int threads, struct error *error);

/* Starts a thread beside OpenMP's, with a stack that is large enough whatever the system's default is. An errno; 0: it
 * runs, and is to be joined. */
int thread_start(pthread_t *thread, void *(*work)(void *context), void *context);

#endif
