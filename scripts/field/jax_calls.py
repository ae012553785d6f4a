"""JAX on the CPU. jax.jit of f16 is refused there (DotAlgorithmPreset F16_F16_F32), so calls are not jitted."""
import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np

from calls import bias_of, with_forms


def dot_product_attention(q, k, v, *, slopes, scale, mask=None, absolute=False):
    bias = bias_of(slopes, len(k), absolute).astype(q.dtype)[None, :, None]
    visible = None if mask is None else jnp.asarray(mask)[None, None, None]
    q, k, v = (jnp.asarray(x)[None] for x in (q[None], k, v))
    return np.asarray(jax.nn.dot_product_attention(q, k, v, bias=jnp.asarray(bias), mask=visible, scale=scale))[0, 0]


CALLS = with_forms("jax", "JAX, `jax.nn.dot_product_attention`", dot_product_attention)


def versions():
    return {name: importlib.metadata.version(name) for name in ("jax", "jaxlib")}
