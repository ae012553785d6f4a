"""ggml's flash attention on the CPU, through its C interface; GGML_LIBRARIES names the folder with libggml-base.so and -cpu.so.

Its q and out are f32. The mask holds f16 distances, which ggml multiplies by slopes of its own, those of max_bias 8.
scripts/fidelity and scripts/field run it.
"""
import ctypes
import os

import numpy as np

POINTER, INT, INT64, FLOAT, MIB = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_float, 1 << 20
TYPES = {"float32": 0, "float16": 1, "bfloat16": 30}  # enum ggml_type
FOLDER = os.environ["GGML_LIBRARIES"]
base, cpu = (ctypes.CDLL(os.path.join(FOLDER, f"libggml-{part}.so"), mode=ctypes.RTLD_GLOBAL) for part in ("base", "cpu"))


class Parameters(ctypes.Structure):
    _fields_ = [("mem_size", ctypes.c_size_t), ("mem_buffer", POINTER), ("no_alloc", ctypes.c_bool)]


for function, result, *arguments in (
        (base.ggml_init, POINTER, Parameters), (base.ggml_free, None, POINTER),
        (base.ggml_new_tensor_4d, POINTER, POINTER, INT, *[INT64] * 4), (base.ggml_get_data, POINTER, POINTER),
        (base.ggml_flash_attn_ext, POINTER, *[POINTER] * 5, *[FLOAT] * 3), (base.ggml_new_graph, POINTER, POINTER),
        (base.ggml_build_forward_expand, None, POINTER, POINTER), (base.ggml_version, ctypes.c_char_p),
        (cpu.ggml_graph_compute_with_ctx, INT, POINTER, POINTER, INT), (cpu.ggml_cpu_init, None)):
    function.restype, function.argtypes = result, arguments
cpu.ggml_cpu_init()


def flash(q, k, v, scale, mask=None):
    """out [H, D] in f32, of q [H, D] of any type and k and v [N, Hkv, D] in f32, f16 or bf16; mask bool [N], True: visible."""
    context = base.ggml_init(Parameters(2 * k.nbytes + 64 * MIB, None, False))

    def tensor(x):
        x = np.ascontiguousarray(x)
        made = base.ggml_new_tensor_4d(context, TYPES[x.dtype.name], *x.shape[::-1], *[1] * (4 - x.ndim))
        ctypes.memmove(base.ggml_get_data(made), x.ctypes.data, x.nbytes)
        return made

    distances = (np.arange(len(k), dtype=np.float32) - np.float32(len(k) - 1)).astype(np.float16)
    if mask is not None:
        distances[~mask] = -np.inf
    heads_first = [tensor(x.transpose(1, 0, 2)) for x in (k, v)]
    out = base.ggml_flash_attn_ext(context, tensor(q.astype(np.float32)[:, None]), *heads_first, tensor(distances[None]), scale,
                                   8.0, 0.0)
    graph = base.ggml_new_graph(context)
    base.ggml_build_forward_expand(graph, out)
    status = cpu.ggml_graph_compute_with_ctx(context, graph, 1)
    if status != 0:
        raise RuntimeError(f"ggml_graph_compute_with_ctx: {status}")
    values = ctypes.cast(base.ggml_get_data(out), ctypes.POINTER(FLOAT))
    result = np.ctypeslib.as_array(values, q.shape).copy()
    base.ggml_free(context)
    return result


def versions():
    return {"ggml": base.ggml_version().decode()}
