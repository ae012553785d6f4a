/*
 * A GPU that is not there: the calls of the CUDA runtime that the CUDA device and the benchmark on a GPU make, with the
 * kernels' host forms in the place of those that nvcc compiles. What is linked with fake_gpu*.c in the place of the
 * runtime runs all of device_cuda.c. Nothing is said of machine code or time.
 *
 * It is as unforgiving as CUDA allows. The device's memory cannot be read by the host. What is put on a stream runs
 * when somebody waits for it and no sooner, each stream by itself: a copy that nobody waits for, or a kernel before
 * what it needs, is a wrong answer. Memory that is new or free holds rubbish. Pointers, sizes and grids are checked.
 */
#ifndef KERNELS_TESTS_FAKE_GPU_H
#define KERNELS_TESTS_FAKE_GPU_H

#include <stdbool.h>
#include <stddef.h>

/* What the GPU is. Its memory is fake_gpu_memory.h's. In the environment FAKE_GPU_MULTIPROCESSORS is for its
 * multiprocessors, and FAKE_GPU_LAUNCHED a file for the names of the functions that were launched. */
struct fake_gpu {
    int count;     /* of such GPUs; 0: there is none */
    int driver;    /* the CUDA that its driver knows, 1000 major + 10 minor; 0: there is no driver */
    bool no_image; /* what is compiled has no machine code for it */
    int major, minor, multiprocessors;
    size_t shared_room;
};
extern struct fake_gpu fake_gpu;

/* The call after so many fails; < 0: none. What frees never fails. */
extern long fake_gpu_calls_left;
extern bool fake_gpu_fails_once; /* later ones do not fail with it */

/* Whether what others have put on their streams runs in the midst of a stream's work, before its kernels, in the place
 * of after it. */
extern bool fake_gpu_others_first;

/* Whether the next kernel that runs faults. */
extern bool fake_gpu_fault_at_launch;

/* What is held and was not given back: blocks of memory, streams, events, graphs. */
int fake_gpu_held(void);

#endif
