"""check_kernel and serve: cases run on a function, in this process and in one of its own."""
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import alibicheck
import manual
from kernels import ALL, decode, whole, whole_batch, whole_paged, whole_paged_batch, wrong_sign

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
CASE = """case: small
seq_len: [1, 40]
num_heads: 4
num_kv_heads: 2
head_dim: 64
dtype: [f16, bf16]
"""
EVERYTHING = """case: everything
seq_len: [0, 1, 33]
num_heads: 4
num_kv_heads: 2
head_dim: 64
dtype: [bf16, f32]
num_queries: [1, 3]
mask: [none, {holes: 0.3}]
"""


@pytest.fixture
def case(tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(CASE)
    return path


def statuses(report):
    return sorted({record["status"] for record in report.records})


def oracles(report, outcome):
    return {name for record in report.records for name, what in (record["oracles"] or {}).items() if what == outcome}


# ---- sound ---------------------------------------------------------------------------------------------------------

def test_a_sound_kernel_passes(program, case):
    report = alibicheck.check_kernel(decode, case)
    assert report and report.passed and statuses(report) == ["pass"] and len(report.records) == 4
    assert report.records[0]["kernel"] == "decode" and report.records[0]["device_name"] == "function decode"
    assert not report.failures and not report.skipped and not report.tracebacks
    assert re.match(r"4 points on function decode: 4 pass; .* s$", str(report))
    assert repr(report) == "<alibicheck.KernelReport: decode, passed, 4 points, 0 failures, 0 skipped>"
    assert {"determinism", "constant_v", "one_key"} <= oracles(report, "held")


def test_everything_that_a_kernel_may_take(program, tmp_path):
    path = tmp_path / "everything.yaml"
    path.write_text(EVERYTHING)
    for function, takes in ((whole, ALL), (whole_batch, ALL + ("batch",))):
        report = alibicheck.check_kernel(function, path, takes=takes, arithmetic="f32")
        assert report and len(report.records) == 24 and statuses(report) == ["pass"], str(report)
        assert ("batch" in oracles(report, "held")) == ("batch" in takes)
        assert all(record["max_lse_err"] is not None for record in report.records)


def test_oracles_are_all_unless_they_are_told(program, case):
    case.write_text(CASE + "oracles: none\n")
    assert "constant_v" in oracles(alibicheck.check_kernel(decode, case), "held")
    assert oracles(alibicheck.check_kernel(decode, case, oracles=["constant_v", "one_key"], set="dtype=f16"), "held") == {
        "constant_v", "one_key"}
    for told in ({"oracles": None}, {"set": {"oracles": "none"}}, {"set": "oracles=none"}):
        assert not oracles(alibicheck.check_kernel(decode, case, **told), "held")


def test_what_a_batch_is_given(program, tmp_path):
    path = tmp_path / "batch.yaml"
    path.write_text(CASE.replace("[1, 40]", "[9, 40]") + "batch: together\nmask: {holes: 0.3}\ndtype: f16\n")
    seen = []

    def kernel(q, k, v, *, scale, slopes, seq_lens, mask, q_position, kv_offset):
        seen.append((seq_lens.tolist(), q_position.tolist(), kv_offset.tolist(), q.shape, k.shape, k.dtype, mask.copy(),
                     k.copy()))
        return np.zeros_like(q)

    path.write_text(path.read_text().replace("dtype: [f16, bf16]\n", "", 1))
    alibicheck.check_kernel(kernel, path, oracles="none")
    lengths, positions, offsets, q, k, dtype, mask, keys = seen[0]
    assert (lengths, positions, offsets) == ([9, 40], [8, 39], [0, 0])
    assert (q, k, dtype, mask.shape, mask.dtype) == ((2, 4, 64), (2, 40, 2, 64), np.float16, (2, 40), np.bool_)
    assert mask[0, :9].any() and not mask[0, 9:].any() and mask[1, 9:].any() and not mask[1].all()
    assert (keys[0, 9:] == keys[1, 9:]).all() and not (keys[0, :9] == keys[1, :9]).all()


def test_shipped_cases(program):
    for function, takes in ((whole, ALL), (whole_batch, ALL + ("batch",))):
        report = alibicheck.check_kernel(function, ["known-bugs", "cases/seed/situations"], takes=takes, where="seq_len < 400",
                                         oracles=None)
        assert report and len(report.records) > 100 and not report.failures, str(report)
        assert {record["kv_dtype"] for record in report.records} >= {"f16", "bf16", "f32", "e4m3"}
        assert (len(report.skipped) == 0) == ("batch" in takes)
    assert all("several sequences" in record["error"] for record in report.skipped)


PAGED = """case: paged
seq_len: [1, 17, 40]
num_heads: 4
num_kv_heads: 2
head_dim: 64
dtype: f16
page_size: 16
page_seed: 4
"""


def test_pages(program, tmp_path):
    path = tmp_path / "paged.yaml"
    path.write_text(PAGED)
    report = alibicheck.check_kernel(whole_paged, path, takes=ALL + ("pages",), set="pool_pages=[0, 20]")
    assert report and len(report.records) == 6, str(report)
    paged = {(record["page_size"], record["page_seed"], record["pool_pages"]) for record in report.records}
    assert paged == {(16, 4, 0), (16, 4, 20)}
    assert all(record["oracles"][name] == "held" for record in report.records
               for name in ("placement", "partition", "masked_slots"))
    for function, takes, asked in ((whole_paged, ALL + ("pages",), "page_size=0"), (whole, ALL, "page_seed=5")):
        report = alibicheck.check_kernel(function, path, takes=takes, set=asked)
        assert report and len(report.records) == 3 and not any(record["page_size"] for record in report.records)
    path.write_text(PAGED.replace("[1, 17, 40]", "[3, 40, 16]") + "pool_pages: [0, 20]\nbatch: together\n"
                    "mask: {holes: 0.2}\n")
    report = alibicheck.check_kernel(whole_paged_batch, path, takes=ALL + ("batch", "pages", "only_pages"), page_sizes=[32, 16])
    assert report and len(report.records) == 6, str(report)


def test_strides(program, tmp_path):
    """A function that reads k as packed, wherever its rows are, is found out; in pages too."""
    seen = set()

    def strided(q, k, v, **facts):
        packed = k.flags.c_contiguous
        seen.add((k.ndim, packed, k.ctypes.data % 16 == 0, bool(np.isnan(k).any())))
        if not packed:
            assert k.strides != v.strides and not q.flags.c_contiguous
        return whole_paged(q, k, v, **facts)

    def packed(q, k, v, **facts):
        k = np.lib.stride_tricks.as_strided(k, k.shape, np.empty(k.shape, k.dtype).strides)
        return whole_paged(q, k, v, **facts)

    path = tmp_path / "paged.yaml"
    path.write_text(PAGED)
    takes = ALL + ("pages", "strides", "unaligned")
    for page_size in (0, 16):
        report = alibicheck.check_kernel(strided, path, takes=takes, set=f"page_size={page_size}")
        assert report and all(record["oracles"]["strides"] == "held" for record in report.records), str(report)
        report = alibicheck.check_kernel(packed, path, takes=takes, set=f"page_size={page_size}")
        assert not report and all(record["oracles"]["strides"] == "violated" for record in report.failures), str(report)
    assert {(3, True, True, False), (3, False, False, False), (4, False, False, True)} <= seen
    report = alibicheck.check_kernel(strided, path, takes=takes, set={"page_size": 0, "kv_dtype": "[e4m3, e5m2, e4m3fnuz]"})
    assert report and all(record["oracles"]["strides"] == "held" for record in report.records), str(report)
    report = alibicheck.check_kernel(packed, path, takes=ALL + ("pages",))
    assert report and {record["oracles"]["strides"] for record in report.records} == {"not_applicable"}


@pytest.mark.parametrize("tensor", ("q", "k", "v"))
def test_what_lies_between_rows_is_not_written(program, tmp_path, tensor):
    """It may be another tensor's, as in a fused projection."""
    def kernel(q, k, v, **facts):
        array = {"q": q, "k": k, "v": v}[tensor]
        if array.strides[-2] > array.shape[-1] * array.itemsize:
            row = np.lib.stride_tricks.as_strided(array, (array.shape[-1] + 1,), (array.itemsize,))
            row[-1] = 1
        return whole_paged(q, k, v, **facts)

    path = tmp_path / "paged.yaml"
    path.write_text(PAGED)
    report = alibicheck.check_kernel(kernel, path, takes=ALL + ("pages", "strides"), set="page_size=0", oracles=["strides"])
    assert len(report.failures) == len(report.records), str(report)
    assert all(record["oracles"]["strides"] == "violated" for record in report.failures), str(report)
    assert f": {tensor} is not what it was before the run" in str(report)


def test_pages_alone_are_chosen_for_a_function_that_takes_nothing_else(program, tmp_path, case):
    shapes = []

    def kernel(q, k, v, *, slopes, scale, block_table, seq_lens):
        shapes.append((k.shape[1], block_table.dtype, type(seq_lens)))
        assert np.isnan(k.astype(np.float32)[[page for page in range(len(k)) if page not in block_table]]).all()
        facts = dict.fromkeys(("mask", "soft_cap", "cap_biased", "sink_logits"))
        return whole_paged(q[None], k, v, scale=scale, slopes=slopes, q_position=seq_lens - 1, kv_offset=0, k_scale=1,
                           v_scale=1, block_table=block_table, seq_lens=seq_lens, **facts)[0][0]

    takes = ("f16", "gqa", "alibi", "pages", "only_pages")
    report = alibicheck.check_kernel(kernel, case, takes=takes, page_sizes=[8], set="dtype=f16")
    assert report and {shape for shape in shapes} == {(8, np.dtype(np.int32), int)}, str(report)
    path = tmp_path / "paged.yaml"
    path.write_text(PAGED)
    report = alibicheck.check_kernel(kernel, path, takes=takes, page_sizes=[8])
    assert statuses(report) == ["skip"] and "kernel does not take page_size 16" in str(report)


def test_a_function_is_not_given_more_keys_than_it_takes(program, tmp_path):
    lengths = set()

    def kernel(q, k, v, *, scale):
        lengths.add(len(k))
        weights = np.exp(scale * np.einsum("hd,nhd->hn", q, k))
        return np.einsum("hn,nhd->hd", weights / weights.sum(1, keepdims=True), v)

    path = tmp_path / "keys.yaml"
    path.write_text("case: keys\nseq_len: [5, 40, 41]\nnum_heads: 2\nhead_dim: 33\ndtype: f32\nslopes: {values: [0, 0]}\n")
    report = alibicheck.check_kernel(kernel, path, takes="f32", max_seq_len=40)
    assert [record["status"] for record in report.records] == ["pass", "pass", "skip"] and "kernel does not take more than 40 keys" in str(report)
    assert max(lengths) == 40


def test_a_kernel_that_takes_the_wrong_pages_fails(program, tmp_path):
    path = tmp_path / "paged.yaml"
    path.write_text(PAGED)

    def kernel(q, k, v, *, block_table, **facts):
        return whole_paged(q, k, v, block_table=np.arange(len(block_table), dtype=np.int32), **facts)

    report = alibicheck.check_kernel(kernel, path, takes=ALL + ("pages",))
    assert [record["status"] for record in report.records][1:] == ["fail"] * 2, str(report)

    def full(q, k, v, *, seq_lens, **facts):
        return whole_paged(q, k, v, seq_lens=-(-seq_lens // 16) * 16, **facts)

    report = alibicheck.check_kernel(full, path, takes=ALL + ("pages",))
    assert statuses(report) == ["fail"], str(report)


def test_what_is_not_taken_is_skipped_and_said(program, case):
    report = alibicheck.check_kernel(decode, case, takes="f16,alibi,gqa", set={"mask": ["none", "{padding: 1}"]})
    assert report and statuses(report) == ["pass", "skip"]
    assert re.search("4 skipped: decode does not take .*bf16", str(report))
    assert "2 skipped: decode does not take masks" in str(report)
    report = alibicheck.check_kernel(decode, case, set=["dtype=f16", "mask={padding: 1}"])
    assert not report and statuses(report) == ["skip"] and not report.failures
    assert re.search("nothing was judged: the function takes none of the points; it takes [^;]*, as (takes says|the names of its "
                     "parameters say)$", str(report))


def test_which_points(program, case):
    report = alibicheck.check_kernel(decode, [case], only="*seq_len=40*", where=["dtype = bf16"], set="seed=3", name="mine",
                                     program=program)
    key, = [record["key"] for record in report.records]
    assert "kernel=mini" not in key and "kernel=mine" in key and "seq_len=40" in key and "dtype=bf16" in key
    assert report.records[0]["seed"] == 3


def test_lse_of_base_2(program, case):
    def base2(q, k, v, **facts):
        out, lse = whole(q[None], k, v, q_position=len(k) - 1, kv_offset=0, mask=None, soft_cap=None, cap_biased=None,
                         sink_logits=None, k_scale=1, v_scale=1, **facts)
        return [out[0], (lse[0] / np.log(2)).astype(np.float32)]

    takes = ("f16", "bf16", "gqa", "alibi")
    assert alibicheck.check_kernel(base2, case, takes=takes + ("lse_base2",))
    report = alibicheck.check_kernel(base2, case, takes=takes + ("lse",))
    assert not report and len(report.failures) == 4 and "lse" in str(report)


def test_arrays_are_made_by_a_function(program, case):
    made = []

    def f32(array):
        made.append(array.dtype)
        return array.astype(np.float32)

    def kernel(q, k, v, *, slopes, scale):
        assert q.dtype == k.dtype == np.float32
        return decode(q, k, v, slopes=slopes, scale=scale).astype(np.float16)

    assert alibicheck.check_kernel(kernel, case, set={"dtype": "f16"}, tensors=f32)
    assert set(made) == {np.dtype(np.float16), np.dtype(np.float32)}


# ---- wrong ---------------------------------------------------------------------------------------------------------

def test_a_wrong_sign_is_named(program, case):
    report = alibicheck.check_kernel(wrong_sign, case, set={"seq_len": 40}, takes="f16,bf16,gqa,alibi", name="mine")
    assert not report and len(report.failures) == 2
    assert "right under: biases of the opposite sign" in str(report) and "FAIL" in str(report)
    call = re.search(r"reproduce: check_kernel\(mine, (.*)\)$", str(report), re.M)
    again = eval(f"alibicheck.check_kernel(wrong_sign, {call[1]})")  # pylint: disable=eval-used
    assert [record["key"] for record in again.records] == [report.records[0]["key"]] and again.failures
    assert "--kernel-pipes" not in str(report) and "alibicheck run" not in str(report)
    with pytest.raises(AssertionError, match="kernel wrong_sign: 2 of 2 points not as expected: wrong-slope 2\ndevice: function .*\n(.*\n)*  *right under: biases of"):
        alibicheck.assert_kernel(wrong_sign, case, set={"seq_len": 40})
    assert alibicheck.assert_kernel(decode, case, only="*seq_len=40*").passed


def test_an_exit_is_its_point_s_failure(program, case):
    def exits(q, k, v, *, scale, slopes):
        sys.exit(0)

    report = alibicheck.check_kernel(exits, case)
    assert not report and statuses(report) == ["fail"] and len(report.records) == 4
    assert all("exits failed: SystemExit: 0" in record["error"] for record in report.failures)


def test_what_it_raises_is_its_point_s_failure(program, case):
    def kernel(q, k, v, **facts):
        if q.dtype == np.float16:
            raise RuntimeError("out of\nluck \ud800 \x00 ü")
        return decode(q, k, v, **facts)

    report = alibicheck.check_kernel(kernel, case, takes="f16,bf16,gqa,alibi")
    assert not report and statuses(report) == ["fail", "pass"] and len(report.failures) == 2
    assert all("RuntimeError: out of luck" in record["error"] for record in report.failures)
    text, = report.tracebacks
    assert text in str(report) and "in kernel\n" in text and "alibicheck/_kernel.py" not in text
    str(report).encode()


def test_an_exception_that_cannot_be_printed(program, case):
    class Evil(Exception):
        def __str__(self):
            raise RuntimeError

    def kernel(q, k, v, *, slopes, scale):
        raise Evil

    report = alibicheck.check_kernel(kernel, case, only="*seq_len=40*")
    assert len(report.failures) == 2 and "Evil" in report.failures[0]["error"] and "Evil" in str(report)


@pytest.mark.parametrize("wrong,what", [
    (lambda out: out.astype(np.float32), r"returned out of f32 \[4, 64\]; allowed: f16 \[4, 64\], as q is of f16"),
    (lambda out: out[None], r"returned out of f16 \[1, 4, 64\]; allowed: f16 \[4, 64\]"),
    (lambda out: out[:, :7], r"returned out of f16 \[4, 7\]"),
    (lambda out: (out, out), r"returned a tuple of 2; allowed: out alone"),
    (lambda out: None, r"returned out: is NoneType"),
    (lambda out: "out", r"returned out: "),
    (lambda out: out.astype(">f2"), r"returned out: is of >f2"),
])
def test_what_it_returns_wrongly(program, case, wrong, what):
    def kernel(q, k, v, *, slopes, scale):
        return wrong(decode(q, k, v, slopes=slopes, scale=scale))

    report = alibicheck.check_kernel(kernel, case, set={"dtype": "f16"})
    assert len(report.failures) == 2 and not report.passed
    assert re.search(what, report.failures[1]["error"]), report.failures[1]["error"]


def test_lse_that_is_returned_wrongly(program, case):
    def kernel(q, k, v, *, slopes, scale):
        return results(decode(q, k, v, slopes=slopes, scale=scale))

    for results, what in ((lambda out: out, "returned one ndarray; allowed: out and lse"),
                          (lambda out: (out, np.zeros(4)), "returned lse of f64 [4]; allowed: f32 [4]"),
                          (lambda out: (out, np.zeros((4, 1), np.float32)), "returned lse of f32 [4, 1]; allowed: f32 [4]")):
        report = alibicheck.check_kernel(kernel, case, takes="f16,gqa,alibi,lse", set={"dtype": "f16", "seq_len": 40})
        assert what in report.failures[0]["error"]


def test_an_input_that_is_changed(program, case):
    def kernel(q, k, v, *, slopes, scale):
        out = decode(q, k, v, slopes=slopes, scale=scale)
        v *= 2
        return out

    report = alibicheck.check_kernel(kernel, case)
    assert len(report.failures) == 4
    for record in report.failures:
        assert record["oracle_details"]["inputs"] == "v is not what it was before the run" and record["run_failure"] is None


def beyond(array, keys):
    """So many keys of an array, whose own are fewer."""
    return np.lib.stride_tricks.as_strided(array, (keys,) + array.shape[1:])


@pytest.mark.parametrize("tile", (8, 64))
def test_a_tile_that_reads_beyond_the_keys(program, case, tile):
    """What a weight of 0 takes from there is NaN, whatever the process has had in that memory."""
    def kernel(q, k, v, *, slopes, scale):
        wrong = decode(q, k, v, slopes=slopes, scale=scale).astype(np.float64)
        last = len(v) // tile * tile
        with np.errstate(invalid="ignore"):
            return (wrong + 0 * beyond(v[last:], tile).astype(np.float64).sum((0, 1))).astype(q.dtype)

    report = alibicheck.check_kernel(kernel, case, oracles="none", set="seq_len=[40, 41]")
    fails = {record["key"].split("seq_len=")[1][:2]: record["signature"] for record in report.failures}
    assert fails == ({"41": "nan"} if tile == 8 else {"40": "nan", "41": "nan"}), str(report)


@pytest.mark.parametrize("where, offset", (("behind", 0), ("before", -2)))
def test_a_write_beside_an_input(program, case, where, offset):
    def kernel(q, k, v, *, slopes, scale):
        out = decode(q, k, v, slopes=slopes, scale=scale)
        beside = np.lib.stride_tricks.as_strided(k.reshape(-1), (k.size + 1,), (2 if where == "behind" else -2,))
        beside[-1 if where == "behind" else 1] = 0
        return out

    report = alibicheck.check_kernel(kernel, case, set="dtype=f16")
    assert len(report.failures) == 2 and oracles(report, "violated") == {"guards"}, str(report)
    size = 2 * 40 * 2 * 64
    assert report.failures[1]["oracle_details"]["guards"].endswith(
        f"written to at byte {size + offset if where == 'behind' else offset} of k, which has {size}")


def test_answers_of_an_earlier_launch(program, tmp_path):
    path, kept = tmp_path / "case.yaml", {}
    path.write_text(CASE.replace("[1, 40]", "40").replace("[f16, bf16]", "f16") + "seed: [1, 2]\n")

    def kernel(q, k, v, *, slopes, scale):
        return kept.setdefault((q.shape, k.shape), decode(q, k, v, slopes=slopes, scale=scale))

    report = alibicheck.check_kernel(kernel, path)
    assert [record["signature"] for record in report.records] == ["stale", "stale"]
    assert report.records[1]["mismatched"] > 0 and not report.records[0]["mismatched"]
    assert report.records[0]["oracle_details"]["constant_v"].endswith("of which no row of v is the same")

    def constant(q, k, v, *, slopes, scale):
        """Wrong in every launch by the same numbers, which nothing was right for."""
        return (np.arange(q.size) / q.size).reshape(q.shape).astype(q.dtype)

    report = alibicheck.check_kernel(constant, path)
    assert len(report.failures) == 2 and all(record["signature"] != "stale" for record in report.records)

    def of_v_before(q, k, v, *, slopes, scale):
        """Attention to what stood in v when its shape came first."""
        return decode(q, k, kept.setdefault(v.shape, np.array(v)), slopes=slopes, scale=scale)

    report = alibicheck.check_kernel(of_v_before, path)
    assert report.records[0]["signature"] == "stale"


def test_how_a_launch_failed(program, case):
    def kernel(q, k, v, *, slopes, scale):
        raise RuntimeError("no such engine")

    report = alibicheck.check_kernel(kernel, case)
    assert {(record["signature"], record["run_failure"]) for record in report.records} == {("no-answer", "refusal")}
    assert "error: kernel failed: RuntimeError: no such engine" in str(report) and "; first: refusal" in str(report)


def test_a_kernel_that_depends_on_its_companions(program, tmp_path):
    path = tmp_path / "batch.yaml"
    path.write_text(CASE.replace("[1, 40]", "[9, 40]") + "batch: together\n")

    def kernel(q, k, v, *, seq_lens, **facts):
        """Is off by a part of its rounding that depends on how long the longest row of the batch is."""
        out, lse = whole_batch(q, k, v, seq_lens=seq_lens, **facts)
        return (out.astype(np.float64) * (1 + 2.0 ** -12 * (int(max(seq_lens)) % 5))).astype(q.dtype), lse

    takes = ALL + ("batch",)
    report = alibicheck.check_kernel(kernel, path, takes=takes, set={"dtype": "f16"}, oracles="batch")
    assert not report and oracles(report, "violated") == {"batch"}, str(report)
    assert "oracle batch violated" in str(report)
    assert alibicheck.check_kernel(kernel, path, takes=set(takes) - {"same_bits"}, set={"dtype": "f16"}, oracles="batch")


def test_a_kernel_that_is_not_deterministic(program, case):
    draw = np.random.default_rng(0)

    def kernel(q, k, v, *, slopes, scale):
        out = decode(q, k, v, slopes=slopes, scale=scale)
        return (out.astype(np.float64) * (1 + 1e-3 * draw.standard_normal(out.shape))).astype(out.dtype)

    report = alibicheck.check_kernel(kernel, case, set={"tolerance": "{atol: 1, rtol: 1, lse: 1}", "seq_len": 40})
    assert len(report.failures) == 2 and "determinism" in oracles(report, "violated"), str(report)


# ---- refused -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments,what", [
    ({"takes": "f16,hands"}, "takes 'hands': allowed: f16, bf16, f32, e4m3"),
    ({"takes": ("gqa",)}, "takes gqa: is of no dtype"),
    ({"takes": "f16,lse,lse_base2"}, "takes lse, lse_base2: allowed: one of them"),
    ({"takes": "f16,alibi,mask"},
     r"decode cannot be called as it is to be \(.*'mask'.*\); allowed: decode\(q, k, v, \*, scale, slopes, mask\)"),
    ({"name": "my kernel"}, "name 'my kernel': allowed: letters"),
    ({"head_dims": [0]}, r"head_dims \[0\]: allowed: a list of up to 32 whole numbers"),
    ({"head_dims": [True]}, r"head_dims \[True\]: allowed"),
    ({"head_dims": 64}, "head_dims 64: allowed: a list"),
    ({"max_seq_len": 0}, "max_seq_len 0: allowed: a whole number from 1 on"),
    ({"page_sizes": [16]}, r"page_sizes \[16\]: allowed: where takes has pages"),
    ({"takes": "f16,only_pages"}, "takes only_pages: allowed: with pages"),
    ({"tensors": "tinygrad"}, "tensors 'tinygrad': allowed: numpy, torch, or a function"),
    ({"device": "cuda"}, "device 'cuda': allowed: with tensors=\"torch\""),
    ({"timeout": -1}, "timeout -1: allowed: seconds, above 0"),
    ({"program": "/nowhere/alibicheck"}, "program '/nowhere/alibicheck': is no program"),
    ({"cases": []}, "cases: there is none"),
    ({"cases": "no-such-case"}, "no-such-case: "),
    ({"cases": "--help"}, "./--help: "),
    ({"only": "nothing"}, "--only nothing: no point has such a key"),
    ({"set": {"seq_len": "many"}}, "seq_len"),
    ({"set": ["seq_len"]}, r"^--set seq_len: allowed: KEY=VALUE \(`alibicheck list keys`\)$"),
    ({"arithmetic": "exact"}, "kernel decode has arithmetic 'exact'; allowed: f32"),
])
def test_what_cannot_be(program, case, arguments, what):
    with pytest.raises(alibicheck.Refused, match=what):
        alibicheck.check_kernel(decode, **{"cases": case, **arguments})


def test_numbers_of_every_kind(program, case):
    asked = {"dtype": "f16", "seq_len": range(40, 42), "seed": np.arange(2), "head_dim": np.int64(64),
             "input": {"distribution": "outliers", "channels": np.int32(2)}, "tolerance": {"atol": np.float64(1e-3), "rtol": 1e-3}}
    report = alibicheck.check_kernel(decode, case, takes="f16,gqa,alibi", set=asked, oracles="none", max_seq_len=np.int64(41),
                                     head_dims=np.array([64]))
    assert [record["seq_len"] for record in report.records] == [40, 40, 41, 41] and not report.skipped, str(report)


def test_what_a_function_takes_is_its_parameters_names(program, case):
    def with_mask(q, k, v, *, slopes, scale, mask=None):
        return whole(q[None], k, v, scale=scale, slopes=slopes, q_position=len(k) - 1, kv_offset=0, mask=mask, soft_cap=None,
                     cap_biased=None, sink_logits=None, k_scale=1, v_scale=1)[0][0]

    report = alibicheck.check_kernel(with_mask, case, set={"mask": ["none", "{padding: 1}"]})
    assert report and len(report.records) == 8 and statuses(report) == ["pass"]
    with pytest.raises(alibicheck.Refused, match="takes: is missing, and the function's parameters do not say it"):
        alibicheck.check_kernel(lambda q, k, v, **facts: None, case)
    with pytest.raises(alibicheck.Refused, match="function: is int; allowed: what can be called"):
        alibicheck.check_kernel(1, case)


def test_the_program_is_looked_for(program, tmp_path, monkeypatch):
    from alibicheck import _check
    folder, empty = tmp_path / "bin", tmp_path / "empty" / "lib"
    folder.mkdir(), empty.mkdir(parents=True)
    (folder / "alibicheck").symlink_to(program)
    assert _check.find_program() == program
    monkeypatch.delenv("ALIBICHECK")
    monkeypatch.setenv("PATH", str(folder))
    assert _check.find_program() == str(folder / "alibicheck")
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setattr(_check.lib, "folder", os.path.dirname(program))
    assert _check.find_program() == os.path.realpath(program)
    monkeypatch.setattr(_check.lib, "folder", str(empty))
    with pytest.raises(alibicheck.Refused, match="program: alibicheck is not found; allowed: a path, [$]ALIBICHECK"):
        _check.find_program()
    monkeypatch.setenv("ALIBICHECK", str(folder / "none"))
    with pytest.raises(alibicheck.Refused, match="[$]ALIBICHECK '.*none': is no program"):
        _check.find_program()


# ---- ends ----------------------------------------------------------------------------------------------------------

def children():
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return file.read().split()


def open_files():
    return sorted(os.listdir("/proc/self/fd"))


def test_what_is_not_an_exception_ends_both(program, case):
    class Stop(BaseException):
        pass

    def kernel(q, k, v, *, slopes, scale):
        child, = children()
        assert os.getpgid(int(child)) != os.getpgid(0)  # Ctrl-C at a terminal is not sent to it
        raise Stop

    before = open_files()
    with pytest.raises(Stop):
        alibicheck.check_kernel(kernel, case)
    assert open_files() == before and not children()


INTERRUPTED = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import alibicheck
def kernel(q, k, v, *, slopes, scale):
    print("called", flush=True)
    time.sleep(60)
try:
    alibicheck.check_kernel(kernel, sys.argv[1])
except KeyboardInterrupt:
    with open(f"/proc/self/task/{__import__('os').getpid()}/children") as file:
        print("interrupted", file.read().split())
"""


def test_ctrl_c_ends_both(program, case):
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED, case], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "called\n"
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=50)[0] == "interrupted []\n"
    assert process.returncode == 0 and time.monotonic() - start < 40  # the function would take 60


# ---- records that are kept -----------------------------------------------------------------------------------------

def interrupted_at(launch):
    """decode, and Ctrl-C in that launch."""
    launches = []

    def decode_then_stop(q, k, v, *, slopes, scale):
        launches.append(None)
        if len(launches) == launch:
            raise KeyboardInterrupt
        return decode(q, k, v, slopes=slopes, scale=scale)

    return decode_then_stop


def keys_of(path):
    return [json.loads(line)["key"] for line in path.read_text().splitlines()]


def test_ctrl_c_loses_no_record(program, case, tmp_path):
    """Nor is the point in work a failure: what a file says of it would be kept."""
    path, what = tmp_path / "kept.jsonl", {"name": "decode", "oracles": "none"}
    with pytest.raises(KeyboardInterrupt) as interrupt:
        alibicheck.check_kernel(interrupted_at(3), case, results=path, **what)
    assert str(interrupt.value) == (f"2 points on function decode were done; .report of this exception has the records, and "
                                    f"so has {path}, with which resume=True goes on")
    report = interrupt.value.report
    assert not report.passed and statuses(report) == ["pass"] and len(report.records) == 2 and not report.failures
    assert [record["key"] for record in report.records] == keys_of(path)
    launches = []

    def counted(q, k, v, *, slopes, scale):
        launches.append(None)
        return decode(q, k, v, slopes=slopes, scale=scale)

    before = path.read_text()
    resumed = alibicheck.check_kernel(counted, case, results=path, resume=True, **what)
    assert resumed and len(resumed.records) == 4 and len(launches) == 2 and path.read_text().startswith(before)
    assert f"\n2 of 4 points are kept from {path}, of the function as it was then" in str(resumed)
    whole = tmp_path / "whole.jsonl"
    alibicheck.check_kernel(decode, case, results=whole, **what)
    assert keys_of(whole) == keys_of(path)
    done = subprocess.run([program, "compare", whole, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "4 same bits" in done.stdout, done.stdout + done.stderr
    subprocess.run([program, "report", path, "-o", tmp_path / "report.html"], check=True)
    assert ">function decode<" in (tmp_path / "report.html").read_text()


def test_ctrl_c_without_a_file_has_the_records(program, case):
    with pytest.raises(KeyboardInterrupt, match="^1 point on function decode was done; .report of this exception has") as interrupt:
        alibicheck.check_kernel(interrupted_at(2), case, name="decode", oracles="none")
    assert len(interrupt.value.report.records) == 1 and "interrupted: 1 of 4 points done" in str(interrupt.value.report)
    with pytest.raises(KeyboardInterrupt, match="^0 points on function decode were done$") as interrupt:
        alibicheck.check_kernel(interrupted_at(1), case, name="decode", oracles="none")
    assert not interrupt.value.report.records


def test_a_program_that_is_interrupted_alone(program, case):
    def kernel(q, k, v, *, slopes, scale):
        os.kill(int(children()[0]), signal.SIGINT)
        return decode(q, k, v, slopes=slopes, scale=scale)

    with pytest.raises(KeyboardInterrupt) as interrupt:
        alibicheck.check_kernel(kernel, case)
    assert not interrupt.value.report


def test_a_file_of_results_is_replaced(program, case, tmp_path):
    path = tmp_path / "records.jsonl"
    for dtype in ("f16", "bf16"):
        report = alibicheck.check_kernel(decode, case, results=path, set={"dtype": dtype}, oracles="none")
        assert [record["dtype"] for record in report.records] == [dtype, dtype] and len(keys_of(path)) == 2
    assert "kept" not in str(report)
    before = path.read_text()  # which is not what came of a run that was refused
    with pytest.raises(alibicheck.Refused, match="no point has such a key"):
        alibicheck.check_kernel(decode, case, results=path, only="nothing")
    with pytest.raises(alibicheck.Refused, match="the record is of another run"):
        alibicheck.check_kernel(decode, case, results=path, resume=True, oracles="none")
    assert path.read_text() == before


def test_failures_are_kept(program, case, tmp_path):
    from kernels import wrong_sign
    for function, some in ((wrong_sign, True), (decode, False)):
        folder = tmp_path / function.__name__ / "kept"
        report = alibicheck.check_kernel(function, case, bundles=folder, oracles="none")
        kept = sorted(folder.iterdir())
        assert len(kept) == len(report.failures) and bool(kept) == some
        for file in kept[:1]:
            done = subprocess.run([program, "judge", file], capture_output=True, text=True, check=False)
            assert done.returncode == 1 and "biases of the opposite sign" in done.stdout, done.stdout + done.stderr
        assert (f"alibicheck judge {folder}/" in str(report)) == some


def test_the_line_that_judges_again_is_of_a_shell(program, case, tmp_path):
    from kernels import wrong_sign
    report = alibicheck.check_kernel(wrong_sign, case, bundles=tmp_path / "what is kept", oracles="none")
    words = shlex.split(re.search("to judge it again: (.*)", str(report))[1])
    assert words[:2] == ["alibicheck", "judge"] and len(words) == 3 and os.path.isfile(words[2])


def test_what_was_kept_before_is_not_told(program, case, tmp_path):
    from kernels import wrong_sign
    assert not alibicheck.check_kernel(wrong_sign, case, bundles=tmp_path, oracles="none") and os.listdir(tmp_path)
    report = alibicheck.check_kernel(decode, case, bundles=tmp_path, oracles="none")
    assert report and "what failed is kept" not in str(report)


@pytest.mark.parametrize("arguments, what", [
    ({"bundles": 5}, "bundles 5: allowed: the path of a folder"),
    ({"bundles": ""}, "bundles '': allowed: the path of a folder"),
    ({"resume": True}, "resume: there is no file to go on with; allowed: with results=PATH"),
    ({"results": 5}, "results 5: allowed: the path of a file"),
    ({"results": "/dev/null"}, "results '/dev/null': allowed: the path of a file"),
    ({"results": os.path.join(os.sep, "no", "such", "records.jsonl")}, "records.jsonl"),
])
def test_results_that_cannot_be_kept(program, case, arguments, what):
    with pytest.raises((alibicheck.Refused, OSError), match=what):
        alibicheck.check_kernel(decode, case, **arguments)


# ---- how far it has come -------------------------------------------------------------------------------------------

SHOWN = """
import sys, time
import alibicheck
from kernels import decode
def kernel(q, k, v, *, slopes, scale):
    time.sleep(0.3)  # more than the program waits between two lines
    return decode(q, k, v, slopes=slopes, scale=scale)
assert alibicheck.check_kernel(kernel, sys.argv[1], oracles="none")
"""
SHOWN_OF_TOLERANCE = """
import sys
import alibicheck
alibicheck.tolerance(sys.argv[1], atol=1e-3, rtol=1e-3, set={"seq_len": [3000, 3001], "dtype": "f16"})
"""
SHOWN_OF_JUDGE = """
import alibicheck, alibicheck._progress
import numpy as np
alibicheck._progress.REDRAW_S = 0.001
k = np.random.default_rng(0).standard_normal((2, 3000, 4, 64), np.float32)
told = {"q": np.ones((2, 8, 64), np.float32), "k": k, "v": k, "layout": "BSHD", "scale": 0.1, "slopes": "none"}
assert not alibicheck.judge(np.zeros((2, 8, 64), np.float32), **told)
"""


def errors_on(descriptor, reader, case, script=SHOWN):
    """What is written to standard error, which is the descriptor."""
    process = subprocess.Popen([sys.executable, "-c", script, case], stderr=descriptor,
                               env={**os.environ, "TERM": "xterm", "PYTHONPATH": os.pathsep.join([HERE, *sys.path])})
    os.close(descriptor)
    written = b""
    try:
        while piece := os.read(reader, 4096):
            written += piece
    except OSError:  # EIO, of a terminal that nobody has open any more
        pass
    os.close(reader)
    assert process.wait(20) == 0, written
    return written.decode()


def test_a_terminal_shows_how_far_it_has_come(program, case):
    reader, terminal = os.openpty()
    written = errors_on(terminal, reader, case)
    assert "\r\x1b[K[1/4] " in written and "[4/4] " in written and "\n" not in written
    assert re.search(r"\[[1-4]/4\] \d+s left  small:kernel=kernel,seq_len=", written), written
    assert written.endswith("\r\x1b[K")


def test_a_terminal_shows_how_far_a_tolerance_is(program, case):
    reader, terminal = os.openpty()
    assert "\r\x1b[K[1/2] " in errors_on(terminal, reader, case, SHOWN_OF_TOLERANCE)


def test_a_terminal_shows_how_far_judging_is(program, case):
    reader, terminal = os.openpty()
    written = errors_on(terminal, reader, case, SHOWN_OF_JUDGE)
    assert re.search(r"\[1/2\] \w+ +\d+%", written) and "[2/2] " in written and "\n" not in written
    assert written.endswith("\r\x1b[K")


@pytest.mark.parametrize("script", (SHOWN, SHOWN_OF_JUDGE))
def test_what_is_no_terminal_shows_nothing(program, case, script):
    reader, writer = os.pipe()
    assert errors_on(writer, reader, case, script) == ""


# ---- how it ends ---------------------------------------------------------------------------------------------------

def test_a_launch_that_takes_too_long(program, case):
    def kernel(q, k, v, *, slopes, scale):
        time.sleep(5)
        return decode(q, k, v, slopes=slopes, scale=scale)

    report = alibicheck.check_kernel(kernel, case, timeout=2)
    assert not report and len(report.records) == len(report.failures) == 1
    assert "gave no answer within 2 s" in report.failures[0]["error"]
    assert str(report).endswith("function kernel: the kernel there has ended, and cannot be started again")


def test_a_function_whose_process_is_killed(program, case, tmp_path):
    """The program ends, too, and blames nothing that it has not run. No file stays behind."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    path = tmp_path / "killed.py"
    path.write_text("import alibicheck, os, sys\n"
                    "def kernel(q, k, v, *, slopes, scale):\n"
                    "    print(open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True)\n"
                    "    os.kill(os.getpid(), 9)\n"
                    "alibicheck.check_kernel(kernel, sys.argv[1], set={'seed': list(range(1000))})\n")
    done = subprocess.run([sys.executable, path, case], stdout=subprocess.PIPE, text=True, check=False,
                          env=dict(os.environ, TMPDIR=str(temporary)))
    assert done.returncode == -9 and not os.listdir(temporary)
    for _ in range(1500):
        if not os.path.exists(f"/proc/{done.stdout.strip()}"):
            return
        time.sleep(0.02)
    pytest.fail("the program goes on")


def test_a_program_that_is_killed(program, case):
    def kernel(q, k, v, *, slopes, scale):
        os.kill(int(children()[0]), signal.SIGKILL)
        return decode(q, k, v, slopes=slopes, scale=scale)

    with pytest.raises(OSError, match="alibicheck was killed by signal 9"):
        alibicheck.check_kernel(kernel, case)


def test_from_another_thread(program, case):
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(alibicheck.check_kernel(decode, case))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 2 and all(reports)


# ---- a program -----------------------------------------------------------------------------------------------------

PROGRAM = f"""
import os, sys
sys.path.insert(0, {HERE!r})
import alibicheck, kernels
def kernel(q, k, v, *, slopes, scale):
    print("to standard output")
    os.system("echo of a child")
    assert sys.stdin.read() == ""
    if q.dtype == "float16":
        raise ValueError("no half")
    return kernels.decode(q, k, v, slopes=slopes, scale=scale)
alibicheck.serve(kernel, name="served", about="a function")
print("served")
"""


def test_a_program_that_serves(program, case, tmp_path):
    path, records = tmp_path / "my_kernel.py", tmp_path / "records.jsonl"
    path.write_text(PROGRAM)
    done = subprocess.run([program, "run", case, "--kernel-command", f"{sys.executable} {path}", "--results", records],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "2 pass, 2 fail" in done.stdout, done.stdout + done.stderr
    assert "served failed: ValueError: no half" in done.stdout and "standard output" not in done.stdout
    assert "to standard output\n" in done.stderr and "of a child\n" in done.stderr
    assert done.stderr.count("Traceback") == 1 and '"kernel":"served"' in records.read_text()


def test_a_program_that_ends(program, case, tmp_path):
    path = tmp_path / "my_kernel.py"
    path.write_text("import alibicheck, os\nalibicheck.serve(lambda q, k, v, *, scale, slopes: os._exit(7))\n")
    done = subprocess.run([program, "run", case, "--kernel-command", f"{sys.executable} {path}"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 1 and "ended with exit code 7" in done.stdout


# ---- PyTorch -------------------------------------------------------------------------------------------------------

def test_torch(program, case):
    torch = pytest.importorskip("torch")
    seen = set()

    def sdpa(q, k, v, *, slopes, scale):
        seen.update((q.dtype, q.device.type, slopes.dtype))
        bias = slopes[:, None, None] * (torch.arange(len(k)) - (len(k) - 1))
        q, k, v = q[:, None].float(), k.transpose(0, 1).float(), v.transpose(0, 1).float()
        out = torch.nn.functional.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=bias, scale=scale,
                                                               enable_gqa=True)
        return out[0, :, 0]

    def kernel(q, k, v, **facts):
        return sdpa(q, k, v, **facts).to(q.dtype)

    report = alibicheck.check_kernel(kernel, case, takes="f16,bf16,gqa,alibi", tensors="torch", device="cpu")
    assert report, str(report)
    assert seen == {torch.float16, torch.bfloat16, torch.float32, "cpu"}

    def scales(q, k, v, **facts):
        q *= facts["scale"]
        return sdpa(q, k, v, slopes=facts["slopes"], scale=1).to(q.dtype)

    report = alibicheck.check_kernel(scales, case, takes="f16,bf16,gqa,alibi", tensors="torch")
    assert len(report.failures) == 4 and "q is not what it was" in report.failures[0]["oracle_details"]["inputs"]


def test_a_device_that_is_not_there(program, case, monkeypatch):
    """It is no fault of the function that each of its launches would fail."""
    def away(self, device):
        raise RuntimeError(f"no {device} here\nTry another")

    tensor = type("Tensor", (), {"to": away})
    monkeypatch.setitem(sys.modules, "torch", type("torch", (), {"zeros": staticmethod(lambda count: tensor())}))
    with pytest.raises(alibicheck.Refused, match="^device 'cuda': no cuda here; allowed: one that PyTorch has here$"):
        alibicheck.check_kernel(decode, case, tensors="torch", device="cuda")


@pytest.mark.parametrize("device", ["meta", "nowhere"])
def test_a_device_of_torch_s_without_memory(program, case, device):
    pytest.importorskip("torch")
    with pytest.raises(alibicheck.Refused, match=f"^device '{device}': .*; allowed: one that PyTorch has here$"):
        alibicheck.check_kernel(decode, case, tensors="torch", device=device)


def test_torch_in_fp8(program, case):
    torch = pytest.importorskip("torch")
    seen = set()

    def kernel(q, k, v, *, scale, slopes, mask, seq_lens, k_scale, v_scale):
        seen.update((k.dtype, mask if mask is None else mask.dtype, seq_lens.dtype))
        k, v = k.float() * k_scale, v.float() * v_scale
        out = [decode(*(array.float().numpy() for array in (q[b], k[b, :n], v[b, :n])), slopes=slopes.numpy(), scale=scale)
               for b, n in enumerate(seq_lens)]
        return torch.tensor(np.stack(out)).to(q.dtype)

    report = alibicheck.check_kernel(kernel, case, tensors="torch", takes="f16,bf16,e4m3,e5m2,e4m3fnuz,gqa,alibi,mask,batch",
                                     set={"kv_dtype": ["e4m3", "e5m2", "e4m3fnuz"], "k_scale": 0.5, "v_scale": 2})
    assert report and len(report.records) == 12, str(report)
    assert {torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e4m3fnuz, torch.int64} <= seen


# ---- the manual ----------------------------------------------------------------------------------------------------

def test_the_manual_s_kernel(program, tmp_path):
    said, printed = manual.run("decode.py", tmp_path)
    assert len(said) == 4 and set(manual.without_figures(said)) <= set(manual.without_figures(printed)), "\n".join(printed)


def test_the_manual_s_paged_cache(program, tmp_path):
    said, printed = manual.run("paged.py", tmp_path)
    assert len(said) == 4 and set(manual.without_figures(said)) <= set(manual.without_figures(printed)), "\n".join(printed)


def test_a_run_of_tests_counts_points(program, case, pytester, monkeypatch):
    from test_pytest_plugin import _entry_points
    options = [] if "alibicheck_pytest" in _entry_points() else ["-p", "alibicheck_pytest"]
    pytester.plugins = []
    pytester.makepyfile(test_it=f"""
        import sys
        sys.path.insert(0, {HERE!r})
        from kernels import decode, wrong_sign
        def test_right(alibicheck):
            assert alibicheck.check_kernel(decode, {str(case)!r})
        def test_wrong(alibicheck):
            alibicheck.assert_kernel(wrong_sign, {str(case)!r})
        """)
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E *right under: biases of the opposite sign*", "alibicheck: 8 outputs judged, 2 wrong; *"])
