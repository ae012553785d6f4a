"""Verdicts: what they say, and how they are reached beside other work."""
import concurrent.futures
import copy
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time

import ml_dtypes
import numpy as np
import pytest

import alibicheck
from alibicheck._tensor import NUMPY_DTYPES
from problem import Problem, attention

TAKEN_FOR_1 = "of fp8 what is not said of k_scale and v_scale is taken for 1"
OF_TWO_TYPES = "k_scale and v_scale are 1, since k and v are of two types"


def test_right():
    out, arguments = Problem("f16").one()
    verdict = alibicheck.judge(out, **arguments)
    assert verdict and verdict.passed and verdict.record["status"] == "pass"
    assert str(verdict).startswith("right: all 128 elements of out are within 0.001 + 0.001 |truth|; at most ")
    assert repr(verdict).startswith("<alibicheck.Verdict: right: all 128 elements")
    assert verdict.record["max_ulp_err"] <= 0.5 + 1e-6
    assert alibicheck.assert_attention(out, **arguments).passed


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda verdict: pickle.loads(pickle.dumps(verdict))])
def test_a_verdict_of_another_process(copied):
    out, arguments = Problem("f16").one()
    out[0, 0] += 1
    verdict = alibicheck.judge(out, **arguments)
    other = copied(verdict)
    assert not other.passed and other.record == verdict.record and str(other) == str(verdict)
    assert (other.truth.value == verdict.truth.value).all()
    assert verdict.explain()["out"] == float(out[0, 0])
    assert copied(verdict.explain()) == verdict.explain()
    if copied is not copy.copy:  # which shares the sequences
        with pytest.raises(alibicheck.Refused, match="explain: a verdict that was pickled or copied has no arrays"):
            other.explain()


def test_the_truth():
    problem = Problem("f32", queries=2)
    out, arguments = problem.one()
    truth = alibicheck.truth(**arguments)
    assert truth.value.shape == (2, 4, 32) and truth.lse.shape == (2, 4) and truth.value.dtype == np.float64
    assert (truth.value.astype(np.float32) == out).all() and (truth.lse.astype(np.float32) == problem.lse[0]).all()
    assert (truth.radius < 1e-18).all() and (np.abs(truth.tail) <= np.spacing(np.abs(truth.value)) / 2).all()
    assert repr(truth).startswith("<alibicheck.Truth: [2, 4, 32], radius at most ")
    same = alibicheck.judge(out, **arguments).truth
    assert (same.value == truth.value).all() and (same.lse_tail == truth.lse_tail).all()
    batch = alibicheck.truth(**dict(arguments, q=np.stack(problem.q * 2), layout="BSHD", k=np.stack(problem.k * 2),
                                    v=np.stack(problem.v * 2), seq_lens=[37, 5]))
    assert (batch[0].value == truth.value).all() and batch[1].value.shape == (2, 4, 32)
    with pytest.raises(alibicheck.Refused, match="scale: is missing"):
        alibicheck.truth(**dict(arguments, scale=None))


@pytest.mark.parametrize("seed", [4, 19, 31])
def test_a_contract_that_all_rows_are_right_under_gives_the_failure_its_name(seed):
    """Without a scale next to all weight is on a key or two, which a few rows alone show as dropped keys, or as nothing."""
    problem = Problem("f16", queries=2, lengths=(17,), heads=2, dim=128, seed=seed)
    _, arguments = problem.one()
    out = attention(problem.q[0], problem.k[0], problem.v[0], scale=1, slopes=problem.slopes)[0].astype(np.float16)
    record = alibicheck.judge(out, **arguments).record
    assert record["contract"]["named"] and record["signature"] == "wrong-scale"
    assert record["finding"]["detail"] == record["contract"]["fits"][0] == "scale 1 in place of 0.0883883461 (none)"


