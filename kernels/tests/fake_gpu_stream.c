/* Streams, events and graphs of a GPU that is not there (fake_gpu.h). */
#include <stdlib.h>

#include "kernels/tests/fake_gpu_call.h"
#include "kernels/tests/fake_gpu_queue.h"

/* CUDA's header names these and does not define them. */
struct CUgraph_st {
    struct fake_queue queue;
};

struct CUgraphExec_st {
    struct fake_queue queue;
};

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    ENTER();
    *stream = flags == cudaStreamNonBlocking ? calloc(1, sizeof **stream) : NULL; /* others are not asked for */
    if (!*stream)
        return fake_call_leave(cudaErrorInvalidValue);
    (*stream)->next = fake_streams;
    fake_streams = *stream;
    fake_gpu_holds++;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    fake_call_begin();
    struct CUstream_st **link = &fake_streams;
    while (*link && *link != stream)
        link = &(*link)->next;
    if (!*link)
        return fake_call_leave(cudaErrorInvalidResourceHandle);
    fake_stream_run(stream);
    *link = stream->next;
    free(stream->queue.work);
    free(stream->captured.work);
    free(stream);
    fake_gpu_holds--;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    ENTER();
    if (stream && stream->captures) {
        stream->capture_failed = true;
        return fake_call_leave(cudaErrorStreamCaptureUnsupported);
    }
    fake_stream_run(stream ? stream : &fake_legacy_stream);
    return fake_call_leave(fake_gpu_lost);
}

cudaError_t cudaDeviceSynchronize(void)
{
    ENTER();
    if (fake_streams_disturb_capture())
        return fake_call_leave(cudaErrorStreamCaptureUnsupported);
    fake_streams_run();
    return fake_call_leave(fake_gpu_lost);
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    ENTER();
    *event = calloc(1, sizeof **event);
    fake_gpu_holds += *event != NULL;
    return fake_call_leave(*event ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    fake_call_begin();
    if (event->recorded)
        fake_stream_run(event->stream); /* which may still have it to record */
    free(event);
    fake_gpu_holds--;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    ENTER();
    event->recorded = true;
    event->done = false;
    event->stream = stream ? stream : &fake_legacy_stream;
    return fake_call_leave(fake_stream_put(stream, &(struct fake_work){.kind = WORK_EVENT, .event = event}));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    ENTER();
    if (event->recorded)
        fake_stream_run(event->stream);
    return fake_call_leave(fake_gpu_lost);
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    ENTER();
    if (!start->recorded || !end->recorded)
        return fake_call_leave(cudaErrorInvalidResourceHandle);
    if (!start->done || !end->done)
        return fake_call_leave(cudaErrorNotReady);
    *milliseconds = (float)(1e3 * (end->seconds - start->seconds));
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    ENTER();
    (void)mode;
    if (!stream || stream->captures)
        return fake_call_leave(cudaErrorStreamCaptureUnsupported);
    stream->captures = true;
    stream->capture_failed = false;
    stream->captured.count = 0;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    fake_call_begin();
    *graph = NULL;
    if (!stream->captures)
        return fake_call_leave(cudaErrorIllegalState);
    stream->captures = false;
    if (stream->capture_failed)
        return fake_call_leave(cudaErrorStreamCaptureInvalidated);
    *graph = calloc(1, sizeof **graph);
    if (!*graph || !fake_queue_copy(&(*graph)->queue, &stream->captured))
        return fake_call_leave(cudaErrorMemoryAllocation);
    fake_gpu_holds++;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    fake_call_begin();
    free(graph->queue.work);
    free(graph);
    fake_gpu_holds--;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags)
{
    ENTER();
    (void)flags;
    *executable = calloc(1, sizeof **executable);
    if (!*executable || !fake_queue_copy(&(*executable)->queue, &graph->queue))
        return fake_call_leave(cudaErrorMemoryAllocation);
    fake_gpu_holds++;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable)
{
    fake_call_begin();
    free(executable->queue.work);
    free(executable);
    fake_gpu_holds--;
    return fake_call_leave(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream)
{
    ENTER();
    for (size_t i = 0; i < executable->queue.count; i++)
        if (fake_stream_put(stream, &executable->queue.work[i]) != cudaSuccess)
            return fake_call_leave(cudaErrorMemoryAllocation);
    return fake_call_leave(cudaSuccess);
}
