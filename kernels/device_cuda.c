/* The CUDA device: the first GPU that the runtime offers. */
#include "kernels/device.h"

#include <cuda_runtime_api.h>
#include <stdio.h>

/* Symbols of the kernels as nvcc emits them; cudaLaunchKernel takes their addresses. */
#define CUDA_DECLARATION(name) void cuda_##name(struct attention_args args);
#define CUDA_FUNCTION(name) [FUNCTION_##name] = cuda_##name,
KERNEL_FUNCTIONS(CUDA_DECLARATION)
static void (*const cuda_functions[FUNCTION_COUNT])(struct attention_args) = {KERNEL_FUNCTIONS(CUDA_FUNCTION)};

/* Runs a CUDA call; on failure reports it by name and goes to out. */
#define TRY(call)                                                                                              \
    do {                                                                                                       \
        cudaError_t code = (call);                                                                             \
        if (code != cudaSuccess) {                                                                             \
            kind = error_set(error, ERROR_SYSTEM, "device cuda: %s: %s (%s)", #call, cudaGetErrorString(code), \
                             cudaGetErrorName(code));                                                          \
            goto out;                                                                                          \
        }                                                                                                      \
    } while (0)

static enum error_kind cuda_open(void **state, char *name, const struct device_options *options, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct cudaDeviceProp properties;
    int count = 0, version = 0;
    (void)options;
    *state = NULL;
    TRY(cudaGetDeviceCount(&count));
    if (count == 0) {
        kind = error_set(error, ERROR_SYSTEM, "device cuda: the runtime sees no GPU");
        goto out;
    }
    TRY(cudaSetDevice(0));
    TRY(cudaGetDeviceProperties(&properties, 0));
    TRY(cudaRuntimeGetVersion(&version));
    TRY(cudaFree(NULL)); /* makes the context now, so that a GPU that cannot be used is known before any work */
    snprintf(name, DEVICE_NAME_SIZE, "%s (sm_%d%d, CUDA %d.%d)", properties.name, properties.major, properties.minor,
             version / 1000, version % 1000 / 10);
out:
    return kind;
}

static void cuda_close(void *state)
{
    (void)state; /* the context goes with the process */
}

/* Device memory of one run. */
struct cuda_buffers {
    void *q, *k, *v, *page_table, *slopes, *visible, *out, *lse, *workspace;
};

static enum error_kind cuda_run(void *state, struct launch_plan *plan, const struct problem *problem,
                                struct output *output, double *seconds, struct error *error)
{
    enum error_kind kind = ERROR_NONE;
    struct cuda_buffers on_gpu = {0};
    cudaEvent_t start = NULL, end = NULL;
    float milliseconds = 0;
    size_t element = dtypes[problem->dtype].size_bytes;
    size_t q_bytes = (size_t)problem_elements(problem) * element;
    size_t kv_bytes = plan->cache.size_bytes, table_bytes = (size_t)plan->cache.pages * sizeof(int32_t);
    size_t head_bytes = (size_t)problem->num_heads * sizeof(float);
    size_t mask_bytes = problem->visible ? (size_t)problem->seq_len : 0;
    size_t workspace_bytes = plan_workspace_reals(plan) * sizeof(float);
    const float *slopes = plan->slopes ? plan->slopes : problem->slopes;
    (void)state;

    TRY(cudaMalloc(&on_gpu.q, q_bytes));
    TRY(cudaMalloc(&on_gpu.k, kv_bytes));
    TRY(cudaMalloc(&on_gpu.v, kv_bytes));
    TRY(cudaMalloc(&on_gpu.slopes, head_bytes));
    TRY(cudaMalloc(&on_gpu.out, q_bytes));
    TRY(cudaMalloc(&on_gpu.lse, head_bytes));
    TRY(cudaMemcpy(on_gpu.q, problem->q, q_bytes, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(on_gpu.k, plan->cache.k, kv_bytes, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(on_gpu.v, plan->cache.v, kv_bytes, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(on_gpu.slopes, slopes, head_bytes, cudaMemcpyHostToDevice));
    /* The output travels too, so that what a kernel leaves unwritten still shows its poison. */
    TRY(cudaMemcpy(on_gpu.out, output->out, q_bytes, cudaMemcpyHostToDevice));
    TRY(cudaMemcpy(on_gpu.lse, output->lse, head_bytes, cudaMemcpyHostToDevice));
    if (mask_bytes) {
        TRY(cudaMalloc(&on_gpu.visible, mask_bytes));
        TRY(cudaMemcpy(on_gpu.visible, problem->visible, mask_bytes, cudaMemcpyHostToDevice));
    }
    if (table_bytes) {
        TRY(cudaMalloc(&on_gpu.page_table, table_bytes));
        TRY(cudaMemcpy(on_gpu.page_table, plan->cache.page_table, table_bytes, cudaMemcpyHostToDevice));
    }
    if (workspace_bytes)
        TRY(cudaMalloc(&on_gpu.workspace, workspace_bytes));

    struct attention_args *args = &plan->args;
    args->q = on_gpu.q;
    args->k = on_gpu.k;
    args->v = on_gpu.v;
    args->page_table = on_gpu.page_table;
    args->slopes = on_gpu.slopes;
    args->visible = on_gpu.visible;
    args->out = on_gpu.out;
    args->lse = on_gpu.lse;
    plan_place_workspace(plan, on_gpu.workspace, sizeof(float));

    TRY(cudaEventCreate(&start));
    TRY(cudaEventCreate(&end));
    TRY(cudaEventRecord(start, NULL));
    for (int i = 0; i < plan->num_launches; i++) {
        const struct launch *launch = &plan->launches[i];
        dim3 grid = {launch->blocks_x, launch->blocks_y, 1}, block = {launch->threads, 1, 1};
        void *arguments[] = {args};
        TRY(cudaLaunchKernel((const void *)cuda_functions[launch->function], grid, block, arguments, 0, NULL));
    }
    TRY(cudaEventRecord(end, NULL));
    TRY(cudaEventSynchronize(end));
    TRY(cudaEventElapsedTime(&milliseconds, start, end));
    TRY(cudaMemcpy(output->out, on_gpu.out, q_bytes, cudaMemcpyDeviceToHost));
    TRY(cudaMemcpy(output->lse, on_gpu.lse, head_bytes, cudaMemcpyDeviceToHost));
    *seconds = 1e-3 * (double)milliseconds;
out:
    if (start)
        cudaEventDestroy(start);
    if (end)
        cudaEventDestroy(end);
    void *const buffers[] = {on_gpu.q,       on_gpu.k,   on_gpu.v,   on_gpu.page_table, on_gpu.slopes,
                             on_gpu.visible, on_gpu.out, on_gpu.lse, on_gpu.workspace};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        cudaFree(buffers[i]); /* accepts NULL; after a failure the first error is the one that counts */
    return kind;
}

const struct device_ops device_cuda_ops = {cuda_open, cuda_run, cuda_close};
