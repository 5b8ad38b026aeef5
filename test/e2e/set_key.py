#!/usr/bin/env python3
"""Writes a GGUF file with other numbers for a key that it has:
set_key.py MODEL.gguf OUT.gguf KEY=NUMBER[,NUMBER...]"""

import pathlib
import sys

from gguf_table import Gguf


def main():
    source, target, setting = sys.argv[1:]
    key, text = setting.split("=")
    values = [float(word) if "." in word else int(word)
              for word in text.split(",")]
    pathlib.Path(target).write_bytes(
        Gguf(pathlib.Path(source)).with_value(key, values))


main()
