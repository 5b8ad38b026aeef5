"""The demo model's corpus: made here from a seed, with no outside text.

    python corpus.py --seed 1 --documents 20        prints a few documents
"""

import argparse
import random

import arithmetic
import facts
import stories
import talk


def statements(rng):
    """One to four facts in a row."""
    if rng.random() < 0.4:
        return facts.country_text(rng)
    count = rng.choice([1, 1, 2, 3, 4])
    separator = rng.choice([" ", "\n"])
    return separator.join(facts.fact(rng)[0] for _ in range(count))


# (kind, share of the documents): stories are long, so they hold most tokens.
KINDS = [(stories.story, 0.2), (statements, 0.17), (talk.plain, 0.18), (arithmetic.lines, 0.12),
         (arithmetic.counting, 0.02), (talk.chat, 0.31)]


def documents(seed, count):
    """Yields `count` documents; the same seed gives the same ones."""
    rng = random.Random(seed)
    kinds, shares = zip(*KINDS)
    for kind in rng.choices(kinds, shares, k=count):
        yield kind(rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=20)
    args = parser.parse_args()
    for document in documents(args.seed, args.documents):
        print(document, end="\n<|endoftext|>\n")


if __name__ == "__main__":
    main()
