"""What was given, made sense of: facts that tensors do not say, sequences with their keys, pages, positions and masks."""
import ctypes
import math
import numbers
import re

import numpy as np

from . import _library as lib
from ._library import Refused
from ._shape import Shape
from ._tensor import BITS, NUMPY_DTYPES, view_of

CONVENTIONS = ("bloom", "geometric", "hf", "vllm", "falcon")
WITH_DTYPES = ("q", "k", "v", "kv_cache", "out", "other")
MAX_KEYS = 1 << 30


def _float_of(value):
    """What float() makes of it, and of an array without axes that knows nothing but DLPack its one number."""
    if hasattr(type(value), "__float__") or not hasattr(value, "__dlpack__"):
        return float(value)
    view = view_of("the number", value)
    if view.shape != () or view.dtype == "bool":
        raise TypeError("no number")
    return float(view.numpy())


def real_of(value):
    """A float of what is a number, of Python or of an array without axes; TypeError of what float() would make one of: a
    truth value, a text, a complex number."""
    if isinstance(value, (bool, np.bool_, str, bytes, bytearray)):
        raise TypeError("no number")
    dtype = getattr(value, "dtype", None)
    is_sound = dtype.kind in "iufV" if isinstance(dtype, np.dtype) else not re.search("bool|complex", str(dtype))
    if not is_sound:
        raise TypeError("no number")
    return _float_of(value)


def _number(name, value, allowed):
    """A number as f32."""
    try:
        with np.errstate(over="ignore"):
            number = float(np.float32(real_of(value)))
    except (TypeError, ValueError) as failure:
        raise Refused(f"{name} {value!r}: allowed: {allowed}") from failure
    if not math.isfinite(number):
        raise Refused(f"{name} {value!r}: allowed: {allowed}")
    return number


def is_whole(value, least, greatest):
    """Whether it is a whole number, of Python's or of NumPy's, which a truth value is not."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and least <= int(value) <= greatest


def whole_of(name, value, least, greatest, allowed):
    """A whole number of any kind as one of Python's."""
    if not is_whole(value, least, greatest):
        raise Refused(f"{name} {value!r}: allowed: {allowed}")
    return int(value)


def _place(name, value, allowed):
    return whole_of(name, value, -(1 << 31) + 1, (1 << 31) - 1, allowed)


# ---- facts ---------------------------------------------------------------------------------------------------------

def scale_of(scale, head_dim):
    allowed = "the number that q.k is multiplied by, or \"rsqrt\" for 1/sqrt(head_dim)"
    if scale is None:
        raise Refused(f"scale: is missing; allowed: {allowed}")
    return float(np.float32(1 / math.sqrt(head_dim))) if isinstance(scale, str) and scale == "rsqrt" else \
        _number("scale", scale, allowed)


def lse_base_of(lse, base):
    if lse is None:
        if base is not None:
            raise Refused(f"lse_base {base!r}: allowed: with lse")
        return 0
    if base is None:
        raise Refused("lse_base: is missing; allowed: \"e\", as FlashAttention returns, or 2, as FlashInfer does")
    if str(base) not in lib.LSE_BASES:
        raise Refused(f"lse_base {base!r}: allowed: \"e\" or 2")
    return lib.LSE_BASES[str(base)]


def soft_cap_of(soft_cap):
    allowed = "(\"before_bias\", C) or (\"after_bias\", C), C a number above 0"
    if soft_cap is None:
        return None
    try:
        if isinstance(soft_cap, str):  # as the program has it
            where, cap = soft_cap.split("=")
            soft_cap = where, float(cap)
        (where, cap), = [soft_cap] if not isinstance(soft_cap, dict) else soft_cap.items()
        place, cap = lib.SOFT_CAPS[where], real_of(cap)
    except (TypeError, ValueError, KeyError) as failure:
        raise Refused(f"soft_cap {soft_cap!r}: allowed: {allowed}") from failure
    if not (cap > 0 and math.isfinite(np.float32(cap))):
        raise Refused(f"soft_cap {soft_cap!r}: allowed: {allowed}")
    return place, cap


def tolerance_of(tolerance):
    """atol, rtol, lse; below 0 what is not said."""
    if tolerance is None:
        return -1.0, -1.0, -1.0
    try:
        values = [real_of(number) for number in tolerance] if not isinstance(tolerance, (str, set, frozenset)) else []
    except (TypeError, ValueError) as failure:
        raise Refused(f"tolerance {tolerance!r}: allowed: (atol, rtol) or (atol, rtol, lse), numbers of 0 or more") \
            from failure
    if len(values) not in (2, 3) or not all(0 <= number < math.inf for number in values):
        raise Refused(f"tolerance {tolerance!r}: allowed: (atol, rtol) or (atol, rtol, lse), numbers of 0 or more")
    return tuple(values + [-1.0] * (3 - len(values)))


