"""ggml on the CPU, called through its C interface; GGML_LIBRARIES names the folder with libggml-base.so and -cpu.so.

Its q and out are f32: q is rounded to f16 inside, and out is compared as f16. The mask holds f16 distances, which ggml
multiplies by slopes of its own.
"""
import ctypes
import os

import numpy as np

from problem import F16, F32, main

POINTER, INT, INT64, FLOAT, MIB = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_float, 1 << 20
GGML_F32, GGML_F16 = 0, 1  # enum ggml_type
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


def flash(problem, threads=1):
    if problem.dtype != "f16":
        raise NotImplementedError("ggml's cache here is f16")
    context = base.ggml_init(Parameters(2 * problem.k.nbytes + 64 * MIB, None, False))

    def tensor(x, dtype):
        x = np.ascontiguousarray(x)
        made = base.ggml_new_tensor_4d(context, dtype, *x.shape[::-1], *[1] * (4 - x.ndim))
        ctypes.memmove(base.ggml_get_data(made), x.ctypes.data, x.nbytes)
        return made

    distances = (np.arange(problem.keys, dtype=F32) - F32(problem.keys - 1)).astype(F16)
    out = base.ggml_flash_attn_ext(
        context, tensor(problem.q.astype(F32)[:, None], GGML_F32), tensor(problem.k.transpose(1, 0, 2), GGML_F16),
        tensor(problem.v.transpose(1, 0, 2), GGML_F16), tensor(distances[None], GGML_F16), problem.scale, 8.0, 0.0)
    graph = base.ggml_new_graph(context)
    base.ggml_build_forward_expand(graph, out)
    status = cpu.ggml_graph_compute_with_ctx(context, graph, threads)
    if status != 0:
        raise RuntimeError(f"ggml_graph_compute_with_ctx: {status}")
    values = ctypes.cast(base.ggml_get_data(out), ctypes.POINTER(FLOAT))
    result = np.ctypeslib.as_array(values, (problem.heads * problem.dim,)).astype(F16)
    base.ggml_free(context)
    return result


main({"ggml-flash": flash}, {"ggml": base.ggml_version().decode()})
