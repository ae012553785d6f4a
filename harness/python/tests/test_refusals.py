"""What tensors do not say is stated or refused: each argument that is missing, or cannot be, with what is allowed."""
import decimal
import fractions

import numpy as np
import pytest

import alibicheck
from problem import Problem

MISSING = [
    ("layout", "layout: is missing; allowed: NHD, HND, BSHD or BHSD: the order of axes in k and v (batch, keys, KV heads, "
               "head_dim; N or S are keys)"),
    ("scale", "scale: is missing; allowed: the number that q.k is multiplied by, or \"rsqrt\" for 1/sqrt(head_dim)"),
    ("slopes", "slopes: is missing; allowed: an array of a slope a head, bloom, geometric, hf, vllm, falcon, or \"none\" "
               "for attention without ALiBi"),
    ("q", "q: is missing; allowed: an array"),
    ("k", "k: is missing; allowed: an array"),
    ("v", "v: is missing; allowed: an array"),
]


def refuse(text, **changes):
    out, arguments = Problem("f16").one()
    arguments.update(out=out)
    arguments.update(changes)
    with pytest.raises(alibicheck.Refused) as refusal:
        alibicheck.judge(**arguments)
    assert str(refusal.value) == text


@pytest.mark.parametrize("name,text", MISSING)
def test_missing(name, text):
    refuse(text, **{name: None})


def test_out_is_missing():
    refuse("out: is missing; allowed: an array", out=None)


K = np.zeros((37, 2, 32), np.float16)
PAGES = np.zeros((4, 16, 2, 32), np.float16)
TABLE, LENS = np.array([[0, 1, 2]]), np.array([37])

