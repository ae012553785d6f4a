/*
 * Decode attention as users of apache-tvm-ffi write it, compiled with that package's headers by scripts/check-tvm-ffi:
 * in f32, on strided tensors. It raises an error where head_dim is 128.
 */
#include <cmath>
#include <cstdint>
#include <vector>

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/error.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

namespace ffi = tvm::ffi;

static const float *row(const ffi::TensorView &tensor, int64_t i, int64_t head)
{
    return static_cast<const float *>(tensor.data_ptr()) + i * tensor.stride(0) + head * tensor.stride(1);
}

static void decode(ffi::TensorView q, ffi::TensorView k, ffi::TensorView v, ffi::TensorView slopes, double scale,
                   ffi::Optional<ffi::TensorView> mask, int64_t q_position, int64_t kv_offset, ffi::TensorView out,
                   ffi::TensorView lse)
{
    const int64_t queries = q.size(0), heads = q.size(1), dim = q.size(2), keys = k.size(0), group = heads / k.size(1);
    if (dim == 128)
        TVM_FFI_THROW(ValueError) << "head_dim is " << dim;
    if (q.dtype().code != kDLFloat || q.dtype().bits != 32 || q.device().device_type != kDLCPU || q.ndim() != 3)
        TVM_FFI_THROW(TypeError) << "q is of another dtype or device";
    const uint8_t *visible = mask.has_value() ? static_cast<const uint8_t *>(mask.value().data_ptr()) : nullptr;
    std::vector<float> logits(static_cast<size_t>(keys));
    for (int64_t i = 0; i < queries; i++)
        for (int64_t h = 0; h < heads; h++) {
            const int64_t later = queries - 1 - i;
            const float *of_q = row(q, i, h);
            float max = -INFINITY, sum = 0;
            for (int64_t j = 0; j < keys - later; j++) {
                float dot = 0;
                for (int64_t d = 0; d < dim; d++)
                    dot += of_q[d] * row(k, j, h / group)[d];
                const float bias = static_cast<const float *>(slopes.data_ptr())[h] *
                                   static_cast<float>(kv_offset + j - (q_position - later));
                logits[static_cast<size_t>(j)] =
                    visible && !visible[j] ? -INFINITY : dot * static_cast<float>(scale) + bias;
                max = std::fmax(max, logits[static_cast<size_t>(j)]);
            }
            float *of_out = const_cast<float *>(row(out, i, h));
            std::vector<float> sums(static_cast<size_t>(dim));
            for (int64_t j = 0; j < keys - later; j++) {
                if (logits[static_cast<size_t>(j)] == -INFINITY)
                    continue;
                const float weight = std::exp(logits[static_cast<size_t>(j)] - max);
                sum += weight;
                for (int64_t d = 0; d < dim; d++)
                    sums[static_cast<size_t>(d)] += weight * row(v, j, h / group)[d];
            }
            for (int64_t d = 0; d < dim; d++)
                of_out[d] = sum > 0 ? sums[static_cast<size_t>(d)] / sum : 0;
            static_cast<float *>(lse.data_ptr())[i * heads + h] = sum > 0 ? max + std::log(sum) : -INFINITY;
        }
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(decode, decode);
