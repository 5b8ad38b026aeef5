#!/usr/bin/env python3
"""Compiles one small model in several ways and compares their logits: widths
that no tile divides go wrong in one way of them before all.

    odd_shapes.py --work FOLDER -- ARGUMENTS-OF-MAKE_TINY_GGUF

Whole and single steps must agree to the bit, instruction sets and fusion
levels up to the order of sums.
"""

import argparse
import pathlib
import sys

from logits import nmse, read_npy
from programs import run

TOKENS = 70  # more than a page of the cache
WAYS = {"v4": ["--target", "x86-64-v4"], "v3": ["--target", "x86-64-v3"],
        "plain": ["--target", "x86-64-v4", "--fusion-level=0"]}
# Of sums in another order, after which F16 keys and values, and still more
# 8-bit activations, may round to a neighbour.
LIMIT = {"f32": 1e-8, "f16": 1e-8}
QUANTISED_LIMIT = 1e-4


def logits(work, name, options):
    """Logits of one way of compiling, the same for all step sizes."""
    artifact, output = work / f"{name}.sinter", work / f"{name}.npy"
    run("compile", work / "m.gguf", "-o", artifact, "--progress=none",
        *options)
    outputs = []
    for chunk in (64, 1):
        run("eval", "logits", artifact, "--tokens", work / "tokens.txt", "-o",
            output, "--chunk", chunk)
        outputs.append(read_npy(output))
    if outputs[0].tobytes() != outputs[1].tobytes():
        sys.exit(f"{name}: steps of 64 and of 1 token differ by an NMSE of "
                 f"{nmse(*outputs):.3g}")
    return outputs[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("make", nargs="+")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    tools = pathlib.Path(__file__).parents[2] / "tools"
    run(sys.executable, tools / "make_tiny_gguf.py", *args.make, "-o",
        args.work / "m.gguf")
    tokens = [(7 * i * i + 3) % 320 for i in range(TOKENS)]
    (args.work / "tokens.txt").write_text(" ".join(map(str, tokens)) + "\n")
    kind = args.make[args.make.index("--format") + 1]
    limit = LIMIT.get(kind, QUANTISED_LIMIT)
    ours = {name: logits(args.work, name, options)
            for name, options in WAYS.items()}
    for name, values in ours.items():
        if not any(values) or not nmse(values, ours["v4"]) <= limit:
            sys.exit(f"{name}: NMSE {nmse(values, ours['v4']):.3g} from v4, "
                     f"at most {limit:.3g} is allowed")
        print(f"{name:6} NMSE {nmse(values, ours['v4']):.2e}")


main()
