"""
Tensors of any library where they lie: address, dtype, shape and strides, through DLPack, NumPy or the buffer protocol.
Nothing is copied but what is not in memory that the CPU can read.
"""
import ctypes

import ml_dtypes
import numpy as np

from ._library import Refused

# ---- dtypes --------------------------------------------------------------------------------------------------------

# What elements may be, by the names that records have; of the rest, which are only read as numbers, NumPy's names.
NUMPY_DTYPES = {
    "f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16), "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64), "e4m3": np.dtype(ml_dtypes.float8_e4m3fn), "e5m2": np.dtype(ml_dtypes.float8_e5m2),
    "e4m3fnuz": np.dtype(ml_dtypes.float8_e4m3fnuz), "bool": np.dtype(np.bool_),
    **{name: np.dtype(name) for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")}}
NAMES = {dtype: name for name, dtype in NUMPY_DTYPES.items()}
# Names that other libraries have for them: torch.bfloat16, mlx.core.float16, ....
OTHER_NAMES = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "float8_e4m3fn": "e4m3",
               "float8_e5m2": "e5m2", "float8_e4m3fnuz": "e4m3fnuz"}
# What may be the bits of something else, of which `dtypes` then says what it is.
BITS = {1: ("int8", "uint8"), 2: ("int16", "uint16")}


def bits_of(array):
    """An array of NumPy's as unsigned numbers of the same bits."""
    return np.ascontiguousarray(array).reshape(array.shape).view(f"u{array.dtype.itemsize}")


# ---- DLPack (dlpack.h 1.1) -----------------------------------------------------------------------------------------

CPU, CUDA_HOST, ROCM_HOST = 1, 3, 11  # kDLCPU, kDLCUDAHost, kDLROCMHost: what the CPU reads


class _DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
                ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
                ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class _DLManagedTensorVersioned(ctypes.Structure):
    _fields_ = [("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("manager_ctx", ctypes.c_void_p),
                ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("dl_tensor", _DLTensor)]


# kDLInt, kDLUInt, kDLFloat, kDLBfloat, kDLBool, kDLFloat8_...
DLPACK_DTYPES = {
    (0, 8): "int8", (0, 16): "int16", (0, 32): "int32", (0, 64): "int64",
    (1, 8): "uint8", (1, 16): "uint16", (1, 32): "uint32", (1, 64): "uint64",
    (2, 16): "f16", (2, 32): "f32", (2, 64): "f64", (4, 16): "bf16", (6, 8): "bool",
    (10, 8): "e4m3", (11, 8): "e4m3fnuz", (12, 8): "e5m2"}
DLPACK_CODES = {5: "complex numbers", 7: "float8_e3m4", 8: "float8_e4m3", 9: "float8_e4m3b11fnuz", 13: "float8_e5m2fnuz",
                14: "float8_e8m0fnu", 15: "float6_e2m3fn", 16: "float6_e3m2fn", 17: "float4_e2m1fn"}

_is_valid = ctypes.pythonapi.PyCapsule_IsValid
_is_valid.restype, _is_valid.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
_pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
_pointer_of.restype, _pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]


def _capsule_of(array):
    """Its DLPack capsule, of version 1 if it has that; it is not taken, so that it frees what it holds by itself."""
    try:
        return array.__dlpack__(max_version=(1, 1))
    except TypeError:
        return array.__dlpack__()


def _tensor_in(capsule):
    if _is_valid(capsule, b"dltensor_versioned"):
        managed = _DLManagedTensorVersioned.from_address(_pointer_of(capsule, b"dltensor_versioned"))
        if managed.major > 1:
            raise BufferError(f"DLPack {managed.major}")
        return managed.dl_tensor
    if not _is_valid(capsule, b"dltensor"):
        raise BufferError("__dlpack__ returns no capsule")
    return _DLTensor.from_address(_pointer_of(capsule, b"dltensor"))


def _packed(shape):
    strides, step = [], 1
    for length in reversed(shape):
        strides.insert(0, step)
        step *= length
    return tuple(strides)


# ---- views ---------------------------------------------------------------------------------------------------------

