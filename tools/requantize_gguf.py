#!/usr/bin/env python3
"""Rewrites the matrices of a float GGUF in other formats with ggml's own
quantisers, and beside it the same weights dequantised to F32: a model in any
format, and what its exact logits follow from.

    export PYTHONPATH=llama.cpp/gguf-py
    requantize_gguf.py llama.F16.gguf --ggml llama.cpp/build/bin/libggml-base.so \\
        --format IQ2_XXS -o llama.IQ2_XXS.gguf --exact llama.IQ2_XXS.F32.gguf

Several formats are taken in turns, matrix after matrix; rows that are no whole
number of blocks stay floats. Quantising weighs all columns alike. Where `gguf` cannot dequantise, format_oracle.py can.
"""

import argparse
import ctypes
import pathlib
import struct

import numpy as np
from gguf import GGUFReader
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as T
from gguf.quants import dequantize

from format_oracle import OTHERS

ALIGNMENT = 32


def quantized(ggml, values, kind):
    """The blocks of a matrix, or of one after the other, as bytes; columns
    weigh the same."""
    width = values.shape[-1]
    rows = values.size // width
    weights, size = GGML_QUANT_SIZES[kind]
    out = np.zeros(rows * width // weights * size, np.uint8)
    values = np.ascontiguousarray(values, np.float32)
    importance = np.ones(width, np.float32)
    pointer = [ctypes.c_void_p(a.ctypes.data) for a in (values, out, importance)]
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    written = ggml.ggml_quantize_chunk(
        ctypes.c_int(kind), pointer[0], pointer[1], ctypes.c_int64(0),
        ctypes.c_int64(rows), ctypes.c_int64(width), pointer[2])
    if written != out.size:
        raise SystemExit(f"requantize_gguf.py: error: ggml wrote {written} "
                         f"bytes of {kind.name}, expected {out.size}")
    return out


def exact(blocks, kind, shape):
    if kind in OTHERS:
        rows = blocks.reshape(-1, GGML_QUANT_SIZES[kind][1])
        return OTHERS[kind](rows).reshape(shape)
    rows = int(np.prod(shape[:-1]))
    return dequantize(blocks.reshape(rows, -1), kind).reshape(shape)


def write(path, head, tensors):
    """The head counts tensors and holds the metadata of the source."""
    table, offset = b"", 0
    for name, shape, kind, data in tensors:
        table += struct.pack("<Q", len(name)) + name.encode()
        table += struct.pack(f"<I{len(shape)}Q", len(shape), *shape[::-1])
        table += struct.pack("<IQ", kind, offset)
        offset += -(-len(data) // ALIGNMENT) * ALIGNMENT
    start = head + table
    with open(path, "wb") as out:
        out.write(start + b"\0" * (-len(start) % ALIGNMENT))
        for *_, data in tensors:
            out.write(data + b"\0" * (-len(data) % ALIGNMENT))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--ggml", required=True, help="libggml-base.so")
    parser.add_argument("--format", action="append", required=True)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--exact", required=True)
    options = parser.parse_args()
    ggml = ctypes.CDLL(options.ggml)
    reader = GGUFReader(options.model)
    first = min(tensor.field.offset for tensor in reader.tensors)
    head = options.model.read_bytes()[:first]
    kinds = [T[name.upper()] for name in options.format]
    packed, plain, turn = [], [], 0
    for tensor in reader.tensors:
        name, shape = tensor.name, [int(n) for n in tensor.shape[::-1]]
        values = np.asarray(tensor.data, np.float32).reshape(shape)
        kind = kinds[turn % len(kinds)]
        if (len(shape) == 1 or shape[-1] % GGML_QUANT_SIZES[kind][0]
                or name.endswith("gate_inp.weight")):
            packed.append((name, shape, T.F32, values.tobytes()))
            plain.append(packed[-1])
            continue
        turn += 1
        blocks = quantized(ggml, values, kind)
        packed.append((name, shape, kind, blocks.tobytes()))
        plain.append((name, shape, T.F32,
                      exact(blocks, kind, shape).astype(np.float32).tobytes()))
    write(options.output, head, packed)
    write(options.exact, head, plain)


if __name__ == "__main__":
    main()
