"""Bits that are to be the same: in every run, in every batch, however work is cut."""
import array
import itertools

import ml_dtypes
import numpy as np
import pytest

import alibicheck
import manual
from alibicheck import _same_bits

DRAW = np.random.default_rng(0)
BATCH, ROOM, HEADS, KV_HEADS, DIM = 4, 24, 4, 2, 16
LENGTHS = np.array([5, 24, 1, 17], np.int32)
Q = DRAW.standard_normal((BATCH, HEADS, DIM)).astype(np.float16)
K, V = DRAW.standard_normal((2, BATCH, ROOM, KV_HEADS, DIM)).astype(np.float16)
SLOPES = 2.0 ** -np.arange(1.0, HEADS + 1)
BATCHED = {"lengths": "seq_lens", "keys": {"k": 1, "v": 1}}


def decode(q, k, v, seq_lens, *, scale=0.25, num_splits=1):
    """out[B, H, D] in f64, rounded: a row after the other, so that none can see another."""
    del num_splits
    out = np.zeros(q.shape)
    for b, n in enumerate(seq_lens):
        keys, values = (array[b, :n].astype(np.float64).repeat(HEADS // KV_HEADS, 1) for array in (k, v))
        logits = np.einsum("hd,nhd->hn", q[b].astype(np.float64), keys) * scale + SLOPES[:, None] * (np.arange(n) - (n - 1))
        weights = np.exp(logits - logits.max(1, keepdims=True))
        out[b] = np.einsum("hn,nhd->hd", weights, values) / weights.sum(1, keepdims=True)
    return out.astype(q.dtype)


def off(out, row, head, dim, ulp=1):
    """The same with an element that is so many places from where it was."""
    out = out.copy()
    out.view(np.uint16)[row, head, dim] += ulp
    return out


class Tensor:
    """An array that is none of NumPy's; torch: which says where it lies, as PyTorch's do."""

    def __init__(self, array, torch):
        self.array, self.torch = array, torch
        self.shape, self.dtype = array.shape, array.dtype
        self.__dlpack__, self.__dlpack_device__ = array.__dlpack__, array.__dlpack_device__
        if torch:
            self.data_ptr, self.element_size = lambda: array.ctypes.data, lambda: array.itemsize
            self.stride = lambda: tuple(step // array.itemsize for step in array.strides)

    def __mul__(self, number):
        return Tensor(self.array * number, self.torch)

    def fill(self, other):
        self.array[...] = other.array + 1

    def view(self):
        return Tensor(self.array.reshape(-1)[2:], self.torch)


def failure_of(check, *arguments, **facts):
    with pytest.raises(AssertionError) as failure:
        check(*arguments, **facts)
    return str(failure.value)


# ---- runs ----------------------------------------------------------------------------------------------------------

def test_what_is_deterministic():
    calls = []

    def counted(*arguments, **facts):
        calls.append(facts)
        return decode(*arguments, **facts)

    alibicheck.assert_deterministic(counted, Q, K, V, LENGTHS, scale=0.5)
    assert calls == [{"scale": 0.5}] * 4  # and on other inputs
    alibicheck.assert_deterministic(counted, Q, K, V, LENGTHS, runs=5)
    assert len(calls) == 10


def test_what_is_not_deterministic():
    runs = itertools.count()
    text = failure_of(alibicheck.assert_deterministic, lambda: off(Q, 2, 3, 7, 5 if next(runs) == 2 else 0))
    one, other = Q[2, 3, 7], off(Q, 2, 3, 7, 5)[2, 3, 7]
    assert text.splitlines() == [
        "lambda is not deterministic: run 3 has other bits than run 1",
        f"    out[2, 3, 7] (row 2, head 3, dim 7) is {float(one):.9g} in run 1, {float(other):.9g} in run 3, "
        "5 ulp of f16 apart",
        "    1 of 256 elements differ, by at most 5 ulp"]
    runs = itertools.count()
    alibicheck.assert_deterministic(lambda: off(Q, 2, 3, 7, 5 if next(runs) == 2 else 0), runs=2)


def test_a_buffer_that_is_used_again():
    """As a CUDA graph does: every run returns the same memory."""
    runs, buffer = itertools.count(), np.zeros(4, np.float32)

    def kernel():
        buffer[1] = next(runs)
        return buffer

    text = failure_of(alibicheck.assert_deterministic, kernel, axes=["place"])
    assert "out[1] (place 1) is 0 in run 1, 1 in run 2" in text


def test_an_input_that_is_changed():
    def kernel(q, scale):
        q += scale
        return q

    text = failure_of(alibicheck.assert_deterministic, kernel, np.zeros(3, np.float32), scale=np.ones(1, np.float32))
    assert text.endswith("\n    it changes what it is given: argument 0")

    def zeroes(q, out=None):
        q *= 0
        if out is None:
            return q.copy()
        out[...] = 5
        return out

    text = failure_of(alibicheck.assert_deterministic, zeroes, np.ones(3, np.float32))
    assert "zeroes changes what it is given: argument 0. Its runs have the same bits" in text
    # A place for outputs is no input.
    alibicheck.assert_deterministic(lambda q, out: np.add(q, 5, out=out), np.zeros(3, np.float32), out=np.zeros(3))
    for torch in False, True:  # nor is one that is returned as a view, of whichever library
        q, out = Tensor(np.ones((2, 3), np.float32), torch), Tensor(np.zeros((2, 3), np.float32), torch)
        alibicheck.assert_deterministic(lambda q, out: (out.fill(q), out.view())[1], q, out)
        text = failure_of(alibicheck.assert_deterministic, lambda q, out: (q.fill(q), out.view())[1], q, out)
        assert "changes what it is given: argument 0." in text
    alibicheck.assert_deterministic(lambda q, lse: (lse.fill(1), q + 1)[1], np.ones(3), np.zeros(3), writes=["lse"])
    # What overwrites an array in a list or a dict, or puts another one there, has the same bits the second time, too.
    def overwrites(given):
        q = given["q"][1][0]
        return np.maximum(q, 3, out=q) + 1

    def replaces(given):
        given[0] = np.maximum(given[0], 3)
        return given[0] + 1

    for function, given, name in ((overwrites, {"q": (2, [np.ones(3)])}, "argument 0['q'][1][0]"),
                                  (replaces, [np.ones(3)], "argument 0[0]")):
        text = failure_of(alibicheck.assert_deterministic, function, given)
        assert f"changes what it is given: {name}. Its runs have the same bits" in text
    held = [np.zeros(3), np.array([None])]  # an output among them, and what is no array of numbers
    alibicheck.assert_deterministic(lambda q, held: np.add(q, 1, out=held[0]), np.ones(3), held)
    alibicheck.assert_deterministic(lambda q, held: (held[0].fill(1), q + 1)[1], np.ones(3), held, writes=[1])
    with pytest.raises(alibicheck.Refused, match="writes 'none': is no argument"):
        alibicheck.assert_deterministic(zeroes, np.ones(3), writes=["none"])


def test_outputs_of_every_kind():
    runs = itertools.count()
    for returned, where in (
            (lambda: (Q, LENGTHS + (next(runs) > 0)), "out[1][0] is 5 in run 1, 6 in run 2, 1 ulp of int32 apart"),
            (lambda: {"lse": np.full((2, 2), next(runs), np.float64)}, "out['lse'][0, 0] is 0 in run 1, 1 in run 2"),
            (lambda: [None, np.zeros(1 + next(runs))], "out[1] is of float64 [1] in run 1, of float64 [2] in run 2"),
            (lambda: (Q,) * (1 + next(runs)), "it returns out[0] in run 1, out[0], out[1] in run 2"),
            (lambda: Q.astype(np.float16 if next(runs) == 0 else np.float32),
             "out is of float16 [4, 4, 16] in run 1, of float32"),
            (lambda: array.array("d", [next(runs)]), "out[0] is 0 in run 1, 1 in run 2"),
            (lambda: np.float32(next(runs)), "out is 0 in run 1, 1 in run 2"),
            (lambda: np.array([next(runs) > 0]), "out[0] is False in run 1, True in run 2, 1 ulp of bool apart"),
            (lambda: np.array([1.0, np.nan if next(runs) else np.inf]), "out[1] is inf in run 1, nan in run 2\n"),
            (lambda: np.array([-0.0 if next(runs) else 0.0], ml_dtypes.float8_e4m3fn),
             "is 0 in run 1, -0 in run 2, 0 ulp of e4m3")):
        runs = itertools.count()
        text = failure_of(alibicheck.assert_deterministic, returned)
        assert where in text, text


def test_bits_of_nan_are_not_compared():
    runs = itertools.count()
    bits = [0x7fc00000, 0x7f800001, 0xffffffff]
    one = 0x3f800000
    alibicheck.assert_deterministic(lambda seq_lens: np.array([one, bits[next(runs)]], np.uint32).view(np.float32), [3, 0])


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, ml_dtypes.float8_e4m3fn,
                                   ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fnuz])
def test_ulps(dtype):
    """Places count every number between two, through 0 as well."""
    size = np.dtype(dtype).itemsize
    if size == 1:
        values = np.arange(256, dtype=np.uint8).view(dtype)
        values = np.unique(values[np.isfinite(values.astype(np.float64))].astype(np.float64))
    else:
        values = np.array([-1.5, -1.0, -0.0, 0.0, 1.0, 1.5])
    places = _same_bits._places(values.astype(dtype))
    if size == 1:
        assert [b - a for a, b in zip(places, places[1:])] == [1] * (len(places) - 1)
    else:
        half = 1 << ({np.float16: 10, ml_dtypes.bfloat16: 7, np.float32: 23, np.float64: 52}[dtype] - 1)
        assert places[1] - places[0] == places[5] - places[4] == half and places[2] == places[3] == 0


# ---- what shows nothing ---------------------------------------------------------------------------------------------

SPLITS = {"splits": {"num_splits": [1, 2]}}
ASSERTIONS = [(alibicheck.assert_deterministic, {}), (alibicheck.assert_batch_invariant, {}),
              (alibicheck.assert_batch_invariant, BATCHED), (alibicheck.assert_split_invariant, SPLITS)]
each_assertion = pytest.mark.parametrize("check,facts", ASSERTIONS, ids=["runs", "batches", "longer batches", "splits"])


@each_assertion
@pytest.mark.parametrize("answer,text", [
    (lambda q: np.zeros_like(q), "returns the same for other inputs, which shows nothing: out has the same numbers where "
                                 "those of argument 0, argument 1, argument 2 are changed"),
    (lambda q: np.full_like(q, 3), "returns the same for other inputs"),
    (lambda q: np.resize(np.arange(HEADS * DIM, dtype=q.dtype), q.shape), "returns the same for other inputs"),
    (lambda q: q * 0, "returns the same for other inputs"),
    (lambda q: (np.ones(q.shape, np.int32), q), "returns the same for other inputs, which shows nothing: out[0] has"),
    (lambda q: q * np.float16(np.nan), "returns NaN, which shows nothing: "),
    (lambda q: np.where(np.arange(DIM) == 3, np.float16(np.nan), q), "16 of 256 elements of out are NaN, the first at [0, 0, 3]"),
    (lambda q: (q, q[..., 0] * np.float16(np.nan)), "elements of out[1] are NaN"),
    (lambda q: np.full_like(q, np.inf), "returns infinities, which show nothing: each element of out is one")])
def test_a_constant_shows_nothing(check, facts, answer, text):
    def kernel(q, k, v, seq_lens, num_splits=1):
        return answer(q)

    said = failure_of(check, kernel, Q, K, V, LENGTHS, **facts)
    assert said.startswith("kernel returns ") and text in said


@each_assertion
def test_what_needs_not_depend_on_everything(check, facts):
    """An output may be even in its inputs, or take one of them alone, or not take others at all."""
    kernels = [lambda q, k, v, seq_lens, num_splits=1: np.einsum("bhd,bhd->bh", q, k[:, 0].repeat(2, 1)),
               lambda q, k, v, seq_lens, num_splits=1: np.abs(q) + k[:, :1, :1, 0],
               lambda q, k, v, seq_lens, num_splits=1: np.square(q),
               lambda q, k, v, seq_lens, num_splits=1: q / np.abs(q).max((1, 2), keepdims=True),
               lambda q, k, v, seq_lens, num_splits=1: v[:, 0] * 2,
               lambda q, k, v, seq_lens, num_splits=1: (q * 2, np.zeros(len(q))),  # what else is returned may be constant
               lambda q, k, v, seq_lens, num_splits=1: {"lse": q[..., 0].astype(np.float32)}]
    for kernel in kernels:
        check(kernel, Q, K, V, LENGTHS, **facts)
    positive = lambda q, k, v, seq_lens, num_splits=1: np.sqrt(q) if (q >= 0).all() else 1 / 0  # none is taken that is not
    check(positive, np.abs(Q), K, V, LENGTHS, **facts)


@each_assertion
def test_what_is_no_fault(check, facts):
    """Identical rows, rows without keys, one element a head, one row."""
    def kernel(q, k, v, seq_lens, num_splits=1):
        full = np.maximum(seq_lens, 1)
        out = np.concatenate([decode(q[b:b + 1], k[b:b + 1], v[b:b + 1], full[b:b + 1]) for b in range(len(q))])
        return np.where(np.asarray(seq_lens)[:, None, None] > 0, out, answer)

    same = [np.repeat(array[:1], BATCH, 0) for array in (Q, K, V, LENGTHS)]
    for answer in np.float16(0), np.float16(np.nan), np.float16(np.inf):  # of a row without keys
        check(kernel, *same, **facts)
        check(kernel, Q, K, V, np.array([5, 0, 1, 0]), **facts)
        check(kernel, Q, K, V, np.zeros(4, np.int32), **facts)
        check(kernel, Q[..., :1], K[..., :1], V[..., :1], LENGTHS, **facts)
        check(kernel, Q[:1, :, :1], K[:1, :, :, :1], V[:1, :, :, :1], LENGTHS[:1], **facts)
    check(lambda q, k, v, seq_lens, num_splits=1: np.zeros_like(q), Q, K[:, :0], V[:, :0], np.zeros(4, np.int32),
          **({} if facts is BATCHED else facts))


def test_what_a_function_keeps_itself():
    """Nothing can be changed from here: one number throughout shows nothing, and anything else may do."""
    for answer in Q, Q[:1, :1, :1], LENGTHS, (np.ones(1), Q):
        alibicheck.assert_deterministic(lambda: answer)
        alibicheck.assert_split_invariant(lambda num_splits: answer, **SPLITS)
    alibicheck.assert_split_invariant(lambda share: Q, splits={"share": [0.5, 0.25]})
    text = failure_of(alibicheck.assert_deterministic, lambda: np.full((2, 3), 0.5, np.float32))
    assert text == "lambda returns one number throughout, which shows nothing: each of the 6 elements of out is 0.5"
    alibicheck.assert_deterministic(lambda q, scale: q * scale, Q, scale=0.0 + 2)
    alibicheck.assert_deterministic(lambda scale: np.float32(scale) * np.ones(3), 0.5)  # of numbers alone
    text = failure_of(alibicheck.assert_deterministic, lambda q, scale: q * 0 + scale, np.abs(Q) + 1, scale=0.5)
    assert "those of argument 0 are changed" in text


def test_a_place_for_outputs_that_is_not_written_to():
    """It is what it was, and of other numbers if those are changed: nothing is shown. What is written to is left alone."""
    text = failure_of(alibicheck.assert_deterministic, lambda q, out: out, Q, np.zeros_like(Q))
    assert "those of argument 0, argument 1 are changed" in text
    alibicheck.assert_deterministic(lambda q: q.copy(), Q)
    out, q = np.zeros_like(Q), Q.copy()
    alibicheck.assert_deterministic(lambda q, out: np.multiply(q, 2, out=out), q, out)
    assert np.array_equal(out, 2 * Q) and np.array_equal(q, Q)


# ---- batches -------------------------------------------------------------------------------------------------------

def test_what_is_batch_invariant():
    seen = []

    def kernel(q, k, v, seq_lens, **facts):
        seen.append((q.shape[0], k.shape[1], list(seq_lens)))
        assert q.shape[0] == k.shape[0] == v.shape[0] == len(seq_lens) and max(seq_lens) <= k.shape[1] == v.shape[1]
        return decode(q, k, v, seq_lens, **facts)

    alibicheck.assert_batch_invariant(kernel, Q, K, V, LENGTHS, scale=0.5, **BATCHED)
    assert seen[:2] == [(4, 24, [5, 24, 1, 17])] * 2
    assert [rows for rows, _, _ in seen[2:6]] == [1] * 4  # alone
    assert [24, 1, 17, 5] not in [lengths for _, _, lengths in seen] and [17, 1, 24, 5] in [lengths for _, _, lengths in seen]
    assert {(2, 24), (8, 24), (1, 5), (1, 1), (1, 17), (4, 48), (5, 48)} <= {(rows, room) for rows, room, _ in seen}
    assert (5, 48, [5, 24, 1, 17, 48]) in seen


def test_a_kernel_that_sees_the_size_of_its_batch():
    def kernel(q, k, v, seq_lens):
        return off(decode(q, k, v, seq_lens), 0, 1, 3, 2) if len(q) == 1 else decode(q, k, v, seq_lens)

    text = failure_of(alibicheck.assert_batch_invariant, kernel, Q, K, V, LENGTHS).splitlines()
    assert text[0] == "kernel is not batch invariant: bits of a row depend on the rest of its batch of 4"
    assert text[1].startswith("    out[0, 1, 3] (row 0, head 1, dim 3) is ") and text[1].endswith(" alone, 2 ulp of f16 apart")
    assert " in the batch, " in text[1] and text[2] == "    1 of 64 elements of the row differ, by at most 2 ulp"
    assert text[3:] == ["    alone: rows 0, 1, 2, 3 differ", "    in reverse order: the same bits",
                        "    each a row further: the same bits", "    in the first half of the batch: the same bits",
                        "    in a batch of all rows twice: the same bits"]


def test_a_kernel_that_sees_a_row_s_place():
    def kernel(q, k, v, seq_lens):
        out = decode(q, k, v, seq_lens)
        return off(out, 2, 0, 0) if len(q) > 2 else out

    text = failure_of(alibicheck.assert_batch_invariant, kernel, Q, K, V, LENGTHS)
    assert "alone: row 2 differs" in text and "in reverse order: rows 1, 2 differ" in text
    assert "in the first half of the batch: the same bits" in text and "in a batch of all rows twice: row 2 differs" in text


def test_a_kernel_that_sees_the_longest_row():
    def kernel(q, k, v, seq_lens):
        out = decode(q, k, v, seq_lens)
        return off(out, 0, 0, 5) if max(seq_lens) > ROOM else out

    alibicheck.assert_batch_invariant(kernel, Q, K, V, LENGTHS)
    text = failure_of(alibicheck.assert_batch_invariant, kernel, Q, K, V, LENGTHS, **BATCHED)
    assert "out[0, 0, 5]" in text and "beside a row of 48 keys: row 0 differs" in text
    assert "with more slots behind its keys: the same bits" in text


def test_a_kernel_that_reads_past_its_keys():
    def kernel(q, k, v, seq_lens):
        out = decode(q, k, v, seq_lens)
        return (out.astype(np.float32) * (1 + 1e-3 * k.shape[1])).astype(np.float16)

    text = failure_of(alibicheck.assert_batch_invariant, kernel, Q, K, V, LENGTHS, **BATCHED)
    assert "alone, without slots behind its keys: rows 0, 2, 3 differ" in text
    assert "with more slots behind its keys: rows 0, 1, 2, 3 differ" in text and "alone: the same bits" in text


def test_a_real_sum_that_is_cut_by_the_longest_row():
    """Split-KV as it is written: pieces of the longest row's length, summed in f32 one after the other."""
    def kernel(q, k, v, seq_lens):
        piece = -(-max(seq_lens) // 4)
        out = np.zeros(q.shape, np.float32)
        for b, n in enumerate(seq_lens):
            for first in range(0, n, piece):
                values = v[b, first:min(n, first + piece)].astype(np.float32).repeat(2, 1)
                out[b] += np.sum(values / np.float32(n), axis=0, dtype=np.float32)
        return out

    text = failure_of(alibicheck.assert_batch_invariant, kernel, Q, K, V, LENGTHS)
    assert "alone: row" in text and "ulp of f32 apart" in text


def test_a_kernel_that_is_not_deterministic_is_told_as_that():
    runs = itertools.count()
    text = failure_of(alibicheck.assert_batch_invariant, lambda q: off(q, 0, 0, 0, next(runs)), Q)
    assert text.startswith("lambda is not deterministic: two runs on the same arguments differ\n    out[0, 0, 0]")


def test_which_arguments_are_batched():
    def kernel(q, k=None, v=None, seq_lens=None, table=None):
        assert len(table) == 7 and len(q) == len(seq_lens)
        return decode(q, k, v, seq_lens), np.asarray(seq_lens)

    table = np.zeros(7)
    names = ("q", "k", "v", "seq_lens")
    alibicheck.assert_batch_invariant(kernel, Q, K, V, LENGTHS.tolist(), table, batched=names, **BATCHED)
    alibicheck.assert_batch_invariant(kernel, Q, K, V, seq_lens=tuple(LENGTHS.tolist()), table=table,
                                      batched=[0, 1, 2, "seq_lens"])
    alibicheck.assert_batch_invariant(kernel, Q[:1], K[:1], V[:1], LENGTHS[:1], table=table)


@pytest.mark.parametrize("arguments,facts,what", [
    ((Q, K[:3]), {}, r"batched 'k': has 3 rows; allowed: 4, as 'q' has; what has no row for each of the batch is given by name"),
    ((), {}, "batched: there is none"),
    ((Q, 3), {"batched": ["q", "k"]}, "batched 'k': is int; allowed: arrays"),
    ((Q, K), {"batched": ["q", "w"]}, "batched 'w': is no argument that decode is given"),
    ((Q, K, V, LENGTHS), {"keys": {"k": 1}}, "keys, lengths: allowed: both"),
    ((Q, K, V, LENGTHS), {"lengths": "seq_lens", "keys": {"k": 0}},
     r"keys 'k': 0; allowed: an axis of a batched argument, 1 to 3"),
    ((Q, K, V, LENGTHS), {"lengths": "seq_lens", "keys": {"k": 1, "v": 2}}, r"lengths \[5, 24, 1, 17\]: allowed: 0 to"),
    ((Q, K, V, LENGTHS + 1), {"lengths": "seq_lens", "keys": {"k": 1}}, r"lengths \[6, 25, 2, 18\]: allowed: 0 to .* \[24\]"),
    ((Q, K, V, LENGTHS * 1.0), {"lengths": "seq_lens", "keys": {"k": 1}}, "lengths 'seq_lens': is float64"),
])
def test_batches_that_cannot_be(arguments, facts, what):
    with pytest.raises(alibicheck.Refused, match=what):
        alibicheck.assert_batch_invariant(decode, *arguments, **facts)


def test_outputs_that_cannot_be():
    with pytest.raises(alibicheck.Refused, match="lambda: returned nothing that could be compared"):
        alibicheck.assert_deterministic(lambda: None)
    with pytest.raises(alibicheck.Refused, match="lambda: returned nothing that could be compared"):
        alibicheck.assert_deterministic(lambda: (np.zeros((0, 64)), np.zeros(0)))
    with pytest.raises(alibicheck.Refused, match="two or more values of an argument"):
        alibicheck.assert_split_invariant(lambda q, num_splits: q, Q, splits={"num_splits": [4, 4]})
    with pytest.raises(alibicheck.Refused, match=r"lambda: returned out of \[2\] for 4 rows"):
        alibicheck.assert_batch_invariant(lambda q: np.zeros(2), Q)
    with pytest.raises(alibicheck.Refused, match="runs 1: allowed: whole numbers from 2 on"):
        alibicheck.assert_deterministic(lambda: Q, runs=1)
    with pytest.raises(alibicheck.Refused, match="function: is ndarray"):
        alibicheck.assert_deterministic(Q)


def test_the_manual_s_batch(tmp_path):
    said, printed = manual.run("batch.py", tmp_path)
    assert printed[0].startswith("Traceback")
    assert manual.without_figures(said) == manual.without_figures(printed)[-len(said):], "\n".join(printed)


# ---- splits --------------------------------------------------------------------------------------------------------

def test_splits():
    facts = {"splits": {"num_splits": [1, 2, 4]}}
    alibicheck.assert_split_invariant(decode, Q, K, V, LENGTHS, **facts)

    def kernel(q, k, v, seq_lens, num_splits, warps=1):
        return off(decode(q, k, v, seq_lens), 1, 2, 3, num_splits if warps == 1 else 9)

    text = failure_of(alibicheck.assert_split_invariant, kernel, Q, K, V, LENGTHS, **facts).splitlines()
    assert text[0] == "kernel is not split invariant: bits depend on how its work is cut"
    assert "out[1, 2, 3] (row 1, head 2, dim 3) is " in text[1] and " with num_splits=2, 1 ulp of f16 apart" in text[1]
    assert " with num_splits=4, 3 ulp of f16 apart" in text[3]
    text = failure_of(alibicheck.assert_split_invariant, kernel, Q, K, V, LENGTHS, num_splits=3, splits={"warps": [1, 4]})
    assert "with warps=4, 6 ulp" in text
    for wrong in ({}, {"num_splits": [1]}):
        with pytest.raises(alibicheck.Refused, match="allowed: {\"num_splits\": "):
            alibicheck.assert_split_invariant(decode, Q, K, V, LENGTHS, splits=wrong)


# ---- other libraries -----------------------------------------------------------------------------------------------

def torch_decode(torch):
    def kernel(q, k, v, seq_lens):
        k, v = (a.repeat_interleave(HEADS // KV_HEADS, 2).permute(0, 2, 1, 3).double() for a in (k, v))
        seen = torch.arange(k.shape[2])[None, None, None] < seq_lens[:, None, None, None]
        logits = (q[:, :, None].double() @ k.transpose(2, 3)).masked_fill(~seen, float("-inf"))
        return (torch.softmax(logits, -1) @ v)[:, :, 0].to(q.dtype)
    return kernel


def test_torch():
    torch = pytest.importorskip("torch")
    q, k, v, lengths = (torch.tensor(a) for a in (Q, K, V, LENGTHS))
    q, k, v = q.bfloat16(), k.bfloat16(), v.bfloat16()
    alibicheck.assert_deterministic(torch_decode(torch), q, k, v, lengths)
    alibicheck.assert_batch_invariant(torch_decode(torch), q, k, v, lengths, **BATCHED)
    text = failure_of(alibicheck.assert_batch_invariant, lambda q, k, v, seq_lens: q + len(q), q, k, v, lengths, **BATCHED)
    assert "ulp of bf16 apart" in text and "beside a row of 48 keys" in text


@pytest.mark.parametrize("name,of", [("jax.numpy", "asarray"), ("mlx.core", "array")])
def test_another_library(name, of):
    library = pytest.importorskip(name)
    q, k = (getattr(library, of)(a.astype(np.float32)) for a in (Q, K))
    alibicheck.assert_batch_invariant(lambda q, k: q * 2 + k[:, 0, :1], q, k)
    text = failure_of(alibicheck.assert_batch_invariant, lambda q, k: q + len(q), q, k)
    assert "ulp of f32 apart" in text
