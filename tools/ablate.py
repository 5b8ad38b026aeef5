#!/usr/bin/env python3
"""Says what each fusion gains on one model, on this machine.

    tools/ablate.py model.gguf -b 1 8 32 -p 512 -n 32 --rounds 7 --plot ablation.png

Compiles the model with all fusions, with each one off in turn, and with none;
lets each of these take turns with the first in `bench`, two compiled models at a
time, since each is as large as the weights; and prints, beside counts, launches,
barriers and bytes, the medians and spread of prefill and decode, and a verdict
by the promotion rule: a fusion is worth its place if the median of its gains
over the rounds is above 2 % and above three times their standard deviation.
A fusion that fires nowhere in this model has no verdict. Fusions are those that
`compile --list-passes` gives a flag. --plot needs matplotlib.
"""
import argparse
import importlib.util
import json
import math
import os
import statistics
import sys
import tempfile

from program_output import run, run_json

ALL, NONE = "all on", "all off"
LEAST_GAIN, SIGMAS = 0.02, 3


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", metavar="MODEL.gguf")
    parser.add_argument("--programs", default="build/bin",
                        help="folder of our compile, inspect and bench")
    parser.add_argument("--target", default="native")
    parser.add_argument("--only", nargs="+", metavar="PASS",
                        help="only these of the passes that have a flag")
    parser.add_argument("-p", "--prompt", type=int, default=512,
                        help="tokens to prefill (0: none)")
    parser.add_argument("-n", "--generate", type=int, default=32,
                        help="tokens to decode (0: none)")
    parser.add_argument("-b", "--sequences", type=int, nargs="+", default=[1],
                        help="sequences that decode together")
    parser.add_argument("-t", "--threads", type=int)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", metavar="FOLDER",
                        help="where the models are compiled (default: a "
                        "temporary folder)")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--plot", metavar="FILE.png", help="draw the gains")
    return parser.parse_args()


def program(options, name):
    return os.path.join(options.programs, name)


def ablatable(options):
    """Names of the passes with a flag, in order."""
    listed = run([program(options, "compile"), "--list-passes"])
    names = [word.removeprefix("--no-") for word in listed.split()
             if word.startswith("--no-")]
    for name in options.only or []:
        if name not in names:
            sys.exit(f"ablate: --only {name}: no such pass; expected some of "
                     f"{', '.join(names)}")
    return [name for name in names if not options.only or name in options.only]


def compile_variant(options, folder, name, flags):
    """The compiled model, and what its report says."""
    path = os.path.join(folder, name.replace(" ", "-") + ".sinter")
    report = path + ".json"
    run([program(options, "compile"), options.model, "-o", path, "--target",
         options.target, "--progress=none", "--report", report, *flags])
    with open(report, encoding="utf-8") as file:
        facts = json.load(file)
    one, largest = facts["steps"]
    return {"name": name, "path": path,
            "counts": {fusion["name"]: fusion["fused"]
                       for fusion in facts["fusions"]},
            "expected": {fusion["name"]: fusion["expected"]
                         for fusion in facts["fusions"]},
            "launches": len(one["launches"]), "barriers": one["barriers"],
            "prefill_barriers": largest["barriers"],
            "kernels": len(facts["kernels"]),
            "arena_bytes": max(regime["arena_bytes"]
                               for regime in facts["regimes"]),
            "weight_bytes": one["weight_bytes"],
            "cache_bytes": one["cache_bytes"], "seconds": {}}


def bench(options, variant):
    """Seconds of each test, in one fresh process."""
    command = [program(options, "bench"), variant["path"], "-p",
               str(options.prompt), "-n", str(options.generate), "-b",
               *map(str, options.sequences), "--repeat", "3", "--json"]
    if options.threads:
        command += ["--threads", str(options.threads)]
    report = run_json(command)
    seconds = {}
    for test in report["tests"]:
        tokens = options.prompt
        if test["name"].startswith("tg"):
            sequences = test["name"].partition("@b")[2] or "1"
            tokens = options.generate * int(sequences)
        seconds[test["name"]] = tokens / test["tokens_per_second"]
    return seconds


def gain_of(fast, slow):
    """Gain of `fast` over `slow`, round by round: median and deviation."""
    gains = [1 - a / b for a, b in zip(fast, slow)]
    deviation = statistics.stdev(gains) if len(gains) > 1 else math.inf
    return {"median": statistics.median(gains), "sigma": deviation,
            "low": min(gains), "high": max(gains)}


def verdict_of(gain):
    """seeds.md G-65: median gain > max(2 %, 3 sigma)."""
    bar = max(LEAST_GAIN, SIGMAS * gain["sigma"])
    if gain["median"] > bar:
        return "gains"
    return "loses" if -gain["median"] > bar else "no gain above noise"


