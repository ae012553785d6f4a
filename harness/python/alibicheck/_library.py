"""libalibicheck.so.0, and its interface (alibicheck.h) for ctypes."""
import ctypes
import os

STATUS_INVALID, STATUS_SYSTEM, STATUS_CANCELLED = 2, 3, 130

# The dtypes of the interface by the names that records have.
DTYPES = {"f16": 1, "bf16": 2, "f32": 3, "e4m3": 4, "e5m2": 5, "e4m3fnuz": 6}
SOFT_CAPS = {"before_bias": 1, "after_bias": 2}
LSE_BASES = {"e": 1, "2": 2}
TRUTH_ARRAYS = ("value", "tail", "radius", "magnitude", "lse", "lse_tail", "lse_radius")


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int32), ("text", ctypes.c_char * 1020)]


class Tensor(ctypes.Structure):
    _fields_ = [("elements", ctypes.c_void_p), ("dtype", ctypes.c_int), ("strides", ctypes.c_int64 * 3)]


class Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in ("seq_len", "num_queries", "num_heads", "num_kv_heads", "head_dim")]


class Pages(ctypes.Structure):
    _fields_ = [("numbers", ctypes.POINTER(ctypes.c_int64))] + [
        (name, ctypes.c_int64) for name in ("page_size", "pool_pages", "k_stride", "v_stride")]


class Output(ctypes.Structure):
    _fields_ = [("out", Tensor), ("lse", ctypes.POINTER(ctypes.c_float)), ("lse_strides", ctypes.c_int64 * 2),
                ("lse_base", ctypes.c_int)]


_object = ctypes.c_void_p
_error = ctypes.POINTER(Error)
_counter = ctypes.POINTER(ctypes.c_int64)
_floats = ctypes.POINTER(ctypes.c_float)

# What each function returns and takes; c_int is a status, of a function whose last argument is the error.
FUNCTIONS = {
    "version": (ctypes.c_char_p,),
    "problem_new": (ctypes.c_int, ctypes.POINTER(_object), ctypes.POINTER(Shape), _error),
    "problem_free": (None, _object),
    "problem_set_q": (ctypes.c_int, _object, ctypes.POINTER(Tensor), _error),
    "problem_set_k": (ctypes.c_int, _object, ctypes.POINTER(Tensor), _error),
    "problem_set_v": (ctypes.c_int, _object, ctypes.POINTER(Tensor), _error),
    "problem_set_pages": (ctypes.c_int, _object, ctypes.POINTER(Pages), _error),
    "problem_set_scale": (ctypes.c_int, _object, ctypes.c_float, _error),
    "problem_set_slopes": (ctypes.c_int, _object, _floats, _error),
    "problem_set_slope_convention": (ctypes.c_int, _object, ctypes.c_char_p, _error),
    "problem_set_kv_scales": (ctypes.c_int, _object, ctypes.c_float, ctypes.c_float, _error),
    "problem_set_position": (ctypes.c_int, _object, ctypes.c_int64, _error),
    "problem_set_kv_offset": (ctypes.c_int, _object, ctypes.c_int64, _error),
    "problem_set_soft_cap": (ctypes.c_int, _object, ctypes.c_int, ctypes.c_float, _error),
    "problem_set_sink_logits": (ctypes.c_int, _object, _floats, _error),
    "problem_set_visible": (ctypes.c_int, _object, ctypes.POINTER(ctypes.c_uint8), _error),
    "progress_new": (ctypes.c_int, ctypes.POINTER(_object), _error),
    "progress_free": (None, _object),
    "progress_cancel": (None, _object),
    "progress_read": (None, _object, ctypes.POINTER(ctypes.c_char_p), _counter, _counter),
    "options_new": (ctypes.c_int, ctypes.POINTER(_object), _error),
    "options_free": (None, _object),
    "options_set_tolerance": (ctypes.c_int, _object, ctypes.c_double, ctypes.c_double, ctypes.c_double, _error),
    "options_set_class": (ctypes.c_int, _object, ctypes.c_char_p, _error),
    "options_set_bundle": (ctypes.c_int, _object, ctypes.c_char_p, ctypes.c_int, _error),
    "options_set_private_bundle": (ctypes.c_int, _object, ctypes.c_char_p, ctypes.c_int, _error),
    "options_set_bundle_without_kv": (ctypes.c_int, _object, ctypes.c_char_p, ctypes.c_int, _error),
    "options_set_threads": (ctypes.c_int, _object, ctypes.c_int, _error),
    "options_set_progress": (ctypes.c_int, _object, _object, _error),
    "truth_compute": (ctypes.c_int, ctypes.POINTER(_object), _object, _object, _error),
    "truth_array": (ctypes.POINTER(ctypes.c_double), _object, ctypes.c_int),
    "truth_free": (None, _object),
    "judge": (ctypes.c_int, ctypes.POINTER(_object), _object, ctypes.POINTER(Output), ctypes.POINTER(Output), _object,
              _error),
    "verdict_free": (None, _object),
    "verdict_passed": (ctypes.c_int, _object),
    "verdict_json": (ctypes.c_char_p, _object),
    "verdict_message": (ctypes.c_char_p, _object),
    "verdict_bundle_error": (ctypes.c_char_p, _object),
    "verdict_truth": (_object, _object),
    "explain": (ctypes.c_int, ctypes.POINTER(_object), _object, ctypes.POINTER(Output), _object, ctypes.c_int64,
                ctypes.c_int64, _error),
    "explanation_free": (None, _object),
    "explanation_text": (ctypes.c_char_p, _object),
    "explanation_json": (ctypes.c_char_p, _object),
}


