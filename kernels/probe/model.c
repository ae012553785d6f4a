#include "kernels/probe/model.h"

#include "kernels/dialect/special_functions.h"

/* clang-format off */
const uint64_t function_model_totals[FUNCTION_COUNT] = {
    [FUNCTION_EX2_APPROX] = UINT64_C(0x1d1556d350d539a8),
    [FUNCTION_RCP_APPROX] = UINT64_C(0x35d36c4288d43917),
    [FUNCTION_LG2_APPROX] = UINT64_C(0x53f137d4cc010e6a),
    [FUNCTION_EXP2] = UINT64_C(0xb7a2a06dad9e0e76),
    [FUNCTION_EXP] = UINT64_C(0xefcf9b103589d04c),
    [FUNCTION_EXP_FAST] = UINT64_C(0x91898753b51ff209),
};
/* clang-format on */

uint32_t function_model(enum function function, uint32_t input)
{
    float x = float_from_bits(input);
    switch (function) {
    case FUNCTION_EX2_APPROX:
        return float_to_bits(ex2_approx_ftz(x));
    case FUNCTION_RCP_APPROX:
        return float_to_bits(rcp_approx_ftz(x));
    case FUNCTION_LG2_APPROX:
        return float_to_bits(lg2_approx_ftz(x));
    case FUNCTION_EXP2:
        return float_to_bits(cuda_exp2f(x));
    case FUNCTION_EXP:
        return float_to_bits(cuda_expf(x));
    default:
        return float_to_bits(cuda_fast_expf(x));
    }
}

uint64_t function_model_digest(enum function function, uint32_t block)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < BLOCK_INPUTS; i++) {
        uint32_t input = block * BLOCK_INPUTS + i;
        sum += result_mix(input, function_model(function, input));
    }
    return sum;
}