REFUSED = [
    ({"layout": "nhd"}, "layout 'nhd': allowed: NHD, HND, BSHD or BHSD: the order of axes in k and v (batch, keys, KV heads, "
                        "head_dim; N or S are keys)"),
    ({"scale": "sqrt"}, "scale 'sqrt': allowed: the number that q.k is multiplied by, or \"rsqrt\" for 1/sqrt(head_dim)"),
    ({"scale": float("nan")}, "scale nan: allowed: the number that q.k is multiplied by, or \"rsqrt\" for 1/sqrt(head_dim)"),
    ({"slopes": "alibi"}, "slopes 'alibi': allowed: an array of a slope a head, bloom, geometric, hf, vllm, falcon, or "
                          "\"none\" for attention without ALiBi"),
    ({"slopes": np.ones(3)}, "slopes: is [3]; allowed: [4], a slope a head"),
    ({"slopes": np.array([1, 2, np.nan, 4])}, "slopes: the slope of head 2 is nan; allowed: finite numbers of f32"),
    ({"slopes": np.ones(4, np.uint16)}, "slopes: is of uint16, which may be the bits of another type; allowed: f16, bf16, f32, f64, "
                                        "or whole numbers of 32 or 64 bits, a slope a head"),
    ({"sink_logits": np.ones(4, "V2")}, "sink_logits: is of uint16, which may be the bits of another type; allowed: f16, bf16, f32, "
                                        "f64, or whole numbers of 32 or 64 bits, a sink a head"),
    ({"sink_logits": np.array([0.1, 2, 3, 4])}, "sink_logits: the sink of head 0 is 0.1; allowed: finite numbers "
                                                "of f32"),
    ({"lse": np.zeros(4, np.float32)}, "lse_base: is missing; allowed: \"e\", as FlashAttention returns, or 2, as FlashInfer "
                                       "does"),
    ({"lse_base": "e"}, "lse_base 'e': allowed: with lse"),
    ({"lse": np.zeros(4, np.float32), "lse_base": 10}, "lse_base 10: allowed: \"e\" or 2"),
    ({"lse": np.zeros((3, 4), np.float32), "lse_base": 2},
     "lse: is [3, 4], with 3 queries; allowed: 1, as q has; [heads], [sequences, heads] or, of one sequence, [queries, heads]; "
     "with three axes [sequences, queries, heads] of pages, [sequences, heads, queries] of BSHD and BHSD"),
    ({"lse": np.zeros(4), "lse_base": 2}, "lse: is of f64; allowed: f32, one a row"),
    ({"k": K[:, :1].repeat(3, 1), "v": K[:, :1].repeat(3, 1)}, "k: has 3 KV heads for 4 query heads; allowed: a divisor of "
                                                             "them (is layout right?)"),
    ({"v": K[:36]}, "v: is [36, 2, 32], with 36 keys; allowed: 37, as k has; [keys, KV heads, head_dim]; in pages [pages, "
                    "page size, KV heads, head_dim] with block_table or kv_indptr"),
    ({"k": PAGES}, "k: is [4, 16, 2, 32]; allowed: [keys, KV heads, head_dim]; in pages [pages, page size, KV heads, "
                   "head_dim] with block_table or kv_indptr"),
    ({"out": np.zeros((4, 33), np.float16)}, "out: is [4, 33], with 33 head_dim; allowed: 32, as q has; [heads, head_dim] or "
                                             "[queries, heads, head_dim] of one sequence (four axes: layout BSHD or "
                                             "BHSD)"),
    ({"out": np.zeros((4, 32))}, "out: is of f64; allowed: f16, bf16, f32"),
    ({"q": np.zeros((4, 32), np.int32)}, "q: is of int32; allowed: f16, bf16, f32, e4m3, e5m2, e4m3fnuz"),
    ({"k_scale": 0.5}, "k_scale, v_scale: k is of f16 and v of f16; allowed: with k and v of one fp8 type"),
    ({"k_scale": "1"}, "k_scale '1': allowed: a number that f32 holds"),
    ({"soft_cap": ("before", 3)}, "soft_cap ('before', 3): allowed: (\"before_bias\", C) or (\"after_bias\", C), C a number "
                                  "above 0"),
    ({"soft_cap": ("before_bias", 0)}, "soft_cap ('before_bias', 0): allowed: (\"before_bias\", C) or (\"after_bias\", C), C a "
                                       "number above 0"),
    ({"tolerance": 1e-3}, "tolerance 0.001: allowed: (atol, rtol) or (atol, rtol, lse), numbers of 0 or more"),
    ({"tolerance": (1e-3, -1)}, "tolerance (0.001, -1): allowed: (atol, rtol) or (atol, rtol, lse), numbers of 0 or more"),
    ({"threads": 0}, "threads 0: allowed: 1 to 1024"),
    ({"positions": 1 << 40}, "positions 1099511627776: allowed: whole numbers -2147483647 to 2147483647, or an array"),
    ({"kv_offset": 1.5}, "kv_offset 1.5: allowed: whole numbers -2147483647 to 2147483647"),
    ({"class_": "f64"}, "class \"f64\": allowed: any, output, f32, or f32 with some of +weights16, +weights8, +absolute-bias, "
                        "+bias16, +query16, +logits16, +partials16, +sums16"),
    ({"class_": "f32\0x"}, "class \"f32\\0x\": allowed: any, output, f32, or f32 with some of +weights16, +weights8, +absolute-bias, "
                        "+bias16, +query16, +logits16, +partials16, +sums16"),
    ({"bundle": "b.npz"}, "bundle 'b.npz': allowed: a path that ends in .safetensors"),
    ({"bundle": "b\0.safetensors"}, "bundle 'b\\x00.safetensors': allowed: a path that ends in .safetensors"),
    ({"bundle": 5}, "bundle 5: allowed: a path that ends in .safetensors"),
    ({"bundle_without_kv": "b.npz"}, "bundle_without_kv 'b.npz': allowed: a path that ends in .safetensors"),
    ({"bundle": "a.safetensors", "bundle_without_kv": "b.safetensors"}, "bundle, bundle_without_kv: allowed: one of them"),
    ({"positions": np.array([0.5])}, "positions: number 0 is 0.5; allowed: position of the last query of a sequence, "
                                     "-2147483647 to 2147483647"),
    ({"seq_lens": np.array([38])}, "seq_lens: number 0 is 38; allowed: keys of a sequence, 0 to 37"),
    ({"mask": np.ones(36, bool)}, "mask: is [36] of bool; allowed: bool or whole numbers, [37] or [1, 37], one a key"),
    ({"mask": np.ones(37)}, "mask: is [37] of f64; allowed: bool or whole numbers, [37] or [1, 37], one a key"),
    ({"mask": np.ones(38, bool)}, "mask: is [38] of bool; allowed: bool or whole numbers, [37] or [1, 37], one a key"),
    ({"mask": np.ones((1, 40), bool), "seq_lens": np.array([30])},
     "mask: is [1, 40] of bool; allowed: bool or whole numbers, [30] or [1, 30], one a key, or of all 37 that there is room for"),
    ({"k": PAGES, "v": PAGES, "block_table": TABLE, "seq_lens": LENS, "mask": np.ones(64, bool)},
     "mask: is [64] of bool; allowed: bool or whole numbers, [37] or [1, 37], one a key, or of all 48 that there is room for"),
    ({"mask": np.where(np.arange(37) < 4, -10000, 0)},
     "mask: number 0 is -10000; allowed: 1 or True for a visible key, 0 or False for one that is not"),
    ({"other_lse": np.zeros(4, np.float32)}, "other_lse: allowed: with other, the output that it came with"),
    ({"dtypes": {"other": "f16"}}, "dtypes 'other': allowed: of arrays that are there"),
    ({"tolerance": (1e-3, 1e-3, 1e-3)},
     "tolerance (0.001, 0.001, 0.001): has a number for lse, and there is none; allowed: (atol, rtol), or with lse"),
    ({"block_table": TABLE}, "seq_lens: is missing; allowed: keys of each sequence, which a block_table does not say"),
    ({"kv_indptr": LENS}, "kv_indices: is missing; allowed: the pages of all sequences, of which kv_indptr says where they "
                          "begin"),
    ({"kv_indptr": LENS, "kv_indices": LENS}, "kv_last_page_len: is missing; allowed: keys in the last page of each "
                                              "sequence"),
    ({"kv_indices": LENS}, "kv_indices: allowed: with kv_indptr"),
    ({"page_size": 16}, "page_size 16: allowed: a whole number from 1 on, with block_table or kv_indptr"),
    ({"block_table": TABLE, "kv_indptr": LENS}, "kv_indptr: allowed: this or block_table"),
    ({"k": PAGES, "v": PAGES, "block_table": TABLE, "seq_lens": LENS, "page_size": 32},
     "page_size 32: pages of k and v have 16 slots; allowed: the same (is layout right?)"),
    ({"k": PAGES, "v": PAGES, "block_table": TABLE, "seq_lens": LENS, "layout": "BSHD"},
     "layout 'BSHD': allowed: NHD or HND, with pages"),
    ({"k": PAGES, "v": PAGES, "block_table": np.array([[0, 4, 1]]), "seq_lens": LENS},
     "page table: page 1 of sequence 0 is page 4 of the pool; allowed: 0 to 3"),
    ({"k": PAGES, "v": PAGES, "block_table": TABLE, "seq_lens": np.array([49])},
     "seq_lens: number 0 is 49; allowed: keys of a sequence, as many as its pages have room for, 0 to 48"),
    ({"k": PAGES, "v": PAGES, "kv_indptr": np.array([0, 2]), "kv_indices": np.array([0, 1]), "kv_last_page_len":
      np.array([0])}, "kv_indptr: sequence 0 has 2 pages, with 0 keys in the last; allowed: 0 pages or more, from 1 on with "
                      "1 to 16 keys"),
    ({"k": "k.npy"}, "k: is the text 'k.npy'; allowed: an array of f16, bf16, f32, e4m3 (e4m3fn), e5m2, e4m3fnuz"),
    ({"out": np.zeros(3, complex)}, "out: is of complex128; allowed: an array of f16, bf16, f32"),
    ({"positions": "last"}, "positions 'last': allowed: whole numbers -2147483647 to 2147483647, or an array"),
    ({"positions": [1j]}, "positions: is of complex128; allowed: numbers, position of the last query of a sequence"),
    ({"mask": [None]}, "mask: is list; allowed: an array of bool or whole numbers, one a key"),
    ({"k": K.astype(">f2")}, "k: is of >f2; allowed: an array of numbers in this machine's byte order "
                              "(array.astype(array.dtype.newbyteorder(\"=\")))"),
    ({"dtypes": {"k": "bfloat16"}}, "dtypes 'bfloat16': allowed: f16, bf16, f32, e4m3, e5m2, e4m3fnuz"),
    ({"dtypes": {"k": "bf16"}}, "dtypes: k is of f16; allowed: raw bits, of as many as bf16 has"),
    ({"soft_cap": {"before_bias": 5, "after_bias": 4}}, "soft_cap {'before_bias': 5, 'after_bias': 4}: allowed: "
     "(\"before_bias\", C) or (\"after_bias\", C), C a number above 0"),
    ({"tolerance": "12"}, "tolerance '12': allowed: (atol, rtol) or (atol, rtol, lse), numbers of 0 or more"),
    ({"k": np.ma.masked_array(K, mask=True)}, "k: is a masked array, whose mask would be lost; allowed: an array of numbers, "
     "and `mask` for keys"),
]


