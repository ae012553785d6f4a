#include "reference/contract.h"

#include <math.h>
#include <string.h>

const struct truth_of_info truth_ofs[TRUTH_OF_COUNT] = {
    [TRUTH_OF_INPUTS] = {"inputs", "scale and slopes as given, in f32; biases exact"},
    [TRUTH_OF_FORMULA] = {"formula", "scale and slopes as real numbers, not their roundings to f32"},
    [TRUTH_OF_BF16_BIAS] = {"bf16_bias", "slope * position rounded to bf16, as BLOOM's checkpoints were trained"},
    [TRUTH_OF_F16_DISTANCE] = {"f16_distance", "distances rounded to f16, none beyond its range, as in ggml"},
};

struct truth_contract truth_contract_of_heads(const struct truth_contract *contract, int first_head)
{
    struct truth_contract part = *contract;
    part.head_offset += contract->total_heads ? first_head : 0;
    return part;
}

struct contract_bias contract_bias(enum truth_of of, const struct problem *problem, int head, int64_t key)
{
    int64_t distance = problem_distance(problem, key);
    if (of == TRUTH_OF_BF16_BIAS) {
        float bias = problem->slopes[head] * (float)(problem->kv_offset + key);
        return (struct contract_bias){.distance = -problem->q_position,
                                      .rounded = (double)dtype_round(DTYPE_BF16, bias)};
    }
    if (of == TRUTH_OF_F16_DISTANCE) {
        float rounded = dtype_round(DTYPE_F16, (float)distance); /* an integer still: f16's spacing is 1 from 2^10 on */
        bool dropped = isinf(rounded);
        return (struct contract_bias){.dropped = dropped, .distance = dropped ? 0 : (int64_t)rounded};
    }
    return (struct contract_bias){.distance = distance};
}

/* The quotient and the root are rounded once each. */
void contract_scale(mpfr_t scale, const struct truth_contract *contract, const struct problem *problem)
{
    if (contract->of != TRUTH_OF_FORMULA || !contract->default_scale) {
        mpfr_set_d(scale, problem_logit_scale(problem), MPFR_RNDN);
        return;
    }
    mpfr_sqrt_ui(scale, (unsigned long)problem->head_dim, MPFR_RNDN);
    mpfr_d_div(scale, problem->kv_format == KV_AS_DTYPE ? 1 : (double)problem->k_scale, scale, MPFR_RNDN);
}

void contract_slope(mpfr_t slope, const struct truth_contract *contract, const struct problem *problem, int head)
{
    if (contract->of != TRUTH_OF_FORMULA || contract->total_heads == 0)
        mpfr_set_flt(slope, problem->slopes[head], MPFR_RNDN);
    else
        slope_of_head(slope, contract->convention, contract->max_bias, contract->head_offset + head,
                      contract->total_heads);
}
