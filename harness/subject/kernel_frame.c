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
