/*
 * How messages stand on a pipe (kernel_message.h): a length of 8 bytes, little-endian, and so many bytes. What is
 * received lies in memory, as the reader of .safetensors takes it.
 */
#ifndef HARNESS_SUBJECT_KERNEL_FRAME_H
#define HARNESS_SUBJECT_KERNEL_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "harness/support/safetensors_write.h"
#include "reference/error.h"

enum { FRAME_LENGTH_BYTES = 8, FRAME_PIECES = 128 };

static inline void frame_put_length(uint8_t bytes[FRAME_LENGTH_BYTES], uint64_t length)
{
    for (int i = 0; i < FRAME_LENGTH_BYTES; i++)
        bytes[i] = (uint8_t)(length >> (8 * i));
}

static inline uint64_t frame_get_length(const uint8_t bytes[FRAME_LENGTH_BYTES])
{
    uint64_t length = 0;
    for (int i = 0; i < FRAME_LENGTH_BYTES; i++)
        length |= (uint64_t)bytes[i] << (8 * i);
    return length;
}

/* A message that has come, without its length. */
struct frame {
    void *bytes; /* of the heap; NULL: there is none */
    size_t size;
};

/* Room for one of so many bytes, from 1 on. ERROR_SYSTEM: there is none. */
enum error_kind frame_make_room(struct frame *frame, uint64_t size, struct error *error);
void frame_clear(struct frame *frame);

/* What is to be sent of a message when `done` bytes of it have gone, those of its length among them: the next pieces of
 * it, whose number is returned; 0: all has gone. They are parts of length, which frame_put_length has filled with the
 * plan's size_bytes, and of what the plan is made of. */
int frame_rest(struct iovec pieces[FRAME_PIECES], const uint8_t length[FRAME_LENGTH_BYTES],
               const struct safetensors_plan *plan, size_t done);

#endif
