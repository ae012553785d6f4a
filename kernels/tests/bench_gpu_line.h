/*
 * One shape that bench_gpu times: its launch, planned and ready, and k and v in an arena that all shapes share.
 *
 * k and v hold a block of normal numbers over and over; the block's length is no multiple of a row's, so that no two
 * rows near each other are the same. Every process makes the same bits, so that digests of two builds can be compared.
 */
#ifndef KERNELS_TESTS_BENCH_GPU_LINE_H
#define KERNELS_TESTS_BENCH_GPU_LINE_H

#include "kernels/device/launch.h"
#include "kernels/tests/bench_gpu_judge.h"
#include "kernels/tests/bench_gpu_options.h"

#define BLOCK_BYTES (((size_t)64 << 20) + 16 * 257)

/* Memory of the GPU for k and v, and what of the GPU a launch is planned by. */
struct arena {
    char *memory;
    size_t bytes;
    char *block;        /* [BLOCK_BYTES + JUDGED_ROW_BYTES] on the host; it goes on with its beginning */
    size_t cache_bytes; /* of L2 */
    int multiprocessors;
    size_t shared_room; /* bytes of shared memory that a block may have */
};

/* The bytes that a shape's copies of k and v take: together more than 4 times the cache. */
size_t arena_of(const struct shape *shape, size_t cache_bytes);

/* All of it, as elements of the dtype. */
enum error_kind arena_fill(const struct arena *arena, enum dtype dtype, struct error *error);

/* One shape on the GPU, ready to launch. */
struct line {
    struct shape shape;
    size_t kv_bytes; /* from one of k and v to the next */
    int sets;        /* copies of k and v in the arena */
    double bytes;    /* read or written at least */
    const struct arena *arena;
    const struct options *options;
    struct launch_plan plan;
    void *buffers[BUFFER_COUNT]; /* on the GPU; NULL: in the arena, or there is none */
    void *q, *out;               /* on the host, as all below */
    float *slopes, *lse, scale;
    int32_t *page_table;
};

/* line_close follows, whatever the result. */
enum error_kind line_open(struct line *line, const struct arena *arena, const struct options *options,
                          const struct shape *shape, struct error *error);
void line_close(struct line *line);

/* A launch on the repetition's copy of k and v; context: the line. */
enum error_kind line_enqueue(void *context, int repetition, cudaStream_t stream, struct error *error);

#endif
