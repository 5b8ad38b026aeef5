#!/usr/bin/env python3
"""Writes a model of latent attention as files from before 2025 have it: keys
and values of all heads in one matrix, attn_kv_b, and no sizes of the absorbed
form. Its logits are those of the model that it came from.

    whole_keys.py SOURCE MODEL.gguf -o OLDER.gguf
"""

import argparse
import pathlib
import struct
import sys

from gguf_table import Gguf

KINDS = {bool: "bool", int: "u32", float: "f32", str: "string"}
F32, F16 = 0, 1
SIZES = {F32: 4, F16: 2}


def key_value(value):
    if isinstance(value, list):
        return ("array", (KINDS[type(value[0])], value))
    return (KINDS[type(value)], value)


def tensor_bytes(file, name):
    dims, kind, _, sizes = file.tensors[name]
    offset, = struct.unpack_from("<Q", file.data, sizes + 8 * len(dims) + 4)
    count = SIZES[kind]
    for dim in dims:
        count *= dim
    start = -(-file.at // 32) * 32 + offset
    return file.data[start:start + count]


def joined(keys, key_dims, values, value_dims):
    """Of each head the keys' rows, turned, then the values'; 2 bytes each."""
    still, rank, heads = key_dims
    width = value_dims[1]
    rows = []
    for head in range(heads):
        block = keys[head * still * rank * 2:(head + 1) * still * rank * 2]
        numbers = struct.unpack(f"<{still * rank}H", block)
        for row in range(still):
            rows.append(struct.pack(f"<{rank}H", *numbers[row::still]))
        rows.append(values[head * rank * width * 2:
                           (head + 1) * rank * width * 2])
    return [rank, heads * (still + width)], b"".join(rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    sys.path.insert(0, str(options.source / "tools"))
    from make_tiny_gguf import gguf_bytes, write

    file = Gguf(options.model)
    arch = file.keys["general.architecture"] + ".attention."
    keys = dict(file.keys)
    for what in ("key_length", "value_length"):
        keys[arch + what] = keys.pop(f"{arch}{what}_mla")
    keys[arch + "head_count_kv"] = keys[arch + "head_count"]
    tensors = []
    for name, (dims, kind, *_) in file.tensors.items():
        data = tensor_bytes(file, name)
        if "attn_v_b" in name:
            continue
        if "attn_k_b" in name:
            assert kind == F16, "the golden model is F16"
            other = name.replace("attn_k_b", "attn_v_b")
            dims, data = joined(data, dims, tensor_bytes(file, other),
                                file.tensors[other][0])
            name = name.replace("attn_k_b", "attn_kv_b")
        tensors.append((name, dims, kind, data))
    write(options.output, gguf_bytes(
        3, {name: key_value(value) for name, value in keys.items()}, tensors))


main()