def dtypes_of(dtypes):
    """What raw bits of tensors are, by their names."""
    if dtypes is None:
        return {}
    if not isinstance(dtypes, dict):
        raise Refused(f"dtypes {dtypes!r}: allowed: a dict, as {{\"k\": \"bf16\"}}")
    for name, dtype in dtypes.items():
        if name not in WITH_DTYPES:
            raise Refused(f"dtypes {name!r}: allowed: {', '.join(WITH_DTYPES)}")
        if not isinstance(dtype, str) or dtype not in lib.DTYPES:
            raise Refused(f"dtypes {dtype!r}: allowed: {', '.join(lib.DTYPES)}")
    return dtypes


# ---- arrays of numbers ---------------------------------------------------------------------------------------------

def _numbers_in(name, array, what):
    """A View of numbers, which truth values are not: [True, 5] would be [1, 5]."""
    listed = np.array(array, object).reshape(-1).tolist() if isinstance(array, (list, tuple)) else ()
    view = view_of(name, array, f"numbers, {what}")
    if view.dtype == "bool" or any(isinstance(number, (bool, np.bool_)) for number in listed):
        raise Refused(f"{name}: is of bool; allowed: numbers, {what}")
    return view


def whole_numbers(name, array, count, least, greatest, what):
    """A new array of int64, each whole and within the range."""
    view = _numbers_in(name, array, what)
    if view.size != count:
        raise Refused(f"{name}: is {list(view.shape)}; allowed: {count} numbers, {what}")
    values = view.numpy().reshape(-1)
    if values.dtype.kind not in "biu":
        values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        sound = (values >= least) & (values <= greatest) & (values == np.trunc(values))
    if not sound.all():
        i = int(np.argmin(sound))
        raise Refused(f"{name}: number {i} is {values[i].item()!r}; allowed: {what}, {least} to {greatest}")
    return values.astype(np.int64)


def of_heads(name, array, num_heads, what):
    """A new array of finite f32, one a head."""
    view = _numbers_in(name, array, f"a {what} a head")
    if view.size != num_heads:
        raise Refused(f"{name}: is {list(view.shape)}; allowed: [{num_heads}], a {what} a head")
    if view.dtype in BITS[1] + BITS[2]:  # as programs write bf16, which would be slopes of 16000
        raise Refused(f"{name}: is of {view.dtype}, which may be the bits of another type; allowed: f16, bf16, f32, f64, or whole "
                      f"numbers of 32 or 64 bits, a {what} a head")
    wide = view.numpy().astype(np.float64).reshape(-1)
    with np.errstate(over="ignore"):
        values = wide.astype(np.float32)
    for h in range(num_heads):
        if not np.isfinite(wide[h]) or float(values[h]) != float(wide[h]):
            raise Refused(f"{name}: the {what} of head {h} is {wide[h].item()!r}; allowed: finite numbers of f32")
    return values


# ---- k and v in one tensor -----------------------------------------------------------------------------------------

def halves_of(k, v, kv_cache, kv_axis, dtypes):
    """k and v as they are given, or views of the two that stand along an axis of one tensor."""
    if kv_cache is None:
        if "kv_cache" in dtypes:
            raise Refused("dtypes 'kv_cache': allowed: with kv_cache, k and v in one tensor")
        if kv_axis is not None:
            raise Refused(f"kv_axis {kv_axis!r}: allowed: with kv_cache, k and v in one tensor")
        return k, v
    for name, array in (("k", k), ("v", v)):
        if array is not None:
            raise Refused(f"{name}: allowed: this or kv_cache")
    whole = view_of("kv_cache", kv_cache, "an array of f16, bf16, f32, e4m3 (e4m3fn), e5m2, e4m3fnuz")
    if "kv_cache" in dtypes:
        whole = whole.reinterpreted(dtypes["kv_cache"])
    if kv_axis is None:
        raise Refused("kv_axis: is missing; allowed: the axis of kv_cache along which k stands first and v second, from 0")
    kv_axis = whole_of("kv_axis", kv_axis, 0, len(whole.shape) - 1,
                       f"0 to {len(whole.shape) - 1}, of kv_cache {list(whole.shape)}")
    if whole.shape[kv_axis] != 2:
        raise Refused(f"kv_cache: is {list(whole.shape)}, with {whole.shape[kv_axis]} along axis {kv_axis}; allowed: 2 along "
                      "kv_axis, k and v")
    return whole.taken("k", kv_axis, 0), whole.taken("v", kv_axis, 1)


