"""Trains the byte-level BPE, and rebuilds one from a GGUF file's own tables."""

import json

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

# What llama.cpp calls "qwen2": contractions, words with one leading mark,
# single digits, runs of marks, line ends, spaces.
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
END, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END, TURN_START, TURN_END]


def assemble(model):
    """A tokenizer around a BPE model: the qwen2 split, then bytes."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train(texts, vocabulary_size):
    """Learns merges from `texts`; ids 0…2 are the special tokens, then 256 bytes."""
    tokenizer = assemble(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size, special_tokens=SPECIAL, show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def tables(tokenizer):
    """(tokens by id, merges as "left right") as GGUF stores them."""
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
    return tokens, merges


def from_gguf(reader):
    """The tokenizer that a GGUF file describes, from its tokens and merges alone."""
    tokens = reader.get_field("tokenizer.ggml.tokens").contents()
    merges = reader.get_field("tokenizer.ggml.merges").contents()
    vocabulary = {token: number for number, token in enumerate(tokens)}
    pairs = [tuple(merge.split(" ")) for merge in merges]
    tokenizer = assemble(models.BPE(vocab=vocabulary, merges=pairs))
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer
