#!/usr/bin/env python3
"""Feeds the programs truncated and altered files: hostile.py MODEL --work DIR.

Of the GGUF, header and metadata are altered, and any answer but a crash will
do; an altered artifact must be refused. The parsers meet thousands of such
files under sanitizers in test/fuzz.
"""

import argparse
import pathlib
import random
import subprocess
import sys

FILES = 40  # of each kind: one process per file
METADATA_BYTES = 2200  # the head of the golden models


def mutations(data, alter, rng):
    """Truncations, then single flipped bits among the first `alter` bytes."""
    for _ in range(FILES):
        yield data[:rng.randrange(len(data))]
    for _ in range(FILES):
        at, bit = rng.randrange(alter), 1 << rng.randrange(8)
        yield data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


def ends_well(arguments, may_pass):
    """Whether the program ended with one message, or well if it may."""
    done = subprocess.run(arguments, capture_output=True, timeout=60)
    if done.returncode == 0:
        return may_pass
    return done.returncode in (1, 2) and b"error: " in done.stderr


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--work", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(2)
    source, artifact = args.work / "bad.gguf", args.work / "good.sinter"
    subprocess.run(["compile", args.model, "-o", str(artifact),
                    "--progress=none"], check=True, stdout=subprocess.DEVNULL)
    failures = 0
    model = pathlib.Path(args.model).read_bytes()
    for number, data in enumerate(mutations(model, METADATA_BYTES, rng)):
        source.write_bytes(data)
        if not ends_well(["compile", str(source), "--emit=graph", "-o",
                          str(args.work / "out"), "--progress=none"],
                         may_pass=number >= FILES):
            failures += 1
            source.rename(args.work / f"failure-{number}.gguf")
    good, bad = artifact.read_bytes(), args.work / "bad.sinter"
    for number, data in enumerate(mutations(good, len(good), rng)):
        bad.write_bytes(data)
        if not ends_well(["inspect", str(bad)], may_pass=False) \
                or not ends_well(["run", str(bad), "-p", "a", "-n", "1"],
                                 may_pass=False):
            failures += 1
            bad.rename(args.work / f"failure-{number}.sinter")
    print(f"{4 * FILES} files, {failures} failures in {args.work}")
    sys.exit(1 if failures else 0)


main()
