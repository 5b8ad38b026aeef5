#!/usr/bin/env python3
"""Writes test/data/unigram*.gguf: small vocabularies of SentencePiece's unigram
model with a map of characters, texts, and the ids that SentencePiece itself
gives them. Needs sentencepiece (PyPI); the tests need only what it wrote.

  make_unigram_vocabulary.py FOLDER [--rules nmt_nfkc]

Without --rules the map holds a few hundred of NFKC's rules, which keeps the
files small; with it one of SentencePiece's own.
"""

import argparse
import io
import os
import unicodedata

import sentencepiece

import make_tiny_gguf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARKER = "\n__ggml_vocab_test__\n"
SENTENCES = """Der Fährmann fürchtete die Flüsse im Frühling.
L'été dernier, les élèves étaient très occupés à écrire.
нещо на Български, и още нещо на Български
私は東京で働いています。東京は大きいです。
我想在苹果公司工作，苹果公司很大。
Η γλώσσα είναι ελληνική και η μέρα είναι καλή.
한국어 문장은 짧습니다. 한국어는 어렵습니다."""
# What a normaliser does is what these are about: width, ligatures, marks apart,
# spaces of all kinds, signs that become several, letters that no token has.
TEXTS = [
    "", " ", "   ", "\t", "\n\n", "Hello world", " Hello  world ", "Hello\tworld",
    "ﬁne oﬃce ﬂows", "Ｆｕｌｌ　ｗｉｄｔｈ！", "e\u0301te\u0301 e\u0301t\u00e9",
    "a\u00a0b\u2003c\u3000d", "½ 4² ①", "zero\u200bwidth", "㍻ ㍿",
    "นี่คือภาษาไทย", "🦙🦙 llama 🦙", "東京で働いています", "Ελληνική γλώσσα",
    "the compiler reads the file, and the file is written", "▁already there▁",
    "w048 7tuijk dsdfhu", "нещо на Български", "a" * 70, "!!!!!! ???",
    "  leading and trailing  ", "line one\nline two\r\nline three",
]
VARIANTS = {
    "unigram": dict(add_dummy_prefix=True, remove_extra_whitespaces=True),
    "unigram-spaces": dict(add_dummy_prefix=False,
                           remove_extra_whitespaces=False),
}


def rules():
    """NFKC of some blocks, and of letters with their marks apart, as lines of
    SentencePiece: code points, TAB, code points."""
    points = [*range(0xA0, 0x180), *range(0xFB00, 0xFB07),
              *range(0xFF01, 0xFF5F), *range(0x2000, 0x200B), 0x3000,
              *range(0x2460, 0x2470), 0x337B, 0x337F]
    pairs = {chr(p): unicodedata.normalize("NFKC", chr(p)) for p in points}
    for p in range(0xC0, 0x180):
        apart = unicodedata.normalize("NFD", chr(p))
        pairs[apart] = unicodedata.normalize("NFC", apart)
    pairs |= {"\t": " ", "\n": " ", "\r": " ", "\u200b": ""}
    for source, target in sorted(pairs.items()):
        if source != target:
            yield "\t".join(" ".join(f"{ord(c):X}" for c in text)
                            for text in (source, target))


def fields(message):
    """(number, bytes or int) of a protocol buffer's fields."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        yield key >> 3, message[at:at + size]
        at += size


def characters_map(model):
    """ModelProto.normalizer_spec.precompiled_charsmap."""
    spec = dict(fields(dict(fields(model))[3]))
    return spec.get(2, b"")


def train(folder, chosen, options):
    text = SENTENCES.splitlines() * 20
    for name in ("adding", "architecture", "artifact"):
        with open(f"{ROOT}/docs/{name}.md", encoding="utf-8") as file:
            text += file.read().splitlines()
    if chosen:
        options = options | dict(normalization_rule_name=chosen)
    else:
        path = f"{folder}/rules.tsv"
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(rules()) + "\n")
        options = options | dict(normalization_rule_tsv=path)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, model_type="unigram",
        vocab_size=600, character_coverage=0.995, num_threads=1, bos_id=0,
        pad_id=1, eos_id=2, unk_id=3, hard_vocab_limit=False,
        minloglevel=2, **options)
    if not chosen:
        os.remove(path)
    return model.getvalue()


def keys(model, processor, options):
    kinds = []
    for i in range(len(processor)):
        kinds.append(2 if processor.is_unknown(i) else
                     3 if processor.is_control(i) else 1)
    size = len(kinds)
    return {
        "general.architecture": ("string", "bert"),
        "tokenizer.ggml.model": ("string", "t5"),
        "tokenizer.ggml.tokens":
            ("array", ("string", [processor.id_to_piece(i)
                                  for i in range(size)])),
        "tokenizer.ggml.scores":
            ("array", ("f32", [processor.get_score(i) for i in range(size)])),
        "tokenizer.ggml.token_type": ("array", ("i32", kinds)),
        "tokenizer.ggml.precompiled_charsmap":
            ("array", ("u8", list(characters_map(model)))),
        "tokenizer.ggml.bos_token_id": ("u32", 0),
        "tokenizer.ggml.padding_token_id": ("u32", 1),
        "tokenizer.ggml.eos_token_id": ("u32", 2),
        "tokenizer.ggml.unknown_token_id": ("u32", 3),
        "tokenizer.ggml.add_space_prefix":
            ("bool", options["add_dummy_prefix"]),
        "tokenizer.ggml.remove_extra_whitespaces":
            ("bool", options["remove_extra_whitespaces"]),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--rules", default="")
    o = parser.parse_args()
    for name, options in VARIANTS.items():
        model = train(o.folder, o.rules, options)
        processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        path = f"{o.folder}/{name}.gguf"
        make_tiny_gguf.write(path, make_tiny_gguf.gguf_bytes(
            3, keys(model, processor, options), []))
        with open(path + ".inp", "w", encoding="utf-8", newline="") as file:
            file.write(MARKER.join(TEXTS))
        with open(path + ".out", "w", encoding="utf-8") as file:
            for text in TEXTS:
                file.write(" ".join(map(str, processor.encode(text))) + "\n")


main()
