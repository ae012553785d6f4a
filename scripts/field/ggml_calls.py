"""ggml on the CPU. Its out is f32, and is rounded here, to the dtype of q."""
import os
import sys

from calls import OWN_SLOPES, Call

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from ggml_library import flash as run, versions


def flash(q, k, v, *, slopes, scale, mask=None):
    """Its slopes are those of max_bias 8."""
    return run(q, k, v, scale, mask).astype(q.dtype)


CALLS = {"ggml-flash": Call("ggml, `ggml_flash_attn_ext`", flash, settings=("slopes=hf",),
                            where=OWN_SLOPES)}
