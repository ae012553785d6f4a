"""Whether the bits of outputs show anything: that they are numbers, and other ones where what a function is given is."""
import inspect
import warnings

import numpy as np

from ._library import Refused
from ._tensor import bits_of, view_of


# ---- numbers -------------------------------------------------------------------------------------------------------

def nan_in(array):
    """Where an array of NumPy's has no number."""
    with np.errstate(invalid="ignore"):  # NaN that signals
        return np.zeros(array.shape, np.bool_) if array.dtype.kind in "biu" else np.isnan(array.astype(np.float64))


def _is_array(value):
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _is_lengths(name, value):
    """Whether an argument says how many keys there are: whole numbers of a name like seq_lens."""
    if "len" not in str(name).lower() or isinstance(value, bool):
        return False
    try:
        return view_of("lengths", value).dtype.startswith(("int", "uint"))
    except Refused:
        return False


def rows_without_keys(arguments):
    """{how many rows there are: which of them have no keys}, as far as arguments say it, and whether none has any. Of
    arguments there are (name, value)."""
    rows, none = {}, False
    for name, value in arguments:
        none = none or (_is_array(value) and 0 in tuple(value.shape))
        if _is_lengths(name, value):
            lengths = view_of("lengths", value).numpy()
            none = none or not lengths.any()
            if lengths.ndim == 1:
                rows.setdefault(lengths.size, set()).update(np.flatnonzero(lengths == 0).tolist())
    return rows, none


def _with_keys(array, empty):
    """The rows of an output that have keys."""
    without = empty.get(array.shape[0], set()) if array.ndim else set()
    return np.delete(array, sorted(without), 0) if without else array


def check_numbers(name, outputs, empty):
    """Raises an AssertionError where an output is NaN in a row that has keys, or the first one has nothing that is finite:
    NaN are like each other, and show nothing."""
    for place, (key, array) in enumerate(outputs.items()):
        if array.dtype.kind in "biu":
            continue
        looked_at = _with_keys(array, empty)
        nan = nan_in(looked_at)
        if nan.any():
            index = [int(i) for i in np.unravel_index(int(np.argmax(nan)), nan.shape)]
            rows = "" if looked_at is array else " of the rows with keys"
            raise AssertionError(f"{name} returns NaN, which shows nothing: {int(nan.sum())} of {nan.size} elements of "
                                 f"{key}{rows} are NaN{f', the first at {index}' if rows == '' and index else ''}")
        if place == 0 and looked_at.size and np.isinf(looked_at.astype(np.float64)).all():
            raise AssertionError(f"{name} returns infinities, which show nothing: each element of {key} is one")


# ---- other inputs --------------------------------------------------------------------------------------------------

# A function may be even, or not see a factor: its output is another one after one of these.
WAYS = (lambda value: -value, lambda value: value * 0.5)


def _other_array(value, way):
    kind = value.dtype.kind if isinstance(value.dtype, np.dtype) else ""
    if 0 in tuple(value.shape) or not (kind == "f" or "float" in str(value.dtype)):
        return None
    try:
        made = way(value) if np.any(view_of("array", value).numpy() != 0) else value + 1
    except Exception:  # pylint: disable=broad-except  # of any library: it is left as it is
        return None
    is_like = _is_array(made) and made.dtype == value.dtype and tuple(made.shape) == tuple(value.shape)
    return made if is_like else None


def _other(value, way):
    """The same with other floating-point numbers, None where it has none."""
    if isinstance(value, float) and not _is_array(value):
        return way(value) or 1.0
    if isinstance(value, dict):
        others = {key: _other(item, way) for key, item in value.items()}
        found = any(item is not None for item in others.values())
        return {key: value[key] if item is None else item for key, item in others.items()} if found else None
    if type(value) in (list, tuple):
        others = [_other(item, way) for item in value]
        found = any(item is not None for item in others)
        return type(value)(value[i] if item is None else item for i, item in enumerate(others)) if found else None
    return _other_array(value, way) if _is_array(value) else None


