/* libFuzzer entry for bundles: any bytes as a .safetensors file, its header's size as it is and mended, opened as
 * `alibicheck judge` opens it. */
#include <stdint.h>

#include "harness/command/tests/judge_promises.h"
#include "harness/support/tests/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[SCRATCH_SIZE], path[SCRATCH_PATH_SIZE];

static void leave(void)
{
    unlink(path);
    rmdir(folder);
}

static int open_file(void)
{
    judge_demand(scratch_folder(folder, "fuzz_bundle") && atexit(leave) == 0, "a folder");
    snprintf(path, sizeof path, "%s/b.safetensors", folder);
    return judge_file_at(path);
}

/* The header is what stands before the first zero, where that ends in a brace: few mutations leave its size right. */
static size_t header_bytes(const uint8_t *data, size_t size)
{
    enum { PREAMBLE_BYTES = 8 };
    size_t end = size > PREAMBLE_BYTES ? PREAMBLE_BYTES : size, last = 0;
    for (; end < size && data[end] >= ' ' && data[end] < 0x7f; end++)
        last = data[end] == '}' ? end + 1 : last;
    return last > PREAMBLE_BYTES ? last - PREAMBLE_BYTES : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int descriptor = -1;
    size_t header = header_bytes(data, size);
    uint8_t preamble[8];
    if (descriptor < 0)
        descriptor = open_file();
    judge_fill(descriptor, data, size);
    judge_look(path);
    for (int i = 0; i < 8; i++)
        preamble[i] = (uint8_t)((uint64_t)header >> (8 * i));
    if (header == 0 || memcmp(preamble, data, 8) == 0)
        return 0;
    judge_demand(pwrite(descriptor, preamble, 8, 0) == 8, "a file");
    judge_look(path);
    return 0;
}
