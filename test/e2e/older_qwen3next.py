#!/usr/bin/env python3
"""Writes a Qwen3-Next model as older converters did: attn_qkv and attn_gate of
a layer in one matrix, ssm_in, by key head query, key, values and their gates.

    older_qwen3next.py MODEL.gguf OLDER.gguf [--misshapen]
"""

import pathlib
import struct
import sys

from gguf_table import ALIGNMENT, Gguf

F16 = 1


def tensor_offset(file, name):
    """Where the table says that a tensor's bytes are, from the data's start."""
    dims, _, _, at = file.tensors[name]
    return struct.unpack_from("<Q", file.data, at + 8 * len(dims) + 4)[0]


def rows_of(file, start, name):
    dims, kind, *_ = file.tensors[name]
    if kind != F16:
        sys.exit(f"older_qwen3next.py: error: {name} is not F16")
    begin = start + tensor_offset(file, name)
    return [file.data[begin + 2 * dims[0] * row:begin + 2 * dims[0] * (row + 1)]
            for row in range(dims[1])]


def joined(file, start, layer):
    """The rows of ssm_in."""
    key, heads, values, inner = (
        file.keys[f"qwen3next.ssm.{word}"] for word in (
            "state_size", "group_count", "time_step_rank", "inner_size"))
    if values % heads:
        sys.exit("older_qwen3next.py: error: value heads in no whole groups")
    share = inner // heads
    mixed = rows_of(file, start, layer + "attn_qkv.weight")
    gate = rows_of(file, start, layer + "attn_gate.weight")
    rows = []
    for head in range(heads):
        rows += mixed[head * key:(head + 1) * key]
        rows += mixed[(heads + head) * key:(heads + head + 1) * key]
        begin = 2 * heads * key + head * share
        rows += mixed[begin:begin + share]
        rows += gate[head * share:(head + 1) * share]
    return rows


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    file = Gguf(source)
    start = -(-file.at // ALIGNMENT) * ALIGNMENT
    names = list(file.tensors)
    first = file.tensors[names[0]][2] - len(names[0]) - 8
    entries, data = [], b""

    def add(name, dims, kind, content):
        nonlocal data
        entries.append(struct.pack("<Q", len(name)) + name.encode() +
                       struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind,
                                   len(data)))
        data += content + bytes(-len(content) % ALIGNMENT)

    ends = sorted(tensor_offset(file, name) for name in names)
    ends.append(len(file.data) - start)
    for name in names:
        dims, kind, *_ = file.tensors[name]
        layer = name.removesuffix("attn_qkv.weight")
        if layer + "attn_gate.weight" in names and name != layer:
            rows = joined(file, start, layer)
            shape = [dims[0], len(rows)]
            if "--misshapen" in sys.argv:
                shape = [dims[0] // 2, 2 * len(rows)]
            add(layer + "ssm_in.weight", shape, F16, b"".join(rows))
        elif not name.endswith("attn_gate.weight"):
            begin = tensor_offset(file, name)
            end = min(e for e in ends if e > begin)
            add(name, dims, kind, file.data[start + begin:start + end])
    head = file.data[:8] + struct.pack("<Q", len(entries)) + file.data[16:first]
    head += b"".join(entries)
    target.write_bytes(head + bytes(-len(head) % ALIGNMENT) + data)


main()
