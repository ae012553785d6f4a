/*
 * Memory behind which nothing can be read: its last byte is the last one of a page of the system's, or nearly so, and
 * the pages behind it, the fence, cannot be touched. While fences are watched, who touches one all the same is noted
 * and goes on, with the bytes that stand there; otherwise it is ended, as by any address that is nobody's.
 *
 * All of this is of one thread at a time, but for who touches fences.
 */
#ifndef HARNESS_SUBJECT_FENCED_MEMORY_H
#define HARNESS_SUBJECT_FENCED_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct fenced_memory {
    char *first; /* NULL: there is none */
    size_t size_bytes;
    char *memory, *fence; /* before the first byte, and the first that cannot be touched */
    size_t memory_bytes, fence_bytes;
    _Atomic(char *) touched; /* the first of the fence that was; NULL: none */
    atomic_int times;        /* that it was */
    struct fenced_memory *next;
};

/*
 * Memory of size_bytes whose first byte is at a multiple of alignment, a power of two and no more than a page; between
 * its end and the fence are as few bytes as that leaves. zone_bytes and more before it, and as many behind, are
 * zone_byte. fenced_memory_clear frees; until then the structure stays where it is. false: there is no memory for it,
 * or no room in the system's tables.
 */
bool fenced_memory_make(struct fenced_memory *fenced, size_t size_bytes, size_t alignment, size_t zone_bytes,
                        int zone_byte);
void fenced_memory_clear(struct fenced_memory *fenced);

/* From now on the fence can be read by all. false: the system refuses. */
bool fenced_memory_open(const struct fenced_memory *fenced);

/* The first byte behind the memory that was touched, from its first one on; 0: none. */
static inline size_t fenced_memory_touched(const struct fenced_memory *fenced)
{
    const char *touched = fenced->first ? atomic_load(&fenced->touched) : NULL;
    return touched ? (size_t)(touched - fenced->first) : 0;
}

/* Around what may touch fences: SIGSEGV is taken, and what else raises it comes to what it would have come to. A
 * handler that is set meanwhile stays. */
void fences_watch(void);
void fences_leave(void);

/* All of this, for who is told whether there are fences: signals are the process's, and not a library's to take. */
struct fencing {
    bool (*make)(struct fenced_memory *fenced, size_t size_bytes, size_t alignment, size_t zone_bytes, int zone_byte);
    void (*clear)(struct fenced_memory *fenced);
    bool (*open)(const struct fenced_memory *fenced);
    void (*watch)(void);
    void (*leave)(void);
};

extern const struct fencing fencing_of_process;

#endif
