"""Prints the loss of exported models on documents of a seed they were not trained on.

    python held_out.py A.gguf B.gguf        nats per token, for each mix of the corpus
"""

import argparse

import corpus
import numpy as np
import tokenizer as bpe
from sample import Writer

LONGEST = 256  # tokens, as the windows that train.py packs


def loss(writer, document):
    """(sum of losses, predicted tokens) of a document and its end token."""
    tokens = np.array(writer.encode(document + bpe.END))
    if len(tokens) > LONGEST:
        return 0.0, 0
    logits = writer.model.logits(tokens[:-1]).astype(np.float64)
    logits -= logits.max(-1, keepdims=True)
    chosen = np.take_along_axis(logits, tokens[1:, None], -1)[:, 0]
    return float(np.sum(np.log(np.exp(logits).sum(-1)) - chosen)), len(tokens) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--documents", type=int, default=150, help="of each mix")
    args = parser.parse_args()
    for path in args.models:
        writer = Writer(path)
        for mix in corpus.MIXES:
            found = [loss(writer, document)
                     for document in corpus.documents(args.seed, args.documents, mix)]
            total, count = map(sum, zip(*found))
            print(f"{path} {mix}: {total / count:.4f} over {count} tokens", flush=True)


if __name__ == "__main__":
    main()