class View:
    """A tensor where it lies. strides are in elements; `owner` keeps the memory."""

    def __init__(self, name, address, dtype, shape, strides, owner):
        self.name, self.address, self.dtype = name, address, dtype
        self.shape, self.strides, self.owner = tuple(shape), tuple(strides), owner

    @property
    def size(self):
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def item_size(self):
        return NUMPY_DTYPES[self.dtype].itemsize

    def numpy(self):
        """As an array of NumPy's, of the same memory."""
        dtype = NUMPY_DTYPES[self.dtype]

        class Holder:
            __array_interface__ = {"version": 3, "shape": self.shape, "typestr": f"<u{dtype.itemsize}",
                                   "data": (self.address or 0, True),
                                   "strides": tuple(s * dtype.itemsize for s in self.strides)}
            view = self

        return np.zeros(self.shape, dtype) if self.size == 0 else np.asarray(Holder()).view(dtype)

    def reinterpreted(self, dtype):
        """Its bits as another dtype of the same size."""
        if self.dtype not in BITS.get(NUMPY_DTYPES[dtype].itemsize, ()) and self.dtype != dtype:
            raise Refused(f"dtypes: {self.name} is of {self.dtype}; allowed: raw bits, of as many as {dtype} has")
        return View(self.name, self.address, dtype, self.shape, self.strides, self.owner)

    def taken(self, name, axis, index):
        """What stands at a place of an axis, without that axis."""
        but = lambda numbers: numbers[:axis] + numbers[axis + 1:]
        address = (self.address or 0) + index * self.strides[axis] * self.item_size
        return View(name, address, self.dtype, but(self.shape), but(self.strides), self.owner)


ANY_NUMBERS = "an array of numbers, of f16, bf16, f32, f64, e4m3 (e4m3fn), e5m2, e4m3fnuz, or whole"


