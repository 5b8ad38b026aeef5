#!/usr/bin/env python3
"""Compiles a model with all fusions, with each one off in turn, and with none,
and compares the logits: a fusion changes no meaning.

    ablation.py MODEL.gguf --tokens FILE --work FOLDER [--limit NMSE]

Steps that `compile --list-passes` gives a flag are found by themselves. Prints
the NMSE against the fully fused model and the launches of a decode step.
"""

import argparse
import json
import pathlib
import sys

from logits import nmse, read_npy
from programs import run


def measure(args, flags):
    """Logits, and the report, of the model compiled with these flags."""
    artifact, logits, report = (str(args.work / name) for name in (
        "model.sinter", "logits.npy", "report.json"))
    run("compile", args.model, "-o", artifact, "--progress=none", "--report",
        report, *flags)
    run("eval", "logits", artifact, "--tokens", args.tokens, "-o", logits)
    return read_npy(logits), json.loads(pathlib.Path(report).read_text())


def fired(report):
    """Counts of the fusions that the model has a place for."""
    return {entry["name"]: entry["fused"] for entry in report["fusions"]
            if entry["expected"] or entry["fused"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--tokens", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=float, default=1e-9)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    fused, report = measure(args, [])
    counts = fired(report)
    absent = {entry["name"] for entry in report["fusions"]} - set(counts)
    flags = [word for word in run("compile", "--list-passes").split()
             if word.startswith("--no-")
             and word.removeprefix("--no-") not in absent]
    print(f"{'switched off':28} {'NMSE':>9} {'launches':>8} fired before")
    print(f"{'(nothing)':28} {0:9.2e} {report['regimes'][0]['launches']:8}")
    problems = [f"{name} fires nowhere in this model"
                for name, count in counts.items() if count == 0]
    for flag in flags + ["--fusion-level=0"]:
        logits, report = measure(args, [flag])
        error = nmse(logits, fused)
        name = flag.removeprefix("--no-")
        print(f"{name:28} {error:9.2e} {report['regimes'][0]['launches']:8} "
              f"{counts.get(name, '')}")
        if not error <= args.limit:
            problems.append(f"{flag}: NMSE {error:.3g} is over {args.limit:.3g}")
        left = fired(report)
        on = sum(left.values()) if flag == "--fusion-level=0" else left.get(name)
        if on:
            problems.append(f"{flag}: still fired {on} times")
    for problem in problems:
        print("  " + problem)
    print(f"{len(flags)} steps, {len(problems)} problems")
    sys.exit(1 if problems else 0)


main()
