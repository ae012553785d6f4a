#include "kernels/tests/fake_gpu_call.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/tests/fake_gpu.h"
#include "kernels/tests/fake_gpu_queue.h"

struct fake_gpu fake_gpu = {
    .count = 1, .driver = CUDART_VERSION, .major = 9, .minor = 0, .multiprocessors = 4, .shared_room = 227 << 10};
long fake_gpu_calls_left = -1;
bool fake_gpu_fails_once;
int fake_gpu_holds;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local cudaError_t last_error;

void fake_call_begin(void)
{
    pthread_mutex_lock(&lock);
}

cudaError_t fake_call_enter(void)
{
    fake_call_begin();
    if (fake_gpu_calls_left >= 0 && fake_gpu_calls_left-- == 0) {
        fake_gpu_calls_left = fake_gpu_fails_once ? -1 : 0;
        if (!fake_gpu_fails_once)
            fake_streams_drop();
        return cudaErrorUnknown;
    }
    if (fake_gpu.count == 0)
        return cudaErrorNoDevice;
    return fake_gpu_lost;
}

cudaError_t fake_call_leave(cudaError_t code)
{
    pthread_mutex_unlock(&lock);
    if (code != cudaSuccess)
        last_error = code;
    return code;
}

int fake_gpu_held(void)
{
    return fake_gpu_holds;
}

/* ---- the device -------------------------------------------------------------------------------------------------- */

cudaError_t cudaGetDeviceCount(int *count)
{
    fake_call_begin();
    *count = fake_gpu.count;
    return fake_call_leave(fake_gpu.driver < CUDART_VERSION ? cudaErrorInsufficientDriver
                           : fake_gpu.count > 0             ? cudaSuccess
                                                            : cudaErrorNoDevice);
}

/* Is told without a GPU, too. */
cudaError_t cudaDriverGetVersion(int *version)
{
    *version = fake_gpu.driver;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int device)
{
    ENTER();
    return fake_call_leave(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
    ENTER();
    memset(properties, 0, sizeof *properties);
    snprintf(properties->name, sizeof properties->name, "no GPU, its calls alone");
    properties->major = fake_gpu.major;
    properties->minor = fake_gpu.minor;
    if (getenv("FAKE_GPU_MULTIPROCESSORS"))
        fake_gpu.multiprocessors = atoi(getenv("FAKE_GPU_MULTIPROCESSORS"));
    properties->multiProcessorCount = fake_gpu.multiprocessors;
    properties->sharedMemPerBlockOptin = fake_gpu.shared_room;
    properties->l2CacheSize = 1 << 20;
    return fake_call_leave(device == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

/* The same. */
cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
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
