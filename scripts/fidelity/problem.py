"""Problems that `alibicheck run --dump` wrote, and outputs beside them: what the programs of libraries share.

A program of this folder is run as `PROGRAM PROBLEMS OUTPUTS CALL...`: PROBLEMS has a folder a problem, OUTPUTS takes
CALL@PROBLEM.npy for each, and versions.json. Tensors of bf16 are raw uint16 in files and in NumPy.
"""
import json
import os
import sys

import numpy as np

F16, F32, F64 = np.float16, np.float32, np.float64


def bf16_bits(x):
    """f32 to the nearest bf16, ties to even, as uint16; no NaN."""
    bits = np.asarray(x, F32).view(np.uint32)
    return ((bits + np.uint32(0x7fff) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def widened(x):
    return (x.astype(np.uint32) << np.uint32(16)).view(F32) if x.dtype == np.uint16 else x.astype(F32)


def rounded(x, dtype):
    """f32 values that are rounded to a dtype: None for f32, "f16" or "bf16"."""
    x = np.asarray(x, F32)
    return x if dtype is None else widened(bf16_bits(x)) if dtype == "bf16" else x.astype(F16).astype(F32)


def stored(x, dtype):
    """f32 values as a tensor of the dtype."""
    return bf16_bits(x) if dtype == "bf16" else np.asarray(x, F32).astype(F16)


class Problem:
    """q [H, D], k and v [N, H, D] in the dtype, slopes [H] in f32; the query is at the last key."""

    def __init__(self, folder):
        with open(os.path.join(folder, "point.json"), encoding="utf-8") as file:
            point = json.load(file)
        self.name = os.path.basename(folder)
        self.dtype, self.keys, self.heads, self.dim = (point[key] for key in ("dtype", "seq_len", "num_heads", "head_dim"))
        self.scale, self.seed = point["scale"], point["seed"]
        self.q, self.k, self.v, self.slopes = (np.load(os.path.join(folder, f"{name}.npy"))
                                               for name in ("q", "k", "v", "slopes"))

    def bias(self, dtype="input", absolute=False):
        """[H, N], slope * (j - P) or slope * j in f32, then rounded to the dtype; "input" is that of q."""
        positions = np.arange(self.keys, dtype=F32) - F32(0 if absolute else self.keys - 1)
        return rounded(self.slopes[:, None] * positions, self.dtype if dtype == "input" else dtype)


def problems(folder):
    return [Problem(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]


def main(calls, versions):
    """calls: name -> function of a problem that gives [H, D] in its dtype."""
    sources, outputs, *names = sys.argv[1:]
    for problem in problems(sources):
        for name in names:
            target = os.path.join(outputs, f"{name}@{problem.name}.npy")
            if not os.path.exists(target):
                try:
                    out = calls[name](problem)
                except NotImplementedError as why:
                    print(f"{name}, {problem.name}: {why}", flush=True)
                    continue
                np.save(target, np.asarray(out).reshape(problem.heads, problem.dim))
                print(f"{name}, {problem.name}", flush=True)
    with open(os.path.join(outputs, "versions.json"), "a", encoding="utf-8") as file:
        for name in names:
            file.write(json.dumps({"call": name, "versions": versions}) + "\n")
