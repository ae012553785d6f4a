"""ONNX Runtime on the CPU. Its attention takes no bf16 there."""
import functools
import importlib.metadata

import numpy as np
import onnx
import onnxruntime

from calls import F16, THREADS, bias_of, with_forms

TYPES = {np.dtype(F16): onnx.TensorProto.FLOAT16, np.dtype(np.float32): onnx.TensorProto.FLOAT,
         np.dtype(np.int32): onnx.TensorProto.INT32}


@functools.lru_cache(16)
def session(operator, domain, names, attributes, inputs):
    """A model of one node. inputs: (name, dtype, shape) each; out is as the first."""
    described = [onnx.helper.make_tensor_value_info(name, TYPES[dtype], shape) for name, dtype, shape in inputs]
    node = onnx.helper.make_node(operator, names, ["out"], domain=domain, **dict(attributes))
    graph = onnx.helper.make_graph([node], "attention", described,
                                   [onnx.helper.make_tensor_value_info("out", TYPES[inputs[0][1]], inputs[0][2])])
    opsets = [onnx.helper.make_opsetid("", 23), onnx.helper.make_opsetid("com.microsoft", 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def attention(operator, domain, names, attributes, tensors):
    inputs = tuple((name, array.dtype, array.shape) for name, array in tensors.items())
    return session(operator, domain, names, attributes, inputs).run(None, tensors)[0]


def tensors_of(q, k, v, bias):
    width = k.shape[1] * k.shape[2]  # of k without keys, too
    return {"q": q.reshape(1, 1, -1), "k": k.reshape(1, len(k), width), "v": v.reshape(1, len(v), width),
            "bias": bias.astype(q.dtype)[None, :, None]}


def multi_head_attention(q, k, v, *, slopes, scale, mask=None, absolute=False):
    """Masked keys are those of key_padding_mask, which the operator has its own number for."""
    tensors = tensors_of(q, k, v, bias_of(slopes, len(k), absolute))
    names = ("q", "k", "v", "", "" if mask is None else "padding", "bias")
    if mask is not None:
        tensors["padding"] = mask.astype(np.int32)[None]
    out = attention("MultiHeadAttention", "com.microsoft", names, (("num_heads", len(q)), ("scale", scale)), tensors)
    return out.reshape(q.shape)


def attention_23(q, k, v, *, slopes, scale, mask=None, absolute=False):
    tensors = tensors_of(q, k, v, bias_of(slopes, len(k), absolute, mask))
    attributes = (("scale", scale), ("q_num_heads", len(q)), ("kv_num_heads", k.shape[1]))
    return attention("Attention", "", ("q", "k", "v", "bias"), attributes, tensors).reshape(q.shape)


CALLS = {
    **with_forms("onnxruntime-mha", "ONNX Runtime, `MultiHeadAttention`", multi_head_attention, takes="f16,f32,alibi,mask"),
    **with_forms("onnxruntime-attention", "ONNX Runtime, `Attention` of opset 23", attention_23,
                 takes="f16,f32,gqa,alibi,mask"),
}


def versions():
    return {"onnxruntime": importlib.metadata.version("onnxruntime")}
