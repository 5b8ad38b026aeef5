#!/usr/bin/env python3
"""What the kernels of models need of each GPU, as a page of docs.

  gpu_table.py MODEL.gguf ... > docs/gpu-kernels.md

asks `compile --emit=resources` for every target and fails if a kernel spills,
keeps a stack or asks fmore shared memory than a block has, or products of four warps (wgmma) that ptxas
serialises. Times of the
first run are those of NVRTC; later ones read its cache.
"""
import argparse
import re
import subprocess
import sys
from pathlib import Path

TARGETS = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90a", "sm_100a", "sm_120a",
           "sm_121a"]
# By the beginning of a kernel's name.
CLASSES = [("gemv", r".*_gemv"), ("gemm", r"matmul_|swiglu_|geglu_|experts?_"),
           ("attention", r"attention_|latent_attention_"),
           ("scan", r"gdn_|scan_|ssm_|delta_")]
ROW = re.compile(r"(\w+) +(\d+) +(\d+) +(\d+) +(\d+)(?:  (.+))?$")


def class_of(name):
    for kind, pattern in CLASSES:
        if re.match(pattern, name):
            return kind
    return "other"


def resources(model, target):
    """Rows of compile's table, and its last line."""
    run = subprocess.run(["compile", model, "--target", target,
                          "--emit=resources", "-o", "-"], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.returncode:
        sys.exit(f"gpu_table.py: {model}, {target}: {run.stderr.strip()}")
    rows = []
    for line in run.stdout.splitlines():
        match = ROW.match(line)
        if match:
            name, *numbers, obstacle = match.groups()
            rows.append((name, *map(int, numbers), obstacle))
    return rows, run.stdout.strip().splitlines()[-1]


def most(rows, column):
    return max((row[column] for row in rows), default=0)


def print_model(model, wrong):
    print(f"\n## {Path(model).stem}\n")
    print("| GPU | class | kernels | threads | registers | shared bytes "
          "| warps | obstacles |")
    print("|---|---|---|---|---|---|---|---|")
    for target in TARGETS:
        rows, summary = resources(model, target)
        chip = re.search(r"on (\S+ \(.+?\)),", summary).group(1)
        for kind in ["gemv", "gemm", "attention", "scan", "other"]:
            own = [row for row in rows if class_of(row[0]) == kind]
            if not own:
                continue
            bad = [row for row in own if row[5]]
            wrong += [f"{model}, {target}: {row[0]} {row[5]}" for row in bad]
            print(f"| {chip} | {kind} | {len(own)} | {most(own, 1)} "
                  f"| {most(own, 2)} | {most(own, 3)} "
                  f"| {min(row[4] for row in own)} | {len(bad)} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    wrong = []
    print("# Kernels on GPUs\n\nMade by `tools/gpu_table.py`, which asks NVRTC;"
          " no GPU was there.\nRegisters and shared memory are the most that a"
          " kernel of the class takes, warps\nthe fewest that are resident on a"
          " multiprocessor. An obstacle is a spill, a stack,\nmore shared"
          " memory than a block has, or products of four warps (wgmma) that"
          " ptxas\nserialises.")
    for model in parser.parse_args().models:
        print_model(model, wrong)
    for text in wrong:
        print(f"gpu_table.py: {text}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
