/*
 * What a kernel leaves behind in the process that launches it: files that stay open, memory that it does not give back.
 *
 * A kernel may open files and fill caches, and compile itself for a shape: the first launch of each shape is not held
 * against it. Files are counted against those after the first launch, and those of a driver that has a device's memory
 * are not: it opens more where there are more copies. Memory is what the heap has in use, and what is mapped, before
 * and after each call of the kernel: it leaks where LEFTOVER_LAUNCHES launches on end, of shapes that came before, have
 * each left some behind, and where most of that is still there when the next one comes. A cache that is full, that
 * knows a shape again, or an arena in which it has its memory from leaves nothing, and the count begins anew; what is
 * given back later, by a thread of the kernel's, is gone by the next launch. What the C library keeps at hand when it
 * is freed counts as in use, so that nothing left on the heap means nothing where outputs are as small as that.
 */
#ifndef HARNESS_SUBJECT_LEFTOVER_H
#define HARNESS_SUBJECT_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LEFTOVER_FILES = 8,
    LEFTOVER_LAUNCHES = 32,
    LEFTOVER_BYTES = 4096,
    LEFTOVER_CACHED = 1032,
    LEFTOVER_SHAPES = 256
};

enum leftover_kind { LEFTOVER_HEAP, LEFTOVER_MAPPED, LEFTOVER_KINDS };

struct leftover_memory {
    int64_t before;     /* bytes, when the kernel was called */
    int64_t idle;       /* bytes between launches, as they were before the first of those on end */
    int64_t sum, least; /* of what each of those left */
    int launches;       /* on end that left some */
};

/* Zeroed at first, but for what the driver's files are. */
struct leftover {
    const char *driver_files; /* what the names of files begin with that are not the kernel's; NULL: all are */
    bool launched;
    int first_files;              /* 0 before they were counted */
    int64_t idle[LEFTOVER_KINDS]; /* before the launch at hand */
    struct leftover_memory memory[LEFTOVER_KINDS];
    uint64_t shapes[LEFTOVER_SHAPES]; /* of launches that were; those beyond so many stay unknown */
    int num_shapes;
};

/* Between launches; own_bytes are on the heap for whoever calls this, and not the kernel's. text, of size, says what is
 * left behind, or is "". */
void leftover_look(struct leftover *leftover, size_t own_bytes, char *text, size_t size);

/* Around each call of the kernel, which writes out_bytes. Launches for which it may be made anew differ in shape. */
void leftover_begin(struct leftover *leftover);
void leftover_end(struct leftover *leftover, uint64_t shape, size_t out_bytes);

#endif
