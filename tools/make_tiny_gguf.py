#!/usr/bin/env python3
"""Writes seeded few-layer GGUF models for tests: any family that Sinter knows,
in any weight format, broken on request. Needs nothing but Python, so that the
tests run on a bare machine.

Weights are random blocks whose scales keep activations near 1; every bit
pattern of a format's codes occurs.

  make_tiny_gguf.py --arch qwen3 --format q4_k -o tiny.gguf
  make_tiny_gguf.py --arch llama --set llama.expert_count=u32:8 -o broken.gguf
"""

import argparse
import array
import math
import os
import random
import struct
import sys

ALIGNMENT = 32
VALUE_TYPES = {"u8": (0, "B"), "i8": (1, "b"), "u16": (2, "H"),
               "i16": (3, "h"), "u32": (4, "I"), "i32": (5, "i"),
               "f32": (6, "f"), "bool": (7, "?"), "string": (8, None),
               "array": (9, None), "u64": (10, "Q"), "i64": (11, "q"),
               "f64": (12, "d")}


# --- Weight formats: name -> (ggml_type, weights per block, make) ---------
# make(rng, blocks, spread) gives the bytes of that many blocks; `spread` is
# the standard deviation that the weights should have.

def half(value):
    return struct.pack("<e", value)


def floats(rng, count, spread):
    return array.array("f", (rng.gauss(0, spread) for _ in range(count)))


def make_f32(rng, blocks, spread):
    return floats(rng, blocks, spread).tobytes()


def make_f16(rng, blocks, spread):
    return struct.pack(f"<{blocks}e", *floats(rng, blocks, spread))


def make_bf16(rng, blocks, spread):
    return b"".join(struct.pack("<f", value)[2:]
                    for value in floats(rng, blocks, spread))


def patched(size, *patches):
    """Random blocks of `size` bytes with some fields overwritten; a patch is
    (offset, field(rng, spread) -> bytes)."""
    def make(rng, blocks, spread):
        data = bytearray(rng.randbytes(size * blocks))
        for start in range(0, len(data), size):
            for offset, field in patches:
                value = field(rng, spread)
                data[start + offset:start + offset + len(value)] = value
        return bytes(data)
    return make


def scale(divisor):
    """A half whose product with the format's codes has about the spread."""
    return lambda rng, spread: half(rng.uniform(0.7, 1.3) * spread / divisor)


def exponent(rng, spread):
    """E8M0 under FP4 values, whose standard deviation is about 2.9."""
    power = round(math.log2(spread / 2.9)) + rng.randint(-1, 1)
    return bytes([max(1, 127 + power)])


def small_floats(rng, spread):
    """Four UE4M3 scales near 1; the tensor's own scale does the rest."""
    return bytes(rng.randint(0x30, 0x40) for _ in range(4))


def make_iq1_m(rng, blocks, spread):
    """The half's nibbles are the top ones of the odd bytes of `scales`."""
    data = bytearray(rng.randbytes(56 * blocks))
    for start in range(0, len(data), 56):
        number, = struct.unpack("<H", scale(7.1)(rng, spread))
        for i in range(4):
            place = start + 49 + 2 * i
            data[place] = data[place] & 0xF | (number >> 4 * i & 0xF) << 4
    return bytes(data)


