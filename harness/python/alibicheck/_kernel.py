"""A function as a kernel: what it says of itself, and its answers to launches."""
import inspect
import os
import re
import signal
import sys
import threading
import time
import traceback

import numpy as np

from . import _message
from ._arguments import told
from ._given import is_whole, whole_of
from ._library import Refused
from ._tensor import NUMPY_DTYPES, bits_of, view_of

DTYPES, FP8 = ("f16", "bf16", "f32"), ("e4m3", "e5m2", "e4m3fnuz")
# What a kernel may take, as ability.h has it: words of `takes`, and the keywords that a function is then given.
KEYWORDS = {"alibi": ("slopes",), "position": ("q_position", "kv_offset"), "mask": ("mask",), "soft_cap": ("soft_cap",),
            "cap_biased": ("cap_biased",), "sink_logits": ("sink_logits",), "batch": ("seq_lens",),
            "pages": ("block_table", "seq_lens"),
            **{dtype: ("k_scale", "v_scale") for dtype in FP8}}
WORDS = DTYPES + FP8 + ("gqa", "queries", "batch", "alibi", "position", "mask", "soft_cap", "cap_biased", "sink_logits",
                        "lse", "lse_base2", "same_bits", "pages", "only_pages", "strides", "unaligned")
TENSORS = ("numpy", "torch")
NAME_SIZE, TRACEBACKS_KEPT = 63, 8
FLOATS = [NUMPY_DTYPES[name] for name in DTYPES + FP8]
GUARD_ROWS, GUARD_BYTES = 64, 4096
GREATEST = (1 << 63) - 1


# ---- what it says --------------------------------------------------------------------------------------------------

def name_of(function, name):
    if name is None:
        name = getattr(getattr(function, "func", function), "__name__", type(function).__name__)
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")[:NAME_SIZE] or "function"
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,%d}" % NAME_SIZE, name):
        raise Refused(f"name {name!r}: allowed: letters, digits, '_', '-' and '.', 1 to {NAME_SIZE}")
    return name


def _parameters_of(function):
    try:
        return inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None


def _implied(function):
    """What the names of a function's parameters say that it takes; of the rest, every dtype but fp8, and GQA."""
    parameters = _parameters_of(function)
    if parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters):
        raise Refused("takes: is missing, and the function's parameters do not say it; allowed: words of "
                      f"{', '.join(WORDS)}")
    names = {p.name for p in parameters}
    pages = ("pages", "only_pages") if "block_table" in names else ()
    return DTYPES + ("gqa",) + pages + tuple(word for word, keywords in KEYWORDS.items()
                                             if word not in FP8 + ("pages",) and names & set(keywords))


def takes_of(function, takes):
    """The words, in the order of WORDS."""
    if takes is None:
        takes = _implied(function)
    words = [word.strip() for word in takes.split(",")] if isinstance(takes, str) else list(takes)
    for word in words:
        if word not in WORDS:
            raise Refused(f"takes {word!r}: allowed: {', '.join(WORDS)}")
    if not set(words) & set(DTYPES):
        raise Refused(f"takes {', '.join(words)}: is of no dtype; allowed: one or more of {', '.join(DTYPES)}")
    if {"lse", "lse_base2"} <= set(words):
        raise Refused("takes lse, lse_base2: allowed: one of them, the base of the lse that is returned")
    if "only_pages" in words and "pages" not in words:
        raise Refused("takes only_pages: allowed: with pages")
    return tuple(word for word in WORDS if word in words)


def _check_signature(function, name, keywords):
    parameters = _parameters_of(function)
    if parameters is None:
        return
    try:
        inspect.signature(function).bind(*"qkv", **dict.fromkeys(keywords))
    except TypeError as failure:
        raise Refused(f"{name} cannot be called as it is to be ({failure}); allowed: {name}(q, k, v, *, "
                      f"{', '.join(keywords)}), which is what takes says") from failure


def _numbers_of(name, numbers, most):
    if numbers is None:
        return None
    listed = list(numbers) if isinstance(numbers, (list, tuple, range, set, frozenset, np.ndarray)) else []
    if not 1 <= len(listed) <= most or not all(is_whole(number, 1, GREATEST) for number in listed):
        raise Refused(f"{name} {numbers!r}: allowed: a list of up to {most} whole numbers from 1 on")
    return ",".join(map(str, map(int, listed)))


