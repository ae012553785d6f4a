#include "harness/subject/launch_buffer.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

enum { ZONE_BYTE = 0xa5 };

uint64_t buffer_digest(const void *bytes, size_t size_bytes)
{
    return bytes ? XXH3_64bits(bytes, size_bytes) : 0;
}

/* In whole zones, one more than its size needs at least, all of one byte. */
static char *allocate(size_t size_bytes, int byte, size_t *whole_bytes)
{
    *whole_bytes = (size_bytes / ZONE_BYTES + 2) * ZONE_BYTES;
    char *memory = aligned_alloc(ZONE_BYTES, *whole_bytes);
    return memory ? memset(memory, byte, *whole_bytes) : NULL;
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static bool make_zones(struct guarded *guarded)
{
    size_t all = guarded->size_bytes + 2 * ZONE_BYTES;
    guarded->memory = allocate(all, ZONE_BYTE, &all);
    return guarded->memory;
}

bool guard(struct guarded *guarded, const char *name, const void *packed, size_t size_bytes)
{
    *guarded = (struct guarded){.name = name, .size_bytes = size_bytes};
    if (!packed)
        return true;
    if (!make_zones(guarded))
        return false;
    memcpy(guarded->memory + ZONE_BYTES, packed, size_bytes);
    return true;
}

bool guard_filled(struct guarded *guarded, const char *name, int byte, size_t size_bytes)
{
    *guarded = (struct guarded){.name = name, .size_bytes = size_bytes};
    if (!make_zones(guarded))
        return false;
    memset(guarded->memory + ZONE_BYTES, byte, size_bytes);
    return true;
}

bool guard_strided(struct guarded *guarded, const char *name, const void *packed, const struct tensor_strides *strides,
                   const struct strided_shape *shape)
{
    *guarded = (struct guarded){.name = name,
                                .size_bytes = strided_bytes(strides, shape),
                                .strides = *strides,
                                .shape = *shape,
                                .is_strided = true};
    if (!make_zones(guarded))
        return false;
    strided_spread(guarded->memory + ZONE_BYTES, packed, strides, shape);
    return true;
}

static size_t bytes_before(const struct guarded *guarded)
{
    return guarded->is_strided ? (size_t)guarded->strides.first * dtypes[guarded->shape.dtype].size_bytes : 0;
}

void *guarded_first(const struct guarded *guarded)
{
    return guarded->memory ? guarded->memory + ZONE_BYTES + bytes_before(guarded) : NULL;
}

void guarded_take(void *packed, const struct guarded *guarded)
{
    if (guarded->memory && guarded->is_strided)
        strided_gather(packed, guarded->memory + ZONE_BYTES, &guarded->strides, &guarded->shape);
    else if (guarded->memory)
        memcpy(packed, guarded->memory + ZONE_BYTES, guarded->size_bytes);
}

/* The first byte of the buffer that is no element's and was written to; -1: there is none. */
static ptrdiff_t find_between(const struct guarded *guarded, const char *untouched)
{
    for (size_t i = 0; i < guarded->size_bytes; i++)
        if (guarded->memory[ZONE_BYTES + i] != untouched[i])
            return (ptrdiff_t)i;
    return -1;
}

static enum error_kind audit_between(const struct guarded *guarded, const void *packed, struct memory_audit *audit,
                                     struct error *error)
{
    char *untouched = malloc(guarded->size_bytes + 1);
    if (!untouched)
        return error_memory(error, "the output of a launch", (double)guarded->size_bytes);
    memset(untouched, ZONE_BYTE, guarded->size_bytes);
    strided_spread(untouched, packed, &guarded->strides, &guarded->shape);
    const ptrdiff_t at = find_between(guarded, untouched);
    if (at >= 0)
        *audit = (struct memory_audit){"out between its rows", at - (ptrdiff_t)bytes_before(guarded),
                                       guarded->size_bytes - bytes_before(guarded), audit->changed};
    free(untouched);
    return ERROR_NONE;
}

enum error_kind guarded_audit(const struct guarded *guarded, const void *packed, struct memory_audit *audit,
                              struct error *error)
{
    const unsigned char *bytes = (const unsigned char *)guarded->memory;
    for (size_t i = 0; bytes && !audit->breached && i < guarded->size_bytes + 2 * ZONE_BYTES; i++) {
        if (i == ZONE_BYTES)
            i += guarded->size_bytes;
        if (bytes[i] != ZONE_BYTE)
            *audit = (struct memory_audit){guarded->name, (ptrdiff_t)i - ZONE_BYTES - (ptrdiff_t)bytes_before(guarded),
                                           guarded->size_bytes - bytes_before(guarded), audit->changed};
    }
    if (!bytes || !guarded->is_strided || audit->breached)
        return ERROR_NONE;
    return audit_between(guarded, packed, audit, error);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

bool give(struct given_tensor *given, const void *bytes, size_t size_bytes, bool copied)
{
    *given = (struct given_tensor){.bytes = bytes, .size_bytes = size_bytes};
    if (bytes && copied) {
        size_t whole_bytes;
        given->copy = allocate(size_bytes, ZONE_BYTE, &whole_bytes);
        if (!given->copy)
            return false;
        given->bytes = memcpy(given->copy, bytes, size_bytes);
    }
    given->digest = buffer_digest(given->bytes, size_bytes);
    return true;
}

bool give_strided(struct given_tensor *given, const void *packed, const struct tensor_strides *strides,
                  const struct strided_shape *shape)
{
    *given = (struct given_tensor){.bytes = NULL};
    if (!packed)
        return true;
    given->copy = allocate(strided_bytes(strides, shape), dtype_nan_byte(shape->dtype), &given->size_bytes);
    if (!given->copy)
        return false;
    strided_spread(given->copy, packed, strides, shape);
    given->bytes = given->copy;
    given->first_bytes = (size_t)strides->first * dtypes[shape->dtype].size_bytes;
    given->digest = buffer_digest(given->bytes, given->size_bytes);
    return true;
}

bool give_far(struct given_tensor *given, const void *packed, const struct tensor_strides *strides,
              const struct strided_shape *shape, int64_t elements)
{
    *given = (struct given_tensor){.bytes = NULL};
    if (!far_tensor_make(&given->far, packed, strides, shape, elements))
        return false;
    given->bytes = given->far.first;
    given->first_bytes = (size_t)strides->first * dtypes[shape->dtype].size_bytes;
    given->digest = far_tensor_digest(&given->far);
    return true;
}

void given_clear(struct given_tensor *given)
{
    free(given->copy);
    far_tensor_clear(&given->far);
}

const void *given_first(const struct given_tensor *given)
{
    return given->bytes ? (const char *)given->bytes + given->first_bytes : NULL;
}

bool given_has_changed(const struct given_tensor *given)
{
    if (given->far.first)
        return far_tensor_digest(&given->far) != given->digest;
    return buffer_digest(given->bytes, given->size_bytes) != given->digest;
}
