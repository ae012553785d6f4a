/* The CUDA device: the first GPU that the runtime offers. */
#include "kernels/device/device_cuda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/device/device.h"
#include "kernels/device/key_kernels.h"

#define CUDA_KERNEL(enumerator, name) [KERNEL_##enumerator] = &cuda_##name,
static const struct compiled_kernel *const cuda_kernels[KERNEL_COUNT] = {KERNELS(CUDA_KERNEL)};

/* As cudaLaunchKernel and its like take a kernel: the symbol that nvcc emits. */
static const void *function_of(const struct launch *launch)
{
    return (const void *)launch_form(cuda_kernels, launch)->function;
}

struct cuda_state {
    cudaStream_t stream; /* its own: devices of several workers do not wait for each other */
    unsigned multiprocessors;
    size_t shared_room;
    bool measured;    /* of the architecture whose functions the models were fitted to: sm_90, an H100 */
    int major, minor; /* compute capability */
    char lost[256];   /* what was said when the context was lost; "": it is not */
};

enum {
    DRIVER_SIZE = 32,
    LEAST_MAJOR = 8 /* that has the asynchronous copies of row_ring.h */
};

/* The kernel driver's version, "535.104.05": what stands behind the first gap of two spaces in what it says of itself
 * ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  ..."); "unknown" where that cannot be read. */
static void driver_version(char *version)
{
    char line[256] = "";
    FILE *file = fopen("/proc/driver/nvidia/version", "re");
    const char *gap = file && fgets(line, sizeof line, file) ? strstr(line, "  ") : NULL;
    int length = gap ? (int)strspn(gap + 2, "0123456789.") : 0;
    snprintf(version, DRIVER_SIZE, "%.*s", length ? length : 7, length ? gap + 2 : "unknown");
    if (file)
        fclose(file);
}

/* Which GPUs there are is asked of the driver and of the environment, whose part is easily forgotten. */
static enum error_kind tell_none(struct error *error)
{
    const char *visible = getenv("CUDA_VISIBLE_DEVICES");
    (void)cudaGetLastError();
    return visible ? error_set(error, ERROR_SYSTEM, "device cuda: the driver has no GPU of CUDA_VISIBLE_DEVICES='%s'",
                               visible)
                   : error_set(error, ERROR_SYSTEM, "device cuda: the driver sees no GPU");
}

/* The runtime's own word for a driver that is too old, or is none, names neither. */
static enum error_kind count_devices(int *count, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    int known = 0, needed = 0;
    char driver[DRIVER_SIZE];
    cudaError_t code = cudaGetDeviceCount(count);
    if (code == cudaErrorNoDevice || (code == cudaSuccess && *count == 0))
        return tell_none(error);
    if (code == cudaErrorInsufficientDriver && cudaDriverGetVersion(&known) == cudaSuccess &&
        cudaRuntimeGetVersion(&needed) == cudaSuccess) {
        driver_version(driver);
        if (known == 0)
            return error_set(error, ERROR_SYSTEM, "device cuda: there is no driver of a GPU (libcuda.so.1)");
        return error_set(error, ERROR_SYSTEM,
                         "device cuda: the driver, %s, knows CUDA %d.%d, and this program takes CUDA %d.%d: it takes a "
                         "newer driver",
                         driver, known / 1000, known % 1000 / 10, needed / 1000, needed % 1000 / 10);
    }
    TRY_OF(code, "cudaGetDeviceCount");
out:
    return kind;
}

/* Makes the context and loads a kernel, so that a GPU that cannot be used is known before any work. */
static enum error_kind load_first_kernel(const struct cudaDeviceProp *properties, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct cudaFuncAttributes attributes;
    cudaError_t code = cudaFuncGetAttributes(&attributes, (const void *)cuda_kernels[0]->forms[0][0].function);
    if (code == cudaErrorNoKernelImageForDevice && properties->major < LEAST_MAJOR)
        return error_set(error, ERROR_SYSTEM, "device cuda: %s is sm_%d%d, and kernels take sm_%d0 or newer",
                         properties->name, properties->major, properties->minor, LEAST_MAJOR);
    if (code == cudaErrorNoKernelImageForDevice)
        return error_set(error, ERROR_SYSTEM,
                         "device cuda: %s is sm_%d%d, for which this program has no machine code; `make "
                         "CUDA_ARCHS=%d%d` builds one that has",
                         properties->name, properties->major, properties->minor, properties->major, properties->minor);
    TRY_OF(code, "cudaFuncGetAttributes");
out:
    return kind;
}

