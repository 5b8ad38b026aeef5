#!/usr/bin/env python3
"""Compiles golden models that embed or rank, evaluates them alone and among
other texts, with one thread and two, and compares with the golden rows.

    encoders.py FOLDER --work FOLDER [--only PATTERN]... [--target LEVEL]
                [--device emulated] [-- COMPILE OPTION...]

Takes the models of FOLDER/index.json whose "outputs" are no logits. Of
"embeddings" NAME.npy holds a row for each token and NAME.pooled.npy that of the
text, pooled as the model's file says; of "rank" NAME.npy holds the scores and
NAME.embeddings.npy, if there is one, a row for each token. Checks the numeric contract (NMSE 1e-5 for F32 and
F16, 1.1 times the peer's own otherwise) and that neither threads nor the other
texts of a step change a bit. Programs are taken from PATH.
"""

import argparse
import fnmatch
import json
import pathlib
import subprocess
import sys

from logits import nmse, read_npy


def call(*arguments):
    """What the program prints, or None and its complaint."""
    done = subprocess.run([str(argument) for argument in arguments],
                          capture_output=True, text=True)
    if done.returncode:
        return None, f"{arguments[0]} exited {done.returncode}: {done.stderr[-600:]}"
    return done.stdout, None


def rows_of(artifact, work, texts, threads, device):
    """The rows of the texts, flat, and how wide one is."""
    tokens, output = work / "texts.txt", work / "rows.npy"
    tokens.write_text("".join(" ".join(map(str, text)) + "\n"
                              for text in texts))
    said, problem = call("eval", "embeddings", artifact, "--tokens", tokens,
                         "-o", output, "--threads", threads, "--json",
                         "--device", device)
    if problem:
        sys.exit(f"encoders.py: {problem}")
    return read_npy(output), json.loads(said)["width"]


def evaluate(artifact, work, tokens, device):
    """The text's rows, and what changed them."""
    alone, width = rows_of(artifact, work, [tokens], 1, device)
    problems = []
    again, _ = rows_of(artifact, work, [tokens], 2, device)
    if again != alone:
        problems.append("two threads give other rows than one")
    # The text between others: shorter, itself, its end.
    others = [tokens[:5], tokens, tokens[1:20], tokens]
    for threads in (1, 2):
        among, _ = rows_of(artifact, work, others, threads, device)
        each = len(alone) // width == 1
        counts = [1 if each else len(text) for text in others]
        first = sum(counts[:1]) * width
        last = sum(counts[:3]) * width
        for begin in (first, last):
            if among[begin:begin + len(alone)] != alone:
                problems.append(f"{threads} threads: among other texts its "
                                "rows are others")
    return alone, problems


def check(folder, name, row, args, options):
    """Lines of the table, and what is wrong."""
    work, kind = args.work, name.split(".")[1]
    limit = {"F32": 1e-5, "F16": 1e-5}.get(kind, 1.1 * row["nmse_peer"])
    tokens = [int(word) for word in
              (folder / "tokens.txt").read_text().split()]
    lines, problems = [], []
    each = "" if row["outputs"] == "embeddings" else ".embeddings"
    whole = ".pooled" if row["outputs"] == "embeddings" else ""
    golden = [(folder / f"{name}{whole}.npy", []),
              (folder / f"{name}{each}.npy", ["--pooling", "none"])]
    for path, pooling in golden:
        if not path.exists() and whole == "":
            continue
        artifact = work / f"{name}.sinter"
        _, problem = call("compile", folder / f"{name}.gguf", "-o", artifact,
                          "--progress=none", *pooling, *options)
        if problem:
            return lines, problems + [problem]
        values, found = evaluate(artifact, work, tokens, args.device)
        error = nmse(values, read_npy(path))
        artifact.unlink()
        problems += found
        if not error <= limit:
            problems.append(f"{path.name}: NMSE {error:.3g} is over {limit:.3g}")
        lines.append(f"{path.name:34} {error:9.2e} {limit:9.2e} "
                     f"{row['nmse_peer']:9.2e}")
    return lines, problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", metavar="PATTERN")
    parser.add_argument("--target", help="instruction set to compile for")
    parser.add_argument("--device", default="auto",
                        help="emulated: where a GPU's kernels run")
    parser.add_argument("rest", nargs="*", help="for compile")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    index = json.loads((args.folder / "index.json").read_text())
    names = [n for n in sorted(index)
             if (not args.only or any(fnmatch.fnmatch(n, pattern)
                                      for pattern in args.only))
             and index[n].get("outputs", "logits") != "logits"]
    if not names:
        sys.exit(f"encoders.py: error: no model to check in {args.folder}")
    options = args.rest + (["--target", args.target] if args.target else [])
    if args.device == "emulated":
        options.append("--emulated-only")
    print(f"{'rows':34} {'NMSE':>9} {'limit':>9} {'peer':>9}")
    failed = 0
    for name in names:
        lines, problems = check(args.folder, name, index[name], args, options)
        print(*lines, sep="\n")
        for problem in problems:
            print(f"  FAILED {name}: {problem}")
        failed += bool(problems)
    print(f"{len(names)} models, {failed} failed")
    sys.exit(1 if failed else 0)


main()
