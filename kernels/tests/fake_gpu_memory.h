/* The memory of a GPU that is not there: addresses of this process, which it cannot read but while the GPU works.
 * Callers take turns. */
#ifndef KERNELS_TESTS_FAKE_GPU_MEMORY_H
#define KERNELS_TESTS_FAKE_GPU_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* All of it: $FAKE_GPU_BYTES, or 4 GiB. */
size_t fake_memory_bytes(void);
size_t fake_memory_left(void);

/* A new block, of which nothing is known but that it holds rubbish; NULL: there is no room. */
void *fake_memory_allocate(size_t size_bytes);
bool fake_memory_release(void *address); /* false: no block begins there */

void fake_memory_open(bool open); /* to this process */

bool fake_memory_has(const void *address);                      /* in a block or not */
bool fake_memory_holds(const void *address, size_t size_bytes); /* all of it in one block */

#endif
