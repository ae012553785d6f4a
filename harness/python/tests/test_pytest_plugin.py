"""The plug-in: its fixture, and the line at the end of a run."""
import json
import os
import subprocess

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


KERNELS = f"""
import sys
sys.path.insert(0, {HERE!r})
import alibicheck
from kernels import decode, wrong_sign

CASE = dict(cases="case.yaml", oracles="none")

def test_wrong_kernel():
    alibicheck.assert_kernel(wrong_sign, **CASE)

def test_right_kernel():
    alibicheck.assert_kernel(decode, **CASE)
"""


@pytest.mark.parametrize("option, end", [("bundles", ""), ("bundles-without-kv", ".without-kv"), ("private-bundles", ".private")])
def test_bundles_of_kernels(pytester, run, option, end):
    (pytester.path / "case.yaml").write_text("case: a\nseq_len: 100\nnum_heads: 2\nhead_dim: 64\ndtype: f16\n")
    pytester.makepyfile(test_kernel=KERNELS)
    result = run(f"--alibicheck-{option}", "kept")
    result.assert_outcomes(passed=1, failed=1)
    folder = f"{pytester.path}/kept/test_kernel.py_test_wrong_kernel-1{end}"
    result.stdout.fnmatch_lines([f"E *what failed is kept in {folder}; to judge it again: alibicheck judge {folder}/*.safetensors"])
    assert [str(path) for path in (pytester.path / "kept").iterdir()] == [folder]
    assert len(list((pytester.path / "kept" / os.path.basename(folder)).iterdir())) == 1


def test_a_bundle_in_a_folder_whose_name_has_a_blank(pytester, run):
    """What a message says to a shell the shell takes."""
    (pytester.path / "case.yaml").write_text("case: a\nseq_len: 100\nnum_heads: 2\nhead_dim: 64\ndtype: f16\n")
    pytester.makepyfile(test_kernel=KERNELS)
    result = run("--alibicheck-bundles", "kept here")
    file, = (pytester.path / "kept here").glob("*/*.safetensors")
    result.stdout.fnmatch_lines(["E *AssertionError: kernel wrong_sign: 1 of 1 points not as expected: wrong-slope 1",
                                 f"E *; to judge it again: alibicheck judge '{file}'"])


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


def test_a_bundle_of_a_test_with_a_long_name(pytester, run):
    """Of characters of two bytes each: a file's name has 255 bytes at most."""
    name = "test_" + "ж" * 140
    pytester.makepyfile(test_kernel=TEST.replace("test_wrong", name))
    result = run("--alibicheck-bundles", "kept")
    result.assert_outcomes(passed=2, failed=1)
    kept = os.listdir(pytester.path / "kept")
    assert len(kept) == 1 and kept[0].startswith("ж" * 70) and len(kept[0].encode()) < 236, kept


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


def records_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "xdist"])
def test_records_of_what_is_judged(pytester, run, program, workers):
    """Points of the test in which they were judged, as `report` and `compare` take them; a file that was there is replaced."""
    if workers:
        pytest.importorskip("xdist")
    pytester.makepyfile(test_kernel=TEST + """
def test_two(alibicheck):
    import numpy
    for seed in 1, 2:
        out, arguments = Problem("f16", seed=seed).one()
        alibicheck.judge(out, **arguments)
    batch = Problem("f16", lengths=(9, 9))
    q, k, v, out = (numpy.stack(arrays) for arrays in (batch.q, batch.k, batch.v, batch.out))
    alibicheck.judge(out, q=q, k=k, v=v, layout="BSHD", **batch.facts())
""")
    (pytester.path / "records.jsonl").write_text("what was there\n")
    run("--alibicheck-results", "records.jsonl", *workers)
    records = records_of(pytester.path / "records.jsonl")
    assert sorted((record["key"].split(":seq_len")[0], record["status"]) for record in records) == [
        ("test_kernel.py::test_right#1", "pass"), ("test_kernel.py::test_two#1", "pass"), ("test_kernel.py::test_two#2", "pass"),
        ("test_kernel.py::test_two#3", "pass"), ("test_kernel.py::test_two#3", "pass"),
        ("test_kernel.py::test_without_the_fixture#1", "pass"), ("test_kernel.py::test_wrong#1", "fail")]
    assert {record["case"] for record in records if "test_two" in record["key"]} == {"test_kernel.py::test_two"}
    again = subprocess.run([program, "compare", "base.jsonl", "records.jsonl", "--update-baseline", "--known-failure", "link", "--expires",
                            "2999-01-01", "--reason", "a test"], cwd=pytester.path, capture_output=True, text=True, check=False)
    assert again.returncode == 0 and "7 added" in again.stderr, again.stderr
    page = subprocess.run([program, "report", "records.jsonl", "--format", "markdown"], cwd=pytester.path, capture_output=True, text=True,
                          check=False)
    assert page.returncode == 0 and "1 of 7 points did not end as its case expects" in page.stdout, page.stdout + page.stderr


def test_records_that_cannot_be_kept(pytester, run):
    pytester.makepyfile(test_kernel=TEST + """
def test_without_room(alibicheck):
    import resource
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    out, arguments = Problem("f16").one()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        verdict = alibicheck.judge(out, **arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert verdict
""")
    result = run("--alibicheck-results", "absent/records.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.stderr.lines if line] == [
        "ERROR: --alibicheck-results absent/records.jsonl: cannot be written: No such file or directory"]
    result = run("--alibicheck-results", "records.jsonl", "-k", "without_room")
    result.assert_outcomes(passed=1, deselected=3)
    result.stdout.fnmatch_lines(["alibicheck: * has not the records of all of them: File too large"])


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
