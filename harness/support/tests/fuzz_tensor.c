/*
 * libFuzzer entry for the readers of tensors: any bytes as a file of each of the three formats. What they may do is
 * checked in tensor_promises.h, which the tests share.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "harness/support/tests/scratch.h"
#include "harness/support/tests/tensor_promises.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"a.npy", "a.npz", "a.safetensors"};
enum { NUM_NAMES = sizeof names / sizeof names[0] };

static struct {
    char folder[SCRATCH_SIZE];
    int descriptor; /* of a file in memory, which the names are links to */
} the = {.descriptor = -1};

static void demand(bool holds, const char *promise)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", promise);
    abort();
}

static void leave_no_folder(void)
{
    for (int i = 0; i < NUM_NAMES; i++) {
        char path[SCRATCH_PATH_SIZE];
        snprintf(path, sizeof path, "%s/%s", the.folder, names[i]);
        unlink(path);
    }
    rmdir(the.folder);
}

static void make_folder(void)
{
    char target[64], path[SCRATCH_PATH_SIZE];
    demand(scratch_folder(the.folder, "fuzz_tensor"), "a folder");
    the.descriptor = memfd_create("fuzz_tensor", MFD_CLOEXEC);
    demand(the.descriptor >= 0, "a file in memory");
    snprintf(target, sizeof target, "/proc/self/fd/%d", the.descriptor);
    for (int i = 0; i < NUM_NAMES; i++) {
        snprintf(path, sizeof path, "%s/%s", the.folder, names[i]);
        demand(symlink(target, path) == 0, "a link");
    }
    demand(atexit(leave_no_folder) == 0, "an end");
}

static void look(const char *name, const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH_SIZE];
    demand(ftruncate(the.descriptor, (off_t)size) == 0 && pwrite(the.descriptor, data, size, 0) == (ssize_t)size,
           "a file");
    snprintf(path, sizeof path, "%s/%s", the.folder, name);
    const char *broken = tensor_promise_broken(path, data, size);
    demand(!broken, broken);
}

/* What a header has become has another size, which few mutations hit: that of the text up to the last brace. */
static void look_mended(const char *name, const uint8_t *data, size_t size)
{
    enum { PREAMBLE_BYTES = 8 };
    size_t end = size;
    while (end > PREAMBLE_BYTES && data[end - 1] != '}')
        end--;
    uint8_t *mended = end > PREAMBLE_BYTES ? malloc(size) : NULL;
    if (!mended)
        return;
    memcpy(mended, data, size);
    for (int i = 0; i < PREAMBLE_BYTES; i++)
        mended[i] = (uint8_t)((uint64_t)(end - PREAMBLE_BYTES) >> (8 * i));
    look(name, mended, size);
    free(mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (the.descriptor < 0)
        make_folder();
    for (int i = 0; i < NUM_NAMES; i++)
        look(names[i], data, size);
    look_mended("a.safetensors", data, size);
    return 0;
}
