"""JAX on the CPU. jax.jit of f16 is refused there (DotAlgorithmPreset F16_F16_F32), so calls are not jitted."""
import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np

from problem import main, stored


def tensor(x):
    return jax.lax.bitcast_convert_type(jnp.asarray(x), jnp.bfloat16) if x.dtype == np.uint16 else jnp.asarray(x)


def dot_product_attention(problem):
    bias = tensor(stored(problem.bias(), problem.dtype))[None, :, None, :]
    out = jax.nn.dot_product_attention(tensor(problem.q)[None, None], tensor(problem.k)[None], tensor(problem.v)[None],
                                       bias=bias, scale=problem.scale)
    return stored(np.asarray(out.astype(jnp.float32)), problem.dtype)


main({"jax": dot_product_attention}, {"jax": importlib.metadata.version("jax")})
