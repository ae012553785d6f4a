/*
 * What a launch did to memory that was not its to write. Names are copies: an audit outlives whoever told it.
 */
#ifndef KERNELS_MEMORY_AUDIT_H
#define KERNELS_MEMORY_AUDIT_H

#include <stddef.h>
#include <stdio.h>

enum { MEMORY_NAME_SIZE = 64 };

struct memory_audit {
    char breached[MEMORY_NAME_SIZE]; /* the buffer before or past which was written, as "out"; "": none */
    ptrdiff_t offset_bytes;          /* of the first byte, from the buffer's first: below 0, or buffer_bytes and up */
    size_t buffer_bytes;
    char changed[MEMORY_NAME_SIZE]; /* the input that is not what it was; "": none */
};

/* Tell of a stray write, and of a changed input, unless the audit has told of one. */
static inline void memory_audit_breach(struct memory_audit *audit, const char *name, ptrdiff_t offset_bytes,
                                       size_t buffer_bytes)
{
    if (*audit->breached)
        return;
    snprintf(audit->breached, sizeof audit->breached, "%s", name);
    audit->offset_bytes = offset_bytes;
    audit->buffer_bytes = buffer_bytes;
}

static inline void memory_audit_change(struct memory_audit *audit, const char *name)
{
    if (!*audit->changed)
        snprintf(audit->changed, sizeof audit->changed, "%s", name);
}

/* Tells of what another one has told. */
static inline void memory_audit_join(struct memory_audit *audit, const struct memory_audit *other)
{
    if (*other->breached)
        memory_audit_breach(audit, other->breached, other->offset_bytes, other->buffer_bytes);
    if (*other->changed)
        memory_audit_change(audit, other->changed);
}

#endif
