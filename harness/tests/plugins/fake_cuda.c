/*
 * NVIDIA's driver for tests on machines without a GPU, as libcuda.so.1: the functions that cuda_device.c asks for, on
 * memory that this process cannot read at the device's addresses. It can by fake_cuda_view alone, which knows no
 * others: a pointer of the wrong kind is found out on either side. A copy there is done when somebody waits for it and
 * no sooner, as one from memory that is not page-locked may be. Nothing works before cuInit, and no memory in a thread
 * whose current context is not the device's. FAKE_CUDA_FAIL=FUNCTION:N:CODE makes the Nth call of
 * a function return an error, FUNCTION:N:CODE:sticky all calls from then on. The device is the first process's alone
 * where FAKE_CUDA_ONLY_FIRST names a file, which that one makes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MAX_BLOCKS = 512,
    MAX_COPIES = 512,
    ALIGNMENT = 256,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    DEVICE_UNAVAILABLE = 46,
    INVALID_CONTEXT = 201,
    ILLEGAL_ADDRESS = 700
};
#define MEMORY_BYTES ((size_t)256 << 20)

static struct block {
    uint64_t address;
    size_t size_bytes;
} blocks[MAX_BLOCKS]; /* in the order of addresses */
static struct copy {
    char *to;
    void *bytes;
    size_t size_bytes;
} copies[MAX_COPIES]; /* that nobody has waited for */
static int num_blocks, num_copies, sticky;
static char *device, *view; /* the same memory, at two places */
static char stream;
static _Thread_local void *current; /* context */

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* What the call is to return. */
static int begin(const char *function)
{
    static char counted[64];
    static int calls;
    const char *wish = getenv("FAKE_CUDA_FAIL");
    char name[64], end[8] = "";
    int at, code;
    if (!device)
        return NOT_INITIALIZED;
    if (sticky || !wish || sscanf(wish, "%63[^:]:%d:%d:%7s", name, &at, &code, end) < 3 || strcmp(name, function) != 0)
        return sticky;
    if (strcmp(counted, name) != 0) {
        strcpy(counted, name);
        calls = 0;
    }
    if (++calls != at)
        return 0;
    sticky = strcmp(end, "sticky") == 0 ? code : 0;
    return code;
}

/* The same of a call that works in a context. */
static int begin_in_context(const char *function)
{
    int wrong = begin(function);
    return wrong || current == &stream ? wrong : INVALID_CONTEXT;
}

int cuGetErrorName(int result, const char **text)
{
    *text = result == OUT_OF_MEMORY        ? "CUDA_ERROR_OUT_OF_MEMORY"
            : result == ILLEGAL_ADDRESS    ? "CUDA_ERROR_ILLEGAL_ADDRESS"
            : result == DEVICE_UNAVAILABLE ? "CUDA_ERROR_DEVICE_UNAVAILABLE"
            : result == 100                ? "CUDA_ERROR_NO_DEVICE"
            : result == 214                ? "CUDA_ERROR_ECC_UNCORRECTABLE"
            : result == 719                ? "CUDA_ERROR_LAUNCH_FAILED"
                                           : "CUDA_ERROR_INVALID_VALUE";
    return 0;
}

