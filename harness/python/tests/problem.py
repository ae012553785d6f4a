"""A problem in NumPy, and the output that is right: the formula in f64, rounded."""
import numpy as np

from alibicheck._tensor import NUMPY_DTYPES


def slopes_of(heads):
    """BLOOM's, of a power of two of heads."""
    return np.array([2.0 ** (-8 * (h + 1) / heads) for h in range(heads)], np.float32)


def attention(q, k, v, *, scale, slopes, position=None, k_scale=1.0, v_scale=1.0, visible=None, sinks=None):
    """out[Q, H, D] and lse[Q, H] in f64 of one sequence: q[Q, H, D], k and v[N, G, D]."""
    q, k, v = (array.astype(np.float64) for array in (q, k, v))
    queries, heads, _ = q.shape
    keys, group = len(k), heads // k.shape[1]
    position = keys - 1 if position is None else position
    out, lse = np.zeros(q.shape), np.full((queries, heads), -np.inf)
    for i in range(queries):
        later = queries - 1 - i
        seen = np.arange(keys) < keys - later
        if visible is not None:
            seen &= visible[:keys] != 0
        for h in range(heads):
            logits = scale * k_scale * (k[seen, h // group] @ q[i, h])
            logits += float(slopes[h]) * (np.arange(keys)[seen] - (position - later))
            values = v[seen, h // group]
            if sinks is not None:
                logits = np.append(logits, float(sinks[h]))
                values = np.vstack([values, np.zeros((1, q.shape[2]))])
            if len(logits):
                weights = np.exp(logits - logits.max())
                out[i, h] = v_scale * (weights @ values) / weights.sum()
                lse[i, h] = logits.max() + np.log(weights.sum())
    return out, lse


class Problem:
    """Sequences of different lengths: lists of q[Q, H, D], k and v[N, G, D], out and lse."""

    def __init__(self, dtype="f16", kv_dtype=None, queries=1, lengths=(37,), heads=4, kv_heads=2, dim=32, seed=0):
        draw = np.random.default_rng(seed)
        self.dtype, self.kv_dtype = dtype, kv_dtype or dtype
        self.queries, self.heads, self.kv_heads, self.dim, self.lengths = queries, heads, kv_heads, dim, lengths
        self.scale = float(np.float32(dim ** -0.5))
        self.k_scale, self.v_scale = (0.25, 0.5) if self.kv_dtype in ("e4m3", "e5m2", "e4m3fnuz") else (1.0, 1.0)
        self.slopes = slopes_of(heads)
        narrow = NUMPY_DTYPES[self.kv_dtype]
        self.q = [draw.standard_normal((queries, heads, dim)).astype(NUMPY_DTYPES[dtype]) for _ in lengths]
        self.k = [draw.standard_normal((n, kv_heads, dim)).astype(narrow) for n in lengths]
        self.v = [draw.standard_normal((n, kv_heads, dim)).astype(narrow) for n in lengths]
        self.out, self.lse = [], []
        for q, k, v in zip(self.q, self.k, self.v):
            out, lse = attention(q, k, v, scale=self.scale, slopes=self.slopes, k_scale=self.k_scale, v_scale=self.v_scale)
            self.out.append(out.astype(NUMPY_DTYPES[dtype]))
            self.lse.append(lse.astype(np.float32))

    def facts(self):
        return {"slopes": self.slopes, "scale": self.scale, "k_scale": self.k_scale, "v_scale": self.v_scale}

    def one(self):
        """Arguments of judge for the first sequence in NHD, out first."""
        squeeze = (lambda array: array[0]) if self.queries == 1 else (lambda array: array)
        return squeeze(self.out[0]), dict(q=squeeze(self.q[0]), k=self.k[0], v=self.v[0], layout="NHD", **self.facts())

    # ---- all sequences ----

    def padded(self, arrays, room):
        """[B, room, G, D], garbage behind the keys."""
        stacked = np.full((len(arrays), room) + arrays[0].shape[1:], np.nan).astype(arrays[0].dtype)
        for b, array in enumerate(arrays):
            stacked[b, :len(array)] = array
        return stacked

    def pages(self, arrays, slots, seed=5):
        """A pool [P, slots, G, D] in any order, and a table [B, n] with -1 behind the pages."""
        order = iter(np.random.default_rng(seed).permutation(sum(-(-n // slots) for n in self.lengths) + 2).tolist())
        pool = np.full((sum(-(-n // slots) for n in self.lengths) + 2, slots) + arrays[0].shape[1:], np.nan)
        pool = pool.astype(arrays[0].dtype)
        table = np.full((len(arrays), max(-(-n // slots) for n in self.lengths) + 1), -1, np.int32)
        for b, array in enumerate(arrays):
            for i in range(-(-len(array) // slots)):
                table[b, i] = next(order)
                piece = array[i * slots:(i + 1) * slots]
                pool[table[b, i], :len(piece)] = piece
        return pool, table
