/* What fake_gpu_queue.c runs in the place of a kernel on a GPU. Apart, since the kernel dialect's words are CUDA's,
 * too. */
#ifndef KERNELS_TESTS_FAKE_GPU_KERNEL_H
#define KERNELS_TESTS_FAKE_GPU_KERNEL_H

#include <stdbool.h>

#include "kernels/attention/forms.h"

struct attention_args;

/* Runs the host's form on one CPU thread; grid: blocks x, y, z and threads. false, with the reason on stderr: threads
 * have parted, or a stack has overflown. One call at a time. */
bool fake_gpu_run(const struct compiled_form *form, const unsigned grid[4], const struct attention_args *args);

#endif
