#include "harness/subject/launch_buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL /* compiled for our instruction set: three times as fast as the library's SSE2 */
#include <xxhash.h>

enum { ZONE_BYTE = 0xa5 };

uint64_t buffer_digest(const void *bytes, size_t size_bytes)
{
    return bytes ? XXH3_64bits(bytes, size_bytes) : 0;
}

/* Room for size_bytes between two zones, of so many bytes, whole pages, each; what stands in it is not said. NULL:
 * there is no memory. */
static char *allocate(size_t size_bytes, size_t zone_bytes, int byte)
{
    if (size_bytes > PTRDIFF_MAX / 2) /* what a kernel asks for may be any number, and zones come on top of it */
        return NULL;
    const size_t behind = zone_bytes + size_bytes, whole_bytes = (behind / ZONE_BYTES + 1) * ZONE_BYTES + zone_bytes;
    char *memory = aligned_alloc(ZONE_BYTES, whole_bytes);
    if (!memory)
        return NULL;
    memset(memory, byte, zone_bytes);
    memset(memory + behind, byte, whole_bytes - behind);
    return memory;
}

size_t input_zone_bytes(size_t size_bytes)
{
    enum { TIMES = 4, MOST_BYTES = 64 << 10 };
    const size_t bytes = size_bytes > MOST_BYTES / TIMES ? MOST_BYTES : TIMES * size_bytes;
    return bytes > ZONE_BYTES ? (bytes + ZONE_BYTES - 1) / ZONE_BYTES * ZONE_BYTES : ZONE_BYTES;
}

char *zones_allocate(size_t size_bytes, int zone_byte)
{
    return allocate(size_bytes, input_zone_bytes(size_bytes), zone_byte);
}

/* The first byte of a zone that is not what it was; zone_bytes: there is none. */
static size_t find_in_zone(const unsigned char *zone, size_t zone_bytes, unsigned char byte)
{
    size_t i = 0;
    if (zone[0] == byte && !memcmp(zone, zone + 1, zone_bytes - 1))
        return zone_bytes;
    while (i < zone_bytes && zone[i] == byte)
        i++;
    return i;
}

/* Tells of the first byte of the zones around size_bytes that was written to; offsets are from `before` bytes on. */
static void audit_zones(const void *first, size_t size_bytes, size_t zone_bytes, unsigned char byte, const char *name,
                        size_t before, struct memory_audit *audit)
{
    const unsigned char *zones[] = {(const unsigned char *)first - zone_bytes,
                                    (const unsigned char *)first + size_bytes};
    for (int i = 0; i < 2; i++) {
        const size_t at = find_in_zone(zones[i], zone_bytes, byte);
        if (at < zone_bytes)
            memory_stray_tell(&audit->written, name,
                              (zones[i] - (const unsigned char *)first) + (ptrdiff_t)at - (ptrdiff_t)before,
                              size_bytes - before);
    }
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

static bool make_zones(struct guarded *guarded)
{
    guarded->memory = allocate(guarded->size_bytes, ZONE_BYTES, ZONE_BYTE);
    return guarded->memory;
}

bool guard(struct guarded *guarded, const char *name, const void *packed, size_t size_bytes)
{
    return guard_behind(guarded, name, packed, size_bytes, 0);
}

bool guard_behind(struct guarded *guarded, const char *name, const void *packed, size_t size_bytes, size_t before_bytes)
{
    *guarded = (struct guarded){.name = name, .size_bytes = before_bytes + size_bytes, .before_bytes = before_bytes};
    if (!packed)
        return true;
    if (!make_zones(guarded))
        return false;
    memset(guarded->memory + ZONE_BYTES, ZONE_BYTE, before_bytes);
    memcpy(guarded->memory + ZONE_BYTES + before_bytes, packed, size_bytes);
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
                                .before_bytes = (size_t)strides->first * dtypes[shape->dtype].size_bytes,
                                .strides = *strides,
                                .shape = *shape,
                                .is_strided = true};
    if (!make_zones(guarded))
        return false;
    memset(guarded->memory + ZONE_BYTES, ZONE_BYTE, guarded->size_bytes);
    strided_spread(guarded->memory + ZONE_BYTES, packed, strides, shape);
    return true;
}

void *guarded_first(const struct guarded *guarded)
{
    return guarded->memory ? guarded->memory + ZONE_BYTES + guarded->before_bytes : NULL;
}

void guarded_take(void *packed, const struct guarded *guarded)
{
    if (guarded->memory && guarded->is_strided)
        strided_gather(packed, guarded->memory + ZONE_BYTES, &guarded->strides, &guarded->shape);
    else if (guarded->memory)
        memcpy(packed, guarded_first(guarded), guarded->size_bytes - guarded->before_bytes);
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
        memory_stray_tell(&audit->written, "out between its rows", at - (ptrdiff_t)guarded->before_bytes,
                          guarded->size_bytes - guarded->before_bytes);
    free(untouched);
    return ERROR_NONE;
}