static enum error_kind cuda_open(void **state, char *name, const struct device_options *options, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct cudaDeviceProp properties;
    int count = 0, version = 0;
    char driver[DRIVER_SIZE];
    (void)options;
    struct cuda_state *opened = calloc(1, sizeof *opened);
    *state = opened;
    if (!opened)
        return error_memory(error, "device cuda", sizeof *opened);
    if ((kind = count_devices(&count, error)))
        goto out;
    TRY(cudaSetDevice(0));
    TRY(cudaGetDeviceProperties(&properties, 0));
    TRY(cudaRuntimeGetVersion(&version));
    if ((kind = load_first_kernel(&properties, error)))
        goto out;
    TRY(cudaStreamCreateWithFlags(&opened->stream, cudaStreamNonBlocking));
    opened->multiprocessors = (unsigned)properties.multiProcessorCount;
    opened->shared_room = properties.sharedMemPerBlockOptin;
    opened->measured = properties.major == 9 && properties.minor == 0;
    opened->major = properties.major;
    opened->minor = properties.minor;
    driver_version(driver);
    snprintf(name, DEVICE_NAME_SIZE, "%s (sm_%d%d, CUDA %d.%d, driver %s)", properties.name, properties.major,
             properties.minor, version / 1000, version % 1000 / 10, driver);
out:
    if (kind) {
        free(opened);
        *state = NULL;
    }
    return kind;
}

static void cuda_close(void *state)
{
    cudaStreamDestroy(((struct cuda_state *)state)->stream);
    free(state); /* the context goes with the process */
}

static bool cuda_has_models(const void *state)
{
    return ((const struct cuda_state *)state)->measured;
}

static unsigned cuda_enough_blocks(const void *state)
{
    return ((const struct cuda_state *)state)->multiprocessors;
}

static size_t cuda_shared_room(const void *state)
{
    return ((const struct cuda_state *)state)->shared_room;
}

/* Behind a failure: whether all that follows fails, too, as behind a kernel that has read where there is nothing. */
static enum error_kind notice_loss(struct cuda_state *state, enum error_kind kind, const struct error *error)
{
    if (kind && !*state->lost && cudaStreamSynchronize(state->stream) != cudaSuccess)
        snprintf(state->lost, sizeof state->lost, "%.255s", error->text);
    (void)cudaGetLastError();
    return kind;
}

/* What a run begins with. Of a context that is lost the runtime has the first fault's words for each later call, which
 * would be told of points that have nothing to do with it. */
static enum error_kind cuda_allocate(void *state, void **memory, size_t size_bytes, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct cuda_state *opened = state;
    *memory = NULL;
    if (*opened->lost)
        return error_set(error, ERROR_SYSTEM, "device cuda: lost to this process, since an earlier launch ended in: %s",
                         opened->lost);
    TRY(cudaMalloc(memory, size_bytes));
out:
    return kind;
}

static void cuda_release(void *state, void *memory)
{
    (void)state;
    cudaFree(memory); /* accepts NULL; after a failure the first error is the one that counts */
}

/* Waits for a copy from or to memory of the host's. A wait that fails is tried once more: the memory is its owner's
 * again when this returns, and a copy that is still to come would be one from or to what he has freed. */
static cudaError_t wait_for_copy(cudaStream_t stream)
{
    cudaError_t code = cudaStreamSynchronize(stream);
    if (code != cudaSuccess)
        (void)cudaStreamSynchronize(stream);
    return code;
}

static enum error_kind cuda_copy_in(void *state, void *to, const void *from, size_t size_bytes, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    cudaStream_t stream = ((struct cuda_state *)state)->stream;
    TRY(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyHostToDevice, stream));
    TRY(wait_for_copy(stream));
out:
    return kind;
}

static enum error_kind cuda_copy_out(void *state, void *to, const void *from, size_t size_bytes, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    cudaStream_t stream = ((struct cuda_state *)state)->stream;
    TRY(cudaMemcpyAsync(to, from, size_bytes, cudaMemcpyDeviceToHost, stream));
    TRY(wait_for_copy(stream));
out:
    return kind ? notice_loss(state, kind, error) : kind;
}

/* This and cuda_fill are in order with all that the stream was given before and is given later. Rows that lie side by
 * side are one piece, of which there may be more than rows of a copy in two dimensions. */
static enum error_kind cuda_copy_rows(void *state, const struct row_copy *copy, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    cudaStream_t stream = ((struct cuda_state *)state)->stream;
    if (copy->to_stride == copy->row_bytes && copy->from_stride == copy->row_bytes)
        TRY(cudaMemcpyAsync(copy->to, copy->from, copy->rows * copy->row_bytes, cudaMemcpyDeviceToDevice, stream));
    else
        TRY(cudaMemcpy2DAsync(copy->to, copy->to_stride, copy->from, copy->from_stride, copy->row_bytes, copy->rows,
                              cudaMemcpyDeviceToDevice, stream));
out:
    return kind;
}

static enum error_kind cuda_fill(void *state, void *memory, int byte, size_t size_bytes, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    TRY(cudaMemsetAsync(memory, byte, size_bytes, ((struct cuda_state *)state)->stream));
out:
    return kind;
}

static enum error_kind cuda_room(void *state, size_t *size_bytes, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    size_t total_bytes;
    (void)state;
    TRY(cudaMemGetInfo(size_bytes, &total_bytes));
out:
    return kind;
}

/* In order with copies of rows, as those are with each other. */
static enum error_kind cuda_make_elements(void *state, void *memory, const struct made_elements *made,
                                          struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct cuda_state *opened = state;
    TRY(key_kernels_make(made, memory, (int)opened->multiprocessors, opened->stream));
out:
    return kind;
}

