/* Memory that a run may take. */
#ifndef HARNESS_SUPPORT_MEMORY_H
#define HARNESS_SUPPORT_MEMORY_H

/* Bytes that can be had without swapping: the kernel's estimate, or what is left below the control group's limit if
 * that is less. Infinity where the system does not say. */
double memory_available_bytes(void);

#endif
