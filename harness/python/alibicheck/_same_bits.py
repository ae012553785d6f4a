"""Whether a function gives the same bits again: in another run, in another batch, cut otherwise. No truth is needed."""
import inspect
import math

import numpy as np

from ._dependence import check_dependence, check_numbers, named_arguments, nan_in, rows_without_keys
from ._given import is_whole, whole_of
from ._kernel import name_of
from ._library import Refused
from ._tensor import NAMES, bits_of, overlap, view_of

ROWS_ALONE, AXES = 16, ("row", "head", "dim")


# ---- outputs -------------------------------------------------------------------------------------------------------

def _outputs_of(returned, name):
    """The arrays that a function returned, by names, as copies of NumPy's: what it writes later changes none."""
    if isinstance(returned, dict):
        found = {f"out[{key!r}]": array for key, array in returned.items()}
    elif isinstance(returned, (tuple, list)):
        found = {f"out[{i}]": array for i, array in enumerate(returned)}
    else:
        found = {"out": returned}
    outputs = {key: np.array(view_of(key, array).numpy()) for key, array in found.items() if array is not None}
    if not any(array.size for array in outputs.values()):
        raise Refused(f"{name}: returned nothing that could be compared; allowed: an array, or several of them")
    return outputs


def _differ(one, other):
    """Where bits differ, NaN of any bits being NaN."""
    differ = np.not_equal(bits_of(one), bits_of(other))
    return differ & ~(nan_in(one) & nan_in(other)) if differ.any() else differ


def _places(array):
    """Whole numbers, of a dtype's neighbours neighbours: what they differ by are ulp. +0 and -0 are one."""
    bits, size = bits_of(array).tolist(), 8 * array.dtype.itemsize
    sign = 1 << (size - 1)
    if array.dtype.kind in "bu":
        return bits
    if array.dtype.kind == "i":
        return [b - 2 * sign if b >= sign else b for b in bits]
    return [sign - b if b >= sign else b for b in bits]


def _ulps(one, other):
    """How far apart elements are; infinite where one of them is no number."""
    finite = ~(nan_in(one) | nan_in(other))
    return [abs(a - b) if sound else math.inf for a, b, sound in zip(_places(one), _places(other), finite.tolist())]


def _number(element):
    return repr(element.item()) if element.dtype.kind in "biu" else f"{float(element):.9g}"


def _difference(key, one, other, axes, words, first_row=None):
    """What is unlike first in two arrays of the same thing, and how much is; "" if nothing is."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return f"    {key} is of {one.dtype} {list(one.shape)} {words[0]}, of {other.dtype} {list(other.shape)} {words[1]}"
    differ = _differ(one, other)
    count = int(np.count_nonzero(differ))
    if count == 0:
        return ""
    index = np.unravel_index(int(np.argmax(differ)), one.shape)
    ulps, what = _ulps(one[differ], other[differ]), NAMES.get(one.dtype, one.dtype)
    place = ([] if first_row is None else [first_row]) + [int(i) for i in index]
    named = f" ({', '.join(f'{axis} {i}' for axis, i in zip(axes, place))})" if len(axes) == len(place) else ""
    apart = "" if math.isinf(ulps[0]) else f", {ulps[0]} ulp of {what} apart"
    most = max((ulp for ulp in ulps if not math.isinf(ulp)), default=None)
    return f"    {key}{place or ''}{named} is {_number(one[index])} {words[0]}, {_number(other[index])} {words[1]}{apart}\n" \
           f"    {count} of {one.size} elements{' of the row' if first_row is not None else ''} differ" \
           f"{'' if most is None else f', by at most {most} ulp'}"


def _compare(base, again, axes, words):
    """What is unlike first in all outputs of two runs; "" if nothing is."""
    if list(base) != list(again):
        return f"    it returns {', '.join(base)} {words[0]}, {', '.join(again)} {words[1]}"
    for key, one in base.items():
        text = _difference(key, one, again[key], axes, words)
        if text:
            return text
    return ""


# ---- arguments -----------------------------------------------------------------------------------------------------

def _arrays_in(name, value):
    """(name, array) of each array that an argument is, or has in lists, tuples and dicts."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        yield name, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, item in inner:
        yield from _arrays_in(f"{name}[{key!r}]", item)


