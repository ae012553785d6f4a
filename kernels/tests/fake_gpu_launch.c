/* Kernels on a GPU that is not there (fake_gpu.h): their host forms, and models of what nvcc compiles besides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/attention/plain.h"
#include "kernels/device/key_kernels.h"
#include "kernels/probe/probe.h"
#include "kernels/probe/prober_kernels.h"
#include "kernels/tests/fake_gpu.h"
#include "kernels/tests/fake_gpu_call.h"
#include "kernels/tests/fake_gpu_memory.h"
#include "kernels/tests/fake_gpu_queue.h"
#include "kernels/tests/gpu_read.h"

enum { UNASKED_SHARED_BYTES = 48 << 10, MAX_GRID_YZ = 65535 };

static const unsigned max_grid_x = 0x7fffffff;

#define HOST_KERNEL(enumerator, name) [KERNEL_##enumerator] = &host_##name,
static const struct compiled_kernel *const host_kernels[KERNEL_COUNT] = {KERNELS(HOST_KERNEL)};

/* What CUDA keeps of a function. */
struct loaded {
    const struct compiled_form *form;
    bool loaded, told;
    size_t own_shared_bytes; /* that a block has unasked: here the most that forms with a ring may have */
    size_t shared_bytes;     /* that a launch may ask for beside them */
};

/* Of what was asked for: few of all. A function that stands for several forms is one. */
static struct loaded *function_at(const void *address)
{
    enum { MOST = 4096 };
    static struct loaded functions[MOST];
    static int count;
    for (int i = 0; i < count; i++)
        if ((const void *)functions[i].form->function == address)
            return &functions[i];
    for (int kernel = 0; kernel < KERNEL_COUNT; kernel++)
        for (int step = 0; step < kernels[kernel]->num_launches; step++)
            for (int form = 0; form < NUM_GENERIC_FORMS + NUM_PLAIN_FORMS && count < MOST; form++)
                if ((const void *)host_kernels[kernel]->forms[step][form].function == address && address) {
                    functions[count] =
                        (struct loaded){.form = &host_kernels[kernel]->forms[step][form],
                                        .own_shared_bytes = form < NUM_GENERIC_FORMS ? 0 : PLAIN_STATIC_BYTES_MAX,
                                        .shared_bytes = UNASKED_SHARED_BYTES};
                    return &functions[count++];
                }
    return NULL;
}

/* Which functions were launched, for who asks: their names into the file FAKE_GPU_LAUNCHED. */
static void tell_launched(struct loaded *function)
{
    const char *path = function->told ? NULL : getenv("FAKE_GPU_LAUNCHED");
    FILE *file = path ? fopen(path, "ae") : NULL;
    function->told = true;
    if (path && (!file || fprintf(file, "%s\n", function->form->name) < 0 || fclose(file)))
        abort();
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *address)
{
    ENTER();
    struct loaded *function = function_at(address);
    if (fake_gpu.no_image)
        return fake_call_leave(cudaErrorNoKernelImageForDevice);
    if (!function || fake_streams_disturb_capture()) /* loading one does */
        return fake_call_leave(function ? cudaErrorStreamCaptureUnsupported : cudaErrorInvalidDeviceFunction);
    function->loaded = true;
    *attributes = (struct cudaFuncAttributes){
        .numRegs = 128, .maxThreadsPerBlock = MAX_BLOCK_THREADS, .sharedSizeBytes = function->own_shared_bytes};
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaFuncSetAttribute(const void *address, enum cudaFuncAttribute attribute, int value)
{
    ENTER();
    struct loaded *function = function_at(address);
    if (!function || attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        (size_t)value + function->own_shared_bytes > fake_gpu.shared_room)
        return fake_call_leave(cudaErrorInvalidValue);
    function->shared_bytes = (size_t)value;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *count, const void *address, int threads,
                                                          size_t shared_bytes)
{
    ENTER();
    struct loaded *function = function_at(address);
    if (!function)
        return fake_call_leave(cudaErrorInvalidDeviceFunction);
    size_t all_bytes = shared_bytes + function->own_shared_bytes;
    *count = threads <= MAX_BLOCK_THREADS && all_bytes <= fake_gpu.shared_room ? 2 : 0;
    return fake_call_leave(cudaSuccess);
}

/* Pointers are NULL, or to memory of the device. */
static bool arguments_are_sound(const struct attention_args *args)
{
    const void *const pointers[] = {args->q,        args->k,           args->v,       args->page_table,
                                    args->slopes,   args->sink_logits, args->visible, args->sequences,
                                    args->arrivals, args->out,         args->lse};
    bool sound = args->recipe.name == NULL;
    for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++)
        sound = sound && (!pointers[i] || fake_memory_holds(pointers[i], 1));
    for (int i = 0; i < MAX_WORKSPACE_BUFFERS; i++)
        sound = sound && (!args->workspace[i] || fake_memory_holds(args->workspace[i], 1));
    return sound;
}

