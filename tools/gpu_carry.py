#!/usr/bin/env python3
"""Makes what gpu_check.sh carries to a machine with a GPU, where there is a
compiler: golden models with their logits and limits, and models of real
geometry whose weights are zeros, which compress to nothing. Speed does not
depend on them but where experts are chosen: there all tokens choose alike.

  tools/gpu_carry.py FOLDER --target sm_90 [--shape qwen3-8b:Q4_K_M] [--tar F]
"""
import argparse
import fnmatch
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))
from contract import limit  # noqa: E402


def run(*arguments):
    done = subprocess.run([str(a) for a in arguments], capture_output=True,
                          text=True)
    if done.returncode:
        sys.exit(f"gpu_carry: {arguments[0]} ended with {done.returncode}: "
                 f"{done.stderr.strip()}")


def compile_model(options, gguf, output):
    run(options.programs / "compile", gguf, "--target", options.target,
        *(["--emulated-only"] if options.emulated_only else []), "-o", output)


def carry_golden(options):
    """Those whose outputs are logits; their names."""
    folder = options.golden
    index = json.loads((folder / "index.json").read_text())
    names = [n for n, facts in index.items()
             if facts.get("outputs", "logits") == "logits"
             and any(fnmatch.fnmatch(n, p) for p in options.only)]
    for name in names:
        compile_model(options, folder / f"{name}.gguf",
                      options.folder / f"{name}.sinter")
        shutil.copy(folder / f"{name}.npy", options.folder)
        most = limit(name, index[name]["nmse_peer"])
        (options.folder / f"{name}.limit").write_text(f"{most}\n")
    shutil.copy(folder / "tokens.txt", options.folder)
    return names


def carry_shape(options, shape):
    """A model of that geometry, and the GGUF for llama.cpp."""
    like, _, form = shape.partition(":")
    if not form:
        sys.exit(f"gpu_carry: --shape '{shape}', expected MODEL:FORMAT")
    gguf = options.folder / f"{like}.{form}.gguf"
    run(sys.executable, ROOT / "tools/make_gguf.py", "--like", like, "--format",
        form, "--holes", "-o", gguf)
    compile_model(options, gguf, gguf.with_suffix(".sinter"))


def pack(options):
    """Zeros take no room in it; too much of it cannot be carried."""
    run("tar", "--sparse", "-cJf", options.tar, "-C", options.folder, ".")
    size = options.tar.stat().st_size
    print(f"{options.tar}: {size / 1e6:.1f} MB")
    if size > options.most_mb << 20:
        sys.exit(f"gpu_carry: {options.tar} has {size} bytes, at most "
                 f"{options.most_mb} MiB can be carried (--only and fewer "
                 "--shape make it smaller)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--programs", type=pathlib.Path,
                        default=ROOT / "build/bin")
    parser.add_argument("--golden", type=pathlib.Path,
                        default=ROOT / "test/golden")
    parser.add_argument("--only", nargs="*", default=["*"],
                        help="golden models, by pattern")
    parser.add_argument("--shape", action="append", default=[],
                        help="MODEL:FORMAT of make_gguf.py, repeatable")
    parser.add_argument("--emulated-only", action="store_true")
    parser.add_argument("--tar", type=pathlib.Path, help="pack it all (xz)")
    parser.add_argument("--most-mb", type=int, default=64)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = carry_golden(options)
    for shape in options.shape:
        carry_shape(options, shape)
    print(f"{len(names)} golden models, {len(options.shape)} of real geometry")
    if options.tar:
        pack(options)


if __name__ == "__main__":
    main()
