"""Kernels in NumPy: functions as check_kernel calls them. Sound ones are the formula in f64, rounded."""
import numpy as np

ALL = ("f16", "bf16", "f32", "e4m3", "e5m2", "e4m3fnuz", "gqa", "queries", "alibi", "position", "mask", "soft_cap",
       "cap_biased", "sink_logits", "lse", "same_bits")


def _capped(logits, cap):
    return logits if cap is None else cap * np.tanh(logits / cap)


def whole(q, k, v, *, scale, slopes, q_position, kv_offset, mask, soft_cap, cap_biased, sink_logits, k_scale, v_scale):
    """Everything that a problem of one sequence can be: q[Q, H, D] -> out, lse."""
    dtype, (queries, heads, _), keys = q.dtype, q.shape, len(k)
    q, k, v, slopes = (array.astype(np.float64) for array in (q, k, v, slopes))
    k, v = (array.repeat(heads // k.shape[1], 1) for array in (k, v))
    position = q_position - (queries - 1) + np.arange(queries)[:, None, None]
    logits = _capped(np.einsum("qhd,nhd->qhn", q, k) * (scale * k_scale), soft_cap)
    logits = _capped(logits + slopes[:, None] * (kv_offset + np.arange(keys) - position), cap_biased)
    visible = np.arange(keys) < keys - (queries - 1) + np.arange(queries)[:, None, None]
    logits = np.where(visible if mask is None else visible & mask, logits, -np.inf)
    if sink_logits is not None:
        sinks = np.broadcast_to(sink_logits.astype(np.float64)[:, None], (queries, heads, 1))
        logits, v = np.concatenate([logits, sinks], 2), np.concatenate([v, np.zeros((1,) + v.shape[1:])])
    top = logits.max(2, initial=-np.inf, keepdims=True)
    weights = np.exp(logits - np.where(np.isfinite(top), top, 0))
    total = weights.sum(2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        lse = np.where(total > 0, np.log(total) + top, -np.inf)[..., 0]
    out = v_scale * np.einsum("qhn,nhd->qhd", weights, v) / np.where(total > 0, total, 1)
    return out.astype(dtype), lse.astype(np.float32)


def whole_batch(q, k, v, *, seq_lens, mask, q_position, kv_offset, **facts):
    """The same of q[B, Q, H, D], k and v[B, N, Hkv, D]."""
    results = [whole(q[b], k[b, :n], v[b, :n], mask=None if mask is None else mask[b, :n], q_position=q_position[b],
                     kv_offset=kv_offset[b], **facts) for b, n in enumerate(seq_lens)]
    return tuple(np.stack(arrays) for arrays in zip(*results))


def unpaged(pool, row, n):
    """The n keys of a pool [P, S, Hkv, D] that a row of the block table names."""
    size = pool.shape[1]
    return pool[row[:-(-n // size)]].reshape((-1,) + pool.shape[2:])[:n]


def whole_paged(q, k, v, *, block_table, seq_lens, **facts):
    """The same of one sequence, whose keys may be in pages."""
    if block_table is not None:
        k, v = (unpaged(pool, block_table, seq_lens) for pool in (k, v))
    return whole(q, k, v, **facts)


def whole_paged_batch(q, k, v, *, block_table, seq_lens, mask, q_position, kv_offset, **facts):
    results = [whole(q[b], unpaged(k, block_table[b], n), unpaged(v, block_table[b], n),
                     mask=None if mask is None else mask[b, :n], q_position=q_position[b], kv_offset=kv_offset[b], **facts)
               for b, n in enumerate(seq_lens)]
    return tuple(np.stack(arrays) for arrays in zip(*results))


def decode(q, k, v, *, slopes, scale):
    """What people have: q[H, D] -> out."""
    facts = dict.fromkeys(("mask", "soft_cap", "cap_biased", "sink_logits"))
    return whole(q[None], k, v, scale=scale, slopes=slopes, q_position=len(k) - 1, kv_offset=0, k_scale=1, v_scale=1,
                 **facts)[0][0]


def wrong_sign(q, k, v, *, slopes, scale):
    return decode(q, k, v, slopes=-slopes, scale=scale)
