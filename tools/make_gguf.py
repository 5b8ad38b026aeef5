#!/usr/bin/env python3
"""Writes GGUF models of real geometry with random weights, so that speed is
measured on real shapes without any download. Needs numpy.

  make_gguf.py --like qwen3-0.6b --format Q4_K_M -o model.gguf [--layers N]
               [--holes]

Weights are streamed tensor by tensor; their scales keep activations near 1.
With --holes they are zeros that take neither time nor disk: enough to compile
the kernels of a model of any size.
"""

import argparse
import struct
import sys

import numpy as np

import hybrid_shapes
import latent_shapes

ALIGNMENT = 32

# Geometry from the models' published configurations.
SHAPES = {
    "qwen3-0.6b": dict(arch="qwen3", hidden=1024, layers=28, heads=16,
                       kv_heads=8, head=128, ffn=3072, vocab=151936),
    "qwen3-1.7b": dict(arch="qwen3", hidden=2048, layers=28, heads=16,
                       kv_heads=8, head=128, ffn=6144, vocab=151936),
    "qwen3-30b-a3b": dict(arch="qwen3moe", hidden=2048, layers=48, heads=32,
                          kv_heads=4, head=128, ffn=6144, vocab=151936,
                          experts=128, used=8, expert_ffn=768),
    "gpt-oss-20b": dict(arch="gpt-oss", hidden=2880, layers=24, heads=64,
                        kv_heads=8, head=64, ffn=2880, vocab=201088,
                        experts=32, used=4, expert_ffn=2880, window=128,
                        ffn_norm="post_attention_norm"),
    "qwen3-8b": dict(arch="qwen3", hidden=4096, layers=36, heads=32,
                     kv_heads=8, head=128, ffn=12288, vocab=151936),
    "gemma-3-4b": dict(arch="gemma3", hidden=2560, layers=34, heads=8,
                       kv_heads=4, head=256, ffn=10240, vocab=262208,
                       window=1024, tied=True),
    "llama-3.2-3b": dict(arch="llama", hidden=3072, layers=28, heads=24,
                         kv_heads=8, head=128, ffn=8192, vocab=128256),
    **hybrid_shapes.SHAPES,
    **latent_shapes.SHAPES,
}

# name: (ggml_type, weights per block, bytes per block, scale fields); a field
# is (offset, kind, factor): kind "f16" writes spread * factor as a half, "f32"
# as a float32, "nibbles" as a half whose nibbles are the top ones of every
# second byte; ("byte", v) the byte v. Factors undo the typical size of a random
# code.
FORMATS = {
    "F32": (0, 1, 4, None),
    "F16": (1, 1, 2, None),
    "BF16": (30, 1, 2, None),
    "Q4_0": (2, 32, 18, [(0, "f16", 1 / 4.6)]),
    "Q4_1": (3, 32, 20, [(0, "f16", 1 / 4.6), (2, "f16", -7.5 / 4.6)]),
    "Q5_0": (6, 32, 22, [(0, "f16", 1 / 9.2)]),
    "Q5_1": (7, 32, 24, [(0, "f16", 1 / 9.2), (2, "f16", -15.5 / 9.2)]),
    "Q8_0": (8, 32, 34, [(0, "f16", 1 / 74)]),
    "Q2_K": (10, 256, 84, [(80, "f16", 1 / 10), (82, "f16", 1 / 10)]),
    "Q3_K": (11, 256, 110, [(108, "f16", 1 / 45)]),
    "Q4_K": (12, 256, 144, [(0, "f16", 1 / 170), (2, "f16", 7.5 / 170)]),
    "Q5_K": (13, 256, 176, [(0, "f16", 1 / 340), (2, "f16", 15.5 / 340)]),
    "Q6_K": (14, 256, 210, [(208, "f16", 1 / 1360)]),
    "IQ4_NL": (20, 32, 18, [(0, "f16", 1 / 70)]),
    "IQ4_XS": (23, 256, 136, [(0, "f16", 1 / 1300)]),
    "MXFP4": (39, 32, 17, [(0, "byte", 121)]),
    "NVFP4": (40, 64, 36, [(i, "byte", 24) for i in range(4)]),
    "IQ2_XXS": (16, 256, 66, [(0, "f16", 1 / 53)]),
    "IQ2_XS": (17, 256, 74, [(0, "f16", 1 / 56)]),
    "IQ3_XXS": (18, 256, 98, [(0, "f16", 1 / 144)]),
    "IQ1_S": (19, 256, 50, [(0, "f16", 1 / 7.1)]),
    "IQ3_S": (21, 256, 110, [(0, "f16", 1 / 141)]),
    "IQ2_S": (22, 256, 82, [(0, "f16", 1 / 56)]),
    "IQ1_M": (29, 256, 56, [(49, "nibbles", 1 / 7.1)]),
    "TQ1_0": (34, 256, 54, [(52, "f16", 1 / 0.82)]),
    "TQ2_0": (35, 256, 66, [(64, "f16", 1 / 1.2)]),
    "Q1_0": (41, 128, 18, [(0, "f16", 1)]),
    "Q2_0": (42, 64, 18, [(0, "f16", 1 / 1.2)]),
    "Q8_1": (9, 32, 36, [(0, "f16", 1 / 74), (2, "f16", 0)]),
    "Q8_K": (15, 256, 292, [(0, "f32", 1 / 74)]),
}


