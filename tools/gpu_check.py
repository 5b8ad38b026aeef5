"""Runs carried artifacts on a GPU for gpu_check.sh: logits against files,
graphs against single launches, counters, and speed against the GPU's own."""
import argparse
import json
import pathlib
import subprocess
import sys

NO_GPU = 77


def run(arguments):
    return subprocess.run([str(a) for a in arguments], capture_output=True,
                          text=True)


def check_logits(options, artifact, work, row):
    """Logits with graphs and without, and where no kernel begins early, in
    several chunks: the same bits, and near those beside the artifact, if there
    are any."""
    golden = artifact.with_suffix(".npy")
    if row["task"] != "generate" or not (options.folder /
                                         "tokens.txt").exists():
        return []
    from logits import nmse, read_npy
    problems, outputs = [], []
    for name, extra in (("graphs", []), ("single", ["--no-graphs"]),
                        ("in turn", ["--no-dependent-launch"])):
        for chunk in options.chunks:
            out = work / f"{artifact.stem}.{name}.{chunk}.npy"
            done = run([options.programs / "eval", "logits", artifact,
                        "--tokens", options.folder / "tokens.txt", "-o", out,
                        "--chunk", chunk, "--device", options.device, *extra])
            if done.returncode:
                return [done.stderr.strip()]
            outputs.append(read_npy(out))
            out.unlink()
            if outputs[-1].tobytes() != outputs[0].tobytes():
                problems.append(f"{name}, chunk {chunk}: logits differ")
    if not golden.exists():
        return problems
    limit = artifact.with_suffix(".limit")
    row["limit"] = float(limit.read_text()) if limit.exists() else 1e-5
    row["nmse"] = nmse(outputs[0], read_npy(golden))
    if not row["nmse"] <= row["limit"]:
        problems.append(f"NMSE {row['nmse']:.2e}, limit {row['limit']:.2e}")
    return problems


def bench(options, artifact, *extra):
    done = run([options.programs / "bench", artifact, "--json", "--device",
                options.device, *extra])
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def check_counters(device, graphs, early):
    counters = device["counters"]
    problems = []
    if counters["step_allocations"]:
        problems.append(f"{counters['step_allocations']} allocations in steps")
    if graphs and not counters["replays"] >= counters["captures"] > 0:
        problems.append(f"{counters['captures']} captures, "
                        f"{counters['replays']} replays")
    if not graphs and counters["captures"]:
        problems.append("graphs although they are off")
    if not early and counters["early_launches"]:
        problems.append("early launches although they are off")
    return problems


def measure(options, artifact, row):
    """Speed with graphs and without, and where no kernel begins early; small
    models only for their counters."""
    large = artifact.stat().st_size >= options.bench_mb << 20
    row["sizes"] = prompt, generate = (512, 128) if large else (16, 8)
    tests = ["-p", prompt, "-n", generate]
    tests += (["-b", 1, 8, 32, 128, "-d", 0, 4096] if large
              else ["--repeat", 1])
    problems = []
    for kind, extra in (("graphs", []), ("single", ["--no-graphs"]),
                        ("in turn", ["--no-dependent-launch"])):
        result = row[kind] = bench(options, artifact, *tests, *extra)
        problems += check_counters(result["device"], kind != "single",
                                   kind != "in turn")
        copies = result["device"]["copy_bytes_per_second"]
        for test in result["tests"]:
            rate = test["gb_per_second"] * 1e9
            test["percent_of_copy"] = 100 * rate / copies if copies else None
            if large:
                print(f"  {test['name']:16} {kind:7} "
                      f"{test['tokens_per_second']:10.1f} tokens/s "
                      f"{test['percent_of_copy'] or 0:5.1f} % of copies, "
                      f"{test['percent_of_int8']:5.1f} % of int8")
    return problems


def beside_llama(options, artifact, row):
    """The same file in llama.cpp, on the same GPU, and how much faster ours
    is."""
    gguf = artifact.with_suffix(".gguf")
    if not options.llama or not gguf.exists():
        return []
    prompt, generate = row["sizes"]
    done = run(options.llama.split() + ["-m", gguf, "-p", prompt, "-n",
                                        generate, "-r", 3, "-o", "json"])
    if done.returncode:
        return [f"llama.cpp ended with {done.returncode}: "
                f"{done.stderr.strip()[-300:]}"]
    ours = {test["name"]: test["tokens_per_second"]
            for test in row["graphs"]["tests"]}
    row["llama"] = {}
    for test in json.loads(done.stdout):
        name = (f"pp{test['n_prompt']}" if test["n_prompt"]
                else f"tg{test['n_gen']}")
        if name not in ours or not test["avg_ts"]:
            continue
        row["llama"][name] = {"tokens_per_second": test["avg_ts"],
                              "ratio": ours[name] / test["avg_ts"]}
        print(f"  {name:16} llama.cpp {test['avg_ts']:10.1f} tokens/s, ours "
              f"{row['llama'][name]['ratio']:.2f} times as fast")
    return [] if row["llama"] else ["llama.cpp measured nothing of ours"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("report", type=pathlib.Path)
    parser.add_argument("--device", default="0")
    parser.add_argument("--bench-mb", type=int, default=100)
    parser.add_argument("--logits", required=True)
    parser.add_argument("--chunks", nargs="*", type=int, default=[64, 7, 1])
    parser.add_argument("--llama", help="llama-bench, and its options")
    options = parser.parse_args()
    sys.path.insert(0, options.logits)
    artifacts = sorted(options.folder.glob("*.sinter"))
    if not artifacts:
        sys.exit(f"gpu_check: no .sinter file in {options.folder}")
    rows, wrong = [], 0
    for artifact in artifacts:
        probe = run([options.programs / "run", artifact, "--info", "--json",
                     "--device", options.device])
        if not rows and ("finds no GPU" in probe.stderr or
                         "no NVIDIA driver" in probe.stderr):
            print(f"gpu_check: {probe.stderr.strip()}", file=sys.stderr)
            sys.exit(NO_GPU)
        row = {"name": artifact.stem}
        problems = [] if probe.returncode == 0 else [probe.stderr.strip()]
        if not problems:
            row["task"] = json.loads(probe.stdout)["manifest"]["model"]["task"]
            try:
                problems += check_logits(options, artifact, options.folder, row)
                problems += measure(options, artifact, row)
                problems += beside_llama(options, artifact, row)
            except RuntimeError as failed:
                problems.append(str(failed))
        row["problems"] = problems
        rows.append(row)
        wrong += bool(problems)
        print(f"{artifact.stem}: "
              f"{'; '.join(problems) if problems else 'well'}")
    options.report.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{len(rows)} models, {wrong} failed; {options.report}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