@pytest.mark.parametrize("changes,text", REFUSED, ids=[text[:32] for _, text in REFUSED])
def test_refused(changes, text):
    refuse(text, **changes)


class Tensor:
    """An array of a library that knows nothing but DLPack."""

    def __init__(self, array):
        self.array = np.array(array)

    def __dlpack__(self, **what):
        return self.array.__dlpack__(**what)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


NUMBERS = {
    "scale": [True, np.True_, np.array(True), "1", b"1", np.array("1"), np.complex64(1), np.ones(4), Tensor([0.125]), Tensor(True)],
    "k_scale": [True, np.True_, "1", np.array(False), Tensor(False)],
    "v_scale": [True, np.True_, "1"],
    "soft_cap": [True, ("before_bias", True), ("before_bias", "30"), ("after_bias", np.True_), {"before_bias": True},
                 "before_bias=True"],
    "tolerance": [True, (True, 0), (0, np.True_), ("1e-3", "1e-3"), (b"1", 0), (0, 0, True), {1e-3, 1e-2}],
    "positions": [True, np.True_, [True], np.array([False]), "36", ["36"]],
    "kv_offset": [True, np.True_, "0", 0.0],
    "seq_lens": [[True], np.array([True])],
    "slopes": [True, [True, False, 0, 1], np.ones(4, bool), ["1", "2", "3", "4"]],
    "sink_logits": [np.zeros(4, bool), [0, 0, 0, False]],
    "threads": [True, "2", 2.0],
}