class Refused(ValueError):
    """An argument that cannot be, or that is missing; the text says which, and what is allowed."""


class Cancelled(Exception):
    """The work was stopped."""


def _open():
    """The library that $ALIBICHECK_LIBRARY names, or that of the package, or the system's; and its folder, "" if unknown."""
    named = os.environ.get("ALIBICHECK_LIBRARY")
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib", "libalibicheck.so.0")
    for path in [named] if named else [own, "libalibicheck.so.0"]:
        if os.path.sep in path and not os.path.exists(path):
            continue
        return ctypes.CDLL(path), os.path.dirname(path)
    raise ImportError(f"libalibicheck.so.0: not found at $ALIBICHECK_LIBRARY, {named}")


def _declare(library):
    functions = {}
    for name, (result, *arguments) in FUNCTIONS.items():
        function = getattr(library, "alibicheck_" + name)
        function.restype, function.argtypes = result, arguments
        functions[name] = function
    return functions


_library, folder = _open()
_functions = _declare(_library)


def call(name, *arguments):
    """Calls a function, with Objects as they are; one that ends in an error raises what it says."""
    function = _functions[name]
    arguments = [argument.handle if isinstance(argument, Object) else argument for argument in arguments]
    if function.restype is not ctypes.c_int or function.argtypes[-1] is not _error:
        return function(*arguments)
    error = Error()
    status = function(*arguments, ctypes.byref(error))
    if status == 0:
        return None
    text = error.text.decode(errors="replace")
    if status == STATUS_INVALID:
        raise Refused(text)
    if status == STATUS_CANCELLED:
        raise Cancelled(text)
    raise (MemoryError if text.startswith("out of memory") else OSError)(text)


class Object:
    """An object of the library, freed with this one: what has its handle keeps it."""

    def __init__(self, kind, *arguments, maker=None):
        self._kind, self.handle = kind, _object()
        call(maker or kind + "_new", ctypes.byref(self.handle), *arguments)

    def set(self, what, *arguments):
        call(f"{self._kind}_set_{what}", self, *arguments)

    def __del__(self):
        if getattr(self, "handle", None):
            _functions[self._kind + "_free"](self.handle)
            self.handle = None


def read_progress(progress):
    """The step that work is at, and which share of it is done: None of a step whose work is not counted."""
    step, done, total = ctypes.c_char_p(b""), ctypes.c_int64(), ctypes.c_int64()
    call("progress_read", progress, ctypes.byref(step), ctypes.byref(done), ctypes.byref(total))
    return step.value.decode(), done.value / total.value if total.value else None


def version():
    return call("version").decode()
