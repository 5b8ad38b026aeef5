#!/usr/bin/env python3
"""Writes docs/accuracy.md: how far each golden model's logits lie from the exact
ones, ours and llama.cpp's, and what switching fusions off does to them.

    for folder in ../shared/golden test/golden; do
      test/e2e/golden_ablation.py $folder --work /tmp/ablation \\
          --json /tmp/ablation.jsonl
    done
    tools/accuracy_table.py /tmp/ablation.jsonl ../shared/golden test/golden \\
        -o docs/accuracy.md

A name that is in both folders stands once, after the last. What is said below the tables
(docs/accuracy.md, from "## Where chance" on) stays as it is.
"""

import argparse
import collections
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "test/e2e"))
from contract import known_misses, limit  # noqa: E402

KEPT = "## Where chance"
INTRODUCTION = """# Accuracy

Written by `tools/accuracy_table.py`, whose first lines say how. NMSE = Σ(a−b)² /
Σb² over all logits (of an encoder: the text's embedding or score), b the golden
ones: float32 arithmetic on exactly dequantised weights, by programs that know
nothing of us. "Peer" is llama.cpp's CPU path on the same file, its distance
from the same numbers; "–" where it refuses the model or was not run. Limits are
those of [testing.md](testing.md).

## Family, format, distance

| family | format | ours | peer | ours / peer | limit |
|---|---|---|---|---|---|
"""


def number(value):
    return f"{value:.1e}" if value else "–"


def accuracy_rows(rows, index):
    for row in sorted((r for r in rows if not r["off"]),
                      key=lambda r: r["model"]):
        name = row["model"]
        family, kind = name.split(".")[:2]
        peer = index[name]["nmse_peer"]
        most = limit(name, peer)
        ratio = f"{row['golden'] / peer:.2f}" if peer else "–"
        missed = " (missed)" if name in known_misses() else ""
        yield (f"| {family} | {kind} | {number(row['golden'])} | "
               f"{number(peer)} | {ratio} | {number(most)}{missed} |")


def fusion_rows(rows):
    by_fusion = collections.defaultdict(list)
    for row in rows:
        if row["off"]:
            by_fusion[row["off"]].append(row)
    for off, group in sorted(by_fusion.items()):
        same = sum(row["same"] for row in group)
        worst = max(row["apart"] for row in group)
        yield (f"| {'all of them' if off.startswith('-') else off} | "
               f"{len(group)} | {sum(row['fired'] for row in group) or ''} | "
               f"{same} | {worst:.0e} |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    options = parser.parse_args()
    index = {}
    for folder in options.folders:
        index |= json.loads((folder / "index.json").read_text())
    unique = {}
    for line in options.rows.read_text().splitlines():
        row = json.loads(line)
        unique[row["model"], row["off"]] = row
    rows = list(unique.values())
    models = {row["model"] for row in rows}
    text = INTRODUCTION + "\n".join(accuracy_rows(rows, index))
    text += f"""

## Fusions off

Each fusion that fires in a model off in turn, and all off, on the {len(models)}
models above: the contract holds for each, and a fusion changes no bit. CI takes
all off, and a share of the single ones (`e2e/golden-ablation`).

| switched off | models | boxes before | same bits | largest NMSE against on |
|---|---|---|---|---|
"""
    text += "\n".join(fusion_rows(rows)) + "\n"
    if options.output.exists():
        old = options.output.read_text()
        if KEPT in old:
            text += "\n" + old[old.index(KEPT):]
    options.output.write_text(text)


main()
