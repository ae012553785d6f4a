/*
 * What a launch did to memory that was not its to write, or to read. Names are copies: an audit outlives whoever told
 * it.
 */
#ifndef KERNELS_MEMORY_AUDIT_H
#define KERNELS_MEMORY_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { MEMORY_NAME_SIZE = 64 };

struct memory_audit {
    char breached[MEMORY_NAME_SIZE]; /* the buffer before or past which was written, as "out"; "": none */
    ptrdiff_t offset_bytes;          /* of the first byte, from the buffer's first: below 0, or buffer_bytes and up */
    size_t buffer_bytes;
    char changed[MEMORY_NAME_SIZE];                      /* the input that is not what it was; "": none */
    char overread[MEMORY_NAME_SIZE];                     /* the input past which was read; "": none */
    size_t overread_offset_bytes, overread_buffer_bytes; /* as of a write */
};

/* Tell of a stray write, of a changed input, and of a stray read, unless the audit has told of one. */
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

static inline void memory_audit_overread(struct memory_audit *audit, const char *name, size_t offset_bytes,
                                         size_t buffer_bytes)
{
    if (*audit->overread)
        return;
    snprintf(audit->overread, sizeof audit->overread, "%s", name);
    audit->overread_offset_bytes = offset_bytes;
    audit->overread_buffer_bytes = buffer_bytes;
}

/* Says where was written astray, or else read; false: nowhere. */
static inline bool memory_audit_say(char *text, size_t size, const struct memory_audit *audit)
{
    if (*audit->breached)
        snprintf(text, size, "written to at byte %lld of %s, which has %zu", (long long)audit->offset_bytes,
                 audit->breached, audit->buffer_bytes);
    else if (*audit->overread)
        snprintf(text, size, "read at byte %zu of %s, which has %zu", audit->overread_offset_bytes, audit->overread,
                 audit->overread_buffer_bytes);
    return *audit->breached || *audit->overread;
}

/* Tells of what another one has told. */
static inline void memory_audit_join(struct memory_audit *audit, const struct memory_audit *other)
{
    if (*other->breached)
        memory_audit_breach(audit, other->breached, other->offset_bytes, other->buffer_bytes);
    if (*other->changed)
        memory_audit_change(audit, other->changed);
    if (*other->overread)
        memory_audit_overread(audit, other->overread, other->overread_offset_bytes, other->overread_buffer_bytes);
}

#endif