def _copied(value):
    """A copy, so that what a function writes to changes nothing of the caller's."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    copy = getattr(value, "clone", None) or getattr(value, "copy", None)
    return copy() if _is_array(value) and callable(copy) else value


def _numbers_of(value):
    """Of an array, as it is now."""
    return np.array(view_of("array", value).numpy()) if _is_array(value) else None


def _same(one, other):
    """Whether two arrays have the same numbers: -0 is 0, since a product with 0 has the sign of what it does not show."""
    return one.shape == other.shape and one.dtype == other.dtype and \
        bool(((one == other) | (bits_of(one) == bits_of(other)) | (nan_in(one) & nan_in(other))).all())


def _answers_otherwise(calls, base, arguments, places, way):
    """Whether other numbers in these places make another output; None if the function does not take them."""
    changed = {place: _other(value, way) if place in places else None for place, value in arguments.items()}
    if all(changed[place] is None for place in places):
        return None
    changed = {place: _copied(arguments[place]) if value is None else value for place, value in changed.items()}
    before = {place: _numbers_of(changed[place]) for place in places}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            again = calls(changed)
    except Exception:  # pylint: disable=broad-except  # it may look at what it is given
        return None
    key = next(iter(base))
    if key not in again or _same(base[key], again[key]):
        return False
    # A place for outputs that it has not written to is what it was given.
    return not any(numbers is not None and _same(numbers, again[key]) and calls.returns(changed[place])
                   for place, numbers in before.items())


def check_dependence(calls, base, arguments, empty, may_be_constant, but=()):
    """
    Raises an AssertionError if the first output is the same whatever the function is given: a constant has the same bits in
    every run, in every batch, however its work is cut.

    calls       a function with its arguments (_same_bits), of which a run made the outputs base
    arguments   {place: value} of that run, whose floating-point numbers are changed: all of them, then each alone, in each
                of the ways, until the output changes
    empty, may_be_constant      of rows_without_keys
    but         places of what is to change nothing
    """
    key, array = next(iter(base.items()))
    if may_be_constant and array.dtype.kind not in "biu" and not np.any(np.isfinite(array.astype(np.float64)) & (array != 0)):
        return  # as of rows without keys: 0, or what is no number
    places = [place for place, value in arguments.items()
              if place not in but and any(_other(value, way) is not None for way in WAYS)]
    # A factor that is used alone, as scale may be, is no input: arrays are, where there are some.
    places = [place for place in places if not isinstance(arguments[place], float) or _is_array(arguments[place])] or places
    answers = []
    for way in WAYS if places else ():
        for some in [places] + ([[place] for place in places] if len(places) > 1 else []):
            answers.append(_answers_otherwise(calls, base, arguments, some, way))
            if answers[-1]:
                return
    if False in answers:
        said = ", ".join(f"argument {place}" if isinstance(place, int) else place for place in places)
        raise AssertionError(f"{calls.name} returns the same for other inputs, which shows nothing: {key} has the same numbers "
                             f"where those of {said} are changed")
    # Nothing that can be changed from here, as of what the function keeps itself.
    looked_at = _with_keys(array, empty)
    numbers = looked_at.reshape(-1)
    if looked_at.dtype.kind not in "biu" and numbers.size > 1 and (numbers == numbers[0]).all():
        raise AssertionError(f"{calls.name} returns one number throughout, which shows nothing: each of the {numbers.size} "
                             f"elements of {key} is {float(numbers[0]):.9g}")


def named_arguments(function, args, kwargs):
    """(name, value) of each argument; without a name where the function does not say it."""
    try:
        names = [p.name for p in inspect.signature(function).parameters.values()
                 if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        names = []
    return [*zip([*names, *[""] * len(args)], args), *kwargs.items()]