int cuGetErrorString(int result, const char **text)
{
    *text = result == OUT_OF_MEMORY        ? "out of memory"
            : result == ILLEGAL_ADDRESS    ? "an illegal memory access was encountered"
            : result == DEVICE_UNAVAILABLE ? "CUDA-capable device(s) is/are busy or unavailable"
            : result == 100                ? "no CUDA-capable device is detected"
            : result == 214                ? "uncorrectable ECC error encountered"
            : result == 719                ? "unspecified launch failure"
                                           : "invalid argument";
    return 0;
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

int cuInit(unsigned flags)
{
    (void)flags;
    int descriptor = memfd_create("fake_cuda", MFD_CLOEXEC);
    if (!device && (descriptor < 0 || ftruncate(descriptor, (off_t)MEMORY_BYTES)))
        return OUT_OF_MEMORY;
    if (!device) {
        device = mmap(NULL, MEMORY_BYTES, PROT_NONE, MAP_SHARED, descriptor, 0);
        view = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    }
    close(descriptor);
    return device == MAP_FAILED || view == MAP_FAILED ? OUT_OF_MEMORY : begin("cuInit");
}

int cuDriverGetVersion(int *version)
{
    *version = 13020;
    return begin("cuDriverGetVersion");
}

int cuDeviceGetCount(int *count)
{
    *count = getenv("FAKE_CUDA_NONE") ? 0 : 1;
    return begin("cuDeviceGetCount");
}

int cuDeviceGet(int *number, int ordinal)
{
    *number = ordinal;
    return begin("cuDeviceGet");
}

int cuDeviceGetName(char *name, int size, int number)
{
    snprintf(name, (size_t)size, "Fake GPU %d", number);
    return begin("cuDeviceGetName");
}

int cuDevicePrimaryCtxRetain(void **context, int number)
{
    const char *only = getenv("FAKE_CUDA_ONLY_FIRST");
    (void)number;
    *context = &stream;
    if (only) {
        const int descriptor = open(only, O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor < 0)
            return DEVICE_UNAVAILABLE;
        close(descriptor);
    }
    return begin("cuDevicePrimaryCtxRetain");
}

int cuDevicePrimaryCtxRelease_v2(int number)
{
    (void)number;
    if (num_blocks > 0)
        fprintf(stderr, "fake_cuda: %d blocks are left\n", num_blocks);
    return begin("cuDevicePrimaryCtxRelease_v2");
}

int cuCtxSetCurrent(void *context)
{
    current = context;
    return context == &stream ? 0 : INVALID_VALUE;
}

static void finish_copies(void)
{
    for (int i = 0; i < num_copies; i++) {
        memcpy(copies[i].to, copies[i].bytes, copies[i].size_bytes);
        free(copies[i].bytes);
    }
    num_copies = 0;
}

int cuCtxSynchronize(void)
{
    finish_copies();
    return begin_in_context("cuCtxSynchronize");
}

int cuStreamCreate(void **made, unsigned flags)
{
    (void)flags;
    *made = &stream;
    return begin_in_context("cuStreamCreate");
}

int cuStreamDestroy_v2(void *made)
{
    return made == &stream ? begin("cuStreamDestroy_v2") : INVALID_VALUE;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* The block that so many bytes from an address on are in; -1: none. */
static int find(uint64_t address, size_t size_bytes)
{
    for (int i = 0; i < num_blocks; i++)
        if (address >= blocks[i].address && address + size_bytes <= blocks[i].address + blocks[i].size_bytes)
            return i;
    return -1;
}

int cuMemAlloc_v2(uint64_t *address, size_t size_bytes)
{
    uint64_t at = (uint64_t)(uintptr_t)device;
    int i = 0, wrong = begin_in_context("cuMemAlloc_v2");
    if (wrong)
        return wrong;
    for (; i < num_blocks && blocks[i].address - at < size_bytes; i++)
        at = (blocks[i].address + blocks[i].size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (num_blocks == MAX_BLOCKS || size_bytes == 0 || at + size_bytes > (uint64_t)(uintptr_t)device + MEMORY_BYTES)
        return OUT_OF_MEMORY;
    memmove(&blocks[i + 1], &blocks[i], (size_t)(num_blocks++ - i) * sizeof *blocks);
    blocks[i] = (struct block){at, size_bytes};
    memset(view + (at - (uint64_t)(uintptr_t)device), 0xcd, size_bytes);
    *address = at;
    return 0;
}

int cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes)
{
    *total_bytes = *free_bytes = MEMORY_BYTES;
    for (int i = 0; i < num_blocks; i++)
        *free_bytes -= blocks[i].size_bytes;
    return begin_in_context("cuMemGetInfo_v2");
}

int cuMemFree_v2(uint64_t address)
{
    const int i = find(address, 1);
    if (sticky || current != &stream)
        return sticky ? sticky : INVALID_CONTEXT;
    if (i < 0 || blocks[i].address != address)
        return INVALID_VALUE;
    finish_copies();
    memset(view + (address - (uint64_t)(uintptr_t)device), 0xdd, blocks[i].size_bytes);
    memmove(&blocks[i], &blocks[i + 1], (size_t)(--num_blocks - i) * sizeof *blocks);
    return 0;
}

int cuMemcpyHtoD_v2(uint64_t address, const void *from, size_t size_bytes)
{
    int wrong = begin_in_context("cuMemcpyHtoD_v2");
    if (!wrong && find(address, size_bytes) < 0)
        wrong = INVALID_VALUE;
    if (num_copies == MAX_COPIES)
        finish_copies();
    void *bytes = wrong ? NULL : malloc(size_bytes);
    if (bytes)
        copies[num_copies++] =
            (struct copy){view + (address - (uint64_t)(uintptr_t)device), memcpy(bytes, from, size_bytes), size_bytes};
    return wrong || bytes ? wrong : OUT_OF_MEMORY;
}

int cuMemcpyDtoH_v2(void *to, uint64_t address, size_t size_bytes)
{
    int wrong = begin_in_context("cuMemcpyDtoH_v2");
    if (!wrong && find(address, size_bytes) < 0)
        wrong = INVALID_VALUE;
    finish_copies();
    if (!wrong)
        memcpy(to, view + (address - (uint64_t)(uintptr_t)device), size_bytes);
    return wrong;
}

/* ---- for the kernels of tests ------------------------------------------------------------------------------------ */

/* Where this process can read and write what is at a device's address; NULL for what is no address of the device's. */
void *fake_cuda_view(const void *address)
{
    const uint64_t at = (uint64_t)(uintptr_t)address;
    return find(at, 0) < 0 ? NULL : view + (at - (uint64_t)(uintptr_t)device);
}

/* As a kernel that has read where there is nothing. */
void fake_cuda_fault(void)
{
    sticky = ILLEGAL_ADDRESS;
}

int fake_cuda_is_stream(const void *given)
{
    return given == &stream;
}
