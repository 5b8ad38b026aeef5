"""Runs an exported file in plain NumPy: an independent check of what was written.

    python sample.py MODEL.gguf -p "Once upon a time"       greedy continuation
    python sample.py MODEL.gguf --check                     fails unless it talks sense
    python sample.py MODEL.gguf --golden test/models/NAME   tokens, logits, expected text

Reads tensors, hyper-parameters and tokenizer from the GGUF alone
(numpy_models.py has the families' forward passes).
"""

import argparse
import sys

import gguf
import numpy as np
import numpy_models
import tokenizer as bpe

GOLDEN_PROMPTS = ["The capital of France is", "2 + 3 =", "Once upon a time"]
GOLDEN_TOKENS = 64
CHECKS = [  # prompt, what the continuation begins with
    ("The capital of France is", " Paris."), ("The capital of Japan is", " Tokyo."),
    ("2 + 3 =", " 5"), ("7 + 5 =", " 12"), ("9 - 4 =", " 5"),
    ("Question: What is the capital of Italy?\nAnswer:", " The capital of Italy is Rome."),
    ("<|im_start|>user\nWhat is the opposite of hot?<|im_end|>\n<|im_start|>assistant\n",
     "The opposite of hot is cold.<|im_end|>"),
]
STORY_STARTS = ["Once upon a time", "Once upon a time, there was a little fox named",
                "One day", "Long ago"]
LONGEST_STORY = 230


class Writer:
    """A model with its tokenizer."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.model = numpy_models.load(reader)
        self.tokenizer = bpe.from_gguf(reader)
        self.stops = {reader.get_field(f"tokenizer.ggml.{name}_token_id").contents()
                      for name in ("eos", "eot")}

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def decode(self, tokens):
        return self.tokenizer.decode(tokens, skip_special_tokens=False)

    def greedy(self, prompt, limit):
        """(continuation with its stop token, whether it stopped by itself)."""
        start = self.encode(prompt)
        tokens = list(start)
        for _ in range(limit):
            tokens.append(int(self.model.logits(np.array(tokens))[-1].argmax()))
            if tokens[-1] in self.stops:
                break
        return self.decode(tokens[len(start):]), tokens[-1] in self.stops


def check(writer):
    """Prints every check's outcome; true when all hold."""
    good = True
    for prompt, wanted in CHECKS:
        text, _ = writer.greedy(prompt, len(writer.encode(wanted)))
        good &= text.startswith(wanted)
        print("ok  " if text.startswith(wanted) else "BAD ", repr(prompt), "->", repr(text))
    for prompt in STORY_STARTS:
        text, ended = writer.greedy(prompt, LONGEST_STORY)
        good &= ended
        print("ok  " if ended else "BAD ", prompt + text)
    return good


def write_golden(writer, stem):
    """Token ids, their float32 logits, and the greedy text of three prompts."""
    story, _ = writer.greedy(GOLDEN_PROMPTS[-1], GOLDEN_TOKENS)
    tokens = writer.encode(GOLDEN_PROMPTS[-1] + story)[:GOLDEN_TOKENS]
    assert len(tokens) == GOLDEN_TOKENS
    with open(stem + ".tokens.txt", "w") as file:
        file.write(" ".join(map(str, tokens)) + "\n")
    np.save(stem + ".npy", writer.model.logits(np.array(tokens)).astype(np.float32))
    with open(stem + ".expected.txt", "w") as file:
        for prompt in GOLDEN_PROMPTS:
            text, _ = writer.greedy(prompt, LONGEST_STORY)
            file.write(prompt + text + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("-p", "--prompt")
    parser.add_argument("-n", type=int, default=LONGEST_STORY, help="most tokens to write")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--golden", metavar="STEM")
    args = parser.parse_args()
    writer = Writer(args.model)
    if args.prompt is not None:
        print(args.prompt + writer.greedy(args.prompt, args.n)[0])
    if args.golden:
        write_golden(writer, args.golden)
    if args.check and not check(writer):
        sys.exit(1)


if __name__ == "__main__":
    main()
