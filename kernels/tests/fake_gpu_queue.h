/*
 * Work that is put on the streams of a GPU that is not there (fake_gpu.h): it stays there until somebody waits for it,
 * or until the GPU runs all it has.
 */
#ifndef KERNELS_TESTS_FAKE_GPU_QUEUE_H
#define KERNELS_TESTS_FAKE_GPU_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include <cuda_runtime_api.h>

#include "kernels/attention/attention_args.h"
#include "kernels/attention/forms.h"
#include "kernels/tests/fake_gpu_keys.h"

enum work_kind { WORK_COPY, WORK_FILL, WORK_KERNEL, WORK_KEYS, WORK_EVENT };

struct fake_work {
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

struct fake_queue {
    struct fake_work *work;
    size_t count, capacity;
};

/* CUDA's header names this and CUevent_st, and does not define them. */
struct CUstream_st {
    struct fake_queue queue, captured;
    bool captures, capture_failed;
    struct CUstream_st *next;
};

struct CUevent_st {
    bool recorded, done;
    double seconds;
    cudaStream_t stream;
};

extern struct CUstream_st fake_legacy_stream; /* that of calls without a stream */
extern struct CUstream_st *fake_streams;      /* the others */
extern cudaError_t fake_gpu_lost;             /* a kernel has failed: so does all that follows */

/* Adds all that from has; false: there is no memory. */
bool fake_queue_copy(struct fake_queue *to, const struct fake_queue *from);

/* Behind what the stream has, or what it captures; NULL: the legacy stream. */
cudaError_t fake_stream_put(cudaStream_t stream, const struct fake_work *work);

void fake_stream_run(struct CUstream_st *stream);
void fake_streams_run(void);

/* Of a device whose calls fail from now on nothing that was put on a stream runs any more. */
void fake_streams_drop(void);

/* Whether a stream is under capture, when what follows must not be called; it then is lost to the capture. */
bool fake_streams_disturb_capture(void);

#endif
