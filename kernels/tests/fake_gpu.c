#include "kernels/tests/fake_gpu.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cuda_runtime_api.h>

#include "kernels/attention/attention_args.h"
#include "kernels/device/key_kernels.h"
#include "kernels/probe/prober_kernels.h"
#include "kernels/probe/probe.h"
#include "kernels/tests/fake_gpu_kernel.h"
#include "kernels/tests/fake_gpu_keys.h"
#include "kernels/tests/fake_gpu_memory.h"
#include "kernels/tests/gpu_read.h"

struct fake_gpu fake_gpu = {.count = 1, .major = 9, .minor = 0, .multiprocessors = 4, .shared_room = 227 << 10};
long fake_gpu_calls_left = -1;
bool fake_gpu_fails_once, fake_gpu_others_first;

enum { UNASKED_SHARED_BYTES = 48 << 10, MAX_GRID_YZ = 65535 };

static const unsigned max_grid_x = 0x7fffffff;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* one call at a time */
static _Thread_local cudaError_t last_error;
static int held;

/* ---- streams ----------------------------------------------------------------------------------------------------- */

enum work_kind { WORK_COPY, WORK_FILL, WORK_KERNEL, WORK_KEYS, WORK_EVENT };

struct work {
    enum work_kind kind;
    char *to;
    const char *from;
    size_t to_stride, from_stride, row_bytes, rows; /* of a copy or, of one row, what is filled */
    int byte;
    const struct compiled_form *form;
    unsigned grid[4]; /* blocks, and a block's threads */
    struct attention_args args;
    struct fake_key_work keys;
    cudaEvent_t event;
};

struct queue {
    struct work *work;
    size_t count, capacity;
};

/* Those that CUDA's header names and does not define. */
struct CUstream_st {
    struct queue queue, captured;
    bool captures, capture_failed;
    struct CUstream_st *next;
};

struct CUevent_st {
    bool recorded, done;
    double seconds;
    cudaStream_t stream;
};

struct CUgraph_st {
    struct queue queue;
};

struct CUgraphExec_st {
    struct queue queue;
};

static struct CUstream_st legacy;       /* that of calls without a stream */
static struct CUstream_st *all_streams; /* the others */
static cudaError_t lost;                /* a kernel has failed: so does all that follows */

static bool queue_add(struct queue *queue, const struct work *work)
{
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity ? 2 * queue->capacity : 16;
        struct work *more = realloc(queue->work, capacity * sizeof *more);
        if (!more)
            return false;
        queue->work = more;
        queue->capacity = capacity;
    }
    queue->work[queue->count++] = *work;
    return true;
}

