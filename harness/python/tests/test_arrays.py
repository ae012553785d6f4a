"""Arrays of any library, where they lie and with the strides that they have."""
import array
import ctypes
import importlib

import ml_dtypes
import numpy as np
import pytest

import alibicheck
from alibicheck import _tensor
from alibicheck._given import halves_of
from alibicheck._tensor import view_of
from problem import Problem

NUMBERS = np.arange(-30, 30, dtype=np.float32).reshape(3, 4, 5) / 8
ALL = ("float16", "bfloat16", "float32", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz")


def numpy_of(name):
    return NUMBERS.astype(getattr(ml_dtypes, name) if hasattr(ml_dtypes, name) else name)


def assert_is(view, expected, dtype=None):
    assert view.dtype == (dtype or _tensor.OTHER_NAMES[expected.dtype.name])
    assert view.shape == expected.shape
    assert (view.numpy().astype(np.float32) == expected.astype(np.float32)).all()


def test_numpy_is_not_copied():
    for name in ALL:
        values = numpy_of(name)
        for one in (values, values[::-1, :, ::2], values.transpose(2, 0, 1), np.broadcast_to(values[:1], (3, 4, 5))):
            view = view_of("x", one)
            assert_is(view, one)
            assert view.address == one.__array_interface__["data"][0]
            assert view.strides == tuple(stride // one.itemsize for stride in one.strides)


def test_arrays_that_may_not_be_written():
    values = NUMBERS.copy()
    values.flags.writeable = False
    assert view_of("x", values).address == values.ctypes.data


def test_the_buffer_protocol():
    values = array.array("f", [1, 2, 3])
    view = view_of("x", values)
    assert view.address == values.buffer_info()[0] and view.numpy().tolist() == [1, 2, 3]
    assert_is(view_of("x", memoryview(NUMBERS.astype(np.float16))), NUMBERS.astype(np.float16))


@pytest.mark.parametrize("dtype", ["float8_e4m3", "float8_e4m3b11fnuz", "float8_e5m2fnuz", "int4", "uint2", "float4_e2m1fn"])
def test_types_that_are_no_raw_bits(dtype):
    """One that ml_dtypes knows is what it is: nobody can say that it is another one of as many bits."""
    array = np.ones((3, 4), getattr(ml_dtypes, dtype))
    with pytest.raises(alibicheck.Refused, match=f"^x: is of {dtype}; allowed: an array of numbers, of f16, "):
        view_of("x", array)
    assert view_of("x", array.view("V1")).reinterpreted("e4m3").dtype == "e4m3"


def test_the_other_byte_order():
    with pytest.raises(alibicheck.Refused, match="^x: is of >f4; allowed: an array of numbers in this machine's byte order"):
        view_of("x", NUMBERS.astype(">f4"))


# ---- DLPack --------------------------------------------------------------------------------------------------------

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype, _new_capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


class _Managed(ctypes.Structure):
    _fields_ = [("dl_tensor", _tensor._DLTensor), ("manager_ctx", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class Packed:
    """An array that can be had through DLPack alone, of version 1 or of the one before, from an offset on."""

    def __init__(self, values, code, *, versioned, strides=True, lanes=1, device=1):
        self.values, self.versioned, self.device = values, versioned, device
        self.shape = (ctypes.c_int64 * values.ndim)(*values.shape)
        steps = (ctypes.c_int64 * values.ndim)(*[s // values.itemsize for s in values.strides])
        self.steps = steps if strides else None
        self.managed = _tensor._DLManagedTensorVersioned(1, 1) if versioned else _Managed()
        tensor = self.managed.dl_tensor
        tensor.data, tensor.byte_offset = values.ctypes.data - 64, 64
        tensor.device_type, tensor.ndim = device, values.ndim
        tensor.code, tensor.bits, tensor.lanes = code, 8 * values.itemsize, lanes
        tensor.shape = ctypes.cast(self.shape, ctypes.POINTER(ctypes.c_int64))
        if strides:
            tensor.strides = ctypes.cast(self.steps, ctypes.POINTER(ctypes.c_int64))

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self, **options):
        if options and not self.versioned:
            raise TypeError("max_version")
        name = b"dltensor_versioned" if self.versioned else b"dltensor"
        self.name = ctypes.c_char_p(name)  # a capsule keeps the pointer
        return _new_capsule(ctypes.addressof(self.managed), self.name, None)


CODES = {"float16": 2, "bfloat16": 4, "float32": 2, "float8_e4m3fn": 10, "float8_e5m2": 12, "float8_e4m3fnuz": 11}


@pytest.mark.parametrize("versioned", [True, False])
@pytest.mark.parametrize("name", ALL)
def test_dlpack(name, versioned):
    values = numpy_of(name)
    for one in (values, values.transpose(1, 2, 0)[::-1]):
        view = view_of("x", Packed(one, CODES[name], versioned=versioned))
        assert_is(view, one)
        assert view.address == one.__array_interface__["data"][0]
    assert view_of("x", Packed(values, CODES[name], versioned=versioned, strides=False)).strides == (20, 5, 1)


def test_dlpack_that_cannot_be_read():
    for packed, what in ((Packed(NUMBERS.astype(np.float16).view(np.uint8), 8, versioned=True), "float8_e4m3"),
                         (Packed(NUMBERS, 2, versioned=True, lanes=4), "4 lanes")):
        with pytest.raises(alibicheck.Refused, match=what):
            view_of("x", packed)


@pytest.mark.parametrize("returned, said", [(3, "returns no capsule"), (RuntimeError("it is lazy"), "it is lazy")])
def test_dlpack_that_is_none(returned, said):
    class Odd:
        def __dlpack__(self, **options):
            if isinstance(returned, Exception):
                raise returned
            return returned

    with pytest.raises(alibicheck.Refused, match=f"x: cannot be read through DLPack .*{said}"):
        view_of("x", Odd())


def test_what_is_negated_when_it_is_read():
    """PyTorch's DLPack hands over what lies in memory, whose signs are others: a wrong output would be right."""
    class Negated(Packed):
        def is_neg(self):
            return True

        def resolve_neg(self):
            return Packed(-self.values, 2, versioned=True)

    assert_is(view_of("x", Negated(NUMBERS, 2, versioned=True)), -NUMBERS)


@pytest.mark.parametrize("failure", [ValueError("it has no memory\nat all"), AssertionError("it has no memory"),
                                     NotImplementedError("it has no memory")])
def test_what_has_no_numbers(failure):
    """Of a meta tensor, a sparse one or an array that was given away: what its library raises is refused with its name."""
    class Without:
        dtype = "float16"

        def __dlpack_device__(self):
            raise failure

    with pytest.raises(alibicheck.Refused, match=r"^x: is Without that cannot be read \(it has no memory\); allowed: "):
        view_of("x", Without())


def test_what_is_on_a_device_is_copied():
    class OnDevice(Packed):
        def cpu(self):
            return Packed(self.values, 2, versioned=True)

    assert_is(view_of("x", OnDevice(NUMBERS, 2, versioned=True, device=2)), NUMBERS)


def test_jax():
    jax = pytest.importorskip("jax.numpy")
    for name in ALL:
        values = jax.asarray(NUMBERS).astype(name)
        assert_is(view_of("x", values), numpy_of(name))


def test_mlx():
    mlx = pytest.importorskip("mlx.core")
    for name in ("float16", "bfloat16", "float32"):
        values = mlx.transpose(mlx.array(NUMBERS).astype(getattr(mlx, name)), (1, 0, 2))
        assert_is(view_of("x", values), numpy_of(name).transpose(1, 0, 2))


def test_torch():
    torch = pytest.importorskip("torch")
    for name in ALL:
        values = torch.tensor(NUMBERS).to(getattr(torch, name)).permute(2, 0, 1)
        view = view_of("x", values)
        assert_is(view, numpy_of(name).transpose(2, 0, 1))
        assert view.address == values.data_ptr() and view.strides == values.stride()
    assert view_of("x", torch.tensor(NUMBERS, requires_grad=True)).dtype == "f32"
    assert view_of("x", torch.tensor([True, False])).dtype == "bool"
    negated = torch.complex(torch.zeros(3, 4, 5), torch.tensor(NUMBERS)).conj().imag
    assert negated.is_neg()
    assert_is(view_of("x", negated), -NUMBERS)
    for none in (torch.empty(3, device="meta"), torch.eye(3).to_sparse()):
        with pytest.raises(alibicheck.Refused, match="x: is Tensor that cannot be read"):
            view_of("x", none)


@pytest.mark.parametrize("library,name,of", [("jax.numpy", "bfloat16", "asarray"), ("mlx.core", "bfloat16", "array"),
                                             ("torch", "bfloat16", "tensor")])
def test_a_whole_problem_of_another_library(library, name, of):
    library = pytest.importorskip(library)
    out, arguments = Problem("bf16").one()
    plain = alibicheck.judge(out, **arguments)
    for what in ("q", "k", "v", "slopes"):
        values = getattr(library, of)(arguments[what].astype(np.float32))
        if what != "slopes":
            dtype = getattr(library, name)
            values = values.to(dtype) if hasattr(values, "to") else values.astype(dtype)
        arguments[what] = values
    verdict = alibicheck.judge(out, **arguments)
    for field in ("input_digest", "output_digest", "truth_digest"):
        assert verdict.record[field] == plain.record[field]


# ---- strides -------------------------------------------------------------------------------------------------------

def test_strides_of_a_problem():
    problem = Problem("f16")
    out, arguments = problem.one()
    plain = alibicheck.judge(out, **arguments)
    wide = np.full((4, 2 * 32, 37 * 2), np.nan, np.float16)  # [?, KV head and dim, key], every other key, from the last
    wide[1, :, ::-2] = arguments["k"].reshape(37, 64).T
    k = wide[1].reshape(2, 32, 74)[:, :, ::-2].transpose(2, 0, 1)
    assert (k == arguments["k"]).all() and not k.flags.c_contiguous
    fused = np.concatenate([arguments["q"], out], axis=1)  # q and out of one tensor
    arguments.update(k=k, q=fused[:, :32])
    verdict = alibicheck.judge(fused[:, 32:], **arguments)
    for field in ("input_digest", "output_digest", "truth_digest"):
        assert verdict.record[field] == plain.record[field]


def test_a_cache_that_is_broadcast():
    problem = Problem("f32", lengths=(9,))
    out, arguments = problem.one()
    arguments.update(v=np.broadcast_to(arguments["v"][:1], arguments["v"].shape))
    out = np.repeat(arguments["v"][0], 2, axis=0)
    assert alibicheck.judge(out, **arguments)


def test_raw_bits():
    problem = Problem("bf16")
    out, arguments = problem.one()
    plain = alibicheck.judge(out, **arguments)
    raw = dict(arguments, **{name: arguments[name].view(np.uint16) for name in ("q", "k", "v")})
    with pytest.raises(alibicheck.Refused, match=r"q: is of uint16, raw bits of which dtypes=\{...\} has to say"):
        alibicheck.judge(out, **raw)
    verdict = alibicheck.judge(out.view("V2"), **raw, dtypes={"q": "bf16", "k": "bf16", "v": "bf16", "out": "bf16"})
    assert verdict.record["input_digest"] == plain.record["input_digest"]
    assert verdict


def test_module_names():
    assert importlib.import_module("alibicheck").__version__ == alibicheck.version()


@pytest.mark.parametrize("what, said", [
    ({"kv_axis": 0}, "kv_axis 0: allowed: with kv_cache"),
    ({"kv_cache": np.zeros((3, 4, 1, 64), "f4")}, "k: allowed: this or kv_cache"),
    ({"kv_cache": np.zeros((3, 4, 1, 64), "f4"), "k": None, "v": None}, "kv_axis: is missing"),
    ({"kv_cache": np.zeros((3, 4, 1, 64), "f4"), "k": None, "v": None, "kv_axis": 4}, "kv_axis 4: allowed: 0 to 3"),
    ({"kv_cache": np.zeros((3, 4, 1, 64), "f4"), "k": None, "v": None, "kv_axis": 0}, "with 3 along axis 0; allowed: 2"),
    ({"kv_cache": np.zeros((2, 4, 64), "f4"), "k": None, "v": None, "kv_axis": 0}, "k: is [4, 64]; allowed"),
])
def test_a_cache_that_is_none(what, said):
    given = {"q": np.zeros((1, 64), "f4"), "k": np.zeros((4, 1, 64), "f4"), "v": np.zeros((4, 1, 64), "f4"), "layout": "NHD",
             "scale": 1, "slopes": "none", **what}
    with pytest.raises(alibicheck.Refused) as refused:
        alibicheck.judge(np.zeros((1, 64), "f4"), **given)
    assert said in str(refused.value)


def test_what_raw_bits_are():
    """Of a cache that is one tensor, too; a name that is none is no silence."""
    out, arguments = Problem("bf16").one()
    cache = np.stack([arguments.pop("k"), arguments.pop("v")], 1).view(np.uint16)
    given = dict(arguments, kv_cache=cache, kv_axis=1)
    assert alibicheck.judge(out, **given, dtypes={"kv_cache": "bf16"})
    assert alibicheck.judge(out, **given, dtypes={"k": "bf16", "v": "bf16"})
    for dtypes, said in (({"kv": "bf16"}, "dtypes 'kv': allowed: q, k, v, kv_cache, out, other"),
                         ({"kv_cache": "bf17"}, "dtypes 'bf17': allowed: "), ({"k": ["bf16"]}, "dtypes ['bf16']: allowed: "),
                         ({"kv_cache": "e4m3"}, "kv_cache is of uint16"),
                         ("bf16", "dtypes 'bf16': allowed: a dict"), (None, "k: is of uint16, raw bits")):
        with pytest.raises(alibicheck.Refused) as refused:
            alibicheck.judge(out, **given, dtypes=dtypes)
        assert said in str(refused.value)
    apart = dict(arguments, k=cache[:, 0], v=cache[:, 1])
    with pytest.raises(alibicheck.Refused, match="allowed: with kv_cache"):
        alibicheck.judge(out, **apart, dtypes={"kv_cache": "bf16"})


def test_a_cache_is_not_copied():
    """The two halves of one tensor are seen where they lie, and change with it."""
    rng = np.random.default_rng(3)
    cache = rng.standard_normal((5, 2, 2, 64)).astype("f4")
    what = {"q": rng.standard_normal((2, 64)).astype("f4"), "layout": "NHD", "scale": 0.125, "slopes": "none"}
    for whole in (cache, cache[::-1], np.asfortranarray(cache)):
        for half, view in zip((whole[:, 0], whole[:, 1]), halves_of(None, None, whole, 1, {})):
            assert (view.address, view.shape) == (half.__array_interface__["data"][0], half.shape)
            assert tuple(4 * stride for stride in view.strides) == half.strides
        one = alibicheck.truth(kv_cache=whole, kv_axis=1, **what).value
        two = alibicheck.truth(k=np.ascontiguousarray(whole[:, 0]), v=np.ascontiguousarray(whole[:, 1]), **what).value
        assert (one == two).all()
