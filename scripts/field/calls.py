"""What the adapters of libraries share: a call and what it takes, and biases as tensors that are added to logits.

An adapter, NAME_calls.py, has `CALLS`, a dict of `Call` by name, and `versions()`. A call is given arrays of NumPy's, bf16
as ml_dtypes has it: q [H, D], k and v [N, Hkv, D], slopes f32 [H], mask bool [N] (True: visible) or None, and scale. It
returns out [H, D] of q's dtype. It hands over what a user of the library would: a bias in the dtype of q, unless the
library has another form of its own.
"""
import dataclasses
import functools

import ml_dtypes
import numpy as np

F16, F32, BF16 = np.float16, np.float32, ml_dtypes.bfloat16
THREADS = 1  # so that sums have one order, and other work on the machine costs no time
OWN_SLOPES = ("max_bias = 8", "head_offset = 0", "case != field-reported")  # of a call that makes them of the number of heads


@dataclasses.dataclass(frozen=True)
class Call:
    """
    `takes` is that of alibicheck.serve. `settings` and `where` are options of `alibicheck run`: what the library has
    fixed, as its own slopes, is said to the cases, and what it has no word for is left out.
    """
    about: str
    function: object
    takes: str = "f16,bf16,f32,gqa,alibi,mask"
    settings: tuple = ()
    where: tuple = ()
    bias: str = "own"  # relative, absolute; own: the library's own form
    tensors: str = "numpy"  # or torch: what the function is given


def bias_of(slopes, keys, absolute, mask=None):
    """[H, N] in f32: slope * j, or slope * (j - newest); -inf where a key is masked."""
    positions = np.arange(keys, dtype=F32) - F32(0 if absolute else keys - 1)
    bias = slopes[:, None] * positions
    return bias if mask is None else np.where(mask, bias, F32(-np.inf))


def with_forms(name, about, function, **said):
    """A call with either form of the bias: NAME, which is relative, and NAME.absolute."""
    return {name: Call(about, functools.partial(function, absolute=False), bias="relative", **said),
            f"{name}.absolute": Call(about, functools.partial(function, absolute=True), bias="absolute", **said)}


def bf16_bits(array):
    return array.view(np.uint16)
