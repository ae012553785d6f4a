/*
 * As much of CUDA's runtime as docs/examples/kernels/attention.cu takes, on this CPU: compiled as C++, a block's
 * threads are threads, blocks run one after the other, and addresses in a kernel's argument are those of fake_cuda.c.
 */
#ifndef HARNESS_TESTS_PLUGINS_CUDA_RUNTIME_H
#define HARNESS_TESTS_PLUGINS_CUDA_RUNTIME_H

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define __device__
#define __global__
#define __shared__ static

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
typedef void *cudaStream_t;
typedef enum { cudaSuccess = 0, cudaErrorInvalidValue = 1 } cudaError_t;

static thread_local dim3 threadIdx(0, 0, 0);
static dim3 blockIdx(0, 0, 0);
static pthread_barrier_t block_barrier;

static void __syncthreads(void)
{
    pthread_barrier_wait(&block_barrier);
}

static const char *cudaGetErrorString(cudaError_t failure)
{
    return failure == cudaSuccess ? "no error" : "invalid argument";
}

/* A kernel of one argument, which goes by value in all of the ABI's size: a pointer to it, for what is that large. */
struct shim_thread {
    void (*run)(const void *argument);
    const void *argument;
    unsigned number;
};

static void *shim_run_thread(void *given)
{
    const shim_thread *thread = (const shim_thread *)given;
    threadIdx = dim3(thread->number, 0, 0);
    thread->run(thread->argument);
    return NULL;
}

/* Words of the argument that are the device's addresses become this process's. */
static void shim_translate(void *argument, size_t size_bytes)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found = driver ? dlsym(driver, "fake_cuda_view") : NULL;
    void *(*view)(const void *);
    memcpy(&view, &found, sizeof view);
    for (size_t at = 0; view && at + sizeof(void *) <= size_bytes; at += sizeof(void *)) {
        void *word;
        memcpy(&word, (char *)argument + at, sizeof word);
        void *there = view(word);
        if (there)
            memcpy((char *)argument + at, &there, sizeof there);
    }
}

static void shim_run_block(void (*run)(const void *), const void *argument, unsigned threads)
{
    pthread_t *made = (pthread_t *)calloc(threads, sizeof *made);
    shim_thread *told = (shim_thread *)calloc(threads, sizeof *told);
    if (!made || !told)
        abort();
    pthread_barrier_init(&block_barrier, NULL, threads);
    for (unsigned t = 0; t < threads; t++) {
        told[t].run = run;
        told[t].argument = argument;
        told[t].number = t;
        if (pthread_create(&made[t], NULL, shim_run_thread, &told[t]))
            abort();
    }
    for (unsigned t = 0; t < threads; t++)
        pthread_join(made[t], NULL);
    pthread_barrier_destroy(&block_barrier);
    free(made);
    free(told);
}

/* What SHIM_KERNEL says of the one kernel that there is. */
static void shim_call(const void *argument);
static size_t shim_argument_bytes(void);

static cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments, size_t shared,
                                    cudaStream_t stream)
{
    const size_t size_bytes = shim_argument_bytes();
    if (!kernel || shared > 0 || !stream)
        return cudaErrorInvalidValue;
    void *argument = malloc(size_bytes);
    if (!argument)
        abort();
    memcpy(argument, arguments[0], size_bytes);
    shim_translate(argument, size_bytes);
    for (unsigned y = 0; y < grid.y; y++)
        for (unsigned x = 0; x < grid.x; x++) {
            blockIdx = dim3(x, y, 0);
            shim_run_block(shim_call, argument, block.x);
        }
    free(argument);
    return cudaSuccess;
}

#define SHIM_KERNEL(kernel, argument_t)         \
    static void shim_call(const void *argument) \
    {                                           \
        kernel(*(const argument_t *)argument);  \
    }                                           \
    static size_t shim_argument_bytes(void)     \
    {                                           \
        return sizeof(argument_t);              \
    }

#endif
