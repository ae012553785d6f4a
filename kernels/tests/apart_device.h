/*
 * A device whose memory is apart from the host's, as a GPU's is: the host device with memory of its own, of which any
 * access outside the device's operations ends the program. It has room for keys, and may be asked for less.
 */
#ifndef KERNELS_TESTS_APART_DEVICE_H
#define KERNELS_TESTS_APART_DEVICE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernels/device/device.h"
#include "kernels/digest/block_sums.h"
#include "kernels/digest/row_maxima.h"
#include "kernels/random/made_elements.h"

enum { APART_BLOCKS = 64, APART_PAGE = 4096 };

/* The one device of this kind that a program has open at a time. */
static struct {
    struct device_ops ops;
    struct {
        void *memory;
        size_t size_bytes;
    } blocks[APART_BLOCKS];
    size_t in_use_bytes, most_bytes; /* now, and at most so far */
    size_t room_bytes;               /* what it says that it has */
    size_t limit_bytes;              /* a block that leaves more than these in use is refused */
    int launches, kv_heads;          /* runs so far, and of the last one */
    int times_made;                  /* of k or v */
    size_t copied_bytes;             /* from the host's memory */
} apart;

static inline void apart_open_blocks(int protection)
{
    for (int i = 0; i < APART_BLOCKS; i++)
        if (apart.blocks[i].memory && mprotect(apart.blocks[i].memory, apart.blocks[i].size_bytes, protection))
            abort();
}

static inline enum error_kind apart_allocate(void *state, void **memory, size_t size_bytes, struct error *error)
{
    size_t size = (size_bytes + APART_PAGE) / APART_PAGE * APART_PAGE; /* one byte at least */
    int free_block = 0;
    (void)state;
    while (free_block < APART_BLOCKS && apart.blocks[free_block].memory)
        free_block++;
    *memory = MAP_FAILED;
    if (free_block < APART_BLOCKS && apart.in_use_bytes + size <= apart.limit_bytes)
        *memory = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*memory == MAP_FAILED) {
        *memory = NULL;
        return error_set(error, ERROR_SYSTEM, "no memory apart");
    }
    apart.blocks[free_block].memory = *memory;
    apart.blocks[free_block].size_bytes = size;
    apart.in_use_bytes += size;
    apart.most_bytes = apart.in_use_bytes > apart.most_bytes ? apart.in_use_bytes : apart.most_bytes;
    return ERROR_NONE;
}

static inline void apart_release(void *state, void *memory)
{
    (void)state;
    for (int i = 0; memory && i < APART_BLOCKS; i++)
        if (apart.blocks[i].memory == memory) {
            apart.in_use_bytes -= apart.blocks[i].size_bytes;
            if (munmap(memory, apart.blocks[i].size_bytes))
                abort();
            apart.blocks[i].memory = NULL;
            return;
        }
    if (memory)
        abort();
}

static inline enum error_kind apart_copy(void *state, void *to, const void *from, size_t size_bytes,
                                         struct error *error)
{
    (void)state, (void)error;
    apart_open_blocks(PROT_READ | PROT_WRITE);
    memcpy(to, from, size_bytes);
    apart_open_blocks(PROT_NONE);
    return ERROR_NONE;
}

static inline enum error_kind apart_copy_in(void *state, void *to, const void *from, size_t size_bytes,
                                            struct error *error)
{
    apart.copied_bytes += size_bytes;
    return apart_copy(state, to, from, size_bytes, error);
}

static inline enum error_kind apart_copy_rows(void *state, const struct row_copy *copy, struct error *error)
{
    apart_open_blocks(PROT_READ | PROT_WRITE);
    enum error_kind kind = device_host_ops.copy_rows(state, copy, error);
    apart_open_blocks(PROT_NONE);
    return kind;
}

static inline enum error_kind apart_fill(void *state, void *memory, int byte, size_t size_bytes, struct error *error)
{
    apart_open_blocks(PROT_READ | PROT_WRITE);
    enum error_kind kind = device_host_ops.fill(state, memory, byte, size_bytes, error);
    apart_open_blocks(PROT_NONE);
    return kind;
}

static inline enum error_kind apart_room(void *state, size_t *size_bytes, struct error *error)
{
    (void)state, (void)error;
    *size_bytes = apart.room_bytes;
    return ERROR_NONE;
}

static inline enum error_kind apart_make_elements(void *state, void *memory, const struct made_elements *made,
                                                  struct error *error)
{
    (void)state, (void)error;
    apart.times_made++;
    apart_open_blocks(PROT_READ | PROT_WRITE);
    make_elements_in(made, normal_coefficients, memory, 0, 1);
    apart_open_blocks(PROT_NONE);
    return ERROR_NONE;
}

static inline enum error_kind apart_sum_blocks(void *state, uint64_t *sums, const struct block_rows *blocks,
                                               struct error *error)
{
    (void)state, (void)error;
    apart_open_blocks(PROT_READ | PROT_WRITE);
    sum_blocks_in(blocks, digest_secret, sums, 0, 1);
    apart_open_blocks(PROT_NONE);
    return ERROR_NONE;
}

static inline enum error_kind apart_find_maxima(void *state, uint32_t *maxima, const struct row_maxima *find,
                                                struct error *error)
{
    (void)state, (void)error;
    apart_open_blocks(PROT_READ | PROT_WRITE);
    find_row_maxima(find, maxima, 0, 1);
    apart_open_blocks(PROT_NONE);
    return ERROR_NONE;
}

static inline enum error_kind apart_launch(void *state, const struct launch_plan *plan, double *seconds,
                                           struct error *error)
{
    apart.launches++;
    apart.kv_heads = plan->args.num_kv_heads;
    apart_open_blocks(PROT_READ | PROT_WRITE);
    enum error_kind kind = device_host_ops.launch(state, plan, seconds, error);
    apart_open_blocks(PROT_NONE);
    return kind;
}

/* Closed by device_close. */
static inline enum error_kind apart_device_open(struct device **device, int threads, struct error *error)
{
    memset(&apart, 0, sizeof apart);
    apart.ops = device_host_ops;
    apart.ops.allocate = apart_allocate;
    apart.ops.release = apart_release;
    apart.ops.copy_in = apart_copy_in;
    apart.ops.copy_out = apart_copy;
    apart.ops.copy_rows = apart_copy_rows;
    apart.ops.fill = apart_fill;
    apart.ops.room = apart_room;
    apart.ops.make_elements = apart_make_elements;
    apart.ops.sum_blocks = apart_sum_blocks;
    apart.ops.find_maxima = apart_find_maxima;
    apart.ops.launch = apart_launch;
    apart.ops.shares_memory = false;
    apart.room_bytes = (size_t)1 << 33;
    apart.limit_bytes = (size_t)1 << 28;
    return device_open_with(device, DEVICE_HOST, &apart.ops, &(struct device_options){.threads = threads}, error);
}

/* In the place of apart_make_elements: makes other elements of v. */
static inline enum error_kind apart_make_badly(void *state, void *memory, const struct made_elements *made,
                                               struct error *error)
{
    struct made_elements bad = *made;
    bad.first += apart.times_made % 2 ? LANE_DIMS : 0;
    return apart_make_elements(state, memory, &bad, error);
}

#endif
