#!/usr/bin/env python3
"""Compares `bench` with llama-bench of a peer on the same file.

    tools/bench_vs.py model.gguf --peer llama.cpp=/peers/llama.cpp/llama-bench \\
        --peer "ik -rtr=/peers/ik/llama-bench -rtr 1" -p 512 -n 128 --rounds 5

Programs take turns (ours, peer, ours, peer ...), since shared machines drift;
each round gives a ratio, and the median and spread of the ratios are printed.
A fresh process measures each time. --plot draws the ratios (needs matplotlib).
"""
import argparse
import json
import os
import statistics
import sys
import tempfile

from program_output import run, run_json


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+", metavar="MODEL.gguf")
    parser.add_argument("--peer", action="append", required=True,
                        metavar="NAME=LLAMA_BENCH [ARGUMENTS]")
    parser.add_argument("--programs", default="build/bin",
                        help="folder of our compile and bench")
    parser.add_argument("--target", default="native")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--generate", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the ratios")
    return parser.parse_args()


def measure_ours(options, compiled):
    """Our tests by name."""
    report = run_json([os.path.join(options.programs, "bench"), compiled,
                       "-p", str(options.prompt), "-n", str(options.generate),
                       "--threads", str(options.threads), "--repeat", "3",
                       "--json"])
    return {test["name"]: test for test in report["tests"]}


def measure_peer(options, command, model):
    runs = run_json(command + ["-m", model, "-p", str(options.prompt), "-n",
                               str(options.generate), "-t",
                               str(options.threads), "-r", "3", "-o", "json"])
    return {(f"pp{run['n_prompt']}" if run["n_prompt"]
             else f"tg{run['n_gen']}"): run["avg_ts"] for run in runs}


def compare(options, peers, model, compiled):
    """One row for each test and peer."""
    ours, theirs = [], {name: [] for name in peers}
    for _ in range(options.rounds):
        ours.append(measure_ours(options, compiled))
        for name, command in peers.items():
            theirs[name].append(measure_peer(options, command, model))
    rows = []
    for test in ours[0]:
        speeds = [tests[test]["tokens_per_second"] for tests in ours]
        limit = ("percent_of_read" if test.startswith("tg")
                 else "percent_of_int8")
        percent = [tests[test][limit] for tests in ours]
        for name in peers:
            peer = [tests[test] for tests in theirs[name]]
            ratios = [a / b for a, b in zip(speeds, peer)]
            rows.append({"model": os.path.basename(model), "test": test,
                         "peer": name, "ours": statistics.median(speeds),
                         "theirs": statistics.median(peer),
                         "ratio": statistics.median(ratios),
                         "low": min(ratios), "high": max(ratios),
                         limit: statistics.median(percent)})
    return rows


def print_row(row):
    limit = next(key for key in row if key.startswith("percent"))
    print(f"{row['model']:28} {row['test']:8} {row['ours']:9.1f} t/s  "
          f"{row['peer']:14} {row['theirs']:9.1f} t/s  ratio "
          f"{row['ratio']:.2f} ({row['low']:.2f} .. {row['high']:.2f})  "
          f"ours {row[limit]:.0f} {limit.replace('_', ' ')}", flush=True)


def plot(rows, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot
    labels = [f"{row['model'].removesuffix('.gguf')} {row['test']}\n"
              f"vs {row['peer']}" for row in rows]
    ratios = [row["ratio"] for row in rows]
    spread = [[row["ratio"] - row["low"] for row in rows],
              [row["high"] - row["ratio"] for row in rows]]
    _, axes = pyplot.subplots(figsize=(8, 1 + 0.45 * len(rows)))
    axes.barh(labels, ratios, xerr=spread, color="#4c78a8", ecolor="#333333",
              capsize=3)
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set_xlabel("Sinter's tokens per second / the peer's (median, spread)")
    axes.invert_yaxis()
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=120)


def main():
    options = parse_arguments()
    peers = {}
    for peer in options.peer:
        name, separator, command = peer.partition("=")
        if not separator or not command.split():
            sys.exit(f"bench_vs: --peer {peer!r}, expected NAME=PROGRAM")
        peers[name] = command.split()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models:
            compiled = os.path.join(folder, "model.sinter")
            run([os.path.join(options.programs, "compile"), model, "-o",
                 compiled, "--target", options.target])
            for row in compare(options, peers, model, compiled):
                rows.append(row)
                print_row(row)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=2)
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
