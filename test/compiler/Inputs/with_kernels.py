"""Runs a program with the fake driver's kernels: the shared object that an
emulated device left in its cache."""
import os
import pathlib
import sys

found, = pathlib.Path(sys.argv[1]).glob("*.so")
os.environ["FAKE_CUDA_KERNELS"] = str(found)
os.execvp(sys.argv[2], sys.argv[2:])
