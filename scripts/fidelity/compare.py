"""Records of how many bits agree: compare.py FOLDER EXPECTED FLAGS, one JSON object a line.

FOLDER has `now`, `before` and `numpy`; EXPECTED, of each call, the folder of what the library gave, the kernel and the
recipes; FLAGS the CPU's. Both are JSON.
"""
import json
import os
import sys

import numpy as np


def ordered(x):
    """Whole numbers that are one apart where values of the dtype are neighbours; -0 is 0."""
    bits = x.view(np.int16).astype(np.int32)
    return np.where(bits < 0, -32768 - bits, bits)


folder, expected, flags = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
for call, said in expected.items():
    with open(os.path.join(said["library"], "versions.json"), encoding="utf-8") as file:
        versions = {line["call"]: line["versions"] for line in map(json.loads, file)}
    for name in sorted(os.listdir(said["library"])):
        of_call, _, problem = name.removesuffix(".npy").partition("@")
        if of_call != call or not problem:
            continue
        keys, heads, dim, dtype = problem.split("-")
        library = np.load(os.path.join(said["library"], name))
        for of in "before", "now", "numpy":
            path = os.path.join(folder, of, name)
            if not os.path.exists(path):
                continue
            other = np.load(path)
            apart = np.abs(ordered(library) - ordered(other))
            equal = int(np.sum(library.view(np.uint16) == other.view(np.uint16)))
            print(json.dumps({
                "call": call, "versions": versions[call], "seq_len": int(keys), "num_heads": int(heads), "head_dim": int(dim),
                "dtype": dtype, "of": of, "kernel": None if of == "numpy" else said["kernel"],
                "recipe": said.get(of), "elements": library.size, "equal": equal, "max_ulp": int(apart.max()),
                "cpu_flags": flags}))