@pytest.mark.parametrize("name,value", [(name, value) for name, values in NUMBERS.items() for value in values], ids=repr)
def test_what_is_no_number(name, value):
    """Truth values are 0 and 1 to Python, and a text is what it says: neither is what a caller means."""
    out, arguments = Problem("f16").one()
    with pytest.raises(alibicheck.Refused, match=f"^{name}"):
        alibicheck.judge(out, **{**arguments, name: value})


def test_numbers_of_every_kind():
    out, arguments = Problem("f16").one()
    for scale in (0.125, np.float32(0.125), np.array(0.125), fractions.Fraction(1, 8), decimal.Decimal("0.125"),
                  Tensor(np.float32(0.125)), Tensor(0.125)):
        for cap in (30, np.int8(30), np.array(30.0), Tensor(np.int32(30))):
            record = alibicheck.judge(out, **{**arguments, "scale": scale, "soft_cap": ("before_bias", cap), "tolerance":
                                              (np.float16(0.5), 1)}).record
            assert record["scale"] == 0.125 and record["soft_cap"] == {"before_bias": 30}
    record = alibicheck.judge(out, threads=np.int64(1), **{**arguments, "soft_cap": "before_bias=30", "kv_offset": np.int64(3)}
                              ).record
    assert record["soft_cap"] == {"before_bias": 30} and record["kv_offset"] == 3