def _of_numpy(name, array, allowed):
    dtype = array.dtype
    if dtype.type is np.void and dtype.names is None and dtype.itemsize in BITS:
        dtype = np.dtype(f"uint{8 * dtype.itemsize}")  # what NumPy makes of a type that it does not know
    if not dtype.isnative:
        raise Refused(f"{name}: is of {array.dtype}; allowed: an array of numbers in this machine's byte order "
                      "(array.astype(array.dtype.newbyteorder(\"=\")))")
    if dtype not in NAMES:
        raise Refused(f"{name}: is of {array.dtype}; allowed: {allowed}")
    if any(stride % dtype.itemsize for stride in array.strides):
        raise Refused(f"{name}: has strides of {array.strides} bytes; allowed: multiples of an element's "
                      f"{dtype.itemsize}")
    return View(name, array.__array_interface__["data"][0], NAMES[dtype], array.shape,
                [stride // dtype.itemsize for stride in array.strides], array)


def _of_dlpack(name, array, allowed):
    capsule = _capsule_of(array)
    tensor = _tensor_in(capsule)
    dtype = DLPACK_DTYPES.get((tensor.code, tensor.bits)) if tensor.lanes == 1 else None
    if not dtype:
        what = DLPACK_CODES.get(tensor.code, f"DLPack's type {tensor.code}, {tensor.bits} bits, {tensor.lanes} lanes")
        raise Refused(f"{name}: is of {what}; allowed: {allowed}")
    if tensor.device_type not in (CPU, CUDA_HOST, ROCM_HOST):
        raise BufferError("not in the CPU's memory")
    shape = tensor.shape[:tensor.ndim]
    strides = tensor.strides[:tensor.ndim] if tensor.strides else _packed(shape)
    return View(name, (tensor.data or 0) + tensor.byte_offset, dtype, shape, strides, (capsule, array))


def _settled(array):
    """The array without its history, and with the signs of its numbers in memory: of a view that PyTorch negates when it is
    read, as x.conj().imag, DLPack hands over what lies there."""
    if callable(getattr(array, "detach", None)):
        array = array.detach()
    if callable(getattr(array, "is_neg", None)) and array.is_neg():
        array = array.resolve_neg()
    return array


def _to_cpu(array):
    """The array, or a copy where the CPU reads it."""
    device = getattr(array, "__dlpack_device__", None)
    if device is None or device()[0] in (CPU, CUDA_HOST, ROCM_HOST):
        return array
    for copy in ("cpu", "get"):  # PyTorch's, CuPy's
        if callable(getattr(array, copy, None)):
            return getattr(array, copy)()
    return np.asarray(array)  # JAX's


def _as_bits(array):
    """The array as unsigned numbers of the same bits, where its library does not hand it over as what it is; and what
    that is."""
    name = str(getattr(array, "dtype", "")).rsplit(".", maxsplit=1)[-1]
    dtype = OTHER_NAMES.get(name)
    if not dtype:
        return None, None
    bits = f"uint{8 * NUMPY_DTYPES[dtype].itemsize}"
    library = __import__(type(array).__module__.split(".")[0])
    if library.__name__ == "mlx":
        library = __import__("mlx.core").core
    # PyTorch has few operations on unsigned numbers of 16 bits; the bits are the same.
    bits = getattr(library, bits, None) or getattr(library, bits.replace("uint", "int"))
    return array.view(bits), dtype


def view_of(name, array, allowed=ANY_NUMBERS):
    """A View of an array of any library; allowed: what is said to be where it is of something else than numbers."""
    if isinstance(array, View):
        return array
    if isinstance(array, (str, bytes)):
        raise Refused(f"{name}: is the text {array[:64]!r}; allowed: {allowed}")
    if isinstance(array, np.ma.MaskedArray):
        raise Refused(f"{name}: is a masked array, whose mask would be lost; allowed: an array of numbers, and `mask` for keys")
    if isinstance(array, np.ndarray):
        return _of_numpy(name, array, allowed)
    try:
        return _of_library(name, array, allowed)
    except (Refused, MemoryError):
        raise
    except Exception as failure:  # pylint: disable=broad-except  # what libraries raise of arrays without numbers is their own
        why = (str(failure).splitlines() or [type(failure).__name__])[0][:200]
        raise Refused(f"{name}: is {type(array).__name__} that cannot be read ({why}); allowed: an array of numbers in "
                      "memory") from failure


def _of_library(name, array, allowed):
    array = _to_cpu(_settled(array))
    if isinstance(array, np.ndarray):
        return _of_numpy(name, array, allowed)
    if hasattr(array, "__dlpack__"):
        try:
            return _of_dlpack(name, array, allowed)
        except (BufferError, RuntimeError, TypeError, NotImplementedError) as failure:
            bits, dtype = _as_bits(array)
            if bits is not None:
                try:
                    return _of_dlpack(name, bits, allowed).reinterpreted(dtype)
                except (BufferError, RuntimeError, TypeError, NotImplementedError):
                    pass
            if not hasattr(array, "__array__"):
                raise Refused(f"{name}: cannot be read through DLPack ({failure})") from failure
    try:
        made = np.asarray(array)
    except (TypeError, ValueError, BufferError) as failure:
        raise Refused(f"{name}: is {type(array).__name__}; allowed: an array, of any library that knows DLPack or the "
                      f"buffer protocol ({failure})") from failure
    if made.dtype == object:
        raise Refused(f"{name}: is {type(array).__name__}; allowed: {allowed}")
    return _of_numpy(name, made, allowed)


# ---- memory --------------------------------------------------------------------------------------------------------

def _extent(array):
    """Where its elements begin and end in memory, in bytes, and what keeps it; None of what is no array."""
    if not (hasattr(array, "shape") and hasattr(array, "dtype")):
        return None
    keeps = array
    try:
        if isinstance(array, np.ndarray):  # of any dtype
            first, size, strides = array.ctypes.data, array.itemsize, array.strides
        elif callable(getattr(array, "data_ptr", None)):  # PyTorch's, on whichever device
            first, size = array.data_ptr(), array.element_size()
            strides = [stride * size for stride in array.stride()]
        else:
            keeps = view_of("array", array)
            first, size = keeps.address or 0, keeps.item_size
            strides = [stride * size for stride in keeps.strides]
    except (BufferError, Refused, RuntimeError, TypeError, NotImplementedError):
        return None
    steps = [(count - 1) * stride for count, stride in zip(keeps.shape, strides)]
    return None if 0 in keeps.shape else (first + sum(min(step, 0) for step in steps),
                                          first + sum(max(step, 0) for step in steps) + size, keeps)


def overlap(one, other):
    """Whether two arrays may have memory in common."""
    one, other = _extent(one), _extent(other)
    return bool(one and other) and one[0] < other[1] and other[0] < one[1]
