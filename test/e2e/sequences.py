#!/usr/bin/env python3
"""Evaluates five texts of unequal length in one step, and each alone: the rows
behind the last layer must be the same, bit for bit.

    sequences.py MODEL.gguf --tokens FILE --work FOLDER [--target LEVEL]
                 [--device emulated]

Takes any decoder: compiled without pooling it gives a row for each token.
"""

import argparse
import pathlib
import sys

from logits import read_npy
from programs import run

LENGTHS = (3, 17, 1, 30, 8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--tokens", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--target", default="native")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    artifact = args.work / "model.sinter"
    only = ["--emulated-only"] if args.device == "emulated" else []
    run("compile", args.model, "-o", artifact, "--progress=none", "--pooling",
        "none", "--target", args.target, *only)
    words = args.tokens.read_text().split()
    texts, rows = args.work / "texts.txt", {}
    texts.write_text("".join(
        " ".join(words[3 * place:3 * place + length]) + "\n"
        for place, length in enumerate(LENGTHS)))
    for together in (1, len(LENGTHS)):
        output = args.work / f"{together}.npy"
        run("eval", "embeddings", artifact, "--tokens", texts, "-o", output,
            "--sequences", together, "--device", args.device)
        rows[together] = read_npy(output)
    alone, batch = rows.values()
    width, rest = divmod(len(alone), sum(LENGTHS))
    if rest or not any(alone):
        sys.exit(f"error: {len(alone)} numbers for {sum(LENGTHS)} tokens")
    different = [place for place in range(sum(LENGTHS))
                 if alone[place * width:(place + 1) * width]
                 != batch[place * width:(place + 1) * width]]
    if different or len(batch) != len(alone):
        sys.exit(f"error: of {sum(LENGTHS)} rows, in a step of several "
                 f"sequences {len(different)} differ, the first is "
                 f"{different[:1]}")
    print(f"{sum(LENGTHS)} rows of {width} are the same")


main()
