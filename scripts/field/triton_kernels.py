"""vLLM's and AITER's Triton kernels, without a GPU: Triton's interpreter runs them.

TRITON_INTERPRET is to be 1, and TRITON_KERNELS names a folder with the files of their wheels that the kernels are in (environments.py). What these import of
their packages besides is stood in for here: loggers, a platform without fp8, constants, and of a GPU how many
multiprocessors it has, 304 as an MI300X. The interpreter multiplies the bit patterns of bf16 in tl.dot, so f16 and f32 alone can be run.
"""
import enum
import importlib.util
import logging
import os
import sys
import types

import torch
import triton
import triton.language

FOLDER = os.environ["TRITON_KERNELS"]
MULTIPROCESSORS = 304


def stand_in(name, path=(), **members):
    module = types.ModuleType(name)
    module.__dict__.update(members, __path__=list(path))
    sys.modules[name] = module
    return module


def kernel_file(name):
    """A module of a wheel, by its name there."""
    spec = importlib.util.spec_from_file_location(name, os.path.join(FOLDER, *name.split(".")) + ".py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_vllm():
    ops = "vllm.v1.attention.ops"
    logger = logging.getLogger("vllm")
    logger.debug_once = logger.debug
    platform = types.SimpleNamespace(fp8_dtype=lambda: torch.float8_e4m3fn, is_device_capability_family=lambda family: False)
    quantization = enum.IntEnum("KVQuantMode", {"NONE": 0, "FP8_PER_TENSOR": 1, "INT8_PER_TOKEN_HEAD": 2,
                                                "FP8_PER_TOKEN_HEAD": 3, "INT4_PER_TOKEN_HEAD": 4})
    for package in "vllm", "vllm.v1", "vllm.v1.attention", ops:
        stand_in(package)
    sys.modules["vllm"].envs = stand_in("vllm.envs", VLLM_BATCH_INVARIANT=False)
    stand_in("vllm.logger", init_logger=lambda name: logger)
    stand_in("vllm.platforms", current_platform=platform)
    stand_in("vllm.triton_utils", tl=triton.language, triton=triton)
    stand_in("vllm.v1.kv_cache_interface", KVQuantMode=quantization)
    kernel_file(f"{ops}.triton_attention_helpers")
    return kernel_file(f"{ops}.triton_unified_attention").unified_attention


def load_aiter():
    """Its paged decode attention, its unified attention, and the flash decoding of flash_attn_triton_amd."""
    ops = "aiter.ops.triton"
    for package in "aiter", "aiter.ops", ops, f"{ops}.utils", f"{ops}._triton_kernels", f"{ops}._triton_kernels.flash_attn_triton_amd":
        stand_in(package, [os.path.join(FOLDER, *package.split("."))])
    stand_in(f"{ops}.utils.device_info", get_num_sms=lambda: MULTIPROCESSORS)
    stand_in(f"{ops}.utils.types", e4m3_dtype=torch.float8_e4m3fn)
    return (kernel_file(f"{ops}.pa_decode"), kernel_file(f"{ops}.unified_attention"),
            kernel_file(f"{ops}._triton_kernels.flash_attn_triton_amd.fwd_decode"))
