"""OpenVINO on the CPU, with the settings that it chooses itself; and told to compute in f32, which it does not do by itself
where the CPU has bf16."""
import functools
import importlib.metadata

import numpy as np
import openvino
from openvino import opset13

from calls import BF16, F16, THREADS, bf16_bits, bias_of, with_forms

TYPES = {np.dtype(F16): openvino.Type.f16, np.dtype(BF16): openvino.Type.bf16, np.dtype(np.float32): openvino.Type.f32}
CORE = openvino.Core()


@functools.lru_cache(16)
def compiled(dtype, shapes, scale, hint):
    """A model of one node, of q, k, v and the bias. hint: the precision that it is told to compute in."""
    inputs = [opset13.parameter(shape, TYPES[dtype]) for shape in shapes]
    node = opset13.scaled_dot_product_attention(*inputs, opset13.constant(scale, TYPES[dtype]), causal=False)
    return CORE.compile_model(openvino.Model([node], inputs), "CPU",
                              {"INFERENCE_NUM_THREADS": THREADS, **({"INFERENCE_PRECISION_HINT": hint} if hint else {})})


def tensor(x):
    x = np.ascontiguousarray(x)
    return openvino.Tensor(bf16_bits(x), x.shape, openvino.Type.bf16) if x.dtype == BF16 else openvino.Tensor(x)


def scaled_dot_product_attention(q, k, v, *, slopes, scale, mask=None, absolute=False, hint=None):
    bias = bias_of(slopes, len(k), absolute, mask).astype(q.dtype)[None, :, None]
    arrays = [q[None, :, None], k.transpose(1, 0, 2)[None], v.transpose(1, 0, 2)[None], bias]
    request = compiled(q.dtype, tuple(array.shape for array in arrays), scale, hint).create_infer_request()
    request.infer([tensor(array) for array in arrays])
    out = request.get_output_tensor(0)
    return out.data.reshape(q.shape).view(q.dtype).copy()


ABOUT = "OpenVINO, `ScaledDotProductAttention` of opset 13"
CALLS = {**with_forms("openvino", ABOUT, scaled_dot_product_attention, takes="f16,bf16,f32,alibi,mask"),
         **with_forms("openvino-f32", ABOUT + ", `INFERENCE_PRECISION_HINT` f32",
                      functools.partial(scaled_dot_product_attention, hint="f32"), takes="f32,alibi,mask")}


def versions():
    return {"openvino": importlib.metadata.version("openvino")}
