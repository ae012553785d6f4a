/* What is allocated, copied and filled on a GPU that is not there (fake_gpu.h). */
#include "kernels/tests/fake_gpu_call.h"
#include "kernels/tests/fake_gpu_memory.h"
#include "kernels/tests/fake_gpu_queue.h"

static const size_t max_pitch = 0x7fffffff; /* cudaDeviceProp.memPitch of every GPU */

/* Whether both sides of a copy are what its kind says. */
static bool copy_is_sound(const struct fake_work *copy, enum cudaMemcpyKind kind)
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

static cudaError_t copy(const struct fake_work *copy, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    return copy_is_sound(copy, kind) ? fake_stream_put(stream, copy) : cudaErrorInvalidValue;
}

static struct fake_work rows_of(void *to, size_t to_stride, const void *from, size_t from_stride, size_t row_bytes,
                                size_t rows)
{
    return (struct fake_work){.kind = WORK_COPY,
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
    const struct fake_work work = rows_of(to, size_bytes, from, size_bytes, size_bytes, 1);
    return fake_call_leave(copy(&work, kind, stream));
}

cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride, size_t row_bytes,
                              size_t rows, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    ENTER();
    const struct fake_work work = rows_of(to, to_stride, from, from_stride, row_bytes, rows);
    if (to_stride > max_pitch || from_stride > max_pitch)
        return fake_call_leave(cudaErrorInvalidPitchValue);
    return fake_call_leave(copy(&work, kind, stream));
}

/* Is done when it returns, but for copies on the device. Streams that do not wait for others do not wait for it. */
cudaError_t cudaMemcpy(void *to, const void *from, size_t size_bytes, enum cudaMemcpyKind kind)
{
    ENTER();
    if (fake_streams_disturb_capture())
        return fake_call_leave(cudaErrorStreamCaptureUnsupported);
    const struct fake_work work = rows_of(to, size_bytes, from, size_bytes, size_bytes, 1);
    cudaError_t code = copy(&work, kind, NULL);
    if (kind != cudaMemcpyDeviceToDevice)
        fake_stream_run(&fake_legacy_stream);
    return fake_call_leave(code);
}

static cudaError_t fill(void *to, int byte, size_t size_bytes, cudaStream_t stream)
{
    const struct fake_work work = {.kind = WORK_FILL, .to = to, .row_bytes = size_bytes, .byte = byte};
    return fake_memory_holds(to, size_bytes) ? fake_stream_put(stream, &work) : cudaErrorInvalidValue;
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t size_bytes, cudaStream_t stream)
{
    ENTER();
    return fake_call_leave(fill(to, byte, size_bytes, stream));
}

cudaError_t cudaMemset(void *to, int byte, size_t size_bytes)
{
    ENTER();
    return fake_call_leave(fake_streams_disturb_capture() ? cudaErrorStreamCaptureUnsupported
                                                          : fill(to, byte, size_bytes, NULL));
}

cudaError_t cudaMalloc(void **address, size_t size_bytes)
{
    ENTER();
    *address = NULL;
    if (fake_streams_disturb_capture())
        return fake_call_leave(cudaErrorStreamCaptureUnsupported);
    if (size_bytes == 0)
        return fake_call_leave(cudaSuccess);
    *address = fake_memory_allocate(size_bytes);
    fake_gpu_holds += *address != NULL;
    return fake_call_leave(*address ? cudaSuccess : cudaErrorMemoryAllocation);
}

/* Waits for everything, since somebody may still use it. */
cudaError_t cudaFree(void *address)
{
    fake_call_begin();
    fake_streams_run();
    bool freed = !address || fake_memory_release(address);
    fake_gpu_holds -= address && freed;
    return fake_call_leave(freed ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    ENTER();
    *available = fake_memory_left();
    *total = fake_memory_bytes();
    return fake_call_leave(cudaSuccess);
}