enum error_kind guarded_audit(const struct guarded *guarded, const void *packed, struct memory_audit *audit,
                              struct error *error)
{
    const size_t before = guarded->before_bytes, zone = guarded->is_strided ? 0 : before; /* of what is its zone's */
    if (guarded->memory)
        audit_zones(guarded->memory + ZONE_BYTES + zone, guarded->size_bytes - zone, ZONE_BYTES, ZONE_BYTE,
                    guarded->name, before - zone, audit);
    if (!guarded->memory || !guarded->is_strided || *audit->written.name)
        return ERROR_NONE;
    return audit_between(guarded, packed, audit, error);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

/* Room for a copy between zones; NULL: there is none. */
static char *make_copy(struct given_tensor *given)
{
    given->copy = zones_allocate(given->size_bytes, given->zone_byte);
    char *const first = given->copy ? given->copy + given->zone_bytes : NULL;
    given->bytes = first;
    given->has_zones = true;
    return first;
}

/* The same before a fence, if there is room for that and somebody asks for it. */
static char *make_fenced(struct given_tensor *given, size_t alignment, const struct fencing *fencing)
{
    if (!fencing || !fencing->make(&given->fenced, given->size_bytes, alignment, given->zone_bytes, given->zone_byte))
        return make_copy(given);
    given->fencing = fencing;
    given->bytes = given->fenced.first;
    given->has_zones = true;
    return given->fenced.first;
}

bool give(struct given_tensor *given, const char *name, const void *bytes, size_t size_bytes, int zone_byte,
          enum giving giving)
{
    *given = (struct given_tensor){.name = name,
                                   .bytes = bytes,
                                   .size_bytes = size_bytes,
                                   .zone_byte = (unsigned char)zone_byte,
                                   .zone_bytes = input_zone_bytes(size_bytes)};
    if (bytes && giving == GIVE_A_COPY) {
        char *const copy = make_copy(given);
        if (!copy)
            return false;
        memcpy(copy, bytes, size_bytes);
    } else if (bytes && giving == GIVE_ZONED) {
        given->has_zones = true;
    }
    given->digest = buffer_digest(given->bytes, size_bytes);
    return true;
}

bool give_behind(struct given_tensor *given, const char *name, const void *bytes, size_t size_bytes, int zone_byte,
                 size_t before_bytes, const struct fencing *fencing)
{
    *given = (struct given_tensor){.name = name,
                                   .size_bytes = before_bytes + size_bytes,
                                   .first_bytes = before_bytes,
                                   .zone_byte = (unsigned char)zone_byte,
                                   .zone_bytes = input_zone_bytes(before_bytes + size_bytes)};
    if (!bytes)
        return true;
    char *const copy = make_fenced(given, 2 * before_bytes, fencing);
    if (!copy)
        return false;
    memset(copy, zone_byte, before_bytes);
    memcpy(copy + before_bytes, bytes, size_bytes);
    given->digest = buffer_digest(given->bytes, given->size_bytes);
    return true;
}

bool give_strided(struct given_tensor *given, const char *name, const void *packed,
                  const struct tensor_strides *strides, const struct strided_shape *shape,
                  const struct fencing *fencing)
{
    const size_t size_bytes = strided_bytes(strides, shape);
    *given = (struct given_tensor){.name = name,
                                   .size_bytes = size_bytes,
                                   .zone_byte = (unsigned char)dtype_nan_byte(shape->dtype),
                                   .zone_bytes = input_zone_bytes(size_bytes)};
    if (!packed)
        return true;
    char *const copy = make_fenced(given, 2 * (size_t)BUFFER_ALIGNMENT, fencing);
    if (!copy)
        return false;
    memset(copy, given->zone_byte, given->size_bytes);
    strided_spread(copy, packed, strides, shape);
    given->first_bytes = (size_t)strides->first * dtypes[shape->dtype].size_bytes;
    given->digest = buffer_digest(given->bytes, given->size_bytes);
    return true;
}

bool give_far(struct given_tensor *given, const char *name, const void *packed, const struct tensor_strides *strides,
              const struct strided_shape *shape, int64_t elements)
{
    *given = (struct given_tensor){.name = name};
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
    if (given->fenced.first)
        given->fencing->clear(&given->fenced);
    far_tensor_clear(&given->far);
}

const void *given_first(const struct given_tensor *given)
{
    return given->bytes ? (const char *)given->bytes + given->first_bytes : NULL;
}

size_t given_copy_bytes(const struct given_tensor *given)
{
    return given->size_bytes + 2 * given->zone_bytes;
}

void given_audit(const struct given_tensor *given, struct memory_audit *audit)
{
    const size_t touched = fenced_memory_touched(&given->fenced);
    if (given->bytes && given->has_zones && (!given->fenced.first || given->fencing->open(&given->fenced)))
        audit_zones(given->bytes, given->size_bytes, given->zone_bytes, given->zone_byte, given->name,
                    given->first_bytes, audit);
    const uint64_t digest =
        given->far.first ? far_tensor_digest(&given->far) : buffer_digest(given->bytes, given->size_bytes);
    if (digest != given->digest)
        memory_audit_change(audit, given->name);
    if (touched > 0)
        memory_stray_tell(&audit->read, given->name, touched - given->first_bytes,
                          given->size_bytes - given->first_bytes);
}