cudaError_t cudaLaunchKernel(const void *address, dim3 grid, dim3 block, void **arguments, size_t shared_bytes,
                             cudaStream_t stream)
{
    ENTER();
    struct loaded *function = function_at(address);
    struct fake_work work = {.kind = WORK_KERNEL, .grid = {grid.x, grid.y, grid.z, block.x}};
    memcpy(&work.args, arguments[0], sizeof work.args);
    if (!function)
        return fake_call_leave(cudaErrorInvalidDeviceFunction);
    if (grid.x < 1 || grid.x > max_grid_x || grid.y < 1 || grid.y > MAX_GRID_YZ || grid.z < 1 || grid.z > MAX_GRID_YZ ||
        block.x < 1 || block.x > MAX_BLOCK_THREADS || block.y != 1 || block.z != 1)
        return fake_call_leave(cudaErrorInvalidConfiguration);
    if (shared_bytes > function->shared_bytes)
        return fake_call_leave(cudaErrorInvalidValue);
    if (!function->loaded && fake_streams_disturb_capture())
        return fake_call_leave(cudaErrorStreamCaptureUnsupported);
    if (!arguments_are_sound(&work.args)) {
        fprintf(stderr, "fake GPU: %s has an argument that is not in the device's memory\n", function->form->name);
        fake_gpu_lost = cudaErrorIllegalAddress;
        return fake_call_leave(fake_gpu_lost);
    }
    function->loaded = true;
    tell_launched(function);
    work.form = function->form;
    return fake_call_leave(fake_stream_put(stream, &work));
}

/* ---- what nvcc compiles besides ---------------------------------------------------------------------------------- */

/* Behind a launch of theirs these ask what the last error was, be it of an earlier call. */
static cudaError_t leave_launch(cudaError_t code)
{
    fake_call_leave(code);
    return cudaGetLastError();
}

cudaError_t gpu_read(const void *data, size_t size_bytes, void *sink, int multiprocessors, cudaStream_t stream)
{
    ENTER();
    const struct fake_work work = {.kind = WORK_FILL, .to = sink, .row_bytes = 4};
    bool sound = fake_memory_holds(data, size_bytes) && fake_memory_holds(sink, 4) &&
                 multiprocessors == fake_gpu.multiprocessors;
    return leave_launch(sound ? fake_stream_put(stream, &work) : cudaErrorInvalidValue);
}

/* What is not where the GPU can work on it ends what it does, as a kernel's arguments do. */
static cudaError_t work_on_keys(const struct fake_key_work *keys, int multiprocessors, cudaStream_t stream)
{
    const struct fake_work work = {.kind = WORK_KEYS, .keys = *keys};
    ENTER();
    if (multiprocessors != fake_gpu.multiprocessors)
        return leave_launch(cudaErrorInvalidValue);
    if (!fake_gpu_keys_are_sound(keys)) {
        fprintf(stderr, "fake GPU: keys that are not in the device's memory, or not where they can be worked on\n");
        fake_gpu_lost = cudaErrorIllegalAddress;
        return leave_launch(fake_gpu_lost);
    }
    return leave_launch(fake_stream_put(stream, &work));
}

cudaError_t key_kernels_make(const struct made_elements *made, void *memory, int multiprocessors, cudaStream_t stream)
{
    return work_on_keys(&(struct fake_key_work){.made = *made, .memory = memory}, multiprocessors, stream);
}

cudaError_t key_kernels_sum(const struct block_rows *blocks, uint64_t *sums, int multiprocessors, cudaStream_t stream)
{
    return work_on_keys(&(struct fake_key_work){.blocks = *blocks, .sums = sums}, multiprocessors, stream);
}

cudaError_t key_kernels_maxima(const struct row_maxima *find, uint32_t *maxima, int multiprocessors,
                               cudaStream_t stream)
{
    return work_on_keys(&(struct fake_key_work){.find = *find, .maxima = maxima}, multiprocessors, stream);
}

/* The GPU's functions and sums are the models'. */
static cudaError_t as_modelled(enum error_kind kind)
{
    return kind ? cudaErrorUnknown : cudaSuccess;
}

cudaError_t prober_digests(int function, uint32_t first, uint32_t count, uint64_t *digests)
{
    struct error error;
    ENTER();
    return leave_launch(
        as_modelled(prober_model.digests((enum function)function, first, count, digests, NULL, &error)));
}

cudaError_t prober_results(int function, uint32_t first, uint32_t count, uint32_t *results)
{
    struct error error;
    ENTER();
    return leave_launch(as_modelled(prober_model.results((enum function)function, first, count, results, &error)));
}

cudaError_t prober_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results)
{
    struct error error;
    ENTER();
    return leave_launch(as_modelled(prober_model.sums(dtype, sums, count, results, &error)));
}