def test_a_slope_that_any_larger_one_is_as_good_as_is_none():
    """Biases of positions from the cache's beginning: a soft cap holds next to all logits, and heads give the mean of v."""
    problem = Problem("bf16", lengths=(150,), heads=8, kv_heads=4, dim=80, seed=69)
    q, k, v = (array.astype(np.float64) for array in (problem.q[0][0], problem.k[0], problem.v[0]))
    out, lse = np.zeros((8, 80)), np.zeros(8)
    for h in range(8):
        logits = 5 * np.tanh((0.1 * k[:, h // 2] @ q[h] + problem.slopes[h] * (1000 + np.arange(150))) / 5)
        weights = np.exp(logits)
        out[h], lse[h] = weights @ v[:, h // 2] / weights.sum(), np.log(weights.sum())
    arguments = dict(problem.one()[1], scale=0.1, kv_offset=1000, positions=1150, soft_cap=("after_bias", 5))
    record = alibicheck.judge(out.astype(ml_dtypes.bfloat16), lse=lse.astype(np.float32), lse_base="e", **arguments).record
    assert record["signature"] in ("uniform", "bias-shift", "unknown"), record["finding"]


@pytest.mark.parametrize("seed", [4,7,9])
def test_an_lse_that_is_far_off_speaks_against_a_name_that_does_not_move_it(seed):
    """Biases of another position, which leave a learned sink next to nothing: out alone looks as if it were not counted."""
    problem = Problem("f32", lengths=(40,), dim=64, seed=seed)
    sinks = 2 * np.random.default_rng(seed + 1).standard_normal(4).astype(np.float32)
    out, lse = attention(problem.q[0], problem.k[0], problem.v[0], scale=problem.scale, slopes=problem.slopes, sinks=sinks)
    arguments = dict(problem.one()[1], positions=89, sink_logits=sinks, lse_base="e")
    record = alibicheck.judge(out[0].astype(np.float32), lse=lse[0].astype(np.float32), **arguments).record
    assert record["lse_off"] == 4 and record["signature"] == "bias-shift", record["finding"]
    assert record["contract"]["named"], record["contract"]


def test_wrong():
    problem = Problem("f16", queries=2)
    out, arguments = problem.one()
    wrong = out.copy()
    wrong[1, 2, 5] += 0.25
    with pytest.raises(AssertionError) as failure:
        alibicheck.assert_attention(wrong, **arguments)
    lines = str(failure.value).splitlines()
    assert lines[0].startswith("attention output: unknown: 1 of ")
    assert lines[1] == ("wrong: 1 of 256 elements of out are further than 0.001 + 0.001 |truth| from the exact result")
    assert lines[3].split() == ["query", "head", "dim", "out", "truth", "error", "ulp", "bounds"]
    assert lines[2].startswith("  the elements furthest beyond their tolerance, with their errors in ulp of f16 and in bounds of class ")
    assert lines[4].split()[:3] == ["1", "2", "5"] and lines[4].split()[5] == "0.25" and len(lines[4].split()) == 8
    assert lines[-2].split()[-1] == "class" and lines[-1].split()[:2] == ["1", "2"]
    assert lines[-1].split()[-1] == alibicheck.judge(wrong, **arguments).record["head_classes"][6]
    assert any(line.startswith("  cause: ") for line in lines)
    assert any(line.startswith("  1 of 8 rows (a query and a head) is wrong:") for line in lines)


def test_the_first_line_has_the_cause():
    """A summary of many tests shows no other."""
    problem = Problem("f16", lengths=(40,))
    out, arguments = problem.one()
    for changed, wanted in (dict(slopes=-arguments["slopes"]), "attention output: right under: slopes of the bloom convention"), \
            (dict(), "attention output: nan: "):
        wrong = out if changed else np.full_like(out, np.nan)
        with pytest.raises(AssertionError) as failure:
            alibicheck.assert_attention(wrong, **{**arguments, **changed})
        assert str(failure.value).splitlines()[0].startswith(wanted), str(failure.value)


def test_scales_that_are_not_given():
    out, arguments = Problem("bf16", "e4m3").one()
    assert "taken for 1" not in str(alibicheck.judge(out, **arguments))
    del arguments["v_scale"]
    assert str(alibicheck.judge(out, **arguments)).endswith("\n  " + TAKEN_FOR_1)
    assert TAKEN_FOR_1 not in str(alibicheck.judge(out, v_scale=1, **arguments))
    out, arguments = Problem("f16").one()
    del arguments["k_scale"], arguments["v_scale"]
    assert "taken for 1" not in str(alibicheck.judge(out, **arguments))


def test_scales_of_two_types():
    """There are none where one of the two alone is fp8, and the message says so, unless somebody has said 1."""
    out, arguments = Problem("f16").one()
    del arguments["k_scale"], arguments["v_scale"]
    for name, other in ("k", "v"), ("v", "k"):
        narrow = dict(arguments, **{name: arguments[name].astype(ml_dtypes.float8_e4m3fn)})
        right = alibicheck.truth(**narrow).value[0].astype(np.float16)
        assert str(alibicheck.judge(right, **narrow)).endswith("\n  " + OF_TWO_TYPES)
        assert str(alibicheck.judge(right, **narrow, **{f"{other}_scale": 1})).endswith("\n  " + OF_TWO_TYPES)
        assert "since k and v" not in str(alibicheck.judge(right, **narrow, **{f"{name}_scale": 1}))
        with pytest.raises(alibicheck.Refused, match="allowed: with k and v of one fp8 type"):
            alibicheck.judge(right, **narrow, **{f"{name}_scale": 0.5})


@pytest.mark.parametrize("kind", ["bundle", "bundle_without_kv", "private_bundle"])
@pytest.mark.parametrize("kv_dtypes, note", [(("e4m3", "e4m3"), "TAKEN_FOR_1"), (("f16", "e4m3"), "OF_TWO_TYPES")])
def test_bundles_know_that_scales_were_not_given(program, tmp_path, kind, kv_dtypes, note):
    _, arguments = Problem("f16").one()
    del arguments["k_scale"], arguments["v_scale"]
    for name, dtype in zip("kv", kv_dtypes):
        arguments[name] = arguments[name].astype(NUMPY_DTYPES[dtype])
    right = alibicheck.truth(**arguments).value[0].astype(np.float16)
    path, full = tmp_path / "b.safetensors", tmp_path / "f.safetensors"
    alibicheck.judge(right, **arguments, **{kind: path})
    alibicheck.judge(right, **arguments, bundle=full)

    def said(*words):
        done = subprocess.run([program, "judge", "--width", "200", *map(str, words)], capture_output=True, text=True, check=True)
        return done.stdout

    note = {"TAKEN_FOR_1": TAKEN_FOR_1, "OF_TWO_TYPES": OF_TWO_TYPES}[note]
    assert note in said(path)
    if kind == "bundle_without_kv":
        tensors = [word for name in "qkv" for word in (f"--{name}", f"{full}:{name}")]
        assert (note in said(path, *tensors, "--layout", "NHD")) == (note == TAKEN_FOR_1)  # the tensors there are of one type
        return
    said(path, "--bundle", tmp_path / "again")
    assert note in said(next((tmp_path / "again").iterdir()))
    if note == TAKEN_FOR_1:
        assert note not in said(path, "--k-scale", 1, "--v-scale", 1) and TAKEN_FOR_1 in said(path, "--k-scale", 1)
        alibicheck.judge(right, **arguments, k_scale=1, v_scale=1, **{kind: path})
        assert TAKEN_FOR_1 not in said(path)


def test_what_an_element_is_made_of():
    problem = Problem("f16", queries=2)
    out, arguments = problem.one()
    wrong = out.copy()
    wrong[1, 2, 5] += 0.25
    verdict = alibicheck.judge(wrong, **arguments)
    made = verdict.explain()
    assert (made["query"], made["head"], made["dim"]) == (1, 2, 5) and abs(made["error"] - 0.25) < 2e-3
    assert "element: query 1, head 2, dim 5: out " in str(made)
    weights = [term["weight"] for term in made["terms"]]
    assert weights == sorted(weights, reverse=True) and sum(weights) <= 1 + 1e-9
    assert verdict.explain(row=1)["head"] == 1 and verdict.explain(row=1)["query"] == 0
    assert verdict.explain(row=1, dim=3)["dim"] == 3
    assert verdict.explain(row=1, dim=3)["truth"] == verdict.truth.value[0, 1, 3]
    assert verdict.explain(row=np.int64(1), dim=np.uint8(3), sequence=np.int32(0)) == verdict.explain(row=1, dim=3)
    for said, text in ((dict(row=99), "row 99: allowed: 0 to 7"), (dict(row=0, dim=99), "dim 99"), (dict(dim=1), "dim 1"),
                       (dict(row=1.5), "row 1.5"), (dict(row=True), "row True"), (dict(dim=np.bool_(0)), "dim "), (dict(sequence=1), "sequence 1: allowed: 0 to 0")):
        with pytest.raises(alibicheck.Refused, match=text):
            verdict.explain(**said)


def test_arrays_that_have_changed_since():
    """A truth of other numbers than those at hand explains none of them."""
    out, arguments = Problem("f16", queries=2).one()
    verdict = alibicheck.judge(out, **arguments)
    assert verdict.explain(row=1)
    for name, array in ("out", out), *((name, arguments[name]) for name in ("q", "k", "v")):
        before = array.copy()
        array[1, 0, 3] += 1
        with pytest.raises(alibicheck.Refused, match="allowed: what was judged"):
            verdict.explain(row=1)
        array[...] = before
    assert verdict.explain(row=1)


def test_what_is_to_be_done_about_a_cause_without_a_name():
    out, arguments = Problem("f16").one()
    swapped = alibicheck.truth(**dict(arguments, k=arguments["v"], v=arguments["k"])).value[0].astype(np.float16)
    message = str(alibicheck.judge(swapped, **arguments))
    assert "  right under: k and v exchanged" in message and "  cause: unknown" in message, message
    assert "predicts this output. It is right under the contract above.\n" in message
    message = str(alibicheck.judge(out[::-1] + np.float16(0.5), **arguments))
    assert "right under" not in message and "predicts this output. See what its worst element is made of" in message, message


def test_a_cause_and_its_remedy():
    out, arguments = Problem("f32").one()
    verdict = alibicheck.judge(np.zeros_like(out), **arguments)
    assert verdict.record["signature"] == "silent-zero"
    assert "\n  cause: silent-zero: out is 0 (4 of 4 heads examined)\n" in str(verdict)
    assert "Start the maximum at -inf" in str(verdict)


def test_which_of_two_is_wrong():
    out, arguments = Problem("f16").one()
    wrong = out.copy()
    wrong[3] *= 1.5
    verdict = alibicheck.judge(out, other=wrong, **arguments)
    assert verdict.passed
    assert "\n  other: is wrong (" in str(verdict)
    assert ": out is at fault in 0, other in " in str(verdict)
    fault = verdict.record["references"]["other"]
    assert fault["at_fault"]["kernel"] == 0 and fault["at_fault"]["reference"] == fault["mismatched"] > 0
    assert "\n  other: is right (" in str(alibicheck.judge(wrong, other=out, **arguments))


def test_a_batch():
    problem = Problem("f16", lengths=(5, 9, 7))
    out = np.stack(problem.out)
    out[1, 0, 2] = 0
    arguments = dict(q=np.stack(problem.q), k=problem.padded(problem.k, 9), v=problem.padded(problem.v, 9), layout="BSHD",
                     seq_lens=[5, 9, 7], **problem.facts())
    verdict = alibicheck.judge(out, **arguments)
    assert not verdict and [record["status"] for record in verdict.record] == ["pass", "fail", "pass"]
    assert [sequence.passed for sequence in verdict.sequences] == [True, False, True]
    assert verdict.record[2]["key"].endswith(",sequence=2")
    assert str(verdict).startswith("1 of 3 sequences is wrong\nsequence 1: wrong: ")
    assert str(alibicheck.judge(np.stack(problem.out), **arguments)) == "right: all 3 sequences"


def test_no_queries_that_see_keys():
    empty = np.zeros((0, 2, 32), np.float16)
    q = np.ones((4, 32), np.float16)
    assert alibicheck.judge(np.zeros((4, 32), np.float16), q=q, k=empty, v=empty, layout="NHD", scale=1, slopes="bloom")


def test_threads_of_the_caller_judge_at_once():
    problems = [Problem("bf16", seed=seed).one() for seed in range(6)]
    alone = [alibicheck.judge(out, **arguments).record["truth_digest"] for out, arguments in problems]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        verdicts = list(pool.map(lambda problem: alibicheck.judge(problem[0], **problem[1]), problems * 3))
    assert [verdict.record["truth_digest"] for verdict in verdicts] == alone * 3


def test_threads_change_nothing():
    out, arguments = Problem("f16").one()
    records = [alibicheck.judge(out, threads=threads, **arguments).record for threads in (1, 2, 3)]
    for record in records:
        del record["seconds"]
    assert records[0] == records[1] == records[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_after_a_fork():
    out, arguments = Problem("f16").one()
    assert alibicheck.judge(out, threads=2, **arguments)
    child = os.fork()
    if child == 0:
        os._exit(0 if alibicheck.judge(out, threads=2, **arguments) else 1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("a forked process hangs")


def test_an_interrupt_stops_the_work(request):
    """Of a problem that takes a minute. A process that was started in the background may have SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    heads, keys, dim = 64, 60000, 128
    q = np.ones((heads, dim), np.float16)
    k = np.broadcast_to(np.linspace(-1, 1, keys, dtype=np.float16)[:, None, None], (keys, heads, dim))
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    begun = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        alibicheck.judge(q, q=q, k=k, v=k, layout="NHD", scale="rsqrt", slopes="bloom", threads=1)
    assert time.monotonic() - begun < 50
    timer.join()


def test_a_library_that_is_not_there():
    done = subprocess.run([sys.executable, "-c", "import alibicheck"], capture_output=True, text=True, check=False,
                          env=dict(os.environ, ALIBICHECK_LIBRARY="/nowhere/libalibicheck.so.0"))
    assert "libalibicheck.so.0: not found at $ALIBICHECK_LIBRARY, /nowhere/libalibicheck.so.0" in done.stderr


def test_the_manual_s_example(tmp_path):
    """docs/python.md: the program that it shows prints what it shows."""
    page = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "python.md")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    blocks = re.search(r"((?:    .*\n|\n(?=    ))+)\nSaved as `example.py`, it prints:\n\n((?:    .*\n|\n(?=    ))+)", text)
    program, output = (re.sub(r"^    ", "", block, flags=re.M) for block in blocks.groups())
    path = tmp_path / "example.py"
    path.write_text(program)
    printed = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout.splitlines()
    for line in output.splitlines():
        assert line in printed
