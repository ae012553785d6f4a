"""MLX on the CPU."""
import importlib.metadata

import mlx.core as mx
import numpy as np

from calls import BF16, bf16_bits, bias_of, with_forms


def tensor(x):
    x = np.ascontiguousarray(x)
    return mx.array(bf16_bits(x)).view(mx.bfloat16) if x.dtype == BF16 else mx.array(x)


def scaled_dot_product_attention(q, k, v, *, slopes, scale, mask=None, absolute=False):
    bias = tensor(bias_of(slopes, len(k), absolute, mask).astype(q.dtype))[None, :, None]
    out = mx.fast.scaled_dot_product_attention(tensor(q)[None, :, None], tensor(k.transpose(1, 0, 2))[None],
                                               tensor(v.transpose(1, 0, 2))[None], scale=scale, mask=bias)
    return np.array(out.astype(mx.float32))[0, :, 0].astype(q.dtype)


CALLS = with_forms("mlx", "MLX, `mx.fast.scaled_dot_product_attention`", scaled_dot_product_attention)


def versions():
    return {name: importlib.metadata.version(name) for name in ("mlx", "mlx-cpu")}
