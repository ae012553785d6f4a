#include "harness/subject/kept_outputs.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { SPENT = 0x5a /* what an output is filled with that nobody needs any more */ };

void kept_outputs_clear(struct kept_outputs *kept)
{
    for (size_t i = 0; i < kept->count; i++) {
        free(kept->outputs[i].memory);
        if (kept->device)
            cuda_device_release(kept->device, kept->outputs[i].address);
    }
    free(kept->outputs);
    kept->outputs = NULL;
    kept->count = 0;
}

bool kept_outputs_begin(struct kept_outputs *kept, size_t count)
{
    kept_outputs_clear(kept);
    kept->outputs = calloc(count, sizeof *kept->outputs);
    return kept->outputs;
}

void kept_outputs_take(struct kept_outputs *kept, struct guarded *guarded, uint64_t address)
{
    const size_t size_bytes = guarded->size_bytes + 2 * ZONE_BYTES;
    if (!guarded->memory)
        return;
    if (!address) /* so that the same once more shows */
        memset(guarded->memory, SPENT, size_bytes);
    kept->outputs[kept->count++] =
        (struct kept_output){guarded->memory, size_bytes, buffer_digest(guarded->memory, size_bytes), address};
    guarded->memory = NULL;
}

size_t kept_outputs_bytes(const struct kept_outputs *kept)
{
    size_t bytes = kept->outputs ? malloc_usable_size(kept->outputs) : 0;
    for (size_t i = 0; i < kept->count; i++)
        bytes += malloc_usable_size(kept->outputs[i].memory);
    return bytes;
}

enum error_kind kept_outputs_audit(const struct kept_outputs *kept, struct memory_audit *audit, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (size_t i = 0; i < kept->count && !*audit->written.name && !kind; i++) {
        const struct kept_output *output = &kept->outputs[i];
        if (output->address)
            kind = cuda_device_get(kept->device, output->memory, output->address, output->size_bytes, error);
        if (!kind && buffer_digest(output->memory, output->size_bytes) != output->digest)
            memory_stray_tell(&audit->written, "an output of the launch before, after it had returned", 0,
                              output->size_bytes - 2 * ZONE_BYTES);
    }
    return kind;
}
