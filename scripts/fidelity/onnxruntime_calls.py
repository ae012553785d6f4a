"""ONNX Runtime on the CPU. Its attention takes no bf16 there."""
import importlib.metadata

import onnx
import onnxruntime

from problem import F16, main, stored

FLOAT16 = onnx.TensorProto.FLOAT16


def attention(problem, node, opset):
    if problem.dtype != "f16":
        raise NotImplementedError("the CPU's attention takes no bf16")
    heads, keys, width = problem.heads, problem.keys, problem.heads * problem.dim
    shapes = {"q": (1, 1, width), "k": (1, keys, width), "v": (1, keys, width), "bias": (1, heads, 1, keys)}
    described = lambda name, shape: onnx.helper.make_tensor_value_info(name, FLOAT16, shape)
    graph = onnx.helper.make_graph([node], "attention", [described(*item) for item in shapes.items()],
                                   [described("out", shapes["q"])])
    opsets = [onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid("com.microsoft", 1)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    tensors = {"q": problem.q, "k": problem.k, "v": problem.v, "bias": stored(problem.bias(), "f16")}
    return session.run(None, {name: tensors[name].astype(F16).reshape(shape) for name, shape in shapes.items()})[0]


def multi_head_attention(problem):
    return attention(problem, onnx.helper.make_node(
        "MultiHeadAttention", ["q", "k", "v", "", "", "bias"], ["out"], num_heads=problem.heads, scale=problem.scale,
        domain="com.microsoft"), 23)


def attention_23(problem):
    return attention(problem, onnx.helper.make_node("Attention", ["q", "k", "v", "bias"], ["out"], scale=problem.scale,
                                                    q_num_heads=problem.heads, kv_num_heads=problem.heads), 23)


main({"onnxruntime-mha": multi_head_attention, "onnxruntime-attention": attention_23},
     {"onnxruntime": importlib.metadata.version("onnxruntime")})
