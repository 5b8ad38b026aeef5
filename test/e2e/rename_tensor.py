#!/usr/bin/env python3
"""Writes a GGUF file with another name for a tensor:
rename_tensor.py MODEL.gguf OUT.gguf OLD NEW"""

import pathlib
import sys

from gguf_table import Gguf


def main():
    source, target, old, new = sys.argv[1:]
    pathlib.Path(target).write_bytes(
        Gguf(pathlib.Path(source)).renamed(old, new))


main()