def row_of(variant, full, beside):
    """One variant beside the model with all fusions, which took `beside`
    seconds in turns with it."""
    row = {key: value for key, value in variant.items()
           if key not in ("path", "counts", "expected")}
    row["fired"] = row["expected"] = None
    if variant["name"] in full["counts"]:
        row["fired"] = full["counts"][variant["name"]]
        row["expected"] = full["expected"][variant["name"]]
    row["gains"] = {}
    for test, seconds in beside.items():
        gain = gain_of(seconds, variant["seconds"][test])
        gain["verdict"] = ("fires nowhere" if row["fired"] == 0
                           else verdict_of(gain))
        row["gains"][test] = gain
    return row


def print_rows(rows):
    print(f"{'without':26} {'fired':>7} {'launches':>8} {'barriers':>8} "
          f"{'MB/token':>8} {'arena MB':>8}")
    for row in rows:
        fired = ("" if row["fired"] is None
                 else f"{row['fired']}/{row['expected']}")
        print(f"{row['name']:26} {fired:>7} {row['launches']:8} "
              f"{row['barriers']:8} "
              f"{(row['weight_bytes'] + row['cache_bytes']) / 1e6:8.2f} "
              f"{row['arena_bytes'] / 1e6:8.2f}")
    for test in rows[0]["seconds"]:
        print(f"\n{test:26} {'ms':>10} {'low':>10} {'high':>10}   gain of "
              "having it, verdict")
        for row in rows:
            times = [second * 1e3 for second in row["seconds"][test]]
            line = (f"{row['name']:26} {statistics.median(times):10.3f} "
                    f"{min(times):10.3f} {max(times):10.3f}")
            if test in row["gains"]:
                gain = row["gains"][test]
                line += (f"   {gain['median'] * 100:+6.1f} % "
                         f"({gain['low'] * 100:+.1f} .. "
                         f"{gain['high'] * 100:+.1f})  {gain['verdict']}")
            print(line)


def plot(rows, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot
    tests = list(rows[0]["seconds"])
    rows = [row for row in rows if row["gains"]]
    _, axes = pyplot.subplots(1, len(tests), sharey=True, squeeze=False,
                              figsize=(3 + 3 * len(tests),
                                       1.2 + 0.35 * len(rows)))
    for axis, test in zip(axes[0], tests):
        gains = [row["gains"][test] for row in rows]
        medians = [100 * gain["median"] for gain in gains]
        spread = [[100 * (gain["median"] - gain["low"]) for gain in gains],
                  [100 * (gain["high"] - gain["median"]) for gain in gains]]
        colours = ["#4c78a8" if gain["verdict"] == "gains" else "#bbbbbb"
                   for gain in gains]
        axis.barh([row["name"] for row in rows], medians, xerr=spread,
                  color=colours, ecolor="#333333", capsize=3)
        axis.axvline(0, color="#333333", linewidth=1)
        axis.set_title(test)
        axis.set_xlabel("% of the time saved (median, spread)")
    axes[0][0].invert_yaxis()
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=120)


def turns(options, full, variant):
    """Rounds of both, and so the variant's row."""
    beside = {}
    for _ in range(options.rounds):
        for test, seconds in bench(options, full).items():
            beside.setdefault(test, []).append(seconds)
            full["seconds"].setdefault(test, []).append(seconds)
        for test, seconds in bench(options, variant).items():
            variant["seconds"].setdefault(test, []).append(seconds)
    return row_of(variant, full, beside)


def measure(options, folder):
    others = [(name, [f"--no-{name}"]) for name in ablatable(options)]
    others.append((NONE, ["--fusion-level=0"]))
    full = compile_variant(options, folder, ALL, [])
    rows = []
    for number, (name, flags) in enumerate(others):
        if sys.stderr.isatty():
            print(f"\r{number + 1} of {len(others)}: {name:30}", end="",
                  file=sys.stderr, flush=True)
        variant = compile_variant(options, folder, name, flags)
        rows.append(turns(options, full, variant))
        os.remove(variant["path"])
    os.remove(full["path"])
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return [row_of(full, full, {}), *rows]


def main():
    options = parse_arguments()
    if options.rounds < 1 or not (options.prompt or options.generate):
        sys.exit("ablate: nothing to measure: --rounds, and -p or -n, must be "
                 "above 0")
    # Asked before minutes go by.
    if options.plot and not importlib.util.find_spec("matplotlib"):
        sys.exit("ablate: --plot needs matplotlib")
    if options.work:
        os.makedirs(options.work, exist_ok=True)
        rows = measure(options, options.work)
    else:
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(options, folder)
    print_rows(rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"model": os.path.basename(options.model),
                       "rounds": options.rounds, "variants": rows}, file,
                      indent=2)
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