# ---- what is given -------------------------------------------------------------------------------------------------

class Given:
    """Arguments of judge, looked at together: `sequences` problems of one shape but for the number of keys."""

    def __init__(self, q, k, v, *, slopes, scale, layout, positions, mask, seq_lens, block_table, page_size, kv_indptr,
                 kv_indices, kv_last_page_len, kv_offset, k_scale, v_scale, soft_cap, sink_logits, dtypes, out=None, other=None,
                 lse=None, other_lse=None, lse_base=None, kv_cache=None, kv_axis=None):
        dtypes = dtypes_of(dtypes)
        for name, array in (("out", out), ("other", other)):
            if name in dtypes and array is None:
                raise Refused(f"dtypes {name!r}: allowed: of arrays that are there")
        if other_lse is not None and other is None:
            raise Refused("other_lse: allowed: with other, the output that it came with")
        k, v = halves_of(k, v, kv_cache, kv_axis, dtypes)
        for name, array in (("q", q), ("k", k), ("v", v)):
            if array is None:
                raise Refused(f"{name}: is missing; allowed: an array")
        self.paged = self._pages_are_told(seq_lens, block_table, page_size, kv_indptr, kv_indices, kv_last_page_len)
        self.shape = Shape(layout, self.paged)
        self.q, self.k, self.v = self._bind(dtypes, q=q, k=k, v=v)
        self.out = self.other = self.lse = self.other_lse = None
        if out is not None:
            self.out, = self._bind(dtypes, out=out)
        if other is not None:
            self.other, = self._bind(dtypes, other=other)
        self.lse = self._bind_lse("lse", lse)
        self.other_lse = self._bind_lse("other_lse", other_lse)
        self.shape.check()
        length = self.shape.length
        self.sequences, self.queries, self.heads = length["B"], length["Q"], length["H"]
        if page_size is not None and page_size != length.get("S"):
            raise Refused(f"page_size {page_size!r}: pages of k and v have {length.get('S')} slots; allowed: the same (is "
                          "layout right?)")
        self.scale = scale_of(scale, length["D"])
        self.slopes = self._slopes(slopes)
        self.lse_base = lse_base_of(lse if lse is not None else other_lse, lse_base)
        # NaN: nobody has said it, and the message says that it is taken for 1.
        self.k_scale = math.nan if k_scale is None else _number("k_scale", k_scale, "a number that f32 holds")
        self.v_scale = math.nan if v_scale is None else _number("v_scale", v_scale, "a number that f32 holds")
        self.soft_cap = soft_cap_of(soft_cap)
        self.sinks = None if sink_logits is None else of_heads("sink_logits", sink_logits, self.heads, "sink")
        self._read_lengths(seq_lens, block_table, kv_indptr, kv_indices, kv_last_page_len)
        self.kv_offset = _place("kv_offset", kv_offset, "whole numbers -2147483647 to 2147483647")
        self.positions = self._positions(positions)
        self.mask = self._mask(mask)

    # ---- tensors ----

    def _bind(self, dtypes, **arrays):
        bound = []
        for name, array in arrays.items():
            fp8 = name in ("q", "k", "v")
            view = view_of(name, array, f"an array of f16, bf16, f32{', e4m3 (e4m3fn), e5m2, e4m3fnuz' if fp8 else ''}")
            said = dtypes.get(name, dtypes.get("out") if name == "other" else None)
            if said is not None:
                view = view.reinterpreted(said)
            if view.dtype not in lib.DTYPES or (not fp8 and lib.DTYPES[view.dtype] > lib.DTYPES["f32"]):
                bits = view.dtype in ("int8", "uint8", "int16", "uint16")
                raise Refused(f"{name}: is of {view.dtype}"
                              f"{', raw bits of which dtypes={...} has to say what they are' if bits else ''}; allowed: "
                              f"f16, bf16, f32{', e4m3, e5m2, e4m3fnuz' if fp8 else ''}")
            bound.append(self.shape.bind_keys(view) if name in ("k", "v") else self.shape.bind_query(view))
        return bound

    def _bind_lse(self, name, lse):
        if lse is None:
            return None
        view = view_of(name, lse, "f32, one a row")
        if view.dtype != "f32":
            raise Refused(f"{name}: is of {view.dtype}; allowed: f32, one a row")
        return self.shape.bind_lse(view)

    def _slopes(self, slopes):
        if slopes is None:
            raise Refused(f"slopes: is missing; allowed: an array of a slope a head, {', '.join(CONVENTIONS)}, or \"none\" "
                          "for attention without ALiBi")
        if isinstance(slopes, str):
            if slopes not in CONVENTIONS + ("none",):
                raise Refused(f"slopes {slopes!r}: allowed: an array of a slope a head, {', '.join(CONVENTIONS)}, or "
                              "\"none\" for attention without ALiBi")
            return slopes
        return of_heads("slopes", slopes, self.heads, "slope")

    # ---- keys ----

    @staticmethod
    def _pages_are_told(seq_lens, block_table, page_size, kv_indptr, kv_indices, kv_last_page_len):
        table, rows = block_table is not None, kv_indptr is not None
        if table and rows:
            raise Refused("kv_indptr: allowed: this or block_table")
        if table and seq_lens is None:
            raise Refused("seq_lens: is missing; allowed: keys of each sequence, which a block_table does not say")
        if rows and kv_indices is None:
            raise Refused("kv_indices: is missing; allowed: the pages of all sequences, of which kv_indptr says where they "
                          "begin")
        if rows and kv_last_page_len is None:
            raise Refused("kv_last_page_len: is missing; allowed: keys in the last page of each sequence")
        if rows and seq_lens is not None:
            raise Refused("seq_lens: allowed: without kv_indptr, which says it")
        for name, value in (("kv_indices", kv_indices), ("kv_last_page_len", kv_last_page_len)):
            if value is not None and not rows:
                raise Refused(f"{name}: allowed: with kv_indptr")
        if page_size is not None:
            whole_of("page_size", page_size, 1, MAX_KEYS if table or rows else 0,
                     "a whole number from 1 on, with block_table or kv_indptr")
        return table or rows

    def _read_lengths(self, seq_lens, block_table, kv_indptr, kv_indices, kv_last_page_len):
        """Keys of each sequence, and of pages the numbers of each."""
        keys, slots = self.shape.length.get("N"), self.shape.length.get("S")
        self.pages, self.room = None, keys  # room: keys that a sequence has a place for
        if block_table is not None:
            table = view_of("block_table", block_table)
            if len(table.shape) != 2 or table.shape[0] != self.sequences:
                raise Refused(f"block_table: is {list(table.shape)}; allowed: [{self.sequences}, n], the pages of each "
                              "sequence")
            self.room = table.shape[1] * slots
            self.seq_lens = whole_numbers("seq_lens", seq_lens, self.sequences, 0, min(self.room, MAX_KEYS),
                                          "keys of a sequence, as many as its pages have room for")
            whole = whole_numbers("block_table", block_table, table.size, -(1 << 31), 1 << 40,
                                  "pages, counted from 0").reshape(table.shape)
            self.pages = [np.ascontiguousarray(whole[b, :-(-int(n) // slots)]) for b, n in enumerate(self.seq_lens)]
        elif kv_indptr is not None:
            self._read_rows(kv_indptr, kv_indices, kv_last_page_len, slots)
        elif seq_lens is not None:
            self.seq_lens = whole_numbers("seq_lens", seq_lens, self.sequences, 0, keys, "keys of a sequence")
        else:
            self.seq_lens = np.full(self.sequences, keys, np.int64)
        pool = self.shape.length.get("P")
        for b, numbers_of in enumerate(self.pages or []):
            for i, page in enumerate(numbers_of.tolist()):
                if not 0 <= page < pool:
                    raise Refused(f"page table: page {i} of sequence {b} is page {page} of the pool; allowed: 0 to "
                                  f"{pool - 1}")

    def _read_rows(self, kv_indptr, kv_indices, kv_last_page_len, slots):
        indices = view_of("kv_indices", kv_indices).size
        first = whole_numbers("kv_indptr", kv_indptr, self.sequences + 1, 0, indices,
                              "where the pages of each sequence begin, and where the last ones end")
        last = whole_numbers("kv_last_page_len", kv_last_page_len, self.sequences, 0, slots,
                             "keys in the last page of a sequence")
        pages = whole_numbers("kv_indices", kv_indices, indices, -(1 << 31), 1 << 40, "pages, counted from 0")
        self.pages, lengths = [], []
        for b in range(self.sequences):
            count = int(first[b + 1] - first[b])
            if count < 0 or count * slots > MAX_KEYS or (count > 0 and last[b] < 1):
                raise Refused(f"kv_indptr: sequence {b} has {count} pages, with {last[b]} keys in the last; allowed: 0 pages "
                              f"or more, from 1 on with 1 to {slots} keys")
            self.pages.append(np.ascontiguousarray(pages[first[b]:first[b + 1]]))
            lengths.append((count - 1) * slots + int(last[b]) if count else 0)
        self.seq_lens = np.array(lengths, np.int64)
        self.room = max(map(len, self.pages)) * slots

    def _positions(self, positions):
        if positions is None:
            return self.kv_offset + self.seq_lens - 1
        if isinstance(positions, (numbers.Integral, str)):
            place = _place("positions", positions, "whole numbers -2147483647 to 2147483647, or an array")
            return np.full(self.sequences, place, np.int64)
        return whole_numbers("positions", positions, self.sequences, -(1 << 31) + 1, (1 << 31) - 1,
                             "position of the last query of a sequence")

    def _mask(self, mask):
        """visible[B, N], or None."""
        if mask is None:
            return None
        view = view_of("mask", mask, "an array of bool or whole numbers, one a key")
        longest = int(self.seq_lens.max(initial=0))
        fits = len(view.shape) == 1 or (len(view.shape) == 2 and view.shape[0] == self.sequences)
        # Of another length it is the mask of other keys: which of its numbers to leave out is not ours to guess.
        if NUMPY_DTYPES[view.dtype].kind not in "biu" or not fits or view.shape[-1] not in (longest, self.room):
            room = "" if self.room == longest else f", or of all {self.room} that there is room for"
            raise Refused(f"mask: is {list(view.shape)} of {view.dtype}; allowed: bool or whole numbers, [{longest}] or "
                          f"[{self.sequences}, {longest}], one a key{room}")
        given = view.numpy()
        sound = (given == 0) | (given == 1)
        if not sound.all():  # one that is added to logits would hide what it leaves as it is
            i = int(np.argmin(sound))
            raise Refused(f"mask: number {i} is {given.reshape(-1)[i].item()!r}; allowed: 1 or True for a visible key, 0 or "
                          "False for one that is not")
        visible = given.astype(np.uint8)
        return np.broadcast_to(visible, (self.sequences, visible.shape[-1]))

    # ---- for the library ----

    def tensor(self, axes, sequence, first, second):
        return lib.Tensor(axes.address(sequence), lib.DTYPES[axes.view.dtype],
                          (ctypes.c_int64 * 3)(*axes.of(first, second, "D")))

    def problem(self, sequence):
        """A sequence as a problem of the library."""
        length, b = self.shape.length, sequence
        shape = lib.Shape(int(self.seq_lens[b]), self.queries, self.heads, length["G"], length["D"])
        problem = lib.Object("problem", ctypes.byref(shape))
        keys = "S" if self.paged else "N"
        problem.set("q", self.tensor(self.q, b, "Q", "H"))
        problem.set("k", self.tensor(self.k, b, keys, "G"))
        problem.set("v", self.tensor(self.v, b, keys, "G"))
        problem.set("scale", self.scale)
        if isinstance(self.slopes, str):
            problem.set("slope_convention", self.slopes.encode())
        else:
            problem.set("slopes", _pointer(self.slopes, ctypes.c_float))
        problem.set("kv_scales", self.k_scale, self.v_scale)
        problem.set("kv_offset", self.kv_offset)
        problem.set("position", int(self.positions[b]))
        if self.soft_cap:
            problem.set("soft_cap", *self.soft_cap)
        if self.sinks is not None:
            problem.set("sink_logits", _pointer(self.sinks, ctypes.c_float))
        if self.paged:
            pages = np.ascontiguousarray(self.pages[b])
            problem.set("pages", lib.Pages(_pointer(pages, ctypes.c_int64), length["S"], length["P"],
                                           self.k.of("P")[0], self.v.of("P")[0]))
        if self.mask is not None:
            visible = np.ascontiguousarray(self.mask[b])
            problem.set("visible", _pointer(visible, ctypes.c_uint8))
        return problem

    def output(self, sequence, out, lse):
        """A sequence's output, as the library takes it."""
        output = lib.Output(out=self.tensor(out, sequence, "Q", "H"))
        if lse is not None:
            output.lse = ctypes.cast(ctypes.c_void_p(lse.address(sequence)), ctypes.POINTER(ctypes.c_float))
            output.lse_strides = (ctypes.c_int64 * 2)(*lse.of("Q", "H"))
            output.lse_base = self.lse_base
        return output


def _pointer(array, of):
    return array.ctypes.data_as(ctypes.POINTER(of))
