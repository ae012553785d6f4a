/*
 * The GPU's own exponentials and reciprocal against double precision, for every f32 of their domain: the largest
 * relative error, in ulp (2^-23 of the power of two at or below the exact result), where the result is a normal number;
 * and the largest result where the exact one is subnormal. One JSON object a line. rounding.c's limits stand on it.
 *
 *     make build/kernels/tests/measure_functions && build/kernels/tests/measure_functions      (a GPU; seconds)
 */
#include <cstdio>

#include "kernels/dialect/arithmetic.h"

enum function { FUNCTION_EX2_APPROX, FUNCTION_EXP2, FUNCTION_EXP, FUNCTION_RCP_APPROX, FUNCTION_MEASURED };

static const char *const names[FUNCTION_MEASURED] = {"ex2.approx.ftz.f32", "exp2f", "expf", "rcp.approx.ftz.f32"};

struct measured {
    unsigned long long inputs;           /* whose exact result is normal */
    unsigned long long error_ulp;        /* bits of the largest error, a double; ordered as its value */
    unsigned long long worst_input;      /* bits of an input that has nearly the largest error */
    unsigned long long subnormal_result; /* bits of the largest result where the exact one is below 2^-126, a double */
};

__device__ static float computed(enum function function, float x)
{
    switch (function) {
    case FUNCTION_EX2_APPROX:
        return ex2_approx_ftz(x);
    case FUNCTION_EXP2:
        return cuda_exp2f(x);
    case FUNCTION_EXP:
        return cuda_expf(x);
    default:
        return rcp_approx_ftz(x);
    }
}

__device__ static double exact(enum function function, float x)
{
    switch (function) {
    case FUNCTION_EX2_APPROX:
    case FUNCTION_EXP2:
        return exp2((double)x);
    case FUNCTION_EXP:
        return exp((double)x);
    default:
        return 1.0 / (double)x;
    }
}

__global__ static void measure(enum function function, struct measured *measured)
{
    double largest = 0, subnormal = 0;
    unsigned long long inputs = 0;
    uint32_t worst = 0;
    uint64_t step = (uint64_t)gridDim.x * blockDim.x;
    for (uint64_t bits = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; bits < UINT64_C(1) << 32; bits += step) {
        float x = float_from_bits((uint32_t)bits);
        double truth = exact(function, x), magnitude = fabs(truth);
        if (!(fabsf(x) < FLOAT_INFINITY) || (function == FUNCTION_RCP_APPROX && fabsf(x) < 0x1p-126f))
            continue; /* .ftz takes subnormal inputs for 0 */
        if (magnitude >= 0x1p-126 && magnitude < 0x1p128) {
            double ulp = scalbn(1.0, ilogb(magnitude) - 23), err = fabs((double)computed(function, x) - truth) / ulp;
            inputs++;
            if (!(err <= largest)) {
                largest = err;
                worst = (uint32_t)bits;
            }
        } else if (magnitude < 0x1p-126) {
            subnormal = fmax(subnormal, fabs((double)computed(function, x)));
        }
    }
    atomicAdd(&measured->inputs, inputs);
    unsigned long long error_bits = (unsigned long long)__double_as_longlong(largest);
    if (error_bits > atomicMax(&measured->error_ulp, error_bits))
        measured->worst_input = worst;
    atomicMax(&measured->subnormal_result, (unsigned long long)__double_as_longlong(subnormal));
}

static bool failed(cudaError_t code, const char *what)
{
    if (code != cudaSuccess)
        fprintf(stderr, "measure_functions: %s: %s\n", what, cudaGetErrorString(code));
    return code != cudaSuccess;
}

int main(void)
{
    struct cudaDeviceProp properties;
    struct measured *measured = NULL;
    if (failed(cudaGetDeviceProperties(&properties, 0), "a GPU") ||
        failed(cudaMalloc(&measured, sizeof *measured), "memory"))
        return 3;
    for (int f = 0; f < FUNCTION_MEASURED; f++) {
        struct measured found;
        if (failed(cudaMemset(measured, 0, sizeof *measured), names[f]))
            return 3;
        measure<<<8 * properties.multiProcessorCount, 256>>>((enum function)f, measured);
        if (failed(cudaGetLastError(), names[f]) ||
            failed(cudaMemcpy(&found, measured, sizeof found, cudaMemcpyDeviceToHost), names[f]))
            return 3;
        double error, subnormal;
        memcpy(&error, &found.error_ulp, sizeof error);
        memcpy(&subnormal, &found.subnormal_result, sizeof subnormal);
        printf("{\"function\":\"%s\",\"device\":\"%s (sm_%d%d)\",\"inputs\":%llu,\"max_error_ulp\":%.6f,"
               "\"near_input\":\"0x%08llx\",\"subnormal_result\":\"%a\"}\n",
               names[f], properties.name, properties.major, properties.minor, found.inputs, error, found.worst_input,
               subnormal);
    }
    return failed(cudaFree(measured), "memory") ? 3 : 0;
}
