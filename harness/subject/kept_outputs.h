/*
 * The outputs of a launch that has returned, until the next one has ended: what is still written to them then is
 * written too late.
 */
#ifndef HARNESS_SUBJECT_KEPT_OUTPUTS_H
#define HARNESS_SUBJECT_KEPT_OUTPUTS_H

#include "harness/subject/cuda_device.h"
#include "harness/subject/launch_buffer.h"

struct kept_output {
    char *memory;
    size_t size_bytes;
    uint64_t digest;
    uint64_t address; /* on the device; 0: it is this process's */
};

struct kept_outputs {
    struct kept_output *outputs; /* [count] */
    size_t count;
    struct cuda_device *device; /* the caller's, of those that are there */
};

/* Frees all of them, and makes room for so many. false: there is no memory for them, and none is kept. */
bool kept_outputs_begin(struct kept_outputs *kept, size_t count);

/* Takes an output, whose content is not needed any more, and whose twin on the device is at address, or 0. */
void kept_outputs_take(struct kept_outputs *kept, struct guarded *guarded, uint64_t address);

void kept_outputs_clear(struct kept_outputs *kept);
size_t kept_outputs_bytes(const struct kept_outputs *kept);

/* Tells of an output that was written to since, unless audit has told of something. */
enum error_kind kept_outputs_audit(const struct kept_outputs *kept, struct memory_audit *audit, struct error *error);

#endif
