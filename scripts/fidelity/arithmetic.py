"""What each library computes, operation by operation, in NumPy: the proof that its roundings are known.

q.k is summed one product after the other in f32 here. Sums over keys and exponentials are exact and rounded to f32 once,
but for ggml's sums and PyTorch's exponential. `dtype` arguments are None for f32 or "input" for that of q.
"""
import numpy as np

from problem import F16, F32, F64, rounded, stored, widened, main


class Arithmetic:
    def __init__(self, problem):
        self.problem, self.scale = problem, F32(problem.scale)
        self.q, self.k = widened(problem.q), widened(problem.k)
        self.v = np.ascontiguousarray(widened(problem.v).transpose(1, 0, 2)).astype(F64)

    def rounded(self, x, dtype):
        return rounded(x, self.problem.dtype if dtype == "input" else dtype)

    def dot(self, q, exact=False):
        """[H, N] in f32: products one after the other, each sum rounded; exact: one rounding."""
        if exact:
            return np.einsum("hd,jhd->hj", q.astype(F64), self.k.astype(F64)).astype(F32)
        sums = np.zeros((self.problem.heads, self.problem.keys), F32)
        for channel in range(self.problem.dim):
            sums += q[:, None, channel] * self.k[:, :, channel].T
        return sums

    def weighted(self, weights):
        """[H, D] in f32: weights [H, N] times v."""
        return np.matmul(weights[:, None].astype(F64), self.v)[:, 0].astype(F32)


def exponential(x):
    return np.exp(x.astype(F64)).astype(F32)


def probabilities(numbers, logits, dtype):
    """softmax in f32, rounded to the dtype: the sum comes first, and its reciprocal is multiplied with."""
    weights = exponential(logits - logits.max(1, keepdims=True))
    return numbers.rounded(weights * (F32(1) / weights.sum(1, keepdims=True, dtype=F64).astype(F32)), dtype)


def framework(bias="input", absolute=False, scaled=None, dot=None, logit=None, weight="input"):
    """scale * q.k, plus the bias, softmax, rounded weights, times v: each a tensor of a dtype."""
    def run(problem):
        numbers = Arithmetic(problem)
        products = numbers.rounded(numbers.rounded(numbers.dot(numbers.q), dot) * numbers.scale, scaled)
        logits = numbers.rounded(products + problem.bias(bias, absolute), logit)
        return stored(numbers.weighted(probabilities(numbers, logits, weight)), problem.dtype)
    return run


def mlx(problem):
    """The scale is a tensor of q's dtype, and so is what every operation gives, but for the softmax inside."""
    numbers = Arithmetic(problem)
    query = numbers.rounded(numbers.q * numbers.rounded(numbers.scale, "input"), "input")
    logits = numbers.rounded(numbers.rounded(numbers.dot(query), "input") + problem.bias(), "input")
    return stored(numbers.weighted(probabilities(numbers, logits, "input")), problem.dtype)


def falcon_bias(numbers):
    """bf16 slopes times bf16 positions, rounded to bf16 and then to q's dtype."""
    slopes = rounded(numbers.problem.slopes, "bf16")
    positions = rounded(np.arange(numbers.problem.keys, dtype=F32), "bf16")
    return numbers.rounded(rounded(slopes[:, None] * positions, "bf16"), "input")


def falcon_mask(numbers):
    return numbers.rounded(falcon_bias(numbers) / F32(np.sqrt(F64(numbers.problem.dim))), "input")


def falcon_eager(problem):
    """The bias twice: once with q.k, before the scale, and once more in the mask, divided by sqrt(head_dim)."""
    numbers = Arithmetic(problem)
    products = numbers.rounded(numbers.dot(numbers.q), "input") + falcon_bias(numbers)
    logits = numbers.rounded(products * numbers.scale + falcon_mask(numbers), "input")
    return stored(numbers.weighted(probabilities(numbers, logits, "input")), problem.dtype)


# ---- online softmax over tiles ---------------------------------------------------------------------------------------
def fused(a, b, c):
    return (np.asarray(a, F64) * np.asarray(b, F64) + np.asarray(c, F64)).astype(F32)


def exponential_u20(x):
    """Vectorized<float>::fexp_u20 of ATen/cpu/vec/vec512/vec512_float.h: up to 1.1e-4 of the result off."""
    coefficients = [F32(c) for c in (0.00010703434948458272, 0.30354260500649682, -0.22433836478672356,
                                     -0.079204240219773236)]
    powers = (x * F32(1.4426950408889634)).astype(F32)
    fraction = powers - np.floor(powers)
    error = coefficients[3]
    for coefficient in coefficients[2::-1]:
        error = fused(fraction, error, coefficient)
    bits = np.trunc(fused(F32(2**23), powers - error, F32(127 * 2**23)))
    return np.where(x < F32(-87.3365478515625), 0, bits).astype(np.int32).view(F32)


