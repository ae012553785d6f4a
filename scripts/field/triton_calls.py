"""vLLM's and AITER's decode attention, in Triton: what GPUs run, interpreted on the CPU (triton_kernels.py)."""
import importlib.metadata
import os

import torch
import triton
import triton.language

from calls import Call
from triton_kernels import load_aiter, load_vllm

SEGMENTS = 16  # NUM_PAR_SOFTMAX_SEGMENTS of vllm/v1/attention/backends/triton_attn.py
# What is interpreted takes its time.
SMALL = ("num_heads <= 8 and (seq_len <= 1000 or seq_len <= 3000 and num_heads <= 6)",)
# The other form takes [:, None] of a number, which the interpreter does not.
SHARED = ("num_kv_heads = 1 and num_heads > 1 or num_kv_heads = 2 and num_heads > 2 or num_kv_heads = 4 and num_heads > 4",)
vllm_unified = load_vllm()
pa_decode, aiter, fwd_decode = load_aiter()


def unified(function, segments=None):
    """One that takes the queries of all sequences one after the other."""
    def run(q, k, v, *, scale, slopes, soft_cap, sink_logits, block_table, seq_lens):
        """q [B, Q, H, D]; k and v pools [P, page, Hkv, D], block_table [B, M], seq_lens [B]."""
        (count, queries, heads, dim), given = q.shape, q.flatten(0, 1)
        of_segments = {} if segments is None else {
            "seq_threshold_3D": 128, "num_par_softmax_segments": segments,
            "softmax_segm_output": torch.empty(len(given), heads, segments, triton.next_power_of_2(dim)),
            "softmax_segm_max": torch.empty(len(given), heads, segments),
            "softmax_segm_expsum": torch.empty(len(given), heads, segments)}
        out = torch.zeros_like(given)
        function(given, k, v, out, torch.arange(count + 1, dtype=torch.int32) * queries, queries, seq_lens, int(seq_lens.max()),
                 scale, True, (-1, -1), block_table, soft_cap or 0.0, None, None, None, alibi_slopes=slopes, sinks=sink_logits,
                 **of_segments)
        return out.view(q.shape)
    return run


def paged(q, k, v, *, scale, slopes, block_table, seq_lens, k_scale, v_scale):
    out = torch.zeros_like(q)
    pa_decode.paged_attention_decode(out, q, k.transpose(1, 2).contiguous(), v.transpose(1, 2).contiguous(), seq_lens, block_table,
                                     scale, int(seq_lens.max()), triton.language.float16, torch.tensor([k_scale]), torch.tensor([v_scale]),
                                     alibi_slopes=slopes)
    return out


def flash_decode(q, k, v, *, scale, slopes, seq_lens):
    count, heads, _ = q.shape
    out, lse = torch.zeros_like(q), torch.zeros(count, heads, 1)
    fwd_decode.attention_forward_decode_triton_impl(
        q[:, None], k, v, None, None, out[:, None], lse, scale, False, -1, -1, slopes.expand(count, heads), "bshd", seq_lens, None)
    return out, lse[..., 0]


def zeroed(function):
    """A cache that was zeros before it was filled, as servers allocate it: what is nobody's is 0, not NaN."""
    def run(q, k, v, **more):
        return function(q, k.masked_fill(k.isnan(), 0), v.masked_fill(v.isnan(), 0), **more)
    return run


def call(about, function, takes, where=()):
    return Call(about, function, takes=f"f16,gqa,alibi,batch,{takes}", where=(*SMALL, *where), bias="relative", tensors="torch")


OF_PAGES, OF_UNIFIED = "pages,only_pages", "queries,soft_cap,sink_logits,pages,only_pages"
CALLS = {
    "vllm-unified-2d": call("vLLM, Triton `unified_attention`, one pass", unified(vllm_unified), OF_UNIFIED),
    "vllm-unified-3d": call("vLLM, Triton `unified_attention`, in segments", unified(vllm_unified, SEGMENTS), OF_UNIFIED),
    "aiter-unified": call("AITER, Triton `unified_attention`", unified(aiter.unified_attention), OF_UNIFIED),
    "aiter-unified.zeroed": call("the same, in a cache of zeros", zeroed(unified(aiter.unified_attention)), OF_UNIFIED),
    "aiter-paged": call("AITER, Triton `paged_attention_decode`, of query heads that share KV heads", paged, f"e4m3,{OF_PAGES}", SHARED),
    "aiter-flash-decode": call("AITER, Triton `flash_attn_triton_amd`, decode", flash_decode, "lse"),
}


def versions():
    return {"vllm": os.environ["VLLM_VERSION"], "amd-aiter": os.environ["AITER_VERSION"],
            **{name: importlib.metadata.version(name) for name in ("triton", "torch")}}
