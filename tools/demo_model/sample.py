"""Runs an exported file in plain NumPy: an independent check of what was written.

    python sample.py MODEL.gguf -p "Once upon a time"       greedy continuation
    python sample.py MODEL.gguf --check                     fails unless it talks sense
    python sample.py MODEL.gguf --golden test/models/NAME   tokens, logits, expected text

Reads tensors, hyper-parameters and tokenizer from the GGUF alone; all
arithmetic is float32 on exactly dequantised weights.
"""

import argparse
import sys

import gguf
import numpy as np
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


class Qwen3:
    """The family's forward pass over whole sequences, from a GGUF file."""

    def __init__(self, reader):
        def key(name):
            return reader.get_field("qwen3." + name).contents()

        self.weights = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32)
                        for t in reader.tensors}
        self.layers = key("block_count")
        self.heads = key("attention.head_count")
        self.kv_heads = key("attention.head_count_kv")
        self.width = key("attention.key_length")
        self.epsilon = np.float32(key("attention.layer_norm_rms_epsilon"))
        half = np.arange(self.width // 2, dtype=np.float64) * 2 / self.width
        self.frequency = key("rope.freq_base") ** -half

    def norm(self, x, name):
        """RMS norm over the last dimension."""
        scale = 1 / np.sqrt(np.mean(x * x, -1, keepdims=True) + self.epsilon)
        return x * scale * self.weights[name]

    def rope(self, x):
        """Rotates [time, heads, width] by position, in pairs (i, i + width/2)."""
        angle = np.arange(len(x))[:, None, None] * self.frequency
        cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
        low, high = np.split(x, 2, -1)
        return np.concatenate([low * cosine - high * sine, high * cosine + low * sine], -1)

    def attention(self, x, prefix):
        """Causal grouped-query attention of one block, before the residual."""
        def heads(name, count):
            return (x @ self.weights[f"{prefix}.{name}.weight"].T).reshape(-1, count, self.width)

        q = self.rope(self.norm(heads("attn_q", self.heads), f"{prefix}.attn_q_norm.weight"))
        k = self.rope(self.norm(heads("attn_k", self.kv_heads), f"{prefix}.attn_k_norm.weight"))
        v = heads("attn_v", self.kv_heads)
        future = np.triu(np.ones((len(x), len(x)), bool), 1)
        mixed = np.empty_like(q)
        for head in range(self.heads):
            shared = head * self.kv_heads // self.heads
            score = q[:, head] @ k[:, shared].T / np.float32(self.width ** 0.5)
            score[future] = -np.inf
            share = np.exp(score - score.max(-1, keepdims=True))
            mixed[:, head] = share / share.sum(-1, keepdims=True) @ v[:, shared]
        return mixed.reshape(len(x), -1) @ self.weights[f"{prefix}.attn_output.weight"].T

    def logits(self, tokens):
        """Logits [time, vocabulary] of one sequence that starts at position 0."""
        x = self.weights["token_embd.weight"][tokens]
        for i in range(self.layers):
            prefix = f"blk.{i}"
            x = x + self.attention(self.norm(x, f"{prefix}.attn_norm.weight"), prefix)
            h = self.norm(x, f"{prefix}.ffn_norm.weight")
            gate = h @ self.weights[f"{prefix}.ffn_gate.weight"].T
            up = h @ self.weights[f"{prefix}.ffn_up.weight"].T
            x = x + gate / (1 + np.exp(-gate)) * up @ self.weights[f"{prefix}.ffn_down.weight"].T
        x = self.norm(x, "output_norm.weight")
        head = self.weights.get("output.weight", self.weights["token_embd.weight"])
        return x @ head.T


class Writer:
    """A model with its tokenizer."""

    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.model = Qwen3(reader)
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
