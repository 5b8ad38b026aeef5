#!/usr/bin/env python3
"""Tells chance from loss where a quantised model lies far from its exact logits:
our distance and llama.cpp's over many prompts, since where experts are chosen
one prompt may hold a near tie that rounding turns.

    LLAMA_CPP_LIB_PATH=llama.cpp/build/bin PYTHONPATH=llama-cpp-python \\
        scatter.py MODEL.gguf --exact MODEL.F32.gguf [--first TOKENS] [-n 21]

The exact logits are ours of the same weights in F32 (requantize_gguf.py), with
llama.cpp's beside them as a check. Prompts are 64 random tokens each, after
those of --first. Prints a line for each and the quartiles. Programs are taken
from PATH.
"""

import argparse
import ctypes
import pathlib
import subprocess
import tempfile

import numpy as np
from llama_cpp import llama_cpp as peer

from peer_logits import evaluate

PROMPT = 64
SEED = 7


def distance(values, exact):
    return float(((values - exact) ** 2).sum() / (exact ** 2).sum())


def run(*arguments):
    subprocess.run([str(a) for a in arguments], check=True,
                   capture_output=True)


class Ours:
    """A model that our compiler made."""

    def __init__(self, model, work, name):
        self.artifact, self.work = work / f"{name}.sinter", work
        run("compile", model, "-o", self.artifact, "--progress=none")

    def logits(self, tokens):
        text, rows = self.work / "tokens.txt", self.work / "rows.npy"
        text.write_text(" ".join(map(str, tokens)))
        run("eval", "logits", self.artifact, "--tokens", text, "-o", rows)
        return np.load(rows).astype(np.float64)


class Peers:
    """The same in llama.cpp's library."""

    def __init__(self, model):
        params = peer.llama_model_default_params()
        params.n_gpu_layers = 0
        self.model = peer.llama_model_load_from_file(str(model).encode(),
                                                     params)

    def words(self):
        return peer.llama_vocab_n_tokens(
            peer.llama_model_get_vocab(self.model))

    def logits(self, tokens):
        return evaluate(self.model, tokens, "logits", "f32").astype(np.float64)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--exact", type=pathlib.Path, required=True)
    parser.add_argument("--first", type=pathlib.Path)
    parser.add_argument("-n", type=int, default=21)
    options = parser.parse_args()
    silent = peer.llama_log_callback(lambda *_: None)
    peer.llama_log_set(silent, ctypes.c_void_p())
    peer.llama_backend_init()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        ours, exact = (Ours(options.model, work, "packed"),
                       Ours(options.exact, work, "exact"))
        theirs, check = Peers(options.model), Peers(options.exact)
        random, rows = np.random.default_rng(SEED), []
        print("prompt      ours      peer  the two exact ones")
        for prompt in range(options.n):
            tokens = random.integers(0, theirs.words(), PROMPT).tolist()
            if prompt == 0 and options.first:
                tokens = [int(w) for w in options.first.read_text().split()]
            truth = exact.logits(tokens)
            rows.append([distance(m.logits(tokens), truth)
                         for m in (ours, theirs, check)])
            print("{:6} {:9.2e} {:9.2e} {:9.2e}".format(prompt, *rows[-1]),
                  flush=True)
    table = np.array(rows)
    for name, column in (("ours", 0), ("peer", 1)):
        print(f"{name}: quartiles", *(
            f"{x:.2e}" for x in np.quantile(table[:, column],
                                            [0, .25, .5, .75, 1])))
    ratios = table[:, 0] / table[:, 1]
    print(f"ours is smaller on {(ratios < 1).sum()} of {len(ratios)} prompts, "
          f"{np.median(ratios):.2f} of the peer's in the median")


main()