def more_bits(layer, layers):
    """The layers to which the K-quant mixtures give a wider format."""
    eighth = layers // 8
    return (layer < eighth or layer >= 7 * eighth
            or (layer - eighth) % 3 == 2)


# Rows that are no multiple of 256 hold these instead, as llama.cpp's quantizer
# has it.
NARROW_BLOCKS = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0",
                 "IQ4_XS": "IQ4_NL"}


def format_of(name, width, mixture, layer, layers):
    """What real files of this mixture hold in this tensor, `width` a row."""
    found = wanted_format(name, mixture, layer, layers)
    return NARROW_BLOCKS.get(found, found) if width % 256 else found


def wanted_format(name, mixture, layer, layers):
    if name.endswith(("norm.weight", "gate_inp.weight")):
        return "F32"
    if hybrid_shapes.is_small(name.split(".", 2)[-1]):
        return "F32"
    # Too narrow to be worth fewer bits.
    if name.split(".")[-2] in ("ssm_alpha", "ssm_beta") and \
            FORMATS.get(mixture, (0, 1, 1, 1))[3]:
        return "Q8_0"
    wide = {"Q4_K_M": ("Q4_K", "Q6_K"), "Q5_K_M": ("Q5_K", "Q6_K")}
    if mixture in wide:
        narrow, broad = wide[mixture]
        if name == "output.weight":
            return "Q6_K"
        if name.split(".")[-2] in ("attn_v", "ffn_down", "ffn_down_exps"):
            return broad if more_bits(layer, layers) else narrow
        return narrow
    if name == "output.weight" and mixture in ("Q4_0", "IQ4_XS"):
        return "Q6_K"
    if mixture in ("MXFP4", "NVFP4") and not name.startswith("blk."):
        return "Q8_0"
    # llama.cpp's MXFP4_MOE, as gpt-oss comes: only experts are in 4 bits.
    if mixture == "MXFP4_MOE":
        return "MXFP4" if "_exps" in name else "Q8_0"
    return mixture


def expert_block(shape):
    """The router, and matrices for each expert."""
    hidden, width = shape["hidden"], shape["expert_ffn"]
    return [("ffn_gate_inp", [hidden, shape["experts"]]),
            ("ffn_gate_exps", [hidden, width, shape["experts"]]),
            ("ffn_up_exps", [hidden, width, shape["experts"]]),
            ("ffn_down_exps", [width, hidden, shape["experts"]])]


