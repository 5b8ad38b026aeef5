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


# Kinds with their shares of the documents. Stories are long, so they hold about
# half of the tokens of "even"; "short" is mostly answers and sums, in which every
# token depends on an earlier one.
MIXES = {
    "even": [(stories.story, 0.2), (statements, 0.17), (talk.plain, 0.18), (arithmetic.lines, 0.12),
             (arithmetic.counting, 0.02), (talk.chat, 0.31)],
    "short": [(stories.story, 0.05), (statements, 0.09), (talk.plain, 0.3),
              (arithmetic.lines, 0.28), (talk.brief_chat, 0.28)],
}


def documents(seed, count, mix="even"):
    """Yields `count` documents; the same seed gives the same ones."""
    rng = random.Random(seed)
    kinds, shares = zip(*MIXES[mix])
    for kind in rng.choices(kinds, shares, k=count):
        yield kind(rng)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=20)
    parser.add_argument("--mix", choices=MIXES, default="even")
    args = parser.parse_args()
    for document in documents(args.seed, args.documents, args.mix):
        print(document, end="\n<|endoftext|>\n")


if __name__ == "__main__":
    main()