# Divisors: the standard deviation of (scale code times) weight code, for
# uniform codes; the minimum's scale is such that codes centre on zero.
FORMATS = {
    "f32": (0, 1, make_f32),
    "f16": (1, 1, make_f16),
    "q4_0": (2, 32, patched(18, (0, scale(4.6)))),
    "q4_1": (3, 32, patched(20, (0, scale(4.6)),
                            (2, lambda r, s: half(-7.5 * s / 4.6)))),
    "q5_0": (6, 32, patched(22, (0, scale(9.2)))),
    "q5_1": (7, 32, patched(24, (0, scale(9.2)),
                            (2, lambda r, s: half(-15.5 * s / 9.2)))),
    "q8_0": (8, 32, patched(34, (0, scale(74)))),
    "q2_k": (10, 256, patched(84, (80, scale(10)), (82, scale(6.7)))),
    "q3_k": (11, 256, patched(110, (108, scale(42)))),
    "q4_k": (12, 256, patched(144, (0, scale(170)), (2, scale(23)))),
    "q5_k": (13, 256, patched(176, (0, scale(340)), (2, scale(22)))),
    "q6_k": (14, 256, patched(210, (208, scale(1360)))),
    "iq4_nl": (20, 32, patched(18, (0, scale(70)))),
    "iq4_xs": (23, 256, patched(136, (0, scale(1300)))),
    "bf16": (30, 1, make_bf16),
    "mxfp4": (39, 32, patched(17, (0, exponent))),
    "nvfp4": (40, 64, patched(36, (0, small_floats))),
    "q8_1": (9, 32, patched(36, (0, scale(74)))),
    "q8_k": (15, 256, patched(292, (0, lambda r, s: struct.pack("<f", s / 74)))),
    "iq2_xxs": (16, 256, patched(66, (0, scale(53)))),
    "iq2_xs": (17, 256, patched(74, (0, scale(56)))),
    "iq3_xxs": (18, 256, patched(98, (0, scale(144)))),
    "iq1_s": (19, 256, patched(50, (0, scale(7.1)))),
    "iq3_s": (21, 256, patched(110, (0, scale(141)))),
    "iq2_s": (22, 256, patched(82, (0, scale(56)))),
    "iq1_m": (29, 256, make_iq1_m),
    "tq1_0": (34, 256, patched(54, (52, scale(0.82)))),
    "tq2_0": (35, 256, patched(66, (64, scale(1.2)))),
    "q1_0": (41, 128, patched(18, (0, scale(1)))),
    "q2_0": (42, 64, patched(18, (0, scale(1.2)))),
}
# Types that are no weight formats, as (ggml_type, weights, bytes) per block.
FOREIGN = {"i32": (26, 1, 4)}


# --- GGUF -----------------------------------------------------------------

def packed_string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def packed_value(kind, value):
    number, code = VALUE_TYPES[kind]
    if kind == "string":
        return packed_string(value)
    if kind == "array":
        element, values = value
        return (struct.pack("<IQ", VALUE_TYPES[element][0], len(values)) +
                b"".join(packed_value(element, v) for v in values))
    return struct.pack("<" + code, value)


def padded(data):
    return data + bytes(-len(data) % ALIGNMENT)


def gguf_bytes(version, keys, tensors):
    """keys: {name: (type, value)}; tensors: [(name, dims, type, bytes)]."""
    head = [b"GGUF", struct.pack("<IQQ", version, len(tensors), len(keys))]
    for name, (kind, value) in keys.items():
        head += [packed_string(name), struct.pack("<I", VALUE_TYPES[kind][0]),
                 packed_value(kind, value)]
    offset = 0
    for name, dims, kind, data in tensors:
        head += [packed_string(name), struct.pack("<I", len(dims)),
                 struct.pack(f"<{len(dims)}Q", *dims),
                 struct.pack("<IQ", kind, offset)]
        offset += len(data) + -len(data) % ALIGNMENT
    return padded(b"".join(head)) + b"".join(padded(t[3]) for t in tensors)


def write(path, data):
    with open(path + ".part", "wb") as file:
        file.write(data)
    os.replace(path + ".part", path)


