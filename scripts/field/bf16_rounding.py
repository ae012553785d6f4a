"""How a bundle's output of bf16 was rounded: bf16_rounding.py BUNDLE; of one sequence, without a mask, bias in bf16.

Counts the elements that are the exact result rounded to nearest even, and those that are it by bits + ((bits & 0x10000) >> 1),
which rounds up past the half only where the last bit kept is 1.
"""
import json
import sys

import numpy as np


def tensors_of(path):
    """Of f32 and bf16, as f64 and as they are."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    raw = {name: np.frombuffer(data[slice(*said["data_offsets"])], np.uint16 if said["dtype"] == "BF16" else np.float32)
           .reshape(said["shape"]) for name, said in header.items() if said.get("dtype") in ("BF16", "F32")}
    return header["__metadata__"], raw, {name: widened(x) if x.dtype == np.uint16 else x.astype(np.float64)
                                         for name, x in raw.items()}


def widened(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)


def nearest(bits):
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16


def main():
    said, raw, value = tensors_of(sys.argv[1])
    q, out = value["q"].reshape(-1, value["q"].shape[-1]), raw["out"].reshape(-1, raw["out"].shape[-1])
    k, v = value["k"], value["v"]
    distances = np.arange(len(k), dtype=np.float32) - np.float32(len(k) - 1)
    bias = widened(nearest((value["slopes"].astype(np.float32)[:, None] * distances).view(np.uint32)).astype(np.uint16))
    logits = np.einsum("hd,nhd->hn", q, k) * float(said["scale"]) + bias
    weights = np.exp(logits - logits.max(1, keepdims=True))
    exact = (np.einsum("hn,nhd->hd", weights, v) / weights.sum(1, keepdims=True)).astype(np.float32).view(np.uint32)
    print(f"rounded to nearest even: {np.sum(nearest(exact) == out)} of {out.size}")
    print(f"by the last bit kept: {np.sum((exact + ((exact & 0x10000) >> 1)) >> 16 == out)} of {out.size}")


main()
