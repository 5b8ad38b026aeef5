"""Writes a random model of a family as F32 GGUF, with its training code's logits.

    python validate.py --family qwen35moe --out /tmp/random
    compile /tmp/random.gguf -o /tmp/random.sinter
    eval logits /tmp/random.sinter --tokens /tmp/random.tokens.txt -o /tmp/got.npy
    python test/e2e/logits.py /tmp/got.npy /tmp/random.npy 3e-5

Done before a family is trained: that what is trained is what the file will say.
Every weight is random, norms too, so that none is right by chance.
"""

import argparse
import importlib

import corpus
import export
import jax
import numpy as np
import tokenizer as bpe

TOKENS = 64


def shaken(model, config, seed):
    """The family's start, each weight of it moved at random."""
    rng = np.random.default_rng(seed)
    return {name: weight + 0.1 * rng.standard_normal(weight.shape).astype(np.float32)
            for name, weight in model.initial(config, seed).items()}


def check_documents(model, config, weights, tokens):
    """Fails if a document's logits depend on what is packed into the window before it."""
    half = len(tokens) // 2
    alone = model.forward(config, weights, tokens[None, half:], np.ones((1, half), np.int32))
    segments = np.repeat(np.array([[1, 2]], np.int32), [half, len(tokens) - half], 1)
    packed = model.forward(config, weights, tokens[None], segments)[:, half:]
    error = float(((packed - alone) ** 2).mean() / (alone ** 2).mean())
    print(f"second of two documents, beside itself alone: NMSE {error:.1e}")
    if error > 1e-9:
        raise SystemExit("a document sees the one before it")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="qwen3")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", required=True, help="stem of .gguf, .npy and .tokens.txt")
    args = parser.parse_args()

    model = importlib.import_module("model_" + args.family)
    config = model.Config()
    weights = shaken(model, config, args.seed)
    learned = bpe.train(corpus.documents(args.seed, 4000), config.vocabulary)
    export.write(args.out + ".gguf", model, config, learned, weights, plain=True)

    rng = np.random.default_rng(args.seed)
    tokens = rng.integers(3, config.vocabulary, TOKENS).astype(np.int32)
    with open(args.out + ".tokens.txt", "w") as file:
        file.write(" ".join(map(str, tokens)) + "\n")
    with jax.default_matmul_precision("highest"):
        logits = model.forward(config, weights, tokens[None], np.ones((1, TOKENS), np.int32))
        check_documents(model, config, weights, tokens)
    np.save(args.out + ".npy", np.asarray(logits[0], np.float32))


if __name__ == "__main__":
    main()
