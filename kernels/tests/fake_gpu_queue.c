#include "kernels/tests/fake_gpu_queue.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/tests/fake_gpu.h"
#include "kernels/tests/fake_gpu_kernel.h"
#include "kernels/tests/fake_gpu_memory.h"

bool fake_gpu_others_first, fake_gpu_fault_at_launch;
struct CUstream_st fake_legacy_stream, *fake_streams;
cudaError_t fake_gpu_lost;

static bool queue_add(struct fake_queue *queue, const struct fake_work *work)
{
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity ? 2 * queue->capacity : 16;
        struct fake_work *more = realloc(queue->work, capacity * sizeof *more);
        if (!more)
            return false;
        queue->work = more;
        queue->capacity = capacity;
    }
    queue->work[queue->count++] = *work;
    return true;
}

bool fake_queue_copy(struct fake_queue *to, const struct fake_queue *from)
{
    for (size_t i = 0; i < from->count; i++)
        if (!queue_add(to, &from->work[i]))
            return false;
    return true;
}

cudaError_t fake_stream_put(cudaStream_t stream, const struct fake_work *work)
{
    struct CUstream_st *on = stream ? stream : &fake_legacy_stream;
    return queue_add(on->captures ? &on->captured : &on->queue, work) ? cudaSuccess : cudaErrorMemoryAllocation;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void run_work(const struct fake_work *work)
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
        if (fake_gpu_fault_at_launch)
            fake_gpu_lost = cudaErrorIllegalAddress;
        else if (!fake_gpu_run(work->form, work->grid, &work->args))
            fake_gpu_lost = cudaErrorLaunchFailure;
        fake_gpu_fault_at_launch = false;
        break;
    case WORK_KEYS:
        fake_gpu_work_on_keys(&work->keys);
        break;
    default:
        work->event->done = true;
        work->event->seconds = now_s();
    }
}

/* Work is taken off the queue as it runs, so that streams that run each other's do it once. */
void fake_stream_run(struct CUstream_st *stream)
{
    struct fake_queue queue = stream->queue;
    stream->queue = (struct fake_queue){NULL, 0, 0};
    for (size_t i = 0; i < queue.count && fake_gpu_lost == cudaSuccess; i++) {
        if (fake_gpu_others_first && queue.work[i].kind == WORK_KERNEL)
            fake_streams_run();
        fake_memory_open(true);
        run_work(&queue.work[i]);
        fake_memory_open(false);
    }
    free(queue.work);
}

void fake_streams_run(void)
{
    fake_stream_run(&fake_legacy_stream);
    for (struct CUstream_st *stream = fake_streams; stream; stream = stream->next)
        fake_stream_run(stream);
}

static void drop_queue(struct CUstream_st *stream)
{
    free(stream->queue.work);
    stream->queue = (struct fake_queue){NULL, 0, 0};
}

void fake_streams_drop(void)
{
    drop_queue(&fake_legacy_stream);
    for (struct CUstream_st *stream = fake_streams; stream; stream = stream->next)
        drop_queue(stream);
}

bool fake_streams_disturb_capture(void)
{
    bool disturbs = false;
    for (struct CUstream_st *stream = fake_streams; stream; stream = stream->next)
        if (stream->captures)
            disturbs = stream->capture_failed = true;
    return disturbs;
}