def _most(name, number):
    return None if number is None else whole_of(name, number, 1, GREATEST, "a whole number from 1 on")


# ---- arrays --------------------------------------------------------------------------------------------------------

def _torch(device):
    """A function that makes a tensor of PyTorch's of an array."""
    try:
        import torch
    except ImportError as failure:
        raise Refused(f"tensors 'torch': PyTorch cannot be imported ({failure}); allowed: {', '.join(TENSORS)}, or a "
                      "function that is given NumPy's arrays") from failure
    try:  # else each launch would fail of it, as if by the kernel
        torch.zeros(1).to(device or "cpu").cpu()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError, ValueError) as failure:
        raise Refused(f"device {device!r}: {(str(failure).splitlines() or ['cannot be used'])[0][:200]}; allowed: one that "
                      "PyTorch has here") from failure
    names = {"f16": "float16", "bf16": "bfloat16", "f32": "float32", "e4m3": "float8_e4m3fn", "e5m2": "float8_e5m2",
             "e4m3fnuz": "float8_e4m3fnuz", "bool": "bool", "int32": "int32", "int64": "int64"}
    dtypes = {NUMPY_DTYPES[name]: getattr(torch, dtype) for name, dtype in names.items()}

    def make(array):
        bits = array if array.dtype.itemsize > 2 else array.view(f"int{8 * array.dtype.itemsize}")
        return torch.from_numpy(bits).view(dtypes[array.dtype]).to(device or "cpu")

    make.has_as_strided = True
    return make


def maker_of(tensors, device):
    """Makes of an array of NumPy's one as the function is to have it."""
    if device is not None and tensors != "torch":
        raise Refused(f"device {device!r}: allowed: with tensors=\"torch\"")
    if callable(tensors):
        return tensors
    if tensors not in TENSORS:
        raise Refused(f"tensors {tensors!r}: allowed: {', '.join(TENSORS)}, or a function that is given NumPy's arrays")
    return _torch(device) if tensors == "torch" else lambda array: array


def nan_byte(dtype):
    """Of which all bytes make a NaN of it."""
    return 0x80 if dtype == NUMPY_DTYPES["e4m3fnuz"] else 0xff


