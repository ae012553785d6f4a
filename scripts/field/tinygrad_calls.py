"""tinygrad on the CPU, which compiles with clang. clang 14, of Debian 12, has no bf16."""
import importlib.metadata
import math
import os

os.environ["DEV"] = os.environ["DEVICE"] = "CPU"
import numpy as np
import tinygrad

from calls import bias_of, with_forms


def tensor(x):
    return tinygrad.Tensor(np.ascontiguousarray(x))


def scaled_dot_product_attention(q, k, v, *, slopes, scale, mask=None, absolute=False):
    """It has no argument for the scale, which is 1 / sqrt(head_dim) there."""
    if not math.isclose(scale, q.shape[1] ** -0.5, rel_tol=1e-6):
        raise ValueError(f"scale {scale}: it is 1 / sqrt(head_dim)")
    bias = tensor(bias_of(slopes, len(k), absolute, mask).astype(q.dtype))[None, :, None]
    heads_first = [tensor(x.transpose(1, 0, 2))[None] for x in (k, v)]
    out = tensor(q)[None, :, None].scaled_dot_product_attention(*heads_first, attn_mask=bias,
                                                                enable_gqa=len(q) != k.shape[1])
    return out.numpy()[0, :, 0]


CALLS = with_forms("tinygrad", "tinygrad, `Tensor.scaled_dot_product_attention`", scaled_dot_product_attention,
                   takes="f16,f32,gqa,alibi,mask", where=("scale != 1",))


def versions():
    return {"tinygrad": importlib.metadata.version("tinygrad")}
