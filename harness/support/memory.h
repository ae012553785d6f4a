/* Memory that a run may take, and how it is had. */
#ifndef HARNESS_SUPPORT_MEMORY_H
#define HARNESS_SUPPORT_MEMORY_H

#include <stdbool.h>

/* Bytes that can be had without swapping: the kernel's estimate, or what is left below the control group's limit if
 * that is less. Infinity where the system does not say. */
double memory_available_bytes(void);

/* Whether memory that nobody touches costs nothing: neither the process's address space nor its data is limited (ulimit
 * -v, -d), as some clusters have it, and the system counts what is touched (overcommit). */
bool memory_untouched_is_free(void);

/* For a program's main(): what is freed is kept for what is allocated next, as tensors of launches and trials are, one
 * point like the one before. What the system is given back it clears, a page at a time, when it is asked for again. The
 * C library keeps no more so than it does by itself once a block of 32 MiB has been freed. */
void memory_keep_freed(void);

#endif
