"""`pip install ./harness/python`: the package as it is installed, with its library, its program and the shipped cases."""
import inspect
import os
import re
import subprocess
import sys

import alibicheck
import manual
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(PACKAGE))
USE = """
import os, sys
import alibicheck, numpy
from kernels import decode
assert os.path.dirname(alibicheck.__file__) == os.path.join(sys.argv[1], "alibicheck"), alibicheck.__file__
draw = numpy.random.default_rng(1)
q, k, v = (draw.standard_normal(shape).astype(numpy.float16) for shape in ((4, 64), (50, 2, 64), (50, 2, 64)))
truth = alibicheck.truth(q=q, k=k, v=v, layout="NHD", scale="rsqrt", slopes="bloom")
alibicheck.assert_attention(truth.value[0].astype("f2"), q=q, k=k, v=v, layout="NHD", scale="rsqrt", slopes="bloom")
report = alibicheck.check_kernel(decode, "tolerances/alibi-decode", set={"seq_len": 64})
assert report.records and report.passed, str(report)
print(len(report.records), alibicheck.tolerance("tolerances/alibi-decode", set={"seq_len": 100}, seeds=0)[0]["class"])
"""


def test_the_program_is_a_command(installed):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ALIBICHECK")}
    environment["PYTHONPATH"] = str(installed)
    for command in ([sys.executable, "-m", "alibicheck"], [os.path.join(installed, "bin", "alibicheck")]):
        done = subprocess.run([*command, "list", "keys"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "seq_len" in done.stdout, done.stderr
        done = subprocess.run([*command, "run"], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.startswith("alibicheck run: "), done.stderr


def test_a_command_that_finds_itself_says_so(installed, tmp_path):
    command = os.path.join(installed, "bin", "alibicheck")
    package = os.path.join(installed, "alibicheck")
    moved = os.path.join(tmp_path, "alibicheck")
    os.rename(os.path.join(package, "bin", "alibicheck"), moved)
    try:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ALIBICHECK")}
        environment.update(PYTHONPATH=str(installed), PATH=os.path.dirname(command) + os.pathsep + os.environ["PATH"])
        done = subprocess.run([command, "--version"], env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2 and "allowed: $ALIBICHECK" in done.stderr, done.stderr
    finally:
        os.rename(moved, os.path.join(package, "bin", "alibicheck"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    library = os.environ.get("ALIBICHECK_LIBRARY")
    if not library:
        pytest.skip("no $ALIBICHECK_LIBRARY says what is installed")
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("no pip")
    folder = tmp_path_factory.mktemp("installed")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", folder,
         PACKAGE], env={**os.environ, "ALIBICHECK_BUILD": os.path.dirname(os.path.abspath(library))}, capture_output=True,
        text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_what_is_installed(installed):
    program = installed / "alibicheck" / "bin" / "alibicheck"
    assert os.access(program, os.X_OK) and (installed / "alibicheck" / "lib" / "libalibicheck.so.0").exists()
    assert (installed / "alibicheck" / "share" / "alibicheck" / "cases" / "seed").is_dir()
    assert (installed / "alibicheck_pytest.py").exists()
    assert (installed / "alibicheck" / "__init__.pyi").exists() and (installed / "alibicheck" / "py.typed").exists()


def test_it_works_without_a_checkout(installed, tmp_path):
    """Nothing says where library and program are, and neither is on PATH."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("ALIBICHECK")}
    done = subprocess.run([sys.executable, "-c", USE, str(installed)], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={**bare, "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{installed}{os.pathsep}{HERE}"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "f32" and int(done.stdout.split()[0]) > 0


def test_the_manual_installs_it(tmp_path):
    """docs/python.md: its first commands, without `make` and without a network. Seconds, which a new environment takes."""
    library = os.environ.get("ALIBICHECK_LIBRARY")
    if not library:
        pytest.skip("no $ALIBICHECK_LIBRARY says what is installed")
    if subprocess.run(["python3", "-c", "import ensurepip"], capture_output=True, check=False).returncode:
        pytest.skip("no python3-venv")
    with open(manual.PAGE, encoding="utf-8") as file:
        shown = re.search(rf"^## Install\n\n{manual.BLOCK}", file.read(), re.M)[1]
    assert "make && " in shown
    environment = {**os.environ, "HOME": str(tmp_path), "ALIBICHECK_BUILD": os.path.dirname(os.path.abspath(library)),
                   "PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1"}
    done = subprocess.run(["sh", "-e"], input=shown.replace("make && ", ""), cwd=ROOT, env=environment, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.access(tmp_path / "venv" / "bin" / "alibicheck", os.X_OK)


def test_the_manual_names_every_argument():
    with open(manual.PAGE, encoding="utf-8") as file:
        page = file.read()
    for function in filter(inspect.isfunction, map(alibicheck.__dict__.get, alibicheck.__all__)):
        named = [name for name, parameter in inspect.signature(function).parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]
        assert not [name for name in named if not re.search(rf"\b{name}=|`{name}`", page)], function.__name__