def bias_block(shape):
    """What gpt-oss has beside its matrices."""
    if shape["arch"] != "gpt-oss":
        return []
    hidden, head, width = shape["hidden"], shape["head"], shape["expert_ffn"]
    experts, cache = shape["experts"], shape["kv_heads"] * head
    return [("attn_sinks.weight", [shape["heads"]]),
            ("attn_q.bias", [shape["heads"] * head]),
            ("attn_k.bias", [cache]), ("attn_v.bias", [cache]),
            ("attn_output.bias", [hidden]), ("ffn_gate_inp.bias", [experts]),
            ("ffn_gate_exps.bias", [width, experts]),
            ("ffn_up_exps.bias", [width, experts]),
            ("ffn_down_exps.bias", [hidden, experts])]


def tensors(shape, mixture):
    """(name, [width, rows], format) in file order."""
    hidden, head = shape["hidden"], shape["head"]
    query, cache = shape["heads"] * head, shape["kv_heads"] * head
    layers = shape["layers"]
    # A tied embedding is the head too, and has its format.
    like = "output.weight" if shape.get("tied") else "token_embd.weight"
    yield "token_embd.weight", [hidden, shape["vocab"]], \
        format_of(like, hidden, mixture, 0, layers)
    for layer in range(layers):
        group = hybrid_shapes if "state" in shape else \
            latent_shapes if "rank" in shape else None
        if group:
            for part, dims in group.block(shape, layer):
                name = f"blk.{layer}.{part}"
                yield name, dims, format_of(name, dims[0], mixture,
                                            layer, layers)
            continue
        block = [("attn_norm", [hidden]), ("attn_q", [hidden, query]),
                 ("attn_k", [hidden, cache]), ("attn_v", [hidden, cache])]
        if shape["arch"] in ("qwen3", "qwen3moe", "gemma3"):
            block += [("attn_q_norm", [head]), ("attn_k_norm", [head])]
        block += [("attn_output", [query, hidden]),
                  (shape.get("ffn_norm", "ffn_norm"), [hidden])]
        block += expert_block(shape) if "experts" in shape else \
            [("ffn_gate", [hidden, shape["ffn"]]),
             ("ffn_up", [hidden, shape["ffn"]]),
             ("ffn_down", [shape["ffn"], hidden])]
        if shape["arch"] == "gemma3":
            block += [("post_attention_norm", [hidden]),
                      ("post_ffw_norm", [hidden])]
        for part, dims in block:
            name = f"blk.{layer}.{part}.weight"
            yield name, dims, format_of(name, dims[0], mixture, layer,
                                        layers)
        for part, dims in bias_block(shape):
            yield f"blk.{layer}.{part}", dims, "F32"
    yield "output_norm.weight", [hidden], "F32"
    if shape.get("tied"):
        return
    yield "output.weight", [hidden, shape["vocab"]], \
        format_of("output.weight", hidden, mixture, 0, layers)


def size_of(dims, fmt):
    _, weights, size, _ = FORMATS[fmt]
    return int(np.prod(dims)) // weights * size


