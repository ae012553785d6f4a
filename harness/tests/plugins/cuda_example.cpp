/* docs/examples/kernels/attention.cu on this CPU, by the runtime of cuda_runtime.h. */
#include EXAMPLE /* the path of attention.cu, in quotes */

SHIM_KERNEL(attend, problem_t)