def _is_same(one, other):
    """Whether two arrays of NumPy's have the same bits, NaN of any bits being NaN."""
    return one.shape == other.shape and one.dtype == other.dtype and not _differ(one, other).any()


# ---- calls ---------------------------------------------------------------------------------------------------------

class _Calls:
    """A function with its arguments, of which some are changed from call to call."""

    def __init__(self, function, args, kwargs):
        if not callable(function):
            raise Refused(f"function: is {type(function).__name__}; allowed: what can be called")
        self.function, self.args, self.kwargs, self.name = function, args, kwargs, name_of(function, None)
        self.returned = None  # by the last call

    def __call__(self, changed=None):
        """Its outputs, with these arguments in place of those that have their places or names."""
        changed = changed or {}
        args = [changed.get(i, argument) for i, argument in enumerate(self.args)]
        kwargs = {name: changed.get(name, argument) for name, argument in self.kwargs.items()}
        kwargs.update({name: value for name, value in changed.items() if isinstance(name, str)})
        self.returned = self.function(*args, **kwargs)
        return _outputs_of(self.returned, self.name)

    def arguments(self, changed=None):
        """{place: value} of all that a call is given."""
        return {**dict(enumerate(self.args)), **self.kwargs, **(changed or {})}

    def empty(self, changed=None):
        """Rows without keys, as rows_without_keys has them."""
        given = self.arguments(changed)
        args = [given.pop(i) for i in range(len(self.args))]
        return rows_without_keys(named_arguments(self.function, args, given))

    def place_of(self, what, name):
        """Where the argument called so is: its place, or its name."""
        if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(self.args):
            return name
        if name in self.kwargs:
            return name
        names = self._names()
        if name in names[:len(self.args)]:
            return names.index(name)
        raise Refused(f"{what} {name!r}: is no argument that {self.name} is given; allowed: names of arguments, or places of "
                      "those without a name")

    def _names(self):
        """Of the function's parameters by place; none of a function that does not say them."""
        try:
            return [p.name for p in inspect.signature(self.function).parameters.values()
                    if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        except (TypeError, ValueError):
            return []

    def name_of(self, place):
        """What an argument is called in messages: 'slopes', or its place where it has no name."""
        names = self._names() if isinstance(place, int) else []
        return repr(names[place] if isinstance(place, int) and place < len(names) else place)

    def argument(self, place):
        return self.args[place] if isinstance(place, int) else self.kwargs[place]

    def changed_inputs(self, before):
        """Names of arrays that are not what they were, or not where they were."""
        now = self.snapshot()
        return [name for name, (_, was) in before.items() if name not in now or not _is_same(was, now[name][1])]

    def returns(self, argument):
        """Whether it is what the last call has returned, or a part of it: a place for outputs, and no input."""
        def parts(returned):
            inner = returned.values() if isinstance(returned, dict) else returned if isinstance(returned, (tuple, list)) else ()
            return [returned, *(part for item in inner for part in parts(item))]

        return any(part is argument or overlap(part, argument) for part in parts(self.returned))

    def snapshot(self, but=()):
        """{name: (array, its numbers now)} of all arrays that a call is given, in lists and dicts as well, but what has
        these places. What cannot be read within a list or dict is left out."""
        arrays = {}
        for place, argument in [*enumerate(self.args), *self.kwargs.items()]:
            name = f"argument {place}" if isinstance(place, int) else place
            for inner, array in _arrays_in(name, argument) if place not in but else ():
                try:
                    arrays[inner] = array, np.array(view_of(inner, array).numpy())
                except Refused:
                    if array is argument:
                        raise
        return arrays


def _need_determinism(calls, axes, base, changed=None):
    """Other bits that are seen later then have another cause."""
    text = _compare(base, calls(changed), axes, ("in one run", "in the next"))
    if text:
        raise AssertionError(f"{calls.name} is not deterministic: two runs on the same arguments differ\n{text}")


def assert_deterministic(function, *args, runs=3, writes=(), axes=AXES, **kwargs):
    """
    Raises an AssertionError unless function(*args, **kwargs) returns the same bits in every run, and leaves the arrays that
    it is given as they are, in lists and dicts as well: one that overwrites its inputs may do with them what it has done the
    run before.

    It may return an array, or a tuple, a list or a dict of them, of any library. NaN is NaN, whatever its bits; -0 is not 0.
    What shows nothing is an AssertionError as well: NaN in rows that have keys, and a first output that is the same on other
    inputs, on copies of which the function is called in the end.

    runs    how many
    writes  names of arguments that it is to write to, as `out`, or places of those without one; those that it returns are
            known
    axes    what axes of outputs with so many axes are called in the message
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    calls, axes = _Calls(function, args, kwargs), tuple(axes)
    runs = whole_of("runs", runs, 2, 1 << 30, "whole numbers from 2 on")
    written = {calls.place_of("writes", name) for name in ([writes] if isinstance(writes, (str, int)) else writes)}
    before = calls.snapshot(written)
    empty, none = calls.empty()
    base = calls()
    check_numbers(calls.name, base, empty)
    for run in range(2, runs + 1):
        text = _compare(base, calls(), axes, ("in run 1", f"in run {run}"))
        if text:
            changed = calls.changed_inputs(before)
            also = f"\n    it changes what it is given: {', '.join(changed)}" if changed else ""
            raise AssertionError(f"{calls.name} is not deterministic: run {run} has other bits than run 1\n{text}{also}")
    changed = calls.changed_inputs({name: was for name, was in before.items() if not calls.returns(was[0])})
    if changed:
        raise AssertionError(f"{calls.name} changes what it is given: {', '.join(changed)}. Its runs have the same bits, but had "
                             "other inputs than run 1 (what it is to write to, writes=[...] says)")
    check_dependence(calls, base, calls.arguments(), empty, none)


# ---- batches -------------------------------------------------------------------------------------------------------

def _take(array, index, axis=0):
    """Those of its elements along an axis, in that order, as a new array of its library."""
    if isinstance(array, (list, tuple)):
        return type(array)([array[i] for i in index])
    if type(array).__module__.split(".")[0] == "mlx":
        mlx = __import__("mlx.core").core
        return mlx.take(array, mlx.array(index), axis)
    return array[(slice(None),) * axis + (np.asarray(index, np.int64),)]


def _like(array, values):
    """Whole numbers as an array of the library, dtype and device of another one."""
    if isinstance(array, (list, tuple)):
        return type(array)(values)
    if isinstance(array, np.ndarray):
        return np.array(values, array.dtype)
    if callable(getattr(array, "new_tensor", None)):  # PyTorch's
        return array.new_tensor(values)
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__().asarray(values, dtype=array.dtype)
    raise Refused(f"lengths: is {type(array).__name__}; allowed: a list, or an array of NumPy, PyTorch, JAX or CuPy")


class _Batch:
    """Arguments that are batched along their first axis, and what may be done to them."""

    def __init__(self, calls, batched, lengths, keys):
        self.calls = calls
        self.places = [calls.place_of("batched", name) for name in self._names(calls, batched)]
        if not self.places:
            raise Refused("batched: there is none; allowed: arguments without a name that are arrays with a row for each of a "
                          "batch along their first axis, or batched=, names of such arguments")
        counts = {place: self._rows_of(place) for place in self.places}
        self.rows = counts[self.places[0]]
        for place, rows in counts.items():
            if rows != self.rows or rows < 1:
                raise Refused(f"batched {calls.name_of(place)}: has {rows} rows; allowed: {max(self.rows, 1)}, as "
                              f"{calls.name_of(self.places[0])} has; what has no row for each of the batch is given by name, or "
                              "left out of batched=")
        self._take_lengths(lengths, keys)

    @staticmethod
    def _names(calls, batched):
        if batched is not None:
            return [batched] if isinstance(batched, (str, int)) else list(batched)
        return [i for i, argument in enumerate(calls.args)
                if isinstance(argument, (list, tuple)) or len(getattr(argument, "shape", ())) > 0]

    def _rows_of(self, place):
        argument = self.calls.argument(place)
        if isinstance(argument, (list, tuple)):
            return len(argument)
        shape = getattr(argument, "shape", ())
        if len(shape) == 0:
            raise Refused(f"batched {self.calls.name_of(place)}: is {type(argument).__name__}; allowed: arrays with an axis of rows "
                          "in front")
        return int(shape[0])

    def _take_lengths(self, lengths, keys):
        self.lengths, self.keys, self.slots = None, {}, 0
        if lengths is None and keys is None:
            return
        if lengths is None or not keys:
            raise Refused("keys, lengths: allowed: both, the axis of keys in each argument that has one, {\"k\": 1, \"v\": 1}, "
                          "and the name of the argument with the number of keys of each row; or neither, as of pages, whose "
                          "keys lie along no axis")
        self.length_place = self.calls.place_of("lengths", lengths)
        if self.length_place not in self.places:
            raise Refused(f"lengths {lengths!r}: allowed: an argument that is batched")
        values = view_of("lengths", self.calls.argument(self.length_place)).numpy()
        if values.shape != (self.rows,) or values.dtype.kind not in "iu":
            raise Refused(f"lengths {lengths!r}: is {values.dtype} {list(values.shape)}; allowed: whole numbers [{self.rows}]")
        self.lengths = [int(value) for value in values]
        for name, axis in dict(keys).items():
            place = self.calls.place_of("keys", name)
            shape = getattr(self.calls.argument(place), "shape", ())
            if place not in self.places or not is_whole(axis, 1, len(shape) - 1):
                raise Refused(f"keys {name!r}: {axis!r}; allowed: an axis of a batched argument, 1 to {len(shape) - 1}")
            self.keys[place] = int(axis)
        slots = {int(self.calls.argument(place).shape[axis]) for place, axis in self.keys.items()}
        self.slots = max(slots)
        if len(slots) > 1 or not all(0 <= length <= self.slots for length in self.lengths):
            raise Refused(f"lengths {self.lengths}: allowed: 0 to the number of slots, of {sorted(slots)}")

    def empty(self, whole):
        """Rows without keys, as rows_without_keys has them."""
        empty, none = self.calls.empty(whole)
        if self.lengths is not None:
            empty.setdefault(self.rows, set()).update(row for row in range(self.rows) if self.lengths[row] == 0)
        return empty, none or (self.lengths is not None and not any(self.lengths))

    # ---- changes ----

    def of_rows(self, rows):
        """The arguments of a batch of these rows."""
        return {place: _take(self.calls.argument(place), rows) for place in self.places}

    def _with_slots(self, rows, slots, lengths):
        """The same with so many slots for keys, those of the batch again and again, and these lengths."""
        changed = self.of_rows(rows)
        for place, axis in self.keys.items():
            changed[place] = _take(changed[place], [slot % self.slots for slot in range(slots)], axis)
        changed[self.length_place] = _like(self.calls.argument(self.length_place), lengths)
        return changed

    def changes(self):
        """(what is done, rows of the batch, the arguments, of how many of the rows results are looked at)"""
        every, count = list(range(self.rows)), self.rows
        alone = every if count <= ROWS_ALONE else [i * (count - 1) // (ROWS_ALONE - 1) for i in range(ROWS_ALONE)]
        for row in alone if count > 1 else ():
            yield "alone", [row], self.of_rows([row]), 1
        if count > 1:
            yield "in reverse order", every[::-1], self.of_rows(every[::-1]), count
        if count > 2:
            yield "each a row further", every[-1:] + every[:-1], self.of_rows(every[-1:] + every[:-1]), count
            yield "in the first half of the batch", every[:count // 2], self.of_rows(every[:count // 2]), count // 2
        yield "in a batch of all rows twice", every * 2, self.of_rows(every * 2), 2 * count
        if self.lengths is None or self.slots == 0:
            return
        for row in alone:
            if 0 < self.lengths[row] < self.slots:
                length = self.lengths[row]
                yield "alone, without slots behind its keys", [row], self._with_slots([row], length, [length]), 1
        longest = max(every, key=lambda row: self.lengths[row])
        more = 2 * self.slots
        yield "with more slots behind its keys", every, self._with_slots(every, more, self.lengths), count
        yield f"beside a row of {more} keys", every, self._with_slots(every + [longest], more, self.lengths + [more]), count


def _rows_that_differ(base, again, rows, axes, words):
    """Rows of the batch whose results are unlike, and of the first one what is."""
    found, first = [], ""
    for place, row in enumerate(rows):
        for key, array in base.items():
            text = _difference(key, array[row], again[key][place], axes, words, row)
            if text:
                found.append(row)
                first = first or text
                break
    return sorted(set(found)), first


def _check_rows(outputs, rows, name):
    for key, array in outputs.items():
        if array.ndim == 0 or array.shape[0] != rows:
            raise Refused(f"{name}: returned {key} of {list(array.shape)} for {rows} rows; allowed: outputs with the rows "
                          "along their first axis")


def assert_batch_invariant(function, *args, batched=None, lengths=None, keys=None, axes=AXES, **kwargs):
    """
    Raises an AssertionError unless a row of a batch has the same bits whatever else is in the batch: alone, among all others,
    in another order and place, among half and twice as many, and, with lengths and keys, beside longer companions.

        assert_batch_invariant(decode, q, k, v, seq_lens, scale=0.1, lengths="seq_lens", keys={"k": 1, "v": 1})

    The function is called with rows taken from its arguments, and returns an array, or several, with a row for each. NaN, and
    what does not depend on them, show nothing, as in assert_deterministic.

    batched     names, or places, of arguments with a row for each of the batch along their first axis (all arrays and lists
                that are given without a name)
    lengths     the one with the number of keys of each row, with
    keys        the axis of keys in each argument that has one: what stands behind a row's keys may then not matter, nor how
                many there are
    axes        what axes of outputs with so many axes are called in the message
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    calls, axes = _Calls(function, args, kwargs), tuple(axes)
    batch = _Batch(calls, batched, lengths, keys)
    every = list(range(batch.rows))
    whole = batch.of_rows(every)
    base = calls(whole)
    _check_rows(base, batch.rows, calls.name)
    empty, none = batch.empty(whole)
    check_numbers(calls.name, base, empty)
    _need_determinism(calls, axes, base, whole)
    found = {}  # {what was done: (rows that differ, how the first one does)}
    for what, rows, changed, looked_at in batch.changes():
        again = calls(changed)
        _check_rows(again, len(changed[batch.places[0]]), calls.name)
        differing, text = _rows_that_differ(base, again, rows[:looked_at], axes, ("in the batch", what))
        before = found.get(what, ([], ""))
        found[what] = (before[0] + differing, before[1] or text)
    wrong = [what for what, (rows, _) in found.items() if rows]
    if wrong:
        lines = [f"{calls.name} is not batch invariant: bits of a row depend on the rest of its batch of {batch.rows}"]
        lines.append(found[wrong[0]][1])
        for what, (rows, _) in found.items():
            several = f"rows {', '.join(map(str, rows))}" if len(rows) > 1 else f"row {rows[0]}" if rows else ""
            lines.append(f"    {what}: {several + ' differ' + ('s' if len(rows) == 1 else '') if rows else 'the same bits'}")
        raise AssertionError("\n".join(lines))
    check_dependence(calls, base, whole, empty, none)


# ---- splits --------------------------------------------------------------------------------------------------------

def assert_split_invariant(function, *args, splits, axes=AXES, **kwargs):
    """
    Raises an AssertionError unless the function returns the same bits however its work is cut: with each of the values of an
    argument that is to change no result. NaN, and what is the same for all inputs, show nothing, as in assert_deterministic.

        assert_split_invariant(decode, q, k, v, scale=0.1, splits={"num_splits": [1, 2, 4, 8]})

    splits  values of such arguments by names, two or more of each; one is changed at a time, the others have their first value
    axes    what axes of outputs with so many axes are called in the message
    """
    __tracebackhide__ = True  # pytest shows the line that calls
    calls, axes = _Calls(function, args, kwargs), tuple(axes)
    splits = {name: list(values) for name, values in dict(splits).items()}
    if not splits or any(len(set(map(repr, values))) < 2 or not isinstance(name, str) for name, values in splits.items()):
        raise Refused(f"splits {splits!r}: allowed: {{\"num_splits\": [1, 2, 4]}}, two or more values of an argument")
    first = {name: values[0] for name, values in splits.items()}
    empty, none = calls.empty(first)
    base = calls(first)
    check_numbers(calls.name, base, empty)
    _need_determinism(calls, axes, base, first)
    lines = []
    for name, values in splits.items():
        for value in values[1:]:
            words = f"with {name}={values[0]!r}", f"with {name}={value!r}"
            text = _compare(base, calls({**first, name: value}), axes, words)
            lines += [text] if text else []
    if lines:
        raise AssertionError("\n".join([f"{calls.name} is not split invariant: bits depend on how its work is cut"] + lines))
    check_dependence(calls, base, calls.arguments(first), empty, none, but=first)
