"""ggml on the CPU. q is rounded to f16 inside, and out, which is f32, is compared as f16."""
import os
import sys

from problem import F16, main

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import ggml_library


def flash(problem):
    if problem.dtype != "f16":
        raise NotImplementedError("ggml's cache here is f16")
    return ggml_library.flash(problem.q, problem.k, problem.v, problem.scale).astype(F16)


main({"ggml-flash": flash}, ggml_library.versions())
