"""Attention by PyTorch, on a CPU, held against the exact result: sound in every dtype, and wrong where its bias is."""
import os
import re
import subprocess
import sys

import pytest

import alibicheck

torch = pytest.importorskip("torch")

KEYS, KV_HEADS, DIM = 300, 4, 64
DTYPES = ["float32", "bfloat16", "float16"]


def bias_of(slopes, form, dtype):
    """[heads, 1, KEYS]: slope * (key - query), of which softmax is the same as of slope * key."""
    distance = torch.arange(KEYS) - (KEYS - 1 if form == "relative" else 0)
    return (slopes[:, None, None] * distance).to(dtype)


def tensors_of(dtype, heads):
    draw = torch.Generator().manual_seed(heads)
    shapes = [(1, heads, 1, DIM), (1, KV_HEADS, KEYS, DIM), (1, KV_HEADS, KEYS, DIM)]
    return [torch.randn(shape, generator=draw).to(dtype) for shape in shapes]


def slopes_of(heads):
    return torch.tensor([2.0 ** (-8 * (h + 1) / heads) for h in range(heads)])


def facts_of(q, k, v, slopes):
    return {"q": q, "k": k, "v": v, "layout": "BHSD", "scale": DIM ** -0.5, "slopes": slopes}


@pytest.mark.parametrize("heads", [KV_HEADS, 4 * KV_HEADS])
@pytest.mark.parametrize("form", ["relative", "absolute"])
@pytest.mark.parametrize("name", DTYPES)
def test_scaled_dot_product_attention_of_f32_is_right(name, form, heads):
    dtype, slopes = getattr(torch, name), slopes_of(heads)
    q, k, v = tensors_of(dtype, heads)
    out = torch.nn.functional.scaled_dot_product_attention(
        q.float(), k.float(), v.float(), attn_mask=bias_of(slopes, form, torch.float32), enable_gqa=True).to(dtype)
    verdict = alibicheck.judge(out, **facts_of(q, k, v, slopes))
    assert verdict, str(verdict)


@pytest.mark.parametrize("heads", [KV_HEADS, 4 * KV_HEADS])
@pytest.mark.parametrize("form", ["relative", "absolute"])
@pytest.mark.parametrize("name", DTYPES)
def test_matmul_and_softmax_with_their_lse_are_right(name, form, heads):
    dtype, slopes = getattr(torch, name), slopes_of(heads)
    q, k, v = tensors_of(dtype, heads)
    group = heads // KV_HEADS
    keys, values = (tensor.repeat_interleave(group, 1).float() for tensor in (k, v))
    logits = q.float() @ keys.transpose(-2, -1) * DIM ** -0.5 + bias_of(slopes, form, torch.float32)
    out = (torch.softmax(logits, -1) @ values).to(dtype)
    lse = torch.logsumexp(logits, -1)
    at = {"positions": 0} if form == "absolute" else {}
    verdict = alibicheck.judge(out, lse=lse, lse_base="e", **at, **facts_of(q, k, v, slopes))
    assert verdict, str(verdict)


@pytest.mark.parametrize("heads", [KV_HEADS, 4 * KV_HEADS])
def test_a_mask_in_bfloat16_is_wrong(heads):
    """Its bias is rounded to 8 bits: by as much as 2 of a key's 300 times a slope."""
    slopes = slopes_of(heads)
    q, k, v = tensors_of(torch.bfloat16, heads)
    out = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, attn_mask=bias_of(slopes, "absolute", torch.bfloat16), enable_gqa=True)
    verdict = alibicheck.judge(out, **facts_of(q, k, v, slopes))
    assert not verdict
    # Of slopes that are powers of 2 biases and positions round to the same numbers.
    what = "biases rounded" if heads > 8 else "rounded"
    assert f"{what} to bf16, absolute form" in str(verdict), str(verdict)


@pytest.mark.parametrize("name", DTYPES)
def test_no_bias_is_wrong_and_is_named(name):
    dtype, slopes = getattr(torch, name), slopes_of(KV_HEADS)
    q, k, v = tensors_of(dtype, KV_HEADS)
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    verdict = alibicheck.judge(out, **facts_of(q, k, v, slopes))
    assert not verdict
    assert "slopes" in str(verdict)


def test_the_manual_s_mask(tmp_path):
    """docs/python.md: the program that it shows says what it shows, but for figures that are of a machine."""
    page = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "python.md")
    with open(page, encoding="utf-8") as file:
        blocks = re.search(r"((?:    .*\n|\n(?=    ))+)\nSaved as `mask.py`.*\n\n((?:    .*\n)+)", file.read())
    program, output = (re.sub(r"^    ", "", block, flags=re.M) for block in blocks.groups())
    path = tmp_path / "mask.py"
    path.write_text(program)
    printed = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout
    said = re.compile("(?:relative|absolute) bias in .*: (?:pass|fail)")
    assert len(said.findall(output)) == 12 and said.findall(printed) == said.findall(output)
    figures = re.compile(r"[0-9.]+(e[-+][0-9]+)?")
    for line in output.splitlines():
        assert figures.sub("#", line) in figures.sub("#", printed)
