#!/usr/bin/env python3
"""Compiles golden models with each fusion off in turn, and with all off: the
logits, or an encoder's rows, must keep the numeric contract, and no bit may
differ from those of the fused model.

    golden_ablation.py FOLDER --work FOLDER [--only PATTERN]...
                       [--unless-in OTHER] [--share] [--jobs N] [--json FILE]
                       [--target LEVEL] [--device emulated]

Takes the fusions that `compile --report` names and that fire in a model. With
--share each model gets all off, and every fifth of its fusions in turns, so
that all models together have each fusion off several times. Kernels that are
the same are compiled once. Programs are taken from PATH.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import pathlib
import sys

from contract import judge
from golden_files import lies_in
from logits import nmse, read_npy
from programs import run

ALL = "--fusion-level=0"


def golden_rows(folder, name, kind):
    """Where they are: an encoder's are those of the whole text."""
    return folder / f"{name}{'.pooled' if kind == 'embeddings' else ''}.npy"


class Model:
    """One golden model, compiled again and again."""

    def __init__(self, folder, name, row, args):
        self.file, self.name, self.row = folder / f"{name}.gguf", name, row
        self.tokens, self.work = folder / "tokens.txt", args.work
        self.device = args.device
        self.options = ["--target", args.target] if args.target else []
        if args.device == "emulated":
            self.options.append("--emulated-only")
        self.kind = row.get("outputs", "logits")
        self.golden = read_npy(golden_rows(folder, name, self.kind))

    def measure(self, flags):
        """Rows, and the report, of the model compiled with these flags."""
        artifact, rows, report = (self.work / f"{self.name}.{end}" for end in
                                  ("sinter", "npy", "json"))
        run("compile", self.file, "-o", artifact, "--progress=none",
            "--report", report, *self.options, *flags)
        run("eval", "logits" if self.kind == "logits" else "embeddings",
            artifact, "--tokens", self.tokens, "-o", rows, "--device",
            self.device)
        artifact.unlink()
        return read_npy(rows), json.loads(report.read_text())

    def ablate(self, which):
        """A row for each compilation, and what is wrong."""
        fused, report = self.measure([])
        counts = {entry["name"]: entry["fused"] for entry in report["fusions"]
                  if entry["fused"]}
        rows, problems = [], []
        for entry in report["fusions"]:
            if entry["fused"] != entry["expected"]:
                problems.append(f"{entry['name']} fired {entry['fused']} times,"
                                f" expected {entry['expected']}")
        fusions = [entry["name"] for entry in report["fusions"]]
        for off in [None, *filter(counts.get, which(fusions)), ALL]:
            if off is None:
                values, said = fused, report
            else:
                values, said = self.measure(
                    [ALL if off == ALL else f"--no-{off}"])
            rows.append(dict(
                model=self.name, off=off or "", fired=counts.get(off, 0),
                golden=nmse(values, self.golden), apart=nmse(values, fused),
                same=values.tobytes() == fused.tobytes(),
                launches=said["regimes"][0]["launches"]))
            problems += self.faults(off, rows[-1], said)
        return rows, problems

    def faults(self, off, row, said):
        left = [entry["name"] for entry in said["fusions"] if entry["fused"]
                and off in (ALL, entry["name"])]
        found = [f"{off}: {name} still fired" for name in left]
        if not row["same"]:
            found.append(f"{off}: other bits, NMSE {row['apart']:.3g}")
        if problem := judge(self.name, self.row["nmse_peer"], row["golden"]):
            found.append(f"{off or 'all on'}: {problem}")
        return found


def share(place):
    """Every fifth fusion, neighbours with different ones."""
    return lambda fusions: fusions[-2 * place % 5::5]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", metavar="PATTERN")
    parser.add_argument("--unless-in", type=pathlib.Path, metavar="OTHER")
    parser.add_argument("--target", help="what to compile for")
    parser.add_argument("--device", default="auto",
                        help="emulated: where a GPU's kernels run")
    parser.add_argument("--share", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=pathlib.Path, help="rows as JSON lines")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SINTER_OBJECT_CACHE",
                          str((args.work / "objects").absolute()))
    index = json.loads((args.folder / "index.json").read_text())
    names = [n for n in sorted(index)
             if (not args.only or any(fnmatch.fnmatch(n, pattern)
                                      for pattern in args.only))
             and not lies_in(args.unless_in, args.folder, n)]
    if not names:
        sys.exit(f"golden_ablation.py: error: no model in {args.folder}")

    def ablate(place):
        name = names[place]
        return Model(args.folder, name, index[name], args).ablate(
            share(place) if args.share else lambda fusions: fusions)

    print(f"{'model':24} {'switched off':26} {'golden':>9} {'on/off':>9} "
          "launches fired before")
    failed = tried = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, (rows, problems) in zip(
                names, pool.map(ablate, range(len(names)))):
            for row in rows:
                print(f"{name:24} {row['off'] or '(nothing)':26} "
                      f"{row['golden']:9.2e} {row['apart']:9.2e} "
                      f"{row['launches']:8} {row['fired'] or ''}", flush=True)
            for problem in problems:
                print(f"  FAILED {name}: {problem}", flush=True)
            tried += len(rows) - 1
            failed += bool(problems)
            if args.json:
                with args.json.open("a") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
    print(f"{len(names)} models, {tried} ablations, {failed} failed")
    sys.exit(1 if failed else 0)


main()
