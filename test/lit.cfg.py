"""Suites of lit tests: `check-lit` runs them all, a path runs one."""
import importlib.util
import os
import shutil
import sys

import lit.formats

config.name = "Sinter"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["data", "models", "fuzz", "unit", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.build_dir, "test", "lit")

config.environment["FILECHECK_OPTS"] = "-enable-var-scope"
config.environment["PATH"] = os.pathsep.join(
    [config.tools_dir, os.path.join(config.build_dir, "test"),
     config.llvm_tools_dir, os.environ["PATH"]])
# What somebody tuned for this machine must not change what tests see.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root,
                                                    "cache")
# Tests compile the same kernels many times; LLVM sees each once in a run.
objects = os.path.join(config.test_exec_root, "objects")
shutil.rmtree(objects, ignore_errors=True)
config.environment["SINTER_OBJECT_CACHE"] = objects
config.substitutions += [
    ("%source", config.source_dir),
    ("%shared", config.shared_dir),
    ("%bin", config.tools_dir),
    # Not CMake's Python, which may be a shim (pyenv) that takes longer to
    # start than most of these programs to run.
    ("%python", sys.executable),
]


def machine_features():
    """Instruction sets of this machine that tests may require."""
    try:
        with open("/proc/cpuinfo") as file:
            flags = next(line for line in file if line.startswith("flags"))
    except (OSError, StopIteration):
        return set()
    known = {"avx2": "avx2", "avx512f": "avx512f",
             "avx512_vnni": "avx512vnni", "avx_vnni": "avxvnni",
             "avx512_bf16": "avx512bf16"}
    return {known[flag] for flag in flags.split() if flag in known}


config.available_features |= machine_features()
if any(os.path.exists(os.path.join(folder, f"libnvrtc.so.{version}"))
       for folder in ("/usr/local/cuda/lib64", "/usr/lib/x86_64-linux-gnu")
       for version in (12, 13)):
    config.available_features.add("nvrtc")
if all(importlib.util.find_spec(name)
       for name in ("torch", "transformers", "safetensors")):
    config.available_features.add("torch")
if importlib.util.find_spec("numpy"):
    config.available_features.add("numpy")
if os.path.isdir(config.shared_dir):
    config.available_features.add("shared")
