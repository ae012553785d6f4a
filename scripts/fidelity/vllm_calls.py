"""vLLM's Triton kernel, without a GPU: Triton's interpreter runs it.

VLLM_FILES names a folder with the two files of the wheel that the kernel is in. What they import of vLLM besides is
stood in for here: a logger, a platform without fp8, and constants. The interpreter multiplies the bit patterns of bf16
in tl.dot, so f16 alone can be run.
"""
import enum
import importlib.metadata
import importlib.util
import logging
import os
import sys
import types

os.environ["TRITON_INTERPRET"] = "1"
import torch
import triton
import triton.language

from problem import main

PAGE, SEGMENTS = 16, 16  # slots a page; NUM_PAR_SOFTMAX_SEGMENTS of vllm/v1/attention/backends/triton_attn.py
OPS = "vllm.v1.attention.ops"


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members, __path__=[])
    sys.modules[name] = module
    return module


def kernel_file(name):
    spec = importlib.util.spec_from_file_location(f"{OPS}.{name}", os.path.join(os.environ["VLLM_FILES"], name + ".py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


logger = logging.getLogger("vllm")
logger.debug_once = logger.debug
platform = types.SimpleNamespace(fp8_dtype=lambda: torch.float8_e4m3fn, is_device_capability_family=lambda family: False)
quantization = enum.IntEnum("KVQuantMode", {"NONE": 0, "FP8_PER_TENSOR": 1, "INT8_PER_TOKEN_HEAD": 2,
                                            "FP8_PER_TOKEN_HEAD": 3, "INT4_PER_TOKEN_HEAD": 4})
for package in "vllm", "vllm.v1", "vllm.v1.attention", OPS:
    stand_in(package)
sys.modules["vllm"].envs = stand_in("vllm.envs", VLLM_BATCH_INVARIANT=False)
stand_in("vllm.logger", init_logger=lambda name: logger)
stand_in("vllm.platforms", current_platform=platform)
stand_in("vllm.triton_utils", tl=triton.language, triton=triton)
stand_in("vllm.v1.kv_cache_interface", KVQuantMode=quantization)
kernel_file("triton_attention_helpers")
unified_attention = kernel_file("triton_unified_attention").unified_attention


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
