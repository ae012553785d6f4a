"""
Makes the wheel of the package alibicheck (PEP 517), with libalibicheck.so.0, the program and its cases inside. It takes
Python's standard library alone.

Library and program are those of $ALIBICHECK_BUILD, or of the checkout's build: `make` makes them, and what they are linked
with is the machine's. $ALIBICHECK_PROGRAM names another program; without one check_kernel and tolerance take that on PATH.
`make wheel` takes both as they need nothing but glibc 2.28, with MPFR and GMP beside the library; $ALIBICHECK_TAG then says
so.
"""
import base64
import hashlib
import os
import re
import sysconfig
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LIBRARY = "libalibicheck.so.0"
TIME = (2026, 1, 1, 0, 0, 0)  # of every file: the same sources, the same wheel


def _version():
    with open(os.path.join(ROOT, "config.mk"), encoding="utf-8") as file:
        return re.search(r"^VERSION := (\S+)$", file.read(), re.M)[1]


def _library():
    folder = os.environ.get("ALIBICHECK_BUILD") or os.path.join(ROOT, "build")
    path = os.path.join(folder, LIBRARY)
    if not os.path.exists(path):
        raise SystemExit(f"{path}: is not there; `make library` in {ROOT} makes it ($ALIBICHECK_BUILD names another "
                         "folder)")
    return path


def _program():
    """Its path; None where there is none."""
    named = os.environ.get("ALIBICHECK_PROGRAM")
    path = named or os.path.join(os.path.dirname(_library()), "alibicheck")
    if named and not os.path.isfile(path):
        raise SystemExit(f"$ALIBICHECK_PROGRAM {path}: is not there")
    return path if os.path.isfile(path) else None


def _cases():
    """Files of the shipped cases, as {path below cases: content}."""
    top = os.path.join(ROOT, "cases")
    paths = [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    return {os.path.relpath(path, top): _read(path) for path in sorted(paths)}


def _tag():
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    return "py3-none-" + os.environ.get("ALIBICHECK_TAG", platform)


def _texts():
    """Files of the folder of metadata."""
    version = _version()
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as file:
        readme = file.read()
    return {
        "METADATA": f"""Metadata-Version: 2.1
Name: alibicheck
Version: {version}
Summary: Judges outputs of attention kernels with ALiBi against the exact result
Requires-Python: >=3.9
Classifier: Typing :: Typed
Requires-Dist: numpy>=1.24
Requires-Dist: ml_dtypes>=0.4
Description-Content-Type: text/markdown

{readme}""",
        "WHEEL": f"Wheel-Version: 1.0\nGenerator: alibicheck\nRoot-Is-Purelib: false\nTag: {_tag()}\n",
        "entry_points.txt": "[console_scripts]\nalibicheck = alibicheck.__main__:main\n\n[pytest11]\nalibicheck = alibicheck_pytest\n",
    }


def _add(wheel, rows, name, content, mode=0o644):
    info = zipfile.ZipInfo(name, TIME)
    info.external_attr = (0o100000 | mode) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    wheel.writestr(info, content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    rows.append(f"{name},sha256={digest},{len(content)}")


def _write(folder, contents):
    """A wheel with these files, as {name: (content, mode)}."""
    info = f"alibicheck-{_version()}.dist-info"
    name = f"alibicheck-{_version()}-{_tag()}.whl"
    rows = []
    os.makedirs(folder, exist_ok=True)
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, (content, mode) in contents.items():
            _add(wheel, rows, path, content, mode)
        for path, text in _texts().items():
            _add(wheel, rows, f"{info}/{path}", text.encode())
        _add(wheel, [], f"{info}/RECORD", "".join(f"{row}\n" for row in rows + [f"{info}/RECORD,,"]).encode())
    return name


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 517."""
    del config_settings, metadata_directory
    package = os.path.join(HERE, "alibicheck")
    contents = {f"alibicheck/{name}": (_read(os.path.join(package, name)), 0o644)
                for name in sorted(os.listdir(package)) if name.endswith((".py", ".pyi", ".typed"))}
    contents["alibicheck_pytest.py"] = (_read(os.path.join(HERE, "alibicheck_pytest.py")), 0o644)
    folder = os.path.dirname(_library())
    libraries = [LIBRARY] + [name for name in sorted(os.listdir(folder)) if "-alibicheck.so." in name]
    contents.update({f"alibicheck/lib/{name}": (_read(os.path.join(folder, name)), 0o755) for name in libraries})
    if _program():  # as PREFIX/bin/alibicheck, which finds its cases from there
        contents["alibicheck/bin/alibicheck"] = (_read(_program()), 0o755)
        contents.update({f"alibicheck/share/alibicheck/cases/{path}": (content, 0o644) for path, content in _cases().items()})
    return _write(wheel_directory, contents)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """PEP 660: the package is that of the checkout, and so is the library, which lib/ in it then points to."""
    del config_settings, metadata_directory
    link = os.path.join(HERE, "alibicheck", "lib", LIBRARY)
    os.makedirs(os.path.dirname(link), exist_ok=True)
    if os.path.lexists(link):
        os.remove(link)
    os.symlink(os.path.abspath(_library()), link)
    return _write(wheel_directory, {"alibicheck.pth": (HERE.encode() + b"\n", 0o644)})


def build_sdist(sdist_directory, config_settings=None):
    """PEP 517; there is none."""
    raise SystemExit("alibicheck is built from a checkout: there is no source distribution")
