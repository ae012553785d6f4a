#include "harness/subject/kernel_frame.h"

#include <stdlib.h>

enum error_kind frame_make_room(struct frame *frame, uint64_t size, struct error *error)
{
    *frame = (struct frame){.bytes = size > 0 && size <= PTRDIFF_MAX ? malloc((size_t)size) : NULL};
    if (!frame->bytes)
        return error_memory(error, "a message", (double)size);
    frame->size = (size_t)size;
    return ERROR_NONE;
}

void frame_clear(struct frame *frame)
{
    free(frame->bytes);
    *frame = (struct frame){.bytes = NULL};
}

/* Adds what is left of some bytes, of which `done` count, and takes from those what they are. */
static void add_rest(struct iovec *pieces, int *count, const void *bytes, size_t size, size_t *done)
{
    const size_t gone = *done < size ? *done : size;
    *done -= gone;
    if (gone < size && *count < FRAME_PIECES)
        pieces[(*count)++] = (struct iovec){(void *)((uintptr_t)bytes + gone), size - gone};
}

int frame_rest(struct iovec pieces[FRAME_PIECES], const uint8_t length[FRAME_LENGTH_BYTES],
               const struct safetensors_plan *plan, size_t done)
{
    int count = 0;
    add_rest(pieces, &count, length, FRAME_LENGTH_BYTES, &done);
    add_rest(pieces, &count, plan->header, plan->header_bytes, &done);
    for (size_t i = 0; i < plan->num_pieces && count < FRAME_PIECES; i++)
        add_rest(pieces, &count, plan->pieces[i].elements, plan->pieces[i].size_bytes, &done);
    return count;
}
