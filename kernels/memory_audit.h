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

/* The first byte beside a buffer that was touched. */
struct memory_stray {
    char name[MEMORY_NAME_SIZE]; /* the buffer's, as "out"; "": none was */
    ptrdiff_t offset_bytes;      /* from the buffer's first: below 0, or buffer_bytes and up */
    size_t buffer_bytes;
};

struct memory_audit {
    struct memory_stray written, read;
    char changed[MEMORY_NAME_SIZE]; /* the input that is not what it was; "": none */
};

/* Tell of a stray access, and of a changed input, unless the audit has told of one. */
static inline void memory_stray_tell(struct memory_stray *stray, const char *name, ptrdiff_t offset_bytes,
                                     size_t buffer_bytes)
{
    if (*stray->name)
        return;
    snprintf(stray->name, sizeof stray->name, "%s", name);
    stray->offset_bytes = offset_bytes;
    stray->buffer_bytes = buffer_bytes;
}

static inline void memory_audit_change(struct memory_audit *audit, const char *name)
{
    if (!*audit->changed)
        snprintf(audit->changed, sizeof audit->changed, "%s", name);
}

/* Says where was written astray, or else read; false: nowhere. */
static inline bool memory_audit_say(char *text, size_t size, const struct memory_audit *audit)
{
    const bool is_written = *audit->written.name;
    const struct memory_stray *stray = is_written ? &audit->written : &audit->read;
    if (*stray->name)
        snprintf(text, size, "%s at byte %lld of %s, which has %zu", is_written ? "written to" : "read",
                 (long long)stray->offset_bytes, stray->name, stray->buffer_bytes);
    return *stray->name;
}

/* Tell of what another one has told. */
static inline void memory_stray_join(struct memory_stray *stray, const struct memory_stray *other)
{
    if (*other->name)
        memory_stray_tell(stray, other->name, other->offset_bytes, other->buffer_bytes);
}

static inline void memory_audit_join(struct memory_audit *audit, const struct memory_audit *other)
{
    memory_stray_join(&audit->written, &other->written);
    memory_stray_join(&audit->read, &other->read);
    if (*other->changed)
        memory_audit_change(audit, other->changed);
}

#endif
