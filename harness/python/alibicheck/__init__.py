"""
alibicheck: is the output of an attention kernel right?

    import alibicheck
    alibicheck.assert_attention(out, q=q, k=k, v=v, layout="NHD", scale="rsqrt", slopes="bloom")

computes the exact result of the tensors that the kernel was given, and says how far out is off, where, and of what.
"""
from ._judge import Truth, Verdict, assert_attention, judge, truth
from ._library import Refused, version

__all__ = ["Refused", "Truth", "Verdict", "assert_attention", "judge", "truth", "version"]
__version__ = version()
