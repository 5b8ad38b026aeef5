#!/usr/bin/env python3
"""Compiles golden models, evaluates them in several step sizes and thread
counts, and compares the logits with the golden ones.

    golden.py FOLDER --work FOLDER [--only PATTERN]... [--target LEVEL]
              [--chunk TOKENS]... [--kv-cache ELEMENT] [--unless-in OTHER]
              [--json FILE]

Takes all models of FOLDER/index.json whose family `compile` has, or those with
names such as "*.Q8_0"; a model of another family is named and skipped, as is
one that lies in OTHER too, byte for byte, whose own test checks it.

Checks the numeric contract (NMSE of the logits: 1e-5 for F32 and F16, 1e-4 for
BF16, 1.1 times the peer's own otherwise; 3e-5, 1e-4 and 2 times where routed
experts or a recurrent state amplify small noise), and that neither chunks nor
threads change a bit. Prints a table; programs are taken from PATH.
"""

import argparse
import fnmatch
import json
import pathlib
import re
import subprocess
import sys

from contract import judge, known_misses, limit
from golden_files import lies_in
from logits import nmse, read_npy

# Tokens per step: whole, ragged and single steps.
CHUNKS = (64, 7, 1)


def run(arguments):
    """Runs a program; its complaint, or None."""
    done = subprocess.run(arguments, capture_output=True, text=True)
    if done.returncode:
        return f"{arguments[0]} exited {done.returncode}: {done.stderr[-600:]}"
    return None


def unsupported(folder, name, options):
    """Why the compiler does not have the model's family, or the target no
    kernel for it, or None."""
    done = subprocess.run(["compile", "--emit=graph",
                           str(folder / f"{name}.gguf"), *options],
                          capture_output=True, text=True)
    found = re.search("architecture '.*' is unknown|"
                      "key .* not supported in this family yet|"
                      "op '.*' of .* has no kernel on target 'sm_.*'|"
                      "cache '.*' cannot hold .*",
                      done.stderr)
    return found and found[0]


def variants(chunks, device):
    """Chunks and threads. An emulated device's blocks know nothing of those."""
    return [(chunk, threads) for chunk in chunks
            for threads in ((2,) if device == "emulated" else (1, 2))]


def note(args, name, worst, outputs):
    row = dict(model=name, target=args.target or "native", nmse=worst,
               chunks=args.chunk or CHUNKS,
               same=len({values.tobytes() for values in outputs}) == 1)
    with args.json.open("a") as file:
        print(json.dumps(row), file=file)


def check(folder, name, peer, args, options):
    """One row of the table, and the list of what is wrong."""
    artifact = args.work / f"{name}.sinter"
    logits = args.work / f"{name}.npy"
    problem = run(["compile", str(folder / f"{name}.gguf"), "-o",
                   str(artifact), "--progress=none", *options])
    if problem:
        return "", [problem]
    problems, outputs = [], {}
    for chunk, threads in variants(args.chunk or CHUNKS, args.device):
        problem = run(["eval", "logits", str(artifact), "--tokens",
                       str(folder / "tokens.txt"), "-o", str(logits),
                       "--chunk", str(chunk), "--threads", str(threads),
                       "--device", args.device])
        if problem:
            problems.append(f"chunk {chunk}, {threads} threads: {problem}")
            continue
        outputs[chunk, threads] = read_npy(logits)
    artifact.unlink()
    if not outputs:
        return "", problems
    golden = read_npy(folder / f"{name}.npy")
    first = next(iter(outputs))
    errors = {}
    for variant, values in outputs.items():
        same = values.tobytes() == outputs[first].tobytes()
        errors[variant] = errors[first] if same and errors else nmse(
            values, golden)
        if not same:
            problems.append(f"chunk {variant[0]}, {variant[1]} threads: logits "
                            f"differ from chunk {first[0]}, {first[1]} threads")
        if problem := judge(name, peer, errors[variant], args.kv_cache):
            problems.append(
                f"chunk {variant[0]}, {variant[1]} threads: {problem}")
    worst = max(errors.values())
    if args.json:
        note(args, name, worst, outputs.values())
    ratio = f"{worst / peer:6.2f}" if peer else "     -"
    most = limit(name, peer, args.kv_cache)
    return f"{worst:9.2e} {most:9.2e} {peer:9.2e} {ratio}", problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", metavar="PATTERN")
    parser.add_argument("--target", help="instruction set to compile for")
    parser.add_argument("--kv-cache", default="auto", metavar="ELEMENT",
                        help="what caches hold; where they cannot, the model "
                             "is named and skipped")
    parser.add_argument("--device", default="auto",
                        help="emulated: where a GPU's kernels run")
    parser.add_argument("--chunk", type=int, action="append",
                        help="tokens per step; default: 64, 7 and 1")
    parser.add_argument("--unless-in", type=pathlib.Path, metavar="OTHER")
    parser.add_argument("--json", type=pathlib.Path, help="rows as JSON lines")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    index = json.loads((args.folder / "index.json").read_text())
    names = [n for n in sorted(index)
             if not args.only or any(fnmatch.fnmatch(n, pattern)
                                     for pattern in args.only)]
    options = ["--kv-cache", args.kv_cache]
    if args.target:
        options += ["--target", args.target]
    if args.device == "emulated":
        options.append("--emulated-only")  # NVRTC would take minutes
    skipped = {n: f"in {args.unless_in}, too" for n in names
               if lies_in(args.unless_in, args.folder, n)}
    # What golden models of encoders hold: references/families.py.
    skipped |= {n: f"its outputs are {kind}, not logits" for n in names
                if (kind := index[n].get("outputs", "logits")) != "logits"}
    skipped |= {n: why for n in names if n not in skipped
                and (why := unsupported(args.folder, n, options))}
    names = [n for n in names if n not in skipped]
    if not names and not skipped:
        sys.exit(f"golden.py: error: no model to check in {args.folder}")
    print(f"{'model':22} {'NMSE':>9} {'limit':>9} {'peer':>9} of peer")
    failed = 0
    for name in names:
        row, problems = check(args.folder, name, index[name]["nmse_peer"],
                              args, options)
        print(f"{name:22} {row}{'  FAILED' if problems else ''}")
        if name in known_misses():
            print(f"  misses the contract: {known_misses()[name]['why']}")
        for problem in problems:
            print(f"  {problem}")
        failed += bool(problems)
    for name, why in skipped.items():
        print(f"{name:22} skipped: {why}")
    print(f"{len(names)} models, {failed} failed")
    sys.exit(1 if failed else 0)


main()
