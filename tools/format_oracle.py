#!/usr/bin/env python3
"""Writes random blocks of every weight format with the float32 weights that an
independent decoder (PyPI's `gguf`, in numpy) gives them: the oracle of
test/unit/FormatsTest.cpp. Four formats that `gguf` does not decode are written
out below, after dequantize_row_* in llama.cpp's ggml-quants.c.

    export PYTHONPATH=llama.cpp/gguf-py    # PyPI's gguf 0.19 lacks Q2_0's size
    tools/format_oracle.py --small test/data/formats.bin      # the committed one
    tools/format_oracle.py --folder /tmp/oracle --blocks 4096
    SINTER_ORACLE_DIR=/tmp/oracle build/test/FormatsTest

A file is a sequence of sections, all little-endian:
    | magic "SNTRFMT1" | ggml_type u32 | blocks u32 | block bytes u32 |
    | block weights u32 | the blocks | the weights, float32 |

Blocks are random bytes, except that scales are finite: the F16 fields have no
infinity or NaN, and an E8M0 scale is not 255. Every UE4M3 byte occurs.
"""

import argparse
import pathlib
import struct

import numpy as np
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as T
from gguf.quants import dequantize

# Where a block's F16 numbers begin, from the block pictures in
# dialects/formats/catalogue.
HALF_FIELDS = {
    T.F16: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2],
    T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2],
    T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0],
    T.Q8_1: [0, 2], T.IQ2_XXS: [0], T.IQ2_XS: [0], T.IQ2_S: [0],
    T.IQ3_XXS: [0], T.IQ3_S: [0], T.IQ1_S: [0], T.TQ1_0: [52], T.TQ2_0: [64],
    T.Q1_0: [0], T.Q2_0: [0],
}
FORMATS = sorted([*HALF_FIELDS, T.F32, T.BF16, T.MXFP4, T.NVFP4, T.IQ1_M,
                  T.Q8_K])


def half_scales(blocks: np.ndarray) -> np.ndarray:
    return blocks[:, :2].copy().view("<f2").astype(np.float32)


def fields(data: np.ndarray, bits: int) -> np.ndarray:
    """Every byte's fields of some bits, the lowest first, as float32."""
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    codes = data[..., None] >> shifts & np.uint8((1 << bits) - 1)
    return codes.reshape(len(data), -1).astype(np.float32)


def dequantize_q8_k(blocks: np.ndarray) -> np.ndarray:
    scales = blocks[:, :4].copy().view("<f4")
    return scales * blocks[:, 4:260].view(np.int8).astype(np.float32)


OTHERS = {
    T.Q8_1: lambda b: half_scales(b) * b[:, 4:].view(np.int8).astype(np.float32),
    T.Q8_K: dequantize_q8_k,
    T.Q1_0: lambda b: half_scales(b) * (2 * fields(b[:, 2:], 1) - 1),
    T.Q2_0: lambda b: half_scales(b) * (fields(b[:, 2:], 2) - 1),
}


def random_blocks(kind: T, count: int, rng: np.random.Generator) -> np.ndarray:
    """[count, block bytes] random bytes with finite scales."""
    blocks = rng.integers(0, 256, (count, GGML_QUANT_SIZES[kind][1]), np.uint8)
    for offset in HALF_FIELDS.get(kind, []):
        half = rng.integers(0, 1 << 16, count, np.uint16)
        infinite = (half & 0x7C00) == 0x7C00
        half[infinite] ^= np.uint16(0x4000)
        blocks[:, offset:offset + 2] = half.astype("<u2").view(np.uint8).reshape(-1, 2)
    if kind == T.MXFP4:
        blocks[:, 0] = np.arange(count) % 255
    elif kind == T.NVFP4:
        blocks[:, :4] = (np.arange(4 * count) % 256).reshape(-1, 4)
    elif kind in (T.F32, T.BF16):
        top = blocks[:, -2:].copy().view("<u2")
        infinite = (top & 0x7F80) == 0x7F80
        blocks[:, -2:] = np.where(infinite, top ^ 0x4000, top).view(np.uint8)
    elif kind == T.IQ1_M:  # the half's top four bits end the last scale
        infinite = (blocks[:, -1] & 0x70) == 0x70
        blocks[infinite, -1] ^= 0x40
    elif kind == T.Q8_K:
        infinite = (blocks[:, 3] & 0x7F) == 0x7F
        blocks[infinite, 3] ^= 0x40
    return blocks


def section(kind: T, count: int, seed: int) -> bytes:
    weights_per_block, block_bytes = GGML_QUANT_SIZES[kind]
    rng = np.random.default_rng([seed, int(kind)])
    blocks = random_blocks(kind, count, rng)
    with np.errstate(over="ignore"):  # MXFP4's largest scales
        if kind == T.BF16:  # gguf decodes whole rows of two bytes only
            weights = dequantize(blocks.reshape(1, -1), kind)
        elif kind in OTHERS:
            weights = OTHERS[kind](blocks)
        else:
            weights = dequantize(blocks, kind)
    weights = np.ascontiguousarray(weights)
    assert weights.dtype == np.float32
    assert weights.size == count * weights_per_block
    header = struct.pack("<8s4I", b"SNTRFMT1", int(kind), count, block_bytes,
                         weights_per_block)
    return header + blocks.tobytes() + weights.astype("<f4").tobytes()


def small_count(kind: T) -> int:
    """Blocks for the committed file: all scales of MXFP4 and NVFP4, under
    350 KB together."""
    if kind == T.MXFP4:
        return 255
    if kind == T.NVFP4:
        return 64
    return {1: 512, 32: 32, 64: 16, 128: 8, 256: 8}[GGML_QUANT_SIZES[kind][0]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--small", type=pathlib.Path, help="one file, few blocks")
    parser.add_argument("--folder", type=pathlib.Path, help="a file per format")
    parser.add_argument("--blocks", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.small:
        options.small.write_bytes(b"".join(
            section(kind, small_count(kind), options.seed) for kind in FORMATS))
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        for kind in FORMATS:
            path = options.folder / f"{kind.name.lower()}.bin"
            path.write_bytes(section(kind, options.blocks, options.seed))


if __name__ == "__main__":
    main()
