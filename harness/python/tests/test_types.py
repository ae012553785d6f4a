"""The types: what type checkers and editors read is what is there."""
import ast
import inspect
import os
import subprocess
import sys

import pytest
from kernels import decode
from problem import Problem

import alibicheck

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.abspath(alibicheck.__file__))
with open(os.path.join(PACKAGE, "__init__.pyi"), encoding="utf-8") as file:
    STUB = ast.parse(file.read())
DEFINED = {node.name: node for node in STUB.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
FUNCTIONS = [name for name in alibicheck.__all__ if not inspect.isclass(getattr(alibicheck, name))]

USE = """
import numpy as np
import alibicheck

q = np.zeros((8, 64), np.float16)

class Tensor:
    def __dlpack__(self, stream: object = None) -> object:
        return q.__dlpack__()

verdict = alibicheck.judge(q, q=Tensor(), k=q, v=q, layout="NHD", scale=np.float32(1), slopes=[1.0, 2], seq_lens=[1, 2],
                           block_table=[[1, 2]], mask=[True, False], soft_cap=("before_bias", 30), tolerance=(1e-3, 1e-3))
passed: bool = verdict.passed
print(verdict.record["status"], verdict.truth.value, verdict.sequences[0].record["key"], verdict.explain(row=3)["error"])
report = alibicheck.assert_kernel(lambda q, k, v: q, ["gauntlet"], set={"seq_len": [1, 2]}, head_dims=[64], oracles=None)
keys: list[str] = [record["key"] for record in report.records]
alibicheck.assert_batch_invariant(lambda q, lens: q, q, [1, 2], lengths=1, keys={0: 1}, scale=0.1)
print(alibicheck.tolerance("tolerances", atol=1e-3, rtol=1e-3)[0]["faults"])
"""
# A line each, and what is said of it.
MISUSES = [
    ("alibicheck.assert_attention(q, q=q, k=q, v=q, sm_scale=1.0)", 'Unexpected keyword argument "sm_scale"'),
    ('alibicheck.judge(q, q=q, k=q, v=q, layout="NDH")', 'Argument "layout" to "judge" has incompatible type'),
    ('alibicheck.judge(q, q=q, k=q, v=q, slopes="bloon")', 'Argument "slopes" to "judge" has incompatible type'),
    ("alibicheck.check_kernel(3)", 'Argument 1 to "check_kernel" has incompatible type "int"'),
    ("verdict.pased", '"Verdict" has no attribute "pased"')]


def parameters_of(node):
    """As inspect has them: (name, kind, default)."""
    arguments = node.args
    values = [None] * (len(arguments.args) - len(arguments.defaults)) + arguments.defaults
    found = [(arg.arg, "POSITIONAL_OR_KEYWORD", value) for arg, value in zip(arguments.args, values)]
    found += [(arguments.vararg.arg, "VAR_POSITIONAL", None)] if arguments.vararg else []
    found += [(arg.arg, "KEYWORD_ONLY", value) for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults)]
    found += [(arguments.kwarg.arg, "VAR_KEYWORD", None)] if arguments.kwarg else []
    return [(name, kind, inspect.Parameter.empty if value is None else ast.literal_eval(value)) for name, kind, value in found]


def test_all_is_typed():
    assert set(DEFINED) >= set(alibicheck.__all__)
    assert {name for name in DEFINED if not name.startswith("_")} == set(alibicheck.__all__)
    assert os.path.exists(os.path.join(PACKAGE, "py.typed"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_signature_that_is_told(name):
    there = [(parameter.name, parameter.kind.name, parameter.default)
             for parameter in inspect.signature(getattr(alibicheck, name)).parameters.values()]
    assert parameters_of(DEFINED[name]) == there


def members_of(name):
    """Of a class, {method: its node} and the names of what it holds."""
    body = DEFINED[name].body
    methods = {node.name: node for node in body if isinstance(node, ast.FunctionDef) and not node.decorator_list}
    held = [node.target.id for node in body if isinstance(node, ast.AnnAssign)]
    return methods, held + [node.name for node in body if isinstance(node, ast.FunctionDef) and node.decorator_list]


def test_objects_have_what_is_told():
    out, arguments = Problem("f16").one()
    verdict = alibicheck.judge(out, **arguments)
    report = alibicheck.check_kernel(decode, "tolerances/alibi-decode", set={"seq_len": 8}, oracles=None)
    for name, it in (("Verdict", verdict), ("_SequenceVerdict", verdict.sequences[0]), ("Truth", verdict.truth),
                     ("KernelReport", report)):
        methods, held = members_of(name)
        assert {member for member in vars(it) if not member.startswith("_")} <= set(held), name
        for member in held:
            getattr(it, member)
        for member, node in methods.items():
            there = [(parameter.name, parameter.default) for parameter in inspect.signature(getattr(it, member)).parameters.values()]
            assert [(found[0], found[2]) for found in parameters_of(node)[1:]] == there, (name, member)


def test_a_type_checker_takes_uses_and_tells_misuses(tmp_path):
    """Seconds, which mypy takes to read NumPy."""
    pytest.importorskip("mypy")
    uses = USE.strip().splitlines()
    (tmp_path / "use.py").write_text("\n".join(uses + [misuse for misuse, _ in MISUSES]) + "\n")
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "use.py"], cwd=tmp_path,
                          env={**os.environ, "MYPYPATH": os.path.dirname(PACKAGE)}, capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(errors) == len(MISUSES), done.stdout + done.stderr
    for error, (number, (_, told)) in zip(errors, enumerate(MISUSES, len(uses) + 1)):
        assert error.startswith(f"use.py:{number}: ") and told in error
