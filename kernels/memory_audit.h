/*
 * What a launch did to memory that was not its to write.
 */
#ifndef KERNELS_MEMORY_AUDIT_H
#define KERNELS_MEMORY_AUDIT_H

#include <stddef.h>

struct memory_audit {
    const char *breached;   /* the buffer before or past which was written, as "out"; NULL: none */
    ptrdiff_t offset_bytes; /* of the first byte, from the buffer's first: below 0, or buffer_bytes and up */
    size_t buffer_bytes;
    const char *changed; /* the input that is not what it was; NULL: none */
};

#endif
