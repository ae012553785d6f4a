"""The plug-in: its fixture, and the line at the end of a run."""
import os

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TEST = f"""
import sys
sys.path.insert(0, {HERE!r})
from problem import Problem

def test_right(alibicheck):
    out, arguments = Problem("f16").one()
    alibicheck.assert_attention(out, **arguments)

def test_wrong(alibicheck):
    out, arguments = Problem("f16").one()
    alibicheck.assert_attention(out * 2, **arguments)

def test_without_the_fixture():
    import alibicheck
    out, arguments = Problem("bf16").one()
    assert alibicheck.judge(out, **arguments)
"""


@pytest.fixture
def run(pytester):
    # Installed, it is found by its entry point.
    options = [] if "alibicheck_pytest" in _entry_points() else ["-p", "alibicheck_pytest"]
    pytester.plugins = []
    return lambda *words: pytester.runpytest_subprocess(*options, *words)


def _entry_points():
    from importlib import metadata
    found = metadata.entry_points()
    found = found.select(group="pytest11") if hasattr(found, "select") else found.get("pytest11", ())
    return [point.value for point in found]


def test_the_fixture_and_the_line(pytester, run):
    pytester.makepyfile(test_kernel=TEST)
    result = run()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["E *AssertionError: attention output*", "E *wrong: * elements of out are further than *",
                                 "E *cause: *", "alibicheck: 3 outputs judged, 1 wrong; the others at most 0.*ulp of *16, in "
                                 "test_kernel.py::test_*"])


def test_a_run_that_judges_nothing_says_nothing_and_loads_nothing(pytester, run):
    pytester.makepyfile("import sys\ndef test_it():\n    assert 'alibicheck' not in sys.modules\n")
    result = run()
    result.assert_outcomes(passed=1)
    assert "alibicheck:" not in str(result.stdout)


def test_with_xdist(pytester, run):
    pytest.importorskip("xdist")
    pytester.makepyfile(test_kernel=TEST)
    result = run("-n", "2")
    result.stdout.fnmatch_lines(["alibicheck: 3 outputs judged, 1 wrong; *"])


def test_bundles_of_what_is_wrong(pytester, run):
    pytester.makepyfile(test_kernel=TEST)
    result = run("--alibicheck-bundles", "kept")
    result.stdout.fnmatch_lines(["E *to judge it again: alibicheck judge kept/test_kernel.py_test_wrong-1.safetensors"])
    assert [path.name for path in (pytester.path / "kept").iterdir()] == ["test_kernel.py_test_wrong-1.safetensors"]


def test_a_bundle_is_of_one_test(pytester, run):
    """Whatever tests are called, and wherever they go: another one's is not written over it."""
    pytester.makepyfile(test_kernel=TEST + """
import pytest

@pytest.mark.parametrize("what", ["a b", "a_b", "a/b", "x" * 200 + "1", "y" * 60 + "x" * 140 + "1"])
def test_of_parameters(alibicheck, what, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    out, arguments = Problem("f16").one()
    alibicheck.assert_attention(out * 2, **arguments)
""")
    result = run("--alibicheck-bundles", "kept")
    result.assert_outcomes(passed=2, failed=6)
    result.stdout.fnmatch_lines(
        [f"E *to judge it again: alibicheck judge {pytester.path}/kept/test_kernel.py_test_of_parameters_a_b_-1.safetensors"])
    assert len(list((pytester.path / "kept").iterdir())) == 6


def test_bundles_that_cannot_be_kept(pytester, run):
    pytester.makepyfile(test_kernel=TEST)
    (pytester.path / "file").write_text("")
    result = run("--alibicheck-bundles", "file/kept")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.stderr.lines if line] == ["ERROR: --alibicheck-bundles file/kept: no such folder can be made: Not a directory"]


def test_a_bundle_that_cannot_be_written_does_not_hide_what_is_wrong(pytester, run):
    pytester.makepyfile(test_kernel=TEST + """
def test_without_room(alibicheck):
    import resource
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    out, arguments = Problem("f16").one()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        verdict = alibicheck.judge(out * 2, **arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not verdict and verdict.sequences[0].bundle is None
    assert verdict, str(verdict)
""")
    result = run("--alibicheck-bundles", "kept", "-k", "without_room")
    result.assert_outcomes(failed=1, deselected=3)
    result.stdout.fnmatch_lines(["E *wrong: * elements of out are further than *", "E *no bundle was written: * File too large",
                                 "alibicheck: 1 outputs judged, 1 wrong"])
    assert "to judge it again" not in str(result.stdout) and not list((pytester.path / "kept").iterdir())


def test_bundles_without_kv(pytester, run):
    pytester.makepyfile(test_kernel=TEST)
    result = run("--alibicheck-bundles-without-kv", "kept")
    name = "test_kernel.py_test_wrong-1.without-kv.safetensors"
    result.stdout.fnmatch_lines([f"E *to judge it again: alibicheck judge kept/{name}"])
    assert [path.name for path in (pytester.path / "kept").iterdir()] == [name]
    result = run("--alibicheck-bundles-without-kv", "kept", "--alibicheck-bundles", "kept")
    assert "--alibicheck-bundles, --alibicheck-bundles-without-kv: allowed: one of them" in str(result.stderr)


def test_private_bundles(pytester, run):
    pytester.makepyfile(test_kernel=TEST)
    result = run("--alibicheck-private-bundles", "kept")
    name = "test_kernel.py_test_wrong-1.private.safetensors"
    result.stdout.fnmatch_lines([f"E *to judge it again: alibicheck judge kept/{name}"])
    assert [path.name for path in (pytester.path / "kept").iterdir()] == [name]
    result = run("--alibicheck-private-bundles", "kept", "--alibicheck-bundles", "kept")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.stderr.lines if line] == ["ERROR: --alibicheck-bundles, --alibicheck-private-bundles: allowed: one of them"]