def flash_exponential(x):
    """16 keys at a time that way; the keys of a tile that are left over by std::exp."""
    whole = len(x) // 16 * 16
    return np.concatenate([exponential_u20(x[:whole]), exponential(x[whole:])])


def running(numbers, logits, v, tile, weigh):
    """(maximum, sum, undivided output) of a head's keys: the maximum runs over tiles, weights are rounded before v."""
    maximum, total, out = F32(-np.inf), F32(0), np.zeros(v.shape[1], F32)
    for first in range(0, len(logits), tile):
        of_tile = logits[first:first + tile]
        larger = max(maximum, of_tile.max())
        weights, factor = weigh(of_tile - larger), exponential(np.asarray(maximum - larger))
        total = total * factor + weights.sum(dtype=F64).astype(F32)
        out = out * factor + (numbers.rounded(weights, "input").astype(F64) @ v[first:first + tile]).astype(F32)
        maximum = larger
    return maximum, total, out


def online(tile, weigh=exponential, bias=None, segments=1, mask=None, exact=False):
    """segments: keys are divided among so many, a whole number of tiles each, and merged by maximum and sum."""
    def run(problem):
        numbers = Arithmetic(problem)
        biases = mask(numbers) if mask else problem.bias(bias)
        logits, out = numbers.dot(numbers.q, exact) * numbers.scale + biases, []
        chunk = -(-problem.keys // (segments * tile)) * tile if segments > 1 else problem.keys
        for head in range(problem.heads):
            parts = [running(numbers, logits[head, first:first + chunk], numbers.v[head, first:first + chunk], tile, weigh)
                     for first in range(0, problem.keys, chunk)]
            maximum = max(part[0] for part in parts)
            factors = [exponential(np.asarray(part[0] - maximum)) for part in parts]
            total = sum(part[1] * factor for part, factor in zip(parts, factors))
            out.append(sum(part[2] * factor for part, factor in zip(parts, factors)) / total)
        return stored(np.stack(out), problem.dtype)
    return run


def ggml(problem):
    """Key after key; a channel has one sum, which is f16 and is rescaled at each new maximum. q.k and weights are f32."""
    if problem.dtype != "f16":
        raise NotImplementedError("ggml's cache here is f16")
    numbers, out = Arithmetic(problem), []
    distances = (np.arange(problem.keys, dtype=F32) - F32(problem.keys - 1)).astype(F16).astype(F32)
    logits = numbers.dot(numbers.q) * numbers.scale + problem.slopes[:, None] * distances
    for head in range(problem.heads):
        maxima = np.maximum.accumulate(logits[head])
        before = np.concatenate([[F32(-np.inf)], maxima[:-1]])
        weights, factors = exponential(logits[head] - maxima), exponential(before - maxima)
        total, sums = F32(0), np.zeros(problem.dim, F16)
        for key in range(problem.keys):
            if factors[key] != 1:
                sums = (sums.astype(F32) * factors[key]).astype(F16)
            sums = (numbers.v[head, key] * F64(weights[key]) + sums).astype(F32).astype(F16)
            total = total * factors[key] + weights[key]
        out.append(sums.astype(F32) * (F32(1) / total))
    return np.stack(out).astype(F16)


if __name__ == "__main__":
    main({
        "torch-sdpa-math": framework(weight=None),
        "torch-eager": framework(dot="input", scaled="input", logit="input"),
        "torch-flex-eager": framework(bias=None),
        "torch-flex-compiled": online(1 << 62, exact=True),
        "torch-sdpa-flash": online(512, flash_exponential, bias="input"),
        "transformers-bloom": framework(absolute=True, logit="input"),
        "transformers-mpt": framework(bias=None, dot="input", scaled="input"),
        "transformers-falcon-eager": falcon_eager,
        "transformers-falcon-sdpa": online(512, flash_exponential, mask=falcon_mask),
        "jax": framework(),
        "mlx": mlx,
        "onnxruntime-mha": framework(weight=None),
        "onnxruntime-attention": framework(logit="input"),
        "ggml-flash": ggml,
        "vllm-unified-2d": online(32),
        "vllm-unified-3d": online(16, segments=16),
    }, {"numpy": np.__version__})
