#!/usr/bin/env python3
"""Writes the last section of docs/accuracy.md: the golden models on an emulated
GPU, by weight format, and with fusions off.

    on="--target sm_121 --device emulated"
    for folder in ../shared/golden test/golden; do
      test/e2e/golden.py $folder --work /tmp/steps --json /tmp/steps.jsonl $on
      test/e2e/golden_ablation.py $folder --work /tmp/off --json /tmp/off.jsonl $on
    done
    tools/emulated_table.py /tmp/steps.jsonl /tmp/off.jsonl \\
        ../shared/golden test/golden -o docs/accuracy.md
"""

import argparse
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "test/e2e"))
from contract import known_misses, limit  # noqa: E402

HEADING = "## On an emulated GPU"


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def format_rows(steps, index):
    groups = collections.defaultdict(dict)
    for row in steps:
        groups[row["model"].split(".")[1]][row["model"]] = row
    for kind, models in sorted(groups.items()):
        share = {name: row["nmse"] / limit(name, index[name]["nmse_peer"])
                 for name, row in models.items()}
        kept = {name: value for name, value in share.items()
                if name not in known_misses()}
        worst = max(kept, key=kept.get)
        missed = ", ".join(f"{name} misses with {share[name]:.2f}"
                           for name in sorted(share.keys() - kept.keys()))
        yield (f"| {kind} | {len(models)} | "
               f"{sum(row['same'] for row in models.values())} | "
               f"{kept[worst]:.2f} ({worst}{'; ' + missed if missed else ''}) |")


def fusion_rows(rows):
    groups = collections.defaultdict(dict)
    for row in rows:
        if row["off"]:
            groups[row["off"]][row["model"]] = row
    for off, models in sorted(groups.items()):
        name = "all of them" if off.startswith("-") else off
        yield (f"| {name} | {len(models)} | "
               f"{sum(row['same'] for row in models.values())} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("steps", type=pathlib.Path)
    parser.add_argument("ablations", type=pathlib.Path)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    index = {}
    for folder in options.folders:
        index |= json.loads((folder / "index.json").read_text())
    steps, ablations = rows_of(options.steps), rows_of(options.ablations)
    tried = {(row["model"], row["off"]) for row in ablations if row["off"]}
    section = f"""{HEADING}

Written by `tools/emulated_table.py`. Kernels for `{steps[0]['target']}`, on blocks of
fibers: {len({row['model'] for row in steps})} models in steps of \
{', '.join(map(str, steps[0]['chunks']))} tokens. "Share" is the largest NMSE as
a share of its limit.

| format | models | same bits in all steps | largest share |
|---|---|---|---|
""" + "\n".join(format_rows(steps, index)) + f"""

Fusions off, {len(tried)} compilations of {len({name for name, _ in tried})} models
(encoders, too) against all on:

| switched off | models | same bits |
|---|---|---|
""" + "\n".join(fusion_rows(ablations)) + "\n"
    text = options.output.read_text()
    if HEADING in text:
        text = text[:text.index(HEADING)]
    options.output.write_text(text.rstrip("\n") + "\n\n" + section)


main()