def write_split(path, version, keys, tensors, parts):
    """NAME.gguf becomes NAME-00001-of-0000N.gguf and so on, as llama.cpp's
    gguf-split does it: metadata in the first part."""
    stem = path.removesuffix(".gguf")
    share = -(-len(tensors) // parts)
    for part in range(parts):
        split = {"split.no": ("u16", part), "split.count": ("u16", parts),
                 "split.tensors.count": ("i32", len(tensors))}
        chunk = tensors[part * share:(part + 1) * share]
        write(f"{stem}-{part + 1:05}-of-{parts:05}.gguf",
              gguf_bytes(version, {**(keys if part == 0 else {}), **split},
                         chunk))


# --- Tokenizer ------------------------------------------------------------

def byte_letters():
    """GPT-2's printable letter for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, extra = {}, 256
    for byte in range(256):
        letters[byte] = chr(byte if byte in printable else extra)
        extra += byte not in printable
    return [letters[byte] for byte in range(256)]


def tokenizer_keys(size):
    """Byte-level BPE: 256 bytes, some merges, three control tokens, and
    unused ones up to `size`."""
    tokens = byte_letters()
    space = tokens[32]
    merges = [f"{left} {right}" for left, right in
              ["th", ("th", "e"), "in", "an", ("an", "d"), (space, "the"),
               (space, "and"), "er", "re", "on"]]
    tokens += [merge.replace(" ", "") for merge in merges]
    kinds = [1] * len(tokens) + [3] * 3
    special = len(tokens)
    tokens += ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    if size < len(tokens):
        sys.exit(f"--vocab needs --vocabulary of at least {len(tokens)}")
    kinds += [5] * (size - len(tokens))
    tokens += [f"<|unused_{i}|>" for i in range(size - len(tokens))]
    return {
        "tokenizer.ggml.model": ("string", "gpt2"),
        "tokenizer.ggml.pre": ("string", "qwen2"),
        "tokenizer.ggml.tokens": ("array", ("string", tokens)),
        "tokenizer.ggml.token_type": ("array", ("i32", kinds)),
        "tokenizer.ggml.merges": ("array", ("string", merges)),
        "tokenizer.ggml.bos_token_id": ("u32", special),
        "tokenizer.ggml.eos_token_id": ("u32", special + 2),
        "tokenizer.ggml.add_bos_token": ("bool", False),
        "tokenizer.chat_template": ("string", "{{ messages }}"),
    }


# --- Families -------------------------------------------------------------

def model_keys(o):
    a = o.arch
    keys = {
        "general.architecture": ("string", a),
        "general.name": ("string", f"tiny-{a}"),
        f"{a}.vocab_size": ("u32", o.vocabulary),
        f"{a}.context_length": ("u32", o.context),
        f"{a}.embedding_length": ("u32", o.hidden),
        f"{a}.block_count": ("u32", o.layers),
        f"{a}.feed_forward_length": ("u32", o.ffn),
        f"{a}.attention.head_count": ("u32", o.heads),
        f"{a}.attention.head_count_kv": ("u32", o.kv_heads),
        f"{a}.attention.key_length": ("u32", o.head_width),
        f"{a}.attention.value_length": ("u32", o.value_width),
        f"{a}.rope.dimension_count": ("u32", o.head_width),
        f"{a}.rope.freq_base": ("f32", 1e6 if "qwen" in a else 1e4),
        f"{a}.attention.layer_norm_rms_epsilon": ("f32", 1e-6),
    }
    if a in LATENT:
        keys.update(latent_keys(o))
    if a in ENCODERS:
        del keys[f"{a}.attention.layer_norm_rms_epsilon"]
        keys[f"{a}.attention.layer_norm_epsilon"] = ("f32", 1e-12)
        keys[f"{a}.attention.causal"] = ("bool", False)
    if o.experts:
        keys[f"{a}.expert_count"] = ("u32", o.experts)
        keys[f"{a}.expert_used_count"] = ("u32", o.used)
    if o.vocab:
        keys.update(tokenizer_keys(o.vocabulary))
    else:
        keys["tokenizer.ggml.model"] = ("string", "no_vocab")
    return keys


# Names as general.architecture has them.
ENCODERS = ("bert", "nomic-bert", "jina-bert-v2")


def encoder_shapes(o):
    """Those of BERT and its relatives; a norm's bias follows from the family.
    The tables of kinds and positions are float32."""
    queries, keys = o.heads * o.head_width, o.kv_heads * o.head_width
    yield "token_embd", o.hidden, o.vocabulary
    yield "token_types", o.hidden, 2
    if o.arch == "bert":
        yield "position_embd", o.hidden, o.context
    yield "token_embd_norm", o.hidden, 0
    for i in range(o.layers):
        b = f"blk.{i}."
        if o.arch == "nomic-bert":
            yield b + "attn_qkv", o.hidden, queries + 2 * keys
        else:
            yield b + "attn_q", o.hidden, queries
            yield b + "attn_k", o.hidden, keys
            yield b + "attn_v", o.hidden, keys
        yield b + "attn_output", queries, o.hidden
        yield b + "attn_output_norm", o.hidden, 0
        joined = 2 if o.arch == "jina-bert-v2" else 1
        if o.arch == "nomic-bert":
            yield b + "ffn_gate", o.hidden, o.ffn
        yield b + "ffn_up", o.hidden, o.ffn * joined
        yield b + "ffn_down", o.ffn, o.hidden
        yield b + "layer_output_norm", o.hidden, 0
    if o.rank:
        yield "cls", o.hidden, o.hidden
        yield "cls.output", o.hidden, o.rank


LATENT = ("deepseek2",)


def latent_keys(o):
    """Of heads of head-width, a fourth of which rotates; a cached row is what
    key_length says."""
    a, rotary = o.arch, o.head_width // 4
    keys = {
        f"{a}.attention.kv_lora_rank": ("u32", o.latent),
        f"{a}.rope.dimension_count": ("u32", rotary),
        f"{a}.expert_feed_forward_length": ("u32", o.ffn),
        f"{a}.leading_dense_block_count": ("u32", 0 if o.experts else o.layers),
    }
    if o.query_rank:
        keys[f"{a}.attention.q_lora_rank"] = ("u32", o.query_rank)
    if not o.whole_keys:
        keys |= {
            f"{a}.attention.head_count_kv": ("u32", 1),
            f"{a}.attention.key_length": ("u32", o.latent + rotary),
            f"{a}.attention.value_length": ("u32", o.latent),
            f"{a}.attention.key_length_mla": ("u32", o.head_width),
            f"{a}.attention.value_length_mla": ("u32", o.value_width),
        }
    return keys


def latent_shapes(o, b):
    """Multi-head latent attention, with a matrix for each head or with those
    of all heads in one."""
    rotary = o.head_width // 4
    still = o.head_width - rotary
    if o.query_rank:
        yield b + "attn_q_a", o.hidden, o.query_rank
        yield b + "attn_q_a_norm", o.query_rank, 0
        yield b + "attn_q_b", o.query_rank, o.heads * o.head_width
    else:
        yield b + "attn_q", o.hidden, o.heads * o.head_width
    yield b + "attn_kv_a_mqa", o.hidden, o.latent + rotary
    yield b + "attn_kv_a_norm", o.latent, 0
    if o.whole_keys:
        yield b + "attn_kv_b", o.latent, o.heads * (still + o.value_width)
    else:
        yield b + "attn_k_b", still, (o.latent, o.heads)
        yield b + "attn_v_b", o.latent, (o.value_width, o.heads)


def shared_expert_shapes(o, b):
    yield b + "ffn_gate_shexp", o.hidden, o.ffn
    yield b + "ffn_up_shexp", o.hidden, o.ffn
    yield b + "ffn_down_shexp", o.ffn, o.hidden


def expert_shapes(o, b):
    """The router, then matrices for each expert."""
    yield b + "ffn_gate_inp", o.hidden, o.experts
    if o.joined_experts:
        yield b + "ffn_gate_up_exps", o.hidden, (2 * o.ffn, o.experts)
    else:
        yield b + "ffn_gate_exps", o.hidden, (o.ffn, o.experts)
        yield b + "ffn_up_exps", o.hidden, (o.ffn, o.experts)
    yield b + "ffn_down_exps", o.ffn, (o.hidden, o.experts)


def model_shapes(o):
    """(name without suffix, width, rows); rows 0 is a norm's gain, of experts
    they are (rows, experts)."""
    if o.arch in ENCODERS:
        yield from encoder_shapes(o)
        return
    queries, keys = o.heads * o.head_width, o.kv_heads * o.head_width
    attended, values = o.heads * o.value_width, o.kv_heads * o.value_width
    yield "token_embd", o.hidden, o.vocabulary
    for i in range(o.layers):
        b = f"blk.{i}."
        yield b + "attn_norm", o.hidden, 0
        if o.arch in LATENT:
            yield from latent_shapes(o, b)
        else:
            yield b + "attn_q", o.hidden, queries
            yield b + "attn_k", o.hidden, keys
            yield b + "attn_v", o.hidden, values
        if o.arch in ("qwen3", "qwen3moe"):
            yield b + "attn_q_norm", o.head_width, 0
            yield b + "attn_k_norm", o.head_width, 0
        yield b + "attn_output", attended, o.hidden
        yield b + "ffn_norm", o.hidden, 0
        if o.experts:
            yield from expert_shapes(o, b)
            if o.arch in LATENT:
                yield from shared_expert_shapes(o, b)
            continue
        yield b + "ffn_gate", o.hidden, o.ffn
        yield b + "ffn_up", o.hidden, o.ffn
        yield b + "ffn_down", o.ffn, o.hidden
    yield "output_norm", o.hidden, 0
    if not o.tied:
        yield "output", o.hidden, o.vocabulary


def has_bias(o, name):
    stem = name.rsplit(".", 1)[-1]
    if o.arch in ENCODERS:
        return name.startswith("cls") or o.arch == "bert" and not name.startswith(
            ("token", "position"))
    if stem in ("attn_q", "attn_k", "attn_v"):
        return o.arch == "qwen2" or o.bias
    return o.bias and stem in ("attn_output", "ffn_gate", "ffn_up", "ffn_down")


def model_tensors(o, rng):
    tensors = []

    def vector(name, values):
        data = array.array("f", values).tobytes()
        tensors.append((name, [len(data) // 4], FORMATS["f32"][0], data))

    def gain(name, width):
        values = [rng.uniform(0.8, 1.2) for _ in range(width)]
        if o.type.get(name) == "f16":
            tensors.append((name, [width], FORMATS["f16"][0],
                            struct.pack(f"<{width}e", *values)))
        else:
            vector(name, values)

    def matrix(name, width, rows, kind):
        dims = [width, *(rows if isinstance(rows, tuple) else [rows])]
        count = math.prod(dims)
        if kind in FOREIGN:
            number, weights, size = FOREIGN[kind]
            data = rng.randbytes(count // weights * size)
        else:
            number, weights, make = FORMATS[kind]
            data = make(rng, count // weights, width ** -0.5)
        tensors.append((name, dims, number, data))

    for name, width, rows in model_shapes(o):
        if not rows:
            gain(name + ".weight", width)
            if o.arch in ENCODERS:
                vector(name + ".bias", floats(rng, width, 0.1))
            continue
        usual = "f32" if name in ("token_types", "position_embd") else o.format
        usual = "f32" if name.endswith("gate_inp") else o.format
        kind = o.type.get(name + ".weight", usual)
        matrix(name + ".weight", width, rows, kind)
        if kind == "nvfp4":
            copies = rows[1] if isinstance(rows, tuple) else 1
            vector(name + ".scale", [width ** -0.5 / 2.9] * copies)
        if has_bias(o, name):
            vector(name + ".bias", floats(rng, rows, 0.1))
    if o.rope_freqs:
        vector("rope_freqs.weight",
               (1 + 7 * i / o.head_width for i in range(o.head_width // 2)))
    return tensors


# --- Command line ---------------------------------------------------------

def parsed_setting(text):
    """NAME=TYPE:VALUE; an array's elements are separated by commas, and VALUE*N
    is N of one."""
    name, _, rest = text.partition("=")
    kind, _, value = rest.partition(":")

    def parsed(kind, value):
        if kind == "string":
            return value
        if kind == "bool":
            return value == "true"
        return float(value) if kind[0] == "f" else int(value, 0)
    if kind.startswith("array-"):
        element = kind.removeprefix("array-")
        value, _, times = value.partition("*")
        values = (value.split(",") if value else []) * int(times or 1)
        return name, ("array", (element, [parsed(element, v) for v in values]))
    return name, (kind, parsed(kind, value))


def arguments():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--arch", default="llama",
                   help="llama, mistral3, qwen2, qwen3, or any other name")
    p.add_argument("--format", default="q8_0",
                   choices=[*FORMATS, *FOREIGN], help="of all matrices")
    p.add_argument("--type", action="append", default=[],
                   metavar="TENSOR=FORMAT", help="of one matrix; f16 also of a norm")
    for name, default in [("layers", 2), ("hidden", 256), ("heads", 4),
                          ("kv-heads", 2), ("head-width", 64), ("ffn", 512),
                          ("vocabulary", 320), ("context", 512), ("seed", 1),
                          ("experts", 0), ("used", 2),
                          ("split", 1)]:
        p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--value-width", type=int, help="of a head; head-width")
    p.add_argument("--version", type=int, default=3, help="of GGUF")
    p.add_argument("--tied", action="store_true", help="no output.weight")
    p.add_argument("--bias", action="store_true", help="all optional biases")
    p.add_argument("--rope-freqs", action="store_true")
    p.add_argument("--rank", type=int, default=0, metavar="SCORES",
                   help="an encoder's head")
    p.add_argument("--latent", type=int, default=128, metavar="RANK",
                   help="of cached rows of latent attention")
    p.add_argument("--query-rank", type=int, default=0, metavar="RANK",
                   help="of its queries; 0: no detour")
    p.add_argument("--whole-keys", action="store_true",
                   help="its attn_kv_b, as older files have it")
    p.add_argument("--joined-experts", action="store_true",
                   help="gate and up of experts in one tensor")
    p.add_argument("--vocab", action="store_true",
                   help="a byte-level BPE tokenizer")
    p.add_argument("--set", action="append", default=[],
                   metavar="KEY=TYPE:VALUE", help="u32:8, array-u32:1,2, …")
    p.add_argument("--drop", action="append", default=[],
                   metavar="NAME", help="leave out a key or tensor")
    p.add_argument("--reshape", action="append", default=[],
                   metavar="TENSOR=WIDTH,ROWS", help="claim another shape")
    p.add_argument("--truncate", type=int, help="keep so many bytes")
    p.add_argument("-o", "--output", required=True)
    o = p.parse_args()
    o.value_width = o.value_width or o.head_width
    o.type = dict(entry.split("=") for entry in o.type)
    return o


def main():
    o = arguments()
    keys = model_keys(o)
    keys.update(parsed_setting(text) for text in o.set)
    tensors = model_tensors(o, random.Random(o.seed))
    for name in o.drop:
        if name not in keys and name not in (t[0] for t in tensors):
            sys.exit(f"--drop: there is no {name}")
        keys.pop(name, None)
        tensors = [t for t in tensors if t[0] != name]
    shapes = dict(entry.split("=") for entry in o.reshape)
    tensors = [(name, [int(d) for d in shapes[name].split(",")]
                if name in shapes else dims, kind, data)
               for name, dims, kind, data in tensors]
    if o.split > 1:
        write_split(o.output, o.version, keys, tensors, o.split)
        return
    write(o.output, gguf_bytes(o.version, keys, tensors)[:o.truncate])


if __name__ == "__main__":
    main()