static enum error_kind cuda_sum_blocks(void *state, uint64_t *sums, const struct block_rows *blocks,
                                       struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct cuda_state *opened = state;
    TRY(key_kernels_sum(blocks, sums, (int)opened->multiprocessors, opened->stream));
out:
    return kind;
}

static enum error_kind cuda_find_maxima(void *state, uint32_t *maxima, const struct row_maxima *find,
                                        struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const struct cuda_state *opened = state;
    TRY(key_kernels_maxima(find, maxima, (int)opened->multiprocessors, opened->stream));
out:
    return kind;
}

/* More dynamic shared memory than a kernel may have unasked. */
static enum error_kind allow_shared_memory(const struct launch *launch, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    if (launch->shared_bytes)
        TRY(cudaFuncSetAttribute(function_of(launch), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 (int)launch->shared_bytes));
out:
    return kind;
}

enum error_kind cuda_prepare(const struct launch_plan *plan, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    for (int i = 0; i < plan->num_launches && !kind; i++) {
        struct cudaFuncAttributes attributes; /* asked for, a function is loaded */
        TRY(cudaFuncGetAttributes(&attributes, function_of(&plan->launches[i])));
        kind = allow_shared_memory(&plan->launches[i], error);
    }
out:
    return kind;
}

enum error_kind cuda_enqueue(const struct launch_plan *plan, cudaStream_t stream, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct attention_args args = plan->args;
    for (int i = 0; i < plan->num_launches; i++) {
        const struct launch *launch = &plan->launches[i];
        dim3 grid = {launch->blocks_x, launch->blocks_y, launch->blocks_z}, block = {launch->threads, 1, 1};
        void *arguments[] = {&args};
        TRY(cudaLaunchKernel(function_of(launch), grid, block, arguments, launch->shared_bytes, stream));
    }
out:
    return kind;
}

enum error_kind cuda_usage_of(struct cuda_usage *usage, const struct launch *launch, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    const void *function = function_of(launch);
    struct cudaFuncAttributes attributes;
    int blocks = 0;
    TRY(cudaFuncGetAttributes(&attributes, function));
    if ((kind = allow_shared_memory(launch, error)))
        goto out;
    TRY(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, function, (int)launch->threads, launch->shared_bytes));
    *usage = (struct cuda_usage){.registers = attributes.numRegs,
                                 .local_bytes = (int)attributes.localSizeBytes,
                                 .shared_bytes = (int)(attributes.sharedSizeBytes + launch->shared_bytes),
                                 .blocks_per_multiprocessor = blocks};
out:
    return kind;
}

/* The GPU makes the sums of its own tensor cores: a recipe that has others would be taken for what it is not. */
static enum error_kind check_tensor_cores(const struct cuda_state *state, const struct launch_plan *plan,
                                          struct error *error)
{
    enum tensor_core own = tensor_core_of_capability(state->major, state->minor);
    if (!kernels[plan->kernel]->tensor_cores || plan->args.recipe.tensor_core == own)
        return ERROR_NONE;
    return error_set(
        error, ERROR_USAGE, "kernel %s: the recipe has tensor_core %s, and this GPU is sm_%d%d; allowed: %s",
        kernels[plan->kernel]->name, tensor_cores[plan->args.recipe.tensor_core].name, state->major, state->minor,
        own < TENSOR_CORE_COUNT ? tensor_cores[own].name : "none, since its sums have not been measured");
}

static enum error_kind cuda_launch(void *state, const struct launch_plan *plan, double *seconds, struct error *error)
{
    cudaStream_t stream = ((struct cuda_state *)state)->stream;
    enum error_kind kind = check_tensor_cores(state, plan, error);
    cudaEvent_t start = NULL, end = NULL;
    float milliseconds = 0;
    if (!kind)
        kind = cuda_prepare(plan, error);
    if (kind)
        return kind;
    TRY(cudaEventCreate(&start));
    TRY(cudaEventCreate(&end));
    TRY(cudaEventRecord(start, stream));
    kind = cuda_enqueue(plan, stream, error);
    if (kind)
        goto out;
    TRY(cudaEventRecord(end, stream));
    TRY(cudaEventSynchronize(end));
    TRY(cudaEventElapsedTime(&milliseconds, start, end));
    *seconds = 1e-3 * (double)milliseconds;
out:
    if (start)
        cudaEventDestroy(start);
    if (end)
        cudaEventDestroy(end);
    return kind ? notice_loss(state, kind, error) : kind;
}

const struct device_ops device_cuda_ops = {
    .open = cuda_open,
    .close = cuda_close,
    .allocate = cuda_allocate,
    .release = cuda_release,
    .copy_in = cuda_copy_in,
    .copy_out = cuda_copy_out,
    .copy_rows = cuda_copy_rows,
    .fill = cuda_fill,
    .room = cuda_room,
    .make_elements = cuda_make_elements,
    .sum_blocks = cuda_sum_blocks,
    .find_maxima = cuda_find_maxima,
    .plain_alone = true,
    .has_models = cuda_has_models,
    .enough_blocks = cuda_enough_blocks,
    .shared_room = cuda_shared_room,
    .launch = cuda_launch,
};
