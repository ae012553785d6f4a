"""The tables of reports/fidelity.md, of the records beside this file: table.py shares | versions."""
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
CALLS = {  # what is called, and the steps that no recipe has
    "torch-sdpa-math": "PyTorch, `scaled_dot_product_attention`, math",
    "torch-eager": "PyTorch, `softmax(q @ k.mT * scale + bias) @ v`",
    "torch-flex-eager": "PyTorch, `flex_attention`",
    "torch-flex-compiled": "PyTorch, `flex_attention`, compiled",
    "torch-sdpa-flash": "PyTorch, `scaled_dot_product_attention`, flash",
    "transformers-bloom": "transformers, BLOOM",
    "transformers-mpt": "transformers, MPT",
    "transformers-falcon-sdpa": "transformers, Falcon, `sdpa`",
    "transformers-falcon-eager": "transformers, Falcon, `eager`",
    "jax": "JAX, `jax.nn.dot_product_attention`",
    "mlx": "MLX, `mx.fast.scaled_dot_product_attention`",
    "onnxruntime-mha": "ONNX Runtime, `MultiHeadAttention`",
    "onnxruntime-attention": "ONNX Runtime, `Attention` of opset 23",
    "ggml-flash": "ggml, `ggml_flash_attn_ext`",
    "vllm-unified-2d": "vLLM, `unified_attention`, 2D launch",
    "vllm-unified-3d": "vLLM, `unified_attention`, 3D launch",
}


def row(cells):
    print("| " + " | ".join(cells) + " |")


def share(record):
    """Rounded down: 100 is all of them."""
    tenths = record["equal"] * 1000 // record["elements"]
    return f"{tenths // 10}.{tenths % 10}" if record["equal"] < record["elements"] else "100"


def recipe(record):
    return f"`{record['recipe'].removeprefix('before-')}`" if record else "none"


def shares(records):
    row(["library", "keys x heads x dim", "dtype", "recipe before", "equal, %", "recipe now", "equal, %", "ulp",
         "its arithmetic in NumPy, equal, %", "ulp"])
    print("|---|---|---|---|---:|---|---:|---:|---:|---:|")
    for call, words in CALLS.items():
        of_call = [record for record in records if record["call"] == call]
        for problem in dict.fromkeys((r["seq_len"], r["num_heads"], r["head_dim"], r["dtype"]) for r in of_call):
            found = {r["of"]: r for r in of_call
                     if (r["seq_len"], r["num_heads"], r["head_dim"], r["dtype"]) == problem}
            before, now, numpy = (found.get(of) for of in ("before", "now", "numpy"))
            row([words, " x ".join(map(str, problem[:3])), problem[3], recipe(before), share(before) if before else "-",
                 recipe(now), share(now) if now else "-", str(now["max_ulp"]) if now else "-", share(numpy),
                 str(numpy["max_ulp"])])


def versions(records):
    row(["library", "versions"])
    print("|---|---|")
    for call, words in CALLS.items():
        said = {json.dumps(record["versions"]): record["versions"] for record in records if record["call"] == call}
        for packages in said.values():
            row([words, ", ".join(f"{name} {version}" for name, version in packages.items())])
    for flags in dict.fromkeys(tuple(record["cpu_flags"]) for record in records):
        row(["the CPU's instructions", ", ".join(flags)])


def main():
    with open(os.path.join(FOLDER, "records.jsonl"), encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    {"shares": shares, "versions": versions}[sys.argv[1]](records)


main()
