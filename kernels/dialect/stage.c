#include "kernels/dialect/stage.h"

const char *const stage_names[ROUNDING_STAGE_COUNT] = {
    [STAGE_NONE] = "no rounding", [STAGE_SLOPE] = "slope",       [STAGE_SCALE] = "scale",
    [STAGE_DOT] = "dot",          [STAGE_BIAS] = "bias",         [STAGE_CAP] = "soft cap",
    [STAGE_LOGIT] = "logit",      [STAGE_SHIFT] = "shift",       [STAGE_EXPONENTIAL] = "exponential",
    [STAGE_RESCALE] = "rescale",  [STAGE_SUM] = "sum",           [STAGE_WEIGHTED_SUM] = "weighted sum",
    [STAGE_MERGE] = "merge",      [STAGE_DIVISION] = "division", [STAGE_OUTPUT] = "output",
    [STAGE_LSE] = "lse",
};
