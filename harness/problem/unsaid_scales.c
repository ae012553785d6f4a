#include "harness/problem/unsaid_scales.h"

const struct unsaid_scales_info unsaid_scales[UNSAID_SCALES_COUNT] = {
    [SCALES_UNSAID] = {"yes", "of fp8 what is not said of k_scale and v_scale is taken for 1"},
    [SCALES_OF_TWO_TYPES] = {"two types", "k_scale and v_scale are 1, since k and v are of two types"},
};

static bool is_fp8(enum dtype dtype)
{
    return dtype >= DTYPE_COUNT;
}

enum unsaid_scales unsaid_scales_of(enum dtype k, enum dtype v, bool k_said, bool v_said)
{
    if (!(is_fp8(k) && !k_said) && !(is_fp8(v) && !v_said))
        return SCALES_SAID;
    return k == v ? SCALES_UNSAID : SCALES_OF_TWO_TYPES;
}
