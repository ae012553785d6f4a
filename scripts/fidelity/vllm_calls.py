"""vLLM's Triton kernel, without a GPU: Triton's interpreter runs it (scripts/field/triton_kernels.py), of f16 alone."""
import importlib.metadata
import os
import sys

import torch

from problem import main

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "field"))
from triton_kernels import load_vllm

PAGE, SEGMENTS = 16, 16  # slots a page; NUM_PAR_SOFTMAX_SEGMENTS of vllm/v1/attention/backends/triton_attn.py
unified_attention = load_vllm()


def unified(segments):
    def run(problem):
        if problem.dtype != "f16":
            raise NotImplementedError("Triton's interpreter multiplies the bit patterns of bf16")
        heads, keys, dim = problem.heads, problem.keys, problem.dim
        pages = -(-keys // PAGE)

        def cache(x):
            slots = torch.zeros(pages * PAGE, heads, dim, dtype=torch.float16)
            slots[:keys] = torch.from_numpy(x)
            return slots.view(pages, PAGE, heads, dim)

        of_segments = {} if segments is None else {
            "seq_threshold_3D": 128, "num_par_softmax_segments": segments,
            "softmax_segm_output": torch.empty(1, heads, segments, dim),
            "softmax_segm_max": torch.empty(1, heads, segments), "softmax_segm_expsum": torch.empty(1, heads, segments)}
        q, whole = torch.from_numpy(problem.q)[None], lambda *values: torch.tensor(values, dtype=torch.int32)
        out = torch.zeros_like(q)
        unified_attention(q, cache(problem.k), cache(problem.v), out, whole(0, 1), 1, whole(keys), keys, problem.scale,
                          True, (-1, -1), torch.arange(pages, dtype=torch.int32)[None], 0.0, None, None, None,
                          alibi_slopes=torch.from_numpy(problem.slopes), **of_segments)
        return out.numpy()
    return run


main({"vllm-unified-2d": unified(None), "vllm-unified-3d": unified(SEGMENTS)},
     {"vllm": os.environ["VLLM_VERSION"], "triton": importlib.metadata.version("triton")})
