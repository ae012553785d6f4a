"""How many bits of a library's outputs each recipe has: fidelity.py ADAPTER FOLDER, one JSON object a line.

FOLDER has a folder for each problem, as `alibicheck run --dump` writes it, in which out.RECIPE.npy is the output of a kernel
with that recipe. Calls with the absolute form of the bias are left out, since recipes have the relative one.
"""
import importlib
import json
import os
import sys

import numpy as np

from calls import BF16


def tensor(folder, name, dtype):
    array = np.load(os.path.join(folder, name + ".npy"))
    return array.view(BF16) if dtype == "bf16" and array.dtype == np.uint16 else array


def ordered(x):
    """Whole numbers that are one apart where values of the dtype are neighbours; -0 is 0."""
    size = 8 * x.dtype.itemsize
    bits = x.view(f"int{size}").astype(np.int64)
    return np.where(bits < 0, -2 ** (size - 1) - bits, bits)


def compared(of_library, of_recipe):
    bits = f"uint{8 * of_library.dtype.itemsize}"
    apart = np.abs(ordered(of_library) - ordered(of_recipe))
    return {"elements": of_library.size, "equal": int(np.sum(of_library.view(bits) == of_recipe.view(bits))),
            "max_ulp": int(apart.max())}


def main():
    adapter, root = importlib.import_module(sys.argv[1] + "_calls"), sys.argv[2]
    for problem in sorted(os.listdir(root)):
        folder = os.path.join(root, problem)
        with open(os.path.join(folder, "point.json"), encoding="utf-8") as file:
            point = json.load(file)
        dtype = point["dtype"]
        q, k, v = (tensor(folder, name, dtype) for name in "qkv")
        slopes = np.load(os.path.join(folder, "slopes.npy"))
        for name, call in adapter.CALLS.items():
            if call.bias == "absolute" or dtype not in call.takes.split(","):
                continue
            out = call.function(q.reshape(-1, q.shape[-1]), k, v, slopes=slopes, scale=point["scale"], mask=None)
            for file in sorted(os.listdir(folder)):
                if file.startswith("out.") and file.endswith(".npy") and file != "out.npy":
                    recipe = file[len("out."):-len(".npy")]
                    other = tensor(folder, file[:-len(".npy")], dtype).reshape(out.shape)
                    print(json.dumps({"call": name, "recipe": recipe, **{key: point[key] for key in
                          ("seq_len", "num_heads", "head_dim", "dtype")}, **compared(np.ascontiguousarray(out), other)}),
                          flush=True)


main()