def test_a_mask_of_all_that_there_is_room_for():
    """Of the longest sequence's keys, or of all that k and v, or the pages of a table, have a place for."""
    problem = Problem("f16")
    out, arguments = problem.one()
    visible = np.arange(48) % 3 != 1
    said = {**arguments, "seq_lens": np.array([30])}
    digests = {alibicheck.judge(out, mask=visible[:length].astype(dtype), **said).record["input_digest"]
               for length in (30, 37) for dtype in (bool, np.uint8, np.int64)}
    assert len(digests) == 1
    pages = {**said, "block_table": TABLE, **{name: np.concatenate([arguments[name], np.zeros((11, *arguments[name].shape[1:]),
             arguments[name].dtype)]).reshape(3, 16, *arguments[name].shape[1:]) for name in "kv"}}
    digests |= {alibicheck.judge(out, mask=visible[:length], **pages).record["input_digest"] for length in (30, 48)}
    assert len(digests) == 1


def test_a_number_that_the_dtype_of_out_does_not_hold():
    _, arguments = Problem("f32").one()
    with pytest.raises(alibicheck.Refused, match=r"k: element \d+ of row 0, 0 is .*, which f16 does not hold") as refusal:
        alibicheck.judge(np.zeros((4, 32), np.float16), **dict(arguments, q=np.zeros((4, 32), np.float16)))
    assert isinstance(refusal.value, ValueError)


@pytest.mark.parametrize("function", [alibicheck.judge, alibicheck.assert_attention])
@pytest.mark.parametrize("name,meant", [("atol", "tolerance=(atol, rtol)"), ("sm_scale", "scale"), ("softcap", "soft_cap"),
                                        ("lsebase", "lse_base"), ("nothing_of_ours", None)])
def test_an_unknown_argument_is_told_with_what_is_allowed(function, name, meant):
    out, arguments = Problem("f16").one()
    with pytest.raises(TypeError) as refusal:
        function(out, **arguments, **{name: 1})
    text = str(refusal.value)
    assert text.startswith(f"{function.__name__}(): unknown argument {name!r}; ")
    assert text.endswith(f"{'' if meant is None else f'did you mean {meant}? '}allowed: {text.split('allowed: ')[1]}")
    assert "allowed: out, q, k, v, slopes, scale, layout, " in text and ("did you mean" in text) == (meant is not None)


def test_what_goes_by_name_is_told_where_it_stands_without():
    out, arguments = Problem("f16").one()
    with pytest.raises(TypeError, match=r"^judge\(\): 4 arguments without a name; allowed: out, and by name q, k, v, slopes, "):
        alibicheck.judge(out, arguments.pop("q"), arguments.pop("k"), arguments.pop("v"), **arguments)
    with pytest.raises(TypeError, match=r"^assert_kernel\(\): unknown argument 'tensor'; did you mean tensors\? allowed: "):
        alibicheck.assert_kernel(len, "seed", tensor="numpy")


def test_a_bundle_that_cannot_be_written_is_told_before_any_work(tmp_path):
    out, arguments = Problem("f16").one()
    arguments["q"] = np.full_like(arguments["q"], 1e-7, np.float32)  # which f16 does not hold: told as it is read
    with pytest.raises(OSError, match=f"^cannot write {tmp_path}/no/b.safetensors: "):
        alibicheck.judge(out, **arguments, bundle=tmp_path / "no" / "b.safetensors")