def _guard_of(array):
    """Elements before and behind an array: so much as a tile of it that begins within it reads beyond its end."""
    row = int(np.prod(array.shape[-2:]))
    return -(-max(GUARD_ROWS * row * array.itemsize, GUARD_BYTES) // GUARD_BYTES) * GUARD_BYTES // array.itemsize


class _Given:
    """
    An array that the function has been given, and what it is of. Numbers lie between NaN: what reads beyond their ends, or
    in strides between rows, shows it. strides are in elements: where the array begins, and from a page, a row and a
    head to the next.
    """

    def __init__(self, name, original, make, strides=None):
        self.name, self.original = name, original
        self._memory, self._guard, self._lies = None, 0, None
        self.array = self._place(strides, make) if original.dtype in FLOATS else make(np.array(original))

    def _place(self, numbers, make):
        array, self._guard = self.original, _guard_of(self.original)
        packed = (int(np.prod(array.shape[axis + 1:])) for axis in range(array.ndim))
        first, *strides = (*numbers, 1) if numbers else (0, *packed)
        first, strides = first + self._guard, strides[-array.ndim:]
        end = first + sum((length - 1) * stride for length, stride in zip(array.shape, strides)) + 1 if array.size else first
        self._memory = np.full((end + self._guard) * array.itemsize, nan_byte(array.dtype), np.uint8)
        lies = first * array.itemsize, [stride * array.itemsize for stride in strides]
        view = np.ndarray(array.shape, array.dtype, self._memory, *lies)
        view[...] = array
        self._lies = lies if numbers else None
        if getattr(make, "has_as_strided", False):  # what moves to a device moves with what lies beside it
            return make(self._memory.view(array.dtype)).as_strided(array.shape, strides, first)
        return make(view)

    def has_changed(self):
        """Of what is still of the same shape and dtype, which a function of the caller's may make otherwise."""
        now = view_of(self.name, self.array).numpy()
        same = now.shape == self.original.shape and now.dtype == self.original.dtype
        return same and not np.array_equal(bits_of(now), bits_of(self.original)) or self._has_written_gaps()

    def _has_written_gaps(self):
        """Whether what lies between its rows was written to, in memory of the CPU that the function shares."""
        if not self._lies:
            return False
        (first, strides), size = self._lies, self.original.itemsize
        zone, nan = self._guard * size, nan_byte(self.original.dtype)
        rest = self._memory.copy()
        np.ndarray(self.original.shape + (size,), np.uint8, rest, first, strides + [1])[...] = nan
        return bool((rest[zone:-zone] != nan).any())

    def breach(self):
        """What a message says of the first byte beside the array that was written to, in memory of the CPU that the
        function shares; none: an empty dict."""
        if self._memory is None:
            return {}
        zone, nan = self._guard * self.original.itemsize, nan_byte(self.original.dtype)
        size = len(self._memory) - 2 * zone
        written = np.flatnonzero(np.concatenate([self._memory[:zone], self._memory[-zone:]]) != nan)
        if not len(written):
            return {}
        offset = int(written[0]) - zone if written[0] < zone else int(written[0]) - zone + size
        return {"breached": self.name, "offset_bytes": str(offset), "buffer_bytes": str(size)}


# ---- launches ------------------------------------------------------------------------------------------------------

class _Unfit(Exception):
    """What a function returned, or did, that no result can be made of."""


class Launch:
    """A launch as it was received: `sequences` dicts of q, k, v, mask, q_position and kv_offset, and what they share. In
    pages, k and v are None there."""

    def __init__(self, metadata, tensors):
        self.metadata, self.tensors = metadata, tensors
        count = int(metadata["sequences"])
        self.sequences = [self._sequence("" if count == 1 else f".{i}") for i in range(count)]

    def _sequence(self, end):
        sequence = {name: self.tensors.get(name + end) for name in "qkv"}
        sequence["mask"] = self.tensors.get("mask" + end)
        sequence.update({name: int(self.metadata[name + end]) for name in ("q_position", "kv_offset")})
        return sequence

    @property
    def is_paged(self):
        return "k_pages" in self.tensors

    def lengths(self):
        return self.tensors["seq_lens"].tolist() if self.is_paged else [len(sequence["k"]) for sequence in self.sequences]

    def strides(self, name):
        """How q, k or v is to lie, as _strided takes it; None: packed."""
        text = self.metadata.get(f"{name}_strides")
        return [int(number) for number in text.split(",")] if text else None

    def soft_cap(self, where):
        same = self.metadata.get("soft_cap_where") == where
        return float(self.metadata["soft_cap"]) if same else None

    def padded(self, name):
        """k or v of all sequences as [B, N, Hkv, D]: behind the keys of a sequence stand those of the longest one."""
        arrays = [sequence[name] for sequence in self.sequences]
        longest = max(arrays, key=len)
        return np.stack([np.concatenate([array, longest[len(array):]]) for array in arrays])

    def padded_mask(self):
        """mask as [B, N], False behind the keys; None if no sequence has one."""
        if all(sequence["mask"] is None for sequence in self.sequences):
            return None
        lengths = self.lengths()
        made = np.zeros((len(lengths), max(lengths)), np.bool_)
        for row, length, sequence in zip(made, lengths, self.sequences):
            row[:length] = True if sequence["mask"] is None else sequence["mask"] != 0
        return made


class Kernel:
    """
    A function as a kernel. It is called as function(q, k, v, *, scale, slopes, ...), with the keywords that `takes`
    implies, and returns out, or (out, lse).
    """

    def __init__(self, function, *, name=None, takes=None, arithmetic=None, about=None, head_dims=None, page_sizes=None,
                 max_seq_len=None, tensors="numpy", device=None):
        if not callable(function):
            raise Refused(f"function: is {type(function).__name__}; allowed: what can be called")
        self.function, self.name = function, name_of(function, name)
        self.takes = takes_of(function, takes)
        self.said = {"arithmetic": arithmetic, "about": None if about is None else _message.plain(str(about), 150),
                     "head_dims": _numbers_of("head_dims", head_dims, 32),
                     "page_sizes": _numbers_of("page_sizes", page_sizes, 16),
                     "max_seq_len": _most("max_seq_len", max_seq_len)}
        if page_sizes is not None and "pages" not in self.takes:
            raise Refused(f"page_sizes {page_sizes!r}: allowed: where takes has pages")
        self.keywords = ["scale"]
        for word in self.takes:
            self.keywords += [keyword for keyword in KEYWORDS.get(word, ()) if keyword not in self.keywords]
        _check_signature(function, self.name, self.keywords)
        self._make = maker_of(tensors, device)
        self.tracebacks = {}  # of exceptions, by the line that the program is told

    def hello(self):
        """The message that says what it is."""
        said = {key: str(value) for key, value in self.said.items() if value is not None}
        return _message.pieces_of({"alibicheck": "kernel 1", "name": self.name, "takes": ",".join(self.takes), **said}, {})

    def answer(self, metadata, tensors):
        """The message that answers a launch."""
        try:
            seconds, said, outputs = self._run(Launch(metadata, tensors))
            return _message.pieces_of({"alibicheck": "result 1", "seconds": repr(seconds), **said}, outputs)
        except _Unfit as failure:
            text = str(failure)
        except (Exception, SystemExit) as failure:  # pylint: disable=broad-except
            # Whatever the function raises is its launch's failure. By sys.exit(0) a script that checks it would be green.
            text = "".join(traceback.format_exception_only(type(failure), failure))
            self._keep_traceback(_message.plain(text), failure)
        return _message.pieces_of({"alibicheck": "result 1", "error": _message.plain(text)}, {})

    def _keep_traceback(self, text, failure):
        if text in self.tracebacks or len(self.tracebacks) >= TRACEBACKS_KEPT:
            return
        frames = failure.__traceback__
        while frames and frames.tb_frame.f_code.co_filename == __file__:  # ours
            frames = frames.tb_next
        lines = "".join(traceback.format_exception(type(failure), failure, frames)).rstrip("\n")
        self.tracebacks[text] = lines.encode(errors="backslashreplace").decode()  # it is to be printed

    # ---- a launch ----

    def _run(self, launch):
        given = self._arrays(launch)
        keywords = {name: item.array for name, item in given.items() if name not in ("q", "k", "v")}
        keywords.update(self._numbers(launch))
        arguments = [given[name].array for name in ("q", "k", "v")]
        start = time.perf_counter()
        returned = self.function(*arguments, **{name: keywords.get(name) for name in self.keywords})
        views = self._views(returned)  # which waits for what is computed elsewhere
        seconds = time.perf_counter() - start
        changed = next((item.name for item in given.values() if item.has_changed()), None)
        said = next(filter(None, (item.breach() for item in given.values())), {})
        return seconds, {**({"changed": changed} if changed else {}), **said}, self._results(launch, views)

    def _arrays(self, launch):
        """The arrays that the function is given, each a copy of its own."""
        first, batch = launch.sequences[0], "batch" in self.takes
        if batch:
            arrays = {"q": np.stack([sequence["q"] for sequence in launch.sequences]), "mask": launch.padded_mask(),
                      "seq_lens": np.array(launch.lengths(), np.int64)}
            if not launch.is_paged:
                arrays.update(k=launch.padded("k"), v=launch.padded("v"))
            for name in ("q_position", "kv_offset"):
                arrays[name] = np.array([sequence[name] for sequence in launch.sequences], np.int64)
        else:
            arrays = {name: first[name] for name in "qkv"}
            arrays["mask"] = None if first["mask"] is None else first["mask"] != 0
        if launch.is_paged:
            table = launch.tensors["block_table"]
            arrays.update(k=launch.tensors["k_pages"], v=launch.tensors["v_pages"], block_table=table if batch else table[0])
        if "queries" not in self.takes:
            arrays["q"] = arrays["q"].squeeze(1 if batch else 0)
        arrays.update({name: launch.tensors.get(name) for name in ("slopes", "sink_logits")})
        return {name: _Given(name, array, self._make, launch.strides(name)) for name, array in arrays.items()
                if array is not None and name in ["q", "k", "v"] + self.keywords}

    def _numbers(self, launch):
        metadata, first = launch.metadata, launch.sequences[0]
        numbers = {name: float(metadata[name]) for name in ("scale", "k_scale", "v_scale")}
        numbers.update(soft_cap=launch.soft_cap("before_bias"), cap_biased=launch.soft_cap("after_bias"))
        if "batch" not in self.takes:
            numbers.update(q_position=first["q_position"], kv_offset=first["kv_offset"], seq_lens=launch.lengths()[0])
        return numbers

    # ---- what it returns ----

    def _views(self, returned):
        with_lse = "lse" in self.takes or "lse_base2" in self.takes
        pair = isinstance(returned, (tuple, list))
        if with_lse and not (pair and len(returned) == 2):
            raise _Unfit(f"returned {_kind_of(returned)}; allowed: out and lse")
        if not with_lse and pair:
            raise _Unfit(f"returned {_kind_of(returned)}; allowed: out alone (lse, where takes has lse or lse_base2)")
        try:
            return [view_of(name, output, allowed) for name, output, allowed in
                    zip(("out", "lse"), returned if with_lse else [returned], ("an array as q is", "f32, one a row"))]
        except Refused as failure:
            raise _Unfit(f"returned {failure}") from failure

    def _results(self, launch, views):
        q = launch.sequences[0]["q"]
        queries, heads, dim = q.shape
        front = (len(launch.sequences),) if "batch" in self.takes else ()
        front += (queries,) if "queries" in self.takes else ()
        dtype = next(name for name in DTYPES if NUMPY_DTYPES[name] == q.dtype)
        outputs = {}
        for view, name, wanted, rows in zip(views, ("out", "lse"), (dtype, "f32"), ((heads, dim), (heads,))):
            if view.shape != front + rows or view.dtype != wanted:
                why = f", as q is of {dtype}" if name == "out" else ""
                raise _Unfit(f"returned {name} of {view.dtype} {list(view.shape)}; allowed: {wanted} {list(front + rows)}"
                             f"{why}")
            array = np.ascontiguousarray(view.numpy()).reshape((len(launch.sequences), queries) + rows)
            for i, of_sequence in enumerate(array):
                outputs[name if len(array) == 1 else f"{name}.{i}"] = (wanted, of_sequence)
        return outputs


def _kind_of(returned):
    if isinstance(returned, (tuple, list)):
        return f"a {type(returned).__name__} of {len(returned)}"
    return "None" if returned is None else f"one {type(returned).__name__}"


# ---- a conversation ------------------------------------------------------------------------------------------------

def converse(kernel, to, source, told=lambda text: None):
    """Says what the kernel is, and answers launches until there are no more. told is called with what is raised first."""
    try:
        _message.send(to, kernel.hello())
        while True:
            launch = _message.receive(source)
            if launch is None:
                return
            known = len(kernel.tracebacks)
            _message.send(to, kernel.answer(*launch))
            for text in list(kernel.tracebacks.values())[known:]:
                told(text)
    except BrokenPipeError:  # whoever asked has gone
        return


@told
def serve(function, *, name=None, takes=None, arithmetic=None, about=None, head_dims=None, page_sizes=None,
          max_seq_len=None, tensors="numpy", device=None):
    """
    Makes this program a kernel: answers launches on standard input and output with the function, until there are no more.

        alibicheck run cases/seed --kernel-command 'python my_kernel.py'

    The arguments are those of check_kernel. What is printed from here on goes to standard error.
    """
    kernel = Kernel(function, name=name, takes=takes, arithmetic=arithmetic, about=about, head_dims=head_dims,
                    page_sizes=page_sizes, max_seq_len=max_seq_len, tensors=tensors, device=device)
    sys.stdout.flush()
    to, source, nothing = os.dup(1), os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(2, 1)
    os.dup2(nothing, 0)
    os.close(nothing)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asks decides when it ends
    converse(kernel, to, source, lambda text: print(text, file=sys.stderr, flush=True))
