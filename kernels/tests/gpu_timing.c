#include "kernels/tests/gpu_timing.h"

#include <stdlib.h>

#include "kernels/tests/gpu_read.h"

enum { MAX_REPETITIONS = 4096, MIN_REPLAYS = 3 };

static const double warm_up_s = 0.01; /* of replays before the first that counts */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One rotation outside a graph: loads the functions, which a capture cannot, and tells how long a repetition takes. */
static enum error_kind estimate(double *seconds, const struct gpu_work *work, cudaStream_t stream, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    cudaEvent_t start = NULL, end = NULL;
    float milliseconds = 0;
    TRY(cudaEventCreate(&start));
    TRY(cudaEventCreate(&end));
    if ((kind = work->enqueue(work->context, 0, stream, error)))
        goto out;
    TRY(cudaStreamSynchronize(stream));
    TRY(cudaEventRecord(start, stream));
    for (int i = 0; i < work->rotation; i++)
        if ((kind = work->enqueue(work->context, i, stream, error)))
            goto out;
    TRY(cudaEventRecord(end, stream));
    TRY(cudaEventSynchronize(end));
    TRY(cudaEventElapsedTime(&milliseconds, start, end));
    *seconds = 1e-3 * (double)milliseconds / work->rotation;
out:
    if (start)
        cudaEventDestroy(start);
    if (end)
        cudaEventDestroy(end);
    return kind;
}

static enum error_kind capture(cudaGraphExec_t *graph, const struct gpu_work *work, int repetitions,
                               cudaStream_t stream, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    cudaGraph_t captured = NULL;
    *graph = NULL;
    TRY(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < repetitions && !kind; i++)
        kind = work->enqueue(work->context, i, stream, error);
    if (kind) { /* the first error is the one that counts */
        cudaStreamEndCapture(stream, &captured);
        goto out;
    }
    TRY(cudaStreamEndCapture(stream, &captured));
    TRY(cudaGraphInstantiateWithFlags(graph, captured, 0));
out:
    if (captured)
        cudaGraphDestroy(captured);
    return kind;
}

static enum error_kind replay(struct gpu_times *times, cudaGraphExec_t graph, double replay_s, cudaStream_t stream,
                              struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    cudaEvent_t events[GPU_MAX_REPLAYS + 1] = {NULL};
    double seconds[GPU_MAX_REPLAYS];
    for (int i = 0; i <= times->replays; i++)
        TRY(cudaEventCreate(&events[i]));
    for (double warm = 0; warm <= warm_up_s; warm += replay_s)
        TRY(cudaGraphLaunch(graph, stream));
    TRY(cudaEventRecord(events[0], stream));
    for (int i = 0; i < times->replays; i++) {
        TRY(cudaGraphLaunch(graph, stream));
        TRY(cudaEventRecord(events[i + 1], stream));
    }
    TRY(cudaStreamSynchronize(stream));
    for (int i = 0; i < times->replays; i++) {
        float milliseconds = 0;
        TRY(cudaEventElapsedTime(&milliseconds, events[i], events[i + 1]));
        seconds[i] = 1e-3 * (double)milliseconds / times->repetitions;
    }
    qsort(seconds, (size_t)times->replays, sizeof *seconds, compare);
    times->median_s = (seconds[(times->replays - 1) / 2] + seconds[times->replays / 2]) / 2;
    times->min_s = seconds[0];
out:
    for (int i = 0; i <= times->replays && events[i]; i++)
        cudaEventDestroy(events[i]);
    return kind;
}

enum error_kind gpu_time(struct gpu_times *times, const struct gpu_work *work, const struct gpu_timing *timing,
                         cudaStream_t stream, struct error *error)
{
    cudaGraphExec_t graph = NULL;
    double once_s = 0;
    *times = (struct gpu_times){.replays = timing->replays, .repetitions = work->rotation};
    enum error_kind kind = estimate(&once_s, work, stream, error);
    if (kind)
        return kind;
    if (once_s < 1e-6)
        once_s = 1e-6; /* no launch is faster */
    while (times->repetitions * once_s < timing->replay_s && times->repetitions + work->rotation <= MAX_REPETITIONS)
        times->repetitions += work->rotation;
    double replay_s = times->repetitions * once_s;
    if (times->replays * replay_s > timing->max_s)
        times->replays = (int)(timing->max_s / replay_s);
    if (times->replays < MIN_REPLAYS)
        times->replays = timing->replays < MIN_REPLAYS ? timing->replays : MIN_REPLAYS;
    kind = capture(&graph, work, times->repetitions, stream, error);
    if (!kind)
        kind = replay(times, graph, replay_s, stream, error);
    if (graph)
        cudaGraphExecDestroy(graph);
    return kind;
}

/* ---- bandwidth -------------------------------------------------------------------------------------------------- */

struct transfer {
    const void *from;
    void *to;
    size_t size_bytes;
    int multiprocessors;
};

static enum error_kind enqueue_copy(void *context, int repetition, cudaStream_t stream, struct error *error)
{
    const struct transfer *transfer = context;
    enum error_kind kind = ERROR_NONE;
    (void)repetition;
    TRY(cudaMemcpyAsync(transfer->to, transfer->from, transfer->size_bytes, cudaMemcpyDeviceToDevice, stream));
out:
    return kind;
}

static enum error_kind enqueue_read(void *context, int repetition, cudaStream_t stream, struct error *error)
{
    const struct transfer *transfer = context;
    enum error_kind kind = ERROR_NONE;
    (void)repetition;
    TRY(gpu_read(transfer->from, transfer->size_bytes, transfer->to, transfer->multiprocessors, stream));
out:
    return kind;
}

enum error_kind gpu_bandwidth(struct gpu_bandwidth *bandwidth, const void *from, void *to, size_t size_bytes,
                              int multiprocessors, const struct gpu_timing *timing, cudaStream_t stream,
                              struct error *error)
{
    struct transfer transfer = {from, to, size_bytes, multiprocessors};
    struct gpu_times copy, read;
    enum error_kind kind = gpu_time(&copy, &(struct gpu_work){enqueue_copy, &transfer, 1}, timing, stream, error);
    if (!kind)
        kind = gpu_time(&read, &(struct gpu_work){enqueue_read, &transfer, 1}, timing, stream, error);
    if (!kind)
        *bandwidth = (struct gpu_bandwidth){2 * (double)size_bytes / copy.median_s, (double)size_bytes / read.median_s};
    return kind;
}
