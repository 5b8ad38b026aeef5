#!/usr/bin/env python3
"""Compiles a tiny Mistral 3 with `attention.temperature_scale` and compares its
logits with those that the formulas give, worked out here in double precision:

    q of a token at position p, rotated, times 1 + scale ln(1 + floor(p / L))

where L is the original context, of which the text fills several.
"""

import argparse
import array
import math
import pathlib
import sys

from logits import nmse, read_npy
from programs import run

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "tools"))
import make_tiny_gguf as tiny  # noqa: E402

SCALE, LENGTH, TOKENS = 0.5, 8, 40
SHAPE = ["--arch", "mistral3", "--format", "f32", "--hidden", "64", "--heads",
         "4", "--kv-heads", "2", "--head-width", "16", "--ffn", "96",
         "--vocabulary", "96"]
# Our sums are float32, in another order.
LIMIT = 1e-9


class Model:
    """Llama's block over the tensors of make_tiny_gguf."""

    def __init__(self, shape, scale):
        sys.argv[1:] = [*shape, "-o", "unused"]
        self.o, self.scale = tiny.arguments(), scale
        self.tensors = {
            name.removesuffix(".weight"): (dims, array.array("f", data))
            for name, dims, _, data in
            tiny.model_tensors(self.o, tiny.random.Random(self.o.seed))}

    def matmul(self, name, row):
        (width, rows), weights = self.tensors[name]
        return [sum(w * x for w, x in
                    zip(weights[i * width:(i + 1) * width], row))
                for i in range(rows)]

    def norm(self, name, row):
        root = math.sqrt(sum(x * x for x in row) / len(row) + 1e-6)
        return [x / root * g for x, g in zip(row, self.tensors[name][1])]

    def rotated(self, row, position, factor):
        """Pairs (2i, 2i + 1) of each head, times `factor`."""
        width, turned = self.o.head_width, []
        for i in range(0, len(row), 2):
            angle = position * 1e4 ** -(i % width / width)
            c, s = factor * math.cos(angle), factor * math.sin(angle)
            turned += [row[i] * c - row[i + 1] * s, row[i] * s + row[i + 1] * c]
        return turned

    def attention(self, query, cache):
        width, result = self.o.head_width, []
        for head in range(self.o.heads):
            at = head * self.o.kv_heads // self.o.heads * width
            own = query[head * width:(head + 1) * width]
            scores = [sum(a * b for a, b in zip(own, key[at:at + width]))
                      / math.sqrt(width) for key, _ in cache]
            most = max(scores)
            shares = [math.exp(score - most) for score in scores]
            total = sum(shares)
            result += [sum(share * value[at + i] for share, (_, value)
                           in zip(shares, cache)) / total
                       for i in range(width)]
        return result

    def logits(self, tokens):
        caches = [[] for _ in range(self.o.layers)]
        for position, token in enumerate(tokens):
            factor = 1 + self.scale * math.log(1 + position // LENGTH)
            width, rows = self.o.hidden, self.tensors["token_embd"][1]
            x = list(rows[token * width:(token + 1) * width])
            for layer, cache in enumerate(caches):
                b = f"blk.{layer}."
                h = self.norm(b + "attn_norm", x)
                query, key, value = (self.matmul(b + f"attn_{part}", h)
                                     for part in "qkv")
                cache.append((self.rotated(key, position, 1), value))
                a = self.attention(self.rotated(query, position, factor), cache)
                x = [u + v for u, v in
                     zip(x, self.matmul(b + "attn_output", a))]
                h = self.norm(b + "ffn_norm", x)
                gated = [g / (1 + math.exp(-g)) * u for g, u in
                         zip(self.matmul(b + "ffn_gate", h),
                             self.matmul(b + "ffn_up", h))]
                x = [u + v for u, v in
                     zip(x, self.matmul(b + "ffn_down", gated))]
            yield from self.matmul("output", self.norm("output_norm", x))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, required=True)
    work = parser.parse_args().work
    work.mkdir(parents=True, exist_ok=True)
    tokens = [(7 * i * i + 3) % 96 for i in range(TOKENS)]
    (work / "tokens.txt").write_text(" ".join(map(str, tokens)) + "\n")
    run(sys.executable, tiny.__file__, *SHAPE, "--set",
        f"mistral3.attention.temperature_scale=f32:{SCALE}", "--set",
        f"mistral3.rope.scaling.original_context_length=u32:{LENGTH}", "-o",
        work / "m.gguf")
    expected = list(Model(SHAPE, SCALE).logits(tokens))
    without = list(Model(SHAPE, 0).logits(tokens))
    if not nmse(without, expected) > 1e-3:
        sys.exit("the temperature makes no difference, so this tests nothing")
    for level, chunk in ((1, 64), (0, 1)):
        run("compile", work / "m.gguf", "-o", work / "m.sinter", "--kv", "f32",
            "--progress=none", f"--fusion-level={level}")
        run("eval", "logits", work / "m.sinter", "--tokens",
            work / "tokens.txt", "-o", work / "m.npy", "--chunk", chunk)
        error = nmse(read_npy(work / "m.npy"), expected)
        print(f"fusion level {level}, chunk {chunk}: NMSE {error:.2e}")
        if not error <= LIMIT:
            sys.exit(f"over {LIMIT:.0e}")


main()