static bool queue_copy(struct queue *to, const struct queue *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (!queue_add(to, &from->work[i]))
            return false;
    return true;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void run_work(const struct work *work)
{
    switch (work->kind) {
    case WORK_COPY:
        for (size_t row = 0; row < work->rows; row++)
            memmove(work->to + row * work->to_stride, work->from + row * work->from_stride, work->row_bytes);
        break;
    case WORK_FILL:
        memset(work->to, work->byte, work->row_bytes);
        break;
    case WORK_KERNEL:
        if (!fake_gpu_run(work->form, work->grid, &work->args))
            lost = cudaErrorLaunchFailure;
        break;
    case WORK_KEYS:
        fake_gpu_work_on_keys(&work->keys);
        break;
    default:
        work->event->done = true;
        work->event->seconds = now_s();
    }
}

static void run_all(void);

/* Work is taken off the queue as it runs, so that streams that run each other's do it once. */
static void run_stream(struct CUstream_st *stream)
{
    struct queue queue = stream->queue;
    stream->queue = (struct queue){NULL, 0, 0};
    for (size_t i = 0; i < queue.count && lost == cudaSuccess; i++) {
        if (fake_gpu_others_first && queue.work[i].kind == WORK_KERNEL)
            run_all();
        fake_memory_open(true);
        run_work(&queue.work[i]);
        fake_memory_open(false);
    }
    free(queue.work);
}

static void run_all(void)
{
    run_stream(&legacy);
    for (struct CUstream_st *stream = all_streams; stream; stream = stream->next)
        run_stream(stream);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* Whether a stream is under capture, when what follows must not be called; it then is lost to the capture. */
static bool disturbs_capture(void)
{
    bool disturbs = false;
    for (struct CUstream_st *stream = all_streams; stream; stream = stream->next)
        if (stream->captures)
            disturbs = stream->capture_failed = true;
    return disturbs;
}

static cudaError_t leave(cudaError_t code)
{
    pthread_mutex_unlock(&lock);
    if (code != cudaSuccess)
        last_error = code;
    return code;
}

static void drop_queue(struct CUstream_st *stream)
{
    free(stream->queue.work);
    stream->queue = (struct queue){NULL, 0, 0};
}

/* Of a device whose calls fail from now on nothing that was put on a stream runs any more. */
static void drop_all(void)
{
    drop_queue(&legacy);
    for (struct CUstream_st *stream = all_streams; stream; stream = stream->next)
        drop_queue(stream);
}

static cudaError_t enter(void)
{
    pthread_mutex_lock(&lock);
    if (fake_gpu_calls_left >= 0 && fake_gpu_calls_left-- == 0) {
        fake_gpu_calls_left = fake_gpu_fails_once ? -1 : 0;
        if (!fake_gpu_fails_once)
            drop_all();
        return cudaErrorUnknown;
    }
    if (fake_gpu.count == 0)
        return cudaErrorNoDevice;
    return lost;
}

#define ENTER()                        \
    do {                               \
        cudaError_t entered = enter(); \
        if (entered != cudaSuccess)    \
            return leave(entered);     \
    } while (0)

static cudaError_t put(cudaStream_t stream, const struct work *work)
{
    struct CUstream_st *on = stream ? stream : &legacy;
    return queue_add(on->captures ? &on->captured : &on->queue, work) ? cudaSuccess : cudaErrorMemoryAllocation;
}

/* Whether both sides of a copy are what its kind says. */
static bool copy_is_sound(const struct work *copy, enum cudaMemcpyKind kind)
{
    bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (copy->rows == 0 || copy->row_bytes == 0)
        return true;
    size_t to_bytes = (copy->rows - 1) * copy->to_stride + copy->row_bytes;
    size_t from_bytes = (copy->rows - 1) * copy->from_stride + copy->row_bytes;
    return copy->to_stride >= copy->row_bytes && copy->from_stride >= copy->row_bytes &&
           (to_device ? fake_memory_holds(copy->to, to_bytes) : !fake_memory_has(copy->to)) &&
           (from_device ? fake_memory_holds(copy->from, from_bytes) : !fake_memory_has(copy->from));
}

static cudaError_t copy(const struct work *copy, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    return copy_is_sound(copy, kind) ? put(stream, copy) : cudaErrorInvalidValue;
}

static struct work rows_of(void *to, size_t to_stride, const void *from, size_t from_stride, size_t row_bytes,
                           size_t rows)
{
    return (struct work){.kind = WORK_COPY,
                         .to = to,
                         .from = from,
                         .to_stride = to_stride,
                         .from_stride = from_stride,
                         .row_bytes = row_bytes,
                         .rows = rows};
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t size_bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream)
{
    ENTER();
    const struct work work = rows_of(to, size_bytes, from, size_bytes, size_bytes, 1);
    return leave(copy(&work, kind, stream));
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride, size_t row_bytes,
                              size_t rows, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    ENTER();
    const struct work work = rows_of(to, to_stride, from, from_stride, row_bytes, rows);
    return leave(copy(&work, kind, stream));
}

/* Is done when it returns, but for copies on the device. Streams that do not wait for others do not wait for it. */
cudaError_t cudaMemcpy(void *to, const void *from, size_t size_bytes, enum cudaMemcpyKind kind)
{
    ENTER();
    if (disturbs_capture())
        return leave(cudaErrorStreamCaptureUnsupported);
    const struct work work = rows_of(to, size_bytes, from, size_bytes, size_bytes, 1);
    cudaError_t code = copy(&work, kind, NULL);
    if (kind != cudaMemcpyDeviceToDevice)
        run_stream(&legacy);
    return leave(code);
}

static cudaError_t fill(void *to, int byte, size_t size_bytes, cudaStream_t stream)
{
    const struct work work = {.kind = WORK_FILL, .to = to, .row_bytes = size_bytes, .byte = byte};
    return fake_memory_holds(to, size_bytes) ? put(stream, &work) : cudaErrorInvalidValue;
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t size_bytes, cudaStream_t stream)
{
    ENTER();
    return leave(fill(to, byte, size_bytes, stream));
}

cudaError_t cudaMemset(void *to, int byte, size_t size_bytes)
{
    ENTER();
    return leave(disturbs_capture() ? cudaErrorStreamCaptureUnsupported : fill(to, byte, size_bytes, NULL));
}

cudaError_t cudaMalloc(void **address, size_t size_bytes)
{
    ENTER();
    *address = NULL;
    if (disturbs_capture())
        return leave(cudaErrorStreamCaptureUnsupported);
    if (size_bytes == 0)
        return leave(cudaSuccess);
    *address = fake_memory_allocate(size_bytes);
    held += *address != NULL;
    return leave(*address ? cudaSuccess : cudaErrorMemoryAllocation);
}

/* Waits for everything, since somebody may still use it. */
cudaError_t cudaFree(void *address)
{
    pthread_mutex_lock(&lock);
    run_all();
    bool freed = !address || fake_memory_release(address);
    held -= address && freed;
    return leave(freed ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    ENTER();
    *available = fake_memory_left();
    *total = fake_memory_bytes();
    return leave(cudaSuccess);
}

/* ---- streams, events and graphs ---------------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    ENTER();
    *stream = flags == cudaStreamNonBlocking ? calloc(1, sizeof **stream) : NULL; /* others are not asked for */
    if (!*stream)
        return leave(cudaErrorInvalidValue);
    (*stream)->next = all_streams;
    all_streams = *stream;
    held++;
    return leave(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    pthread_mutex_lock(&lock);
    struct CUstream_st **link = &all_streams;
    while (*link && *link != stream)
        link = &(*link)->next;
    if (!*link)
        return leave(cudaErrorInvalidResourceHandle);
    run_stream(stream);
    *link = stream->next;
    free(stream->queue.work);
    free(stream->captured.work);
    free(stream);
    held--;
    return leave(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    ENTER();
    if (stream && stream->captures) {
        stream->capture_failed = true;
        return leave(cudaErrorStreamCaptureUnsupported);
    }
    run_stream(stream ? stream : &legacy);
    return leave(lost);
}

cudaError_t cudaDeviceSynchronize(void)
{
    ENTER();
    if (disturbs_capture())
        return leave(cudaErrorStreamCaptureUnsupported);
    run_all();
    return leave(lost);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    ENTER();
    *event = calloc(1, sizeof **event);
    held += *event != NULL;
    return leave(*event ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    pthread_mutex_lock(&lock);
    if (event->recorded)
        run_stream(event->stream); /* which may still have it to record */
    free(event);
    held--;
    return leave(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    ENTER();
    event->recorded = true;
    event->done = false;
    event->stream = stream ? stream : &legacy;
    return leave(put(stream, &(struct work){.kind = WORK_EVENT, .event = event}));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    ENTER();
    if (event->recorded)
        run_stream(event->stream);
    return leave(lost);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    ENTER();
    if (!start->recorded || !end->recorded)
        return leave(cudaErrorInvalidResourceHandle);
    if (!start->done || !end->done)
        return leave(cudaErrorNotReady);
    *milliseconds = (float)(1e3 * (end->seconds - start->seconds));
    return leave(cudaSuccess);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    ENTER();
    (void)mode;
    if (!stream || stream->captures)
        return leave(cudaErrorStreamCaptureUnsupported);
    stream->captures = true;
    stream->capture_failed = false;
    stream->captured.count = 0;
    return leave(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    pthread_mutex_lock(&lock);
    *graph = NULL;
    if (!stream->captures)
        return leave(cudaErrorIllegalState);
    stream->captures = false;
    if (stream->capture_failed)
        return leave(cudaErrorStreamCaptureInvalidated);
    *graph = calloc(1, sizeof **graph);
    if (!*graph || !queue_copy(&(*graph)->queue, &stream->captured))
        return leave(cudaErrorMemoryAllocation);
    held++;
    return leave(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    pthread_mutex_lock(&lock);
    free(graph->queue.work);
    free(graph);
    held--;
    return leave(cudaSuccess);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags)
{
    ENTER();
    (void)flags;
    *executable = calloc(1, sizeof **executable);
    if (!*executable || !queue_copy(&(*executable)->queue, &graph->queue))
        return leave(cudaErrorMemoryAllocation);
    held++;
    return leave(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    pthread_mutex_lock(&lock);
    free(executable->queue.work);
    free(executable);
    held--;
    return leave(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    ENTER();
    for (size_t i = 0; i < executable->queue.count; i++)
        if (put(stream, &executable->queue.work[i]) != cudaSuccess)
            return leave(cudaErrorMemoryAllocation);
    return leave(cudaSuccess);
}

/* ---- functions --------------------------------------------------------------------------------------------------- */

#define HOST_KERNEL(enumerator, name) [KERNEL_##enumerator] = &host_##name,
static const struct compiled_kernel *const host_kernels[KERNEL_COUNT] = {KERNELS(HOST_KERNEL)};

/* What CUDA keeps of a function. */
struct loaded {
    const struct compiled_form *form;
    bool loaded;
    size_t shared_bytes; /* that a launch may ask for */
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
                    functions[count] = (struct loaded){.form = &host_kernels[kernel]->forms[step][form],
                                                       .shared_bytes = UNASKED_SHARED_BYTES};
                    return &functions[count++];
                }
    return NULL;
}

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *address)
{
    ENTER();
    struct loaded *function = function_at(address);
    if (!function || disturbs_capture()) /* loading one does */
        return leave(function ? cudaErrorStreamCaptureUnsupported : cudaErrorInvalidDeviceFunction);
    function->loaded = true;
    *attributes = (struct cudaFuncAttributes){.numRegs = 128, .maxThreadsPerBlock = MAX_BLOCK_THREADS};
    return leave(cudaSuccess);
}

cudaError_t cudaFuncSetAttribute(const void *address, enum cudaFuncAttribute attribute, int value)
{
    ENTER();
    struct loaded *function = function_at(address);
    if (!function || attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
        (size_t)value > fake_gpu.shared_room)
        return leave(cudaErrorInvalidValue);
    function->shared_bytes = (size_t)value;
    return leave(cudaSuccess);
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *count, const void *address, int threads,
                                                          size_t shared_bytes)
{
    ENTER();
    struct loaded *function = function_at(address);
    *count = threads <= MAX_BLOCK_THREADS && shared_bytes <= fake_gpu.shared_room ? 2 : 0;
    return leave(function ? cudaSuccess : cudaErrorInvalidDeviceFunction);
}

/* Pointers are NULL, or to memory of the device. */
static bool arguments_are_sound(const struct attention_args *args)
{
    const void *const pointers[] = {args->q,           args->k,       args->v,         args->page_table, args->slopes,
                                    args->sink_logits, args->visible, args->sequences, args->out,        args->lse};
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
    struct work work = {.kind = WORK_KERNEL, .grid = {grid.x, grid.y, grid.z, block.x}};
    memcpy(&work.args, arguments[0], sizeof work.args);
    if (!function)
        return leave(cudaErrorInvalidDeviceFunction);
    if (grid.x < 1 || grid.x > max_grid_x || grid.y < 1 || grid.y > MAX_GRID_YZ || grid.z < 1 || grid.z > MAX_GRID_YZ ||
        block.x < 1 || block.x > MAX_BLOCK_THREADS || block.y != 1 || block.z != 1)
        return leave(cudaErrorInvalidConfiguration);
    if (shared_bytes > function->shared_bytes)
        return leave(cudaErrorInvalidValue);
    if (!function->loaded && disturbs_capture())
        return leave(cudaErrorStreamCaptureUnsupported);
    if (!arguments_are_sound(&work.args)) {
        fprintf(stderr, "fake GPU: %s has an argument that is not in the device's memory\n", function->form->name);
        lost = cudaErrorIllegalAddress;
        return leave(lost);
    }
    function->loaded = true;
    work.form = function->form;
    return leave(put(stream, &work));
}

/* ---- the device -------------------------------------------------------------------------------------------------- */

cudaError_t cudaGetDeviceCount(int *count)
{
    pthread_mutex_lock(&lock);
    *count = fake_gpu.count;
    return leave(fake_gpu.count > 0 ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device)
{
    ENTER();
    return leave(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
    ENTER();
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "no GPU, its calls alone");
    properties->major = fake_gpu.major;
    properties->minor = fake_gpu.minor;
    properties->multiProcessorCount = fake_gpu.multiprocessors;
    properties->sharedMemPerBlockOptin = fake_gpu.shared_room;
    properties->l2CacheSize = 1 << 20;
    return leave(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
    ENTER();
    *version = CUDART_VERSION;
    return leave(cudaSuccess);
}

cudaError_t cudaGetLastError(void)
{
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

const char *cudaGetErrorName(cudaError_t code)
{
    return code == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "cudaError";
}

const char *cudaGetErrorString(cudaError_t code)
{
    static _Thread_local char text[32];
    snprintf(text, sizeof text, "error %d", (int)code);
    return text;
}

int fake_gpu_held(void)
{
    return held;
}

/* ---- what nvcc compiles besides ---------------------------------------------------------------------------------- */

cudaError_t gpu_read(const void *data, size_t size_bytes, void *sink, int multiprocessors, cudaStream_t stream)
{
    ENTER();
    const struct work work = {.kind = WORK_FILL, .to = sink, .row_bytes = 4};
    bool sound = fake_memory_holds(data, size_bytes) && fake_memory_holds(sink, 4) &&
                 multiprocessors == fake_gpu.multiprocessors;
    return leave(sound ? put(stream, &work) : cudaErrorInvalidValue);
}

/* What is not where the GPU can work on it ends what it does, as a kernel's arguments do. */
static cudaError_t work_on_keys(const struct fake_key_work *keys, int multiprocessors, cudaStream_t stream)
{
    const struct work work = {.kind = WORK_KEYS, .keys = *keys};
    ENTER();
    if (multiprocessors != fake_gpu.multiprocessors)
        return leave(cudaErrorInvalidValue);
    if (!fake_gpu_keys_are_sound(keys)) {
        fprintf(stderr, "fake GPU: keys that are not in the device's memory, or not where they can be worked on\n");
        lost = cudaErrorIllegalAddress;
        return leave(lost);
    }
    return leave(put(stream, &work));
}

cudaError_t key_kernels_make(const struct made_elements *made, void *memory, int multiprocessors, cudaStream_t stream)
{
    return work_on_keys(&(struct fake_key_work){.made = *made, .memory = memory}, multiprocessors, stream);
}

cudaError_t key_kernels_sum(const struct block_rows *blocks, uint64_t *sums, int multiprocessors, cudaStream_t stream)
{
    return work_on_keys(&(struct fake_key_work){.blocks = *blocks, .sums = sums}, multiprocessors, stream);
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
    return leave(as_modelled(prober_model.digests((enum function)function, first, count, digests, NULL, &error)));
}

cudaError_t prober_results(int function, uint32_t first, uint32_t count, uint32_t *results)
{
    struct error error;
    ENTER();
    return leave(as_modelled(prober_model.results((enum function)function, first, count, results, &error)));
}

cudaError_t prober_sums(enum dtype dtype, const struct mma_sum *sums, size_t count, uint32_t *results)
{
    struct error error;
    ENTER();
    return leave(as_modelled(prober_model.sums(dtype, sums, count, results, &error)));
}
