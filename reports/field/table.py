"""Tables of reports/field.md, of the files beside this one: table.py calls | bits | gauntlet."""
import glob
import gzip
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
DTYPES = ("f16", "bf16", "f32")
STANDS_FOR = {  # the recipe of each call; those without one have the nearest alone
    "torch-sdpa-math": "pytorch-sdpa-math", "torch-sdpa-flash": "pytorch-flash-cpu", "torch-eager": "pytorch-eager",
    "torch-flex-eager": "pytorch-flex-eager", "transformers-bloom": "hf-bloom", "transformers-mpt": "hf-mpt",
    "openvino": "openvino-cpu", "jax": "jax-xla", "mlx": "mlx-cpu", "onnxruntime-mha": "onnx-runtime-cpu",
    "onnxruntime-attention": "onnx-runtime-attention-cpu", "ggml-flash": "ggml-cpu",
}


def lines_of(pattern):
    for path in sorted(glob.glob(os.path.join(FOLDER, pattern))):
        with open(path, encoding="utf-8") as file:
            yield from map(json.loads, file)


def row(cells):
    print("| " + " | ".join(cells) + " |")


def calls():
    row(["kernel", "what is called", "bias", "dtypes", "versions", "the CPU's instructions"])
    print("|---|---|---|---|---|---|")
    said = list(lines_of("*-calls.jsonl"))
    for call in said:
        dtypes = [word for word in call["takes"].split(",") if word in DTYPES]
        versions = ", ".join(f"{name} {version}" for name, version in call["versions"].items())
        row([f"`{call['kernel']}`", call["about"], call["bias"], " ".join(dtypes), versions, ", ".join(call["cpu_flags"])])


def share(record):
    """Rounded down: 100 is all of them."""
    tenths = record["equal"] * 1000 // record["elements"]
    return f"{tenths // 10}.{tenths % 10}" if record["equal"] < record["elements"] else "100"


def cell(record):
    return f"`{record['recipe']}` | {share(record)} | {record['max_ulp']}"


def bits():
    row(["kernel", "keys x heads x dim", "dtype", "its recipe", "equal, %", "ulp", "nearest of the others", "equal, %", "ulp"])
    print("|---|---|---|---|---:|---:|---|---:|---:|")
    groups = {}
    for record in lines_of("fidelity.jsonl"):
        key = tuple(record[field] for field in ("call", "seq_len", "num_heads", "head_dim", "dtype"))
        groups.setdefault(key, {})[record["recipe"]] = record
    for (call, *shape, dtype), of_recipe in sorted(groups.items(), key=lambda item: (item[0][:2], DTYPES.index(item[0][4]))):
        own = of_recipe.pop(STANDS_FOR.get(call), None)
        nearest = max(of_recipe.values(), key=lambda record: (record["equal"], -record["max_ulp"]))
        row([f"`{call}`", " x ".join(map(str, shape)), dtype, cell(own) if own else "none | - | -", cell(nearest)])


def situations():
    """Those that there were when the records were made, in their order: of what is newer nobody was asked."""
    with open(os.path.join(FOLDER, "gauntlet/situations.txt"), encoding="utf-8") as file:
        return file.read().split()


def as_what(records):
    """How the points of a situation fail: "`nan` (f16)"."""
    kinds = {}
    for record in records:
        kinds.setdefault("refused" if record.get("refused") else f"`{record['signature']}`", set()).add(record["dtype"])
    return ", ".join(f"{kind} ({', '.join(dtype for dtype in DTYPES if dtype in dtypes)})" for kind, dtypes in kinds.items())


def gauntlet():
    of_kernel = {}
    for path in sorted(glob.glob(os.path.join(FOLDER, "gauntlet/*.jsonl.gz"))):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for record in map(json.loads, file):
                of_kernel.setdefault(record["kernel"], []).append(record)
    order = situations()
    row(["kernel", "pass", "fail", "not taken", "fails in", "known bugs that are told"])
    print("|---|---:|---:|---:|---|---|")
    for kernel, records in sorted(of_kernel.items()):
        judged = {record["case"] for record in records} & set(order)
        wrong = {case: [record for record in records if record["case"] == case and record["status"] != "pass"] for case in order}
        wrong = {case: some for case, some in wrong.items() if some}
        told = sorted({bug for record in records for bug in (record["known_bugs"] or "").split()})
        row([f"`{kernel}`", str(len(judged) - len(wrong)), str(len(wrong)), str(len(order) - len(judged)),
             "; ".join(f"{case} {as_what(some)}" for case, some in wrong.items()) or "none", " ".join(told) or "none"])


{"calls": calls, "bits": bits, "gauntlet": gauntlet}[sys.argv[1]]()
