#include "kernels/tensor_core.h"

const struct tensor_core_info tensor_cores[TENSOR_CORE_COUNT] = {
    [TENSOR_CORE_HOPPER] = {"hopper", 16, 25},
    [TENSOR_CORE_AMPERE] = {"ampere", 8, 24},
    [TENSOR_CORE_VOLTA] = {"volta", 4, 23},
};

/* Turing (7.5) has no m16n8k16, and Blackwell (10 and up) has not been measured. */
enum tensor_core tensor_core_of_capability(int major, int minor)
{
    if (major == 7 && minor < 5)
        return TENSOR_CORE_VOLTA;
    return major == 8 ? TENSOR_CORE_AMPERE : major == 9 ? TENSOR_CORE_HOPPER : TENSOR_CORE_COUNT;
}
