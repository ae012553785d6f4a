"""The environments that adapters run in, of pinned packages from PyPI, made once in .packages."""
import os
import subprocess
import sys
import tarfile
import zipfile

NUMPY = ("numpy==2.4.6", "ml_dtypes==0.6.0")
LLAMA = "llama-cpp-python==0.3.36"  # whose source has ggml 0.25.3
# Wheels of kernels, and what is taken of them.
VLLM, AITER = "vllm==0.33.0", "amd-aiter==0.1.7.post2.dev18"
KERNEL_FILES = {VLLM: ("vllm/v1/attention/ops/",), AITER: ("aiter/ops/triton/",)}
PACKAGES = {
    "torch": ("torch==2.15.0", "transformers==5.24.0", *NUMPY),  # with its CUDA libraries: 5 GB
    "jax": ("jax==0.10.2", *NUMPY),
    "mlx": ("mlx==0.32.4", "mlx-cpu==0.32.4", *NUMPY),
    "onnxruntime": ("onnxruntime==1.32.0", "onnx==1.23.2", *NUMPY),
    "openvino": ("openvino==2026.4.1", *NUMPY),
    "tinygrad": ("tinygrad==0.14.0", *NUMPY),
    "numpy": NUMPY,
}
LENT = {"triton": "torch"}  # adapters that run in the environment of another
WORK = ".packages/field"


def packages_of(name):
    """What an adapter runs on: packages, and files of others."""
    return (*PACKAGES.get(LENT.get(name, name), PACKAGES["numpy"]), LLAMA, VLLM, AITER)


def quiet(command, log):
    os.makedirs(WORK, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode != 0:
            sys.exit(f"{' '.join(command)} fails; see {log}")


def python_of(name):
    """The path of an environment's Python, from the root of the project."""
    name = LENT.get(name, name if name in PACKAGES else "numpy")
    made = subprocess.run(["scripts/python-packages", f"field-{name}", *PACKAGES[name]], text=True, stdout=subprocess.PIPE)
    if made.returncode != 0:
        sys.exit(f"no environment of {' '.join(PACKAGES[name])}; see .packages/field-{name}.log")
    return os.path.relpath(os.path.join(made.stdout.strip(), "bin/python"))


def downloaded(requirement, kind):
    """The file of a package, of a kind that pip calls wheel or source; without what it depends on."""
    folder = os.path.join(WORK, requirement.replace("==", "-"))
    if not os.path.isdir(folder):
        only = ["--only-binary", ":all:"] if kind == "wheel" else ["--no-binary", requirement.split("==")[0]]
        quiet([python_of("numpy"), "-m", "pip", "download", "--no-deps", *only, "-d", folder, requirement],
              f"{WORK}/download.log")
    return os.path.join(folder, os.listdir(folder)[0])


def ggml_libraries():
    """A folder with ggml's libraries, compiled for AVX2 and F16C: its bits depend on the instructions it is given."""
    source, build = os.path.join(WORK, "llama-source"), os.path.join(WORK, "ggml-build")
    if not os.path.exists(os.path.join(build, "bin/libggml-cpu.so")):
        with tarfile.open(downloaded(LLAMA, "source")) as archive:
            archive.extractall(source)
        llama = os.path.join(source, os.listdir(source)[0], "vendor/llama.cpp")
        instructions = [f"-DGGML_{name}=ON" for name in ("AVX", "AVX2", "FMA", "F16C", "BMI2")]
        parts = [f"-DLLAMA_{name}=OFF" for name in ("CURL", "BUILD_TESTS", "BUILD_EXAMPLES", "BUILD_TOOLS", "BUILD_SERVER",
                                                    "BUILD_COMMON")]
        log = os.path.join(WORK, "ggml.log")
        quiet(["cmake", "-S", llama, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON",
               "-DGGML_NATIVE=OFF", *instructions, *parts], log)
        quiet(["cmake", "--build", build, "--target", "ggml", "-j2"], log)
    return os.path.join(os.path.abspath(build), "bin")


def kernel_files():
    """A folder with the kernels of the wheels, which are too large to be installed for a few files."""
    folder = os.path.join(WORK, "kernel-files")
    if not os.path.isdir(folder):
        for wheel, beginnings in KERNEL_FILES.items():
            with zipfile.ZipFile(downloaded(wheel, "wheel")) as archive:
                archive.extractall(f"{folder}.partial", [name for name in archive.namelist()
                                                         if name.startswith(beginnings) and name.endswith(".py")])
        os.rename(f"{folder}.partial", folder)
    return os.path.abspath(folder)


def variables(name):
    """What an adapter reads from the environment."""
    return {"ggml": lambda: {"GGML_LIBRARIES": ggml_libraries()},
            "triton": lambda: {"TRITON_INTERPRET": "1", "TRITON_KERNELS": kernel_files(), "VLLM_VERSION": VLLM.split("==")[1],
                               "AITER_VERSION": AITER.split("==")[1]}}.get(name, dict)()
