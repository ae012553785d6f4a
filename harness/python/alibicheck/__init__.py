"""
alibicheck: is the output of an attention kernel right?

    import alibicheck
    alibicheck.assert_attention(out, q=q, k=k, v=v, layout="NHD", scale="rsqrt", slopes="bloom")

computes the exact result of the tensors that the kernel was given, and says how far out is off, where, and of what.
"""
from ._check import KernelReport, assert_kernel, check_kernel
from ._judge import Truth, Verdict, assert_attention, judge, truth
from ._kernel import serve
from ._library import Refused, version
from ._same_bits import assert_batch_invariant, assert_deterministic, assert_split_invariant
from ._tolerance import tolerance

__all__ = ["KernelReport", "Refused", "Truth", "Verdict", "assert_attention", "assert_batch_invariant", "assert_deterministic",
           "assert_kernel", "assert_split_invariant", "check_kernel", "judge", "serve", "tolerance", "truth",
           "version"]
__version__ = version()
