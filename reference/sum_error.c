#include "reference/sum_error.h"

#include "reference/dtype.h"
#include "reference/logit_error.h"

/* The largest factor by which roundings may take a sum above what its exact terms allow, whatever the weights are. */
static double growth(const struct rounding_model *model, int64_t seq_len)
{
    struct roundings most = roundings_after(model, seq_len, 0);
    double keys = (double)(model->chunk_len ? model->chunk_len : seq_len);
    double floors = model->weight_floor * keys + model->sum_floor;
    double once = model->weight + model->partial + floors * exp(model->max_offset) + model->probability_floor * keys;
    return 1 + 2 * (out_error(model, &most) + sum_error(model, &most) + compound(most.rescales, model->rescale) + once);
}

bool sums_overflow(const struct rounding_model *model, int64_t seq_len, double magnitude, double raised)
{
    double chunk_len = (double)(model->chunk_len ? model->chunk_len : seq_len), weight = exp(-raised);
    double partial = model->divided_partials ? 1 : chunk_len * weight;
    double factors = model->merge_by_lse ? ceil((double)seq_len / chunk_len) : 0; /* of averages, each 1 at most */
    double of_lane = ceil(chunk_len / (double)model->keys_per_round) * weight;
    magnitude *= growth(model, seq_len);
    if (model->probability_floor > 0) /* they add up to 1, however far maxima are raised */
        return overflows(magnitude, dtypes[DTYPE_F32].max) || overflows(magnitude, model->lane_out_max) ||
               overflows(of_lane * growth(model, seq_len), model->lane_sum_max);
    if (overflows(of_lane * model->out_adds_per_round * magnitude, model->lane_out_max) ||
        overflows(of_lane * growth(model, seq_len), model->lane_sum_max))
        return true;
    return overflows(fmax((double)seq_len * weight, factors) * magnitude, dtypes[DTYPE_F32].max) ||
           overflows(partial * magnitude, model->partial_max);
}