def random_bytes(rng, name, dims, fmt):
    """Blocks of one tensor whose weights have a spread of 1 / sqrt(width)."""
    if name.endswith("norm.weight"):
        return np.ones(np.prod(dims), np.float32).tobytes()
    if name.endswith(("bias", "sinks.weight")):
        return np.zeros(dims, np.float32).tobytes()
    if name.endswith("ssm_a"):  # decays between 0.2 and 0.98 a token
        return (-rng.uniform(0.02, 2, np.prod(dims))).astype(
            np.float32).tobytes()
    spread = dims[0] ** -0.5
    _, weights, size, fields = FORMATS[fmt]
    count = int(np.prod(dims)) // weights
    if fields is None:
        values = rng.standard_normal(count, np.float32) * np.float32(spread)
        if fmt == "BF16":
            return (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        return values.astype(np.float16 if fmt == "F16" else np.float32
                             ).tobytes()
    blocks = np.frombuffer(rng.bytes(count * size), np.uint8)
    blocks = blocks.reshape(count, size).copy()
    for offset, kind, value in fields:
        if kind == "byte":
            blocks[:, offset] = value
        elif kind == "nibbles":
            half = int(np.float16(spread * value).view(np.uint16))
            for i in range(4):
                place = blocks[:, offset + 2 * i]
                place &= 0xF
                place |= (half >> 4 * i & 0xF) << 4
        elif kind == "f32":
            single = np.float32(spread * value).tobytes()
            blocks[:, offset:offset + 4] = np.frombuffer(single, np.uint8)
        else:
            half = np.frombuffer(np.float16(spread * value).tobytes(), np.uint8)
            blocks[:, offset:offset + 2] = half
    return blocks.tobytes()


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def metadata(shape, name):
    arch = shape["arch"]
    more = dict(hybrid_shapes.metadata(shape)) if "state" in shape else \
        dict(latent_shapes.metadata(shape)) if "rank" in shape else {
            "rope.dimension_count": shape["head"]}
    yield "general.architecture", arch
    yield "general.name", name
    yield "tokenizer.ggml.model", "no_vocab"
    for key, value in (("vocab_size", shape["vocab"]),
                       ("context_length", 32768),
                       ("embedding_length", shape["hidden"]),
                       ("block_count", shape["layers"]),
                       ("feed_forward_length", shape["ffn"]),
                       ("attention.head_count", shape["heads"]),
                       ("attention.head_count_kv", shape["kv_heads"]),
                       ("attention.key_length", shape["head"]),
                       ("attention.value_length", shape["head"]),
                       ("rope.freq_base", 1e6),
                       ("attention.layer_norm_rms_epsilon", 1e-6)):
        if key not in more:
            yield f"{arch}.{key}", value
    for key, value in more.items():
        yield f"{arch}.{key}", value
    if "expert_ffn" in shape:
        yield f"{arch}.expert_count", shape["experts"]
        yield f"{arch}.expert_used_count", shape["used"]
        yield f"{arch}.expert_feed_forward_length", shape["expert_ffn"]
    if "window" in shape:
        yield f"{arch}.attention.sliding_window", shape["window"]
    if arch == "gpt-oss":
        yield f"{arch}.rope.scaling.type", "yarn"
        yield f"{arch}.rope.scaling.factor", 32.0
        yield f"{arch}.rope.scaling.original_context_length", 4096


def encoded(value):
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, list):
        return struct.pack("<IIQ", 9, 4, len(value)) + struct.pack(
            f"<{len(value)}I", *value)
    return struct.pack("<II", 4, value)


def write(path, shape, name, mixture, holes):
    rng = np.random.Generator(np.random.SFC64(1))
    table = list(tensors(shape, mixture))
    pairs = list(metadata(shape, name))
    header = struct.pack("<4sIQQ", b"GGUF", 3, len(table), len(pairs))
    for key, value in pairs:
        header += text(key) + encoded(value)
    offset = 0
    for tensor, dims, fmt in table:
        header += text(tensor) + struct.pack("<I", len(dims))
        header += struct.pack(f"<{len(dims)}Q", *dims)
        header += struct.pack("<IQ", FORMATS[fmt][0], offset)
        offset += -(-size_of(dims, fmt) // ALIGNMENT) * ALIGNMENT
    with open(path, "wb") as out:
        out.write(header + b"\0" * (-len(header) % ALIGNMENT))
        if holes:
            out.truncate(out.tell() + offset)
            return
        for tensor, dims, fmt in table:
            data = random_bytes(rng, tensor, dims, fmt)
            out.write(data + b"\0" * (-len(data) % ALIGNMENT))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--like", choices=SHAPES, required=True)
    parser.add_argument("--format", required=True,
                        choices=[*FORMATS, "Q4_K_M", "Q5_K_M", "MXFP4_MOE"])
    parser.add_argument("--layers", type=int)
    parser.add_argument("--holes", action="store_true")
    parser.add_argument("-o", "--output", required=True)
    options = parser.parse_args()
    shape = dict(SHAPES[options.like])
    if options.layers is not None:
        if options.layers < 1:
            sys.exit(f"--layers is {options.layers}; expected at least 1")
        shape["layers"] = options.layers
    write(options.output, shape, options.like, options.format, options.holes)


if __name__ == "__main__":
    main()
