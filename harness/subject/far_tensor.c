#include "harness/subject/far_tensor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define XXH_INLINE_ALL /* compiled for our instruction set: three times as fast as the library's SSE2 */
#include <xxhash.h>

#include "kernels/device/kv_cache.h"

enum {
    PAGE_BYTES = 4096,
    POISONED_ROWS = 64, /* for which NaN is laid where cut offsets lead */
    LIMIT_BYTES = 1 << 29
};

/* Before the first element: what a signed index of 32 bits reaches. */
static size_t before_bytes(enum dtype dtype)
{
    return ((size_t)1 << 31) * dtypes[dtype].size_bytes;
}

/* Without huge pages, each of which would be memory for a single row. */
static char *reserve(size_t size_bytes)
{
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    (void)madvise(memory, size_bytes, MADV_NOHUGEPAGE); /* which a kernel without them refuses */
    return memory;
}

bool far_tensors_can_be_had(void)
{
    const size_t size_bytes = 2 * (before_bytes(DTYPE_F32) + 2 * (size_t)FAR_ELEMENTS * sizeof(float));
    char *memory = reserve(size_bytes);
    if (memory)
        munmap(memory, size_bytes);
    return memory;
}

/* ---- NaN --------------------------------------------------------------------------------------------------------- */

/* Where an offset leads, in bytes, that is cut to 32 bits, or 31. */
static int64_t cut_offset(int64_t element, int64_t element_bytes, int how)
{
    const int64_t bytes = element * element_bytes;
    switch (how) {
    case 0:
        return (int32_t)(uint32_t)element * element_bytes;
    case 1:
        return (uint32_t)element * element_bytes;
    case 2:
        return (int32_t)(uint32_t)bytes;
    case 3:
        return (uint32_t)bytes;
    case 4:
        return (element & INT32_MAX) * element_bytes;
    default:
        return bytes & INT32_MAX;
    }
}

/* Rows that are the tensor's own are written afterwards. */
static void lay_nan(const struct far_tensor *far)
{
    const int64_t element = (int64_t)dtypes[far->shape.dtype].size_bytes, rows = strided_rows(&far->shape);
    const int64_t row_bytes = far->shape.dim * element, poisoned = rows < POISONED_ROWS ? rows : POISONED_ROWS;
    for (int64_t i = 0; i < poisoned; i++) { /* odd steps, so that they are not all of one head */
        const int64_t chosen = rows - 1 - i * ((rows / poisoned) | 1) % rows;
        const int64_t at = strided_element(&far->strides, &far->shape, chosen);
        for (int how = 0; how < 6; how++) {
            char *there = far->first + cut_offset(at, element, how);
            if (there >= far->memory && there + row_bytes <= far->memory + far->size_bytes)
                memset(there, dtype_nan_byte(far->shape.dtype), (size_t)row_bytes);
        }
    }
}

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

bool far_tensor_make(struct far_tensor *far, const void *packed, const struct tensor_strides *strides,
                     const struct strided_shape *shape, int64_t elements)
{
    const size_t before = before_bytes(shape->dtype), whole = (size_t)elements * dtypes[shape->dtype].size_bytes;
    *far = (struct far_tensor){.strides = *strides, .shape = *shape};
    far->size_bytes = before + (whole / PAGE_BYTES + 2) * PAGE_BYTES;
    far->memory = reserve(far->size_bytes);
    if (!far->memory)
        return false;
    far->first = far->memory + before;
    lay_nan(far);
    strided_spread(far->first, packed, strides, shape);
    return true;
}

void far_tensor_clear(struct far_tensor *far)
{
    if (far->memory)
        munmap(far->memory, far->size_bytes);
    *far = (struct far_tensor){.memory = NULL};
}

uint64_t far_tensor_digest(const struct far_tensor *far)
{
    const int64_t element = (int64_t)dtypes[far->shape.dtype].size_bytes;
    uint64_t digest = 0;
    for (int64_t i = 0; i < strided_rows(&far->shape); i++)
        digest = XXH3_64bits_withSeed(far->first + strided_element(&far->strides, &far->shape, i) * element,
                                      (size_t)(far->shape.dim * element), digest);
    return digest;
}

/* ---- a limit ----------------------------------------------------------------------------------------------------- */

/* Bytes of data and stacks that the process has, as what it is limited to is counted; 0: nobody knows. */
static unsigned long data_bytes(void)
{
    unsigned long pages = 0;
    char line[200] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (!fgets(line, sizeof line, file) || sscanf(line, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

struct far_limit far_limit_begin(void)
{
    struct rlimit limit;
    const unsigned long most = data_bytes() + LIMIT_BYTES;
    if (most == LIMIT_BYTES || getrlimit(RLIMIT_DATA, &limit) || limit.rlim_cur < most)
        return (struct far_limit){.is_set = false};
    const struct far_limit begun = {.before = limit.rlim_cur, .is_set = true};
    limit.rlim_cur = most;
    return setrlimit(RLIMIT_DATA, &limit) ? (struct far_limit){.is_set = false} : begun;
}

void far_limit_end(const struct far_limit *limit)
{
    struct rlimit now;
    if (!limit->is_set || getrlimit(RLIMIT_DATA, &now))
        return;
    now.rlim_cur = limit->before;
    (void)setrlimit(RLIMIT_DATA, &now); /* no more than it was */
}
