/* The generations of NVIDIA's tensor cores, by how they sum (dialect/fused_sum.h). */
#ifndef KERNELS_TENSOR_CORE_H
#define KERNELS_TENSOR_CORE_H

enum tensor_core {
    TENSOR_CORE_HOPPER,
    TENSOR_CORE_AMPERE, /* and Ada */
    TENSOR_CORE_VOLTA,
    TENSOR_CORE_COUNT
};

struct tensor_core_info {
    const char *name;
    int products;      /* of a step */
    int fraction_bits; /* terms are cut to multiples of 2^-fraction_bits of the step's largest power of two */
};

extern const struct tensor_core_info tensor_cores[TENSOR_CORE_COUNT];

/* Those of a GPU's compute capability; TENSOR_CORE_COUNT: of none of these, or not known. */
enum tensor_core tensor_core_of_capability(int major, int minor);

#endif
