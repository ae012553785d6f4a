/*
 * What a kernel of this process is given to write to and to read: outputs between zones that it must not write to, and
 * inputs, between zones too, that are looked at again after the launch. Either may lie in strides, in memory of its
 * own.
 */
#ifndef HARNESS_SUBJECT_LAUNCH_BUFFER_H
#define HARNESS_SUBJECT_LAUNCH_BUFFER_H

#include "harness/subject/far_tensor.h"
#include "harness/subject/fenced_memory.h"
#include "kernels/memory_audit.h"

enum { ZONE_BYTES = 4096 }; /* of an output */

enum { ZONE_OF_WHOLES = 0xff }; /* the byte of the zones of whole numbers: -1 */

/* Those of an input of so many bytes: four times as many, up to 64 KiB, so that of 16 keys or more, a KiB each or less,
 * a tile of 64 that begins within them ends in the zone. All of their bytes are zone_byte: NaN of an input's dtype, so
 * that what a kernel reads there shows, whatever weight it has. */
size_t input_zone_bytes(size_t size_bytes);

/* Room for an input between its zones, of which it returns the first, to be freed. NULL: there is no memory for it. */
char *zones_allocate(size_t size_bytes, int zone_byte);

/* An output. */
struct guarded {
    const char *name;
    char *memory;                    /* zone, elements and what lies between them, zone; NULL: there is none */
    size_t size_bytes, before_bytes; /* the latter of them lie before the first element */
    struct tensor_strides strides;   /* where is_strided */
    struct strided_shape shape;
    bool is_strided;
};

/* Where an input is that a kernel is given. */
enum giving {
    GIVE_AS_IS,  /* the problem's own memory */
    GIVE_ZONED,  /* the same, which is that of zones_allocate */
    GIVE_A_COPY, /* of the kernel's own, between zones */
};

/* An input. */
struct given_tensor {
    const char *name;
    const void *bytes;              /* the problem's, or the copy's; NULL: there is none */
    char *copy;                     /* zone, what the kernel is given, zone; NULL: the problem's */
    size_t size_bytes, first_bytes; /* before the first element */
    uint64_t digest;                /* before the launch */
    bool has_zones;                 /* of which each byte is */
    unsigned char zone_byte;
    size_t zone_bytes;
    struct fenced_memory fenced;   /* in place of a copy, with zones; its first NULL: not */
    const struct fencing *fencing; /* that has made it */
    struct far_tensor far;         /* in place of a copy, without zones; its first NULL: not */
};

uint64_t buffer_digest(const void *bytes, size_t size_bytes); /* 0: bytes is NULL */

/* Output of size_bytes whose content is now that of packed; NULL: there is none. false: there is no memory for it. */
bool guard(struct guarded *guarded, const char *name, const void *packed, size_t size_bytes);
bool guard_strided(struct guarded *guarded, const char *name, const void *packed, const struct tensor_strides *strides,
                   const struct strided_shape *shape);
/* The same, the first byte so many behind an aligned one. */
bool guard_behind(struct guarded *guarded, const char *name, const void *packed, size_t size_bytes,
                  size_t before_bytes);
/* The same of size_bytes of one byte each, which may not be that of the zones. */
bool guard_filled(struct guarded *guarded, const char *name, int byte, size_t size_bytes);
void *guarded_first(const struct guarded *guarded); /* where the kernel finds it; NULL: there is none */
void guarded_take(void *packed, const struct guarded *guarded);

/* Tells of the first byte of a zone, or between rows, that was written to, unless audit has told of one. After
 * guarded_take from the same memory. ERROR_SYSTEM if memory is short. */
enum error_kind guarded_audit(const struct guarded *guarded, const void *packed, struct memory_audit *audit,
                              struct error *error);

/* Input of size_bytes. false: there is no memory for it. */
bool give(struct given_tensor *given, const char *name, const void *bytes, size_t size_bytes, int zone_byte,
          enum giving giving);
/* The same of a copy, the first byte so many, a power of two, behind an aligned one; fencing, unless NULL: what lies
 * behind it cannot be read unnoticed, if there is room for that. The structure then stays where it is. */
bool give_behind(struct given_tensor *given, const char *name, const void *bytes, size_t size_bytes, int zone_byte,
                 size_t before_bytes, const struct fencing *fencing);
bool give_strided(struct given_tensor *given, const char *name, const void *packed,
                  const struct tensor_strides *strides, const struct strided_shape *shape,
                  const struct fencing *fencing);
bool give_far(struct given_tensor *given, const char *name, const void *packed, const struct tensor_strides *strides,
              const struct strided_shape *shape, int64_t elements);
void given_clear(struct given_tensor *given);
const void *given_first(const struct given_tensor *given); /* where the kernel finds it; NULL: there is none */
size_t given_copy_bytes(const struct given_tensor *given); /* of the copy with its zones */

/* Tells of the first byte of a zone that was written to, of one that was read, and of an input that is not what it was.
 */
void given_audit(const struct given_tensor *given, struct memory_audit *audit);

#endif
