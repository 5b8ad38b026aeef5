#!/usr/bin/env python3
"""Writes the vocabulary of GGUF files in the form of runtime/Vocabulary.h, so
that TokenizerTest can check whole vocabularies without the compiler.

    pip install gguf
    tools/dump_vocabulary.py FOLDER MODEL.gguf...   # FOLDER/MODEL.gguf.svoc
    SINTER_VOCAB_DIR=FOLDER build/bin/TokenizerTest

MODEL.gguf.inp and MODEL.gguf.out, where they exist, are copied beside them.
"""

import pathlib
import shutil
import struct
import sys

import gguf

PREFIX = "tokenizer.ggml."
IDS = ["bos", "eos", "eot", "unknown", "seperator", "padding", "mask", "cls"]
FLAGS = ["add_bos_token", "add_eos_token", "add_space_prefix",
         "remove_extra_whitespaces", "normalizer.lowercase",
         "normalizer.strip_accents"]
# As Vocabulary::withDefaults has it.
MODEL_IDS = {"llama": {"unknown": 0, "bos": 1, "eos": 2},
             "bert": {"padding": 0, "unknown": 100, "bos": 101, "cls": 101,
                      "seperator": 102, "mask": 103}}
MODEL_FLAGS = {"llama": {"add_bos_token", "add_space_prefix"},
               "bert": {"add_bos_token"}}
PRE_ADD_BOS = {"llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1",
               "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "tekken"}


def string(data):
    return struct.pack("<I", len(data)) + data


def strings(items):
    ends, total = [], 0
    for item in items:
        total += len(item)
        ends.append(total)
    return (struct.pack(f"<I{len(ends)}I", len(ends), *ends) + b"".join(items))


def merges(tokens, lines):
    """The ids of left, right and joined tokens, as resolveMerge finds them."""
    ids = {}
    for i, token in enumerate(tokens):
        ids.setdefault(token, i)
    flat = []
    for line in lines:
        space = line.index(b" ", 1)
        left, right = line[:space], line[space + 1:]
        flat += [ids[left], ids[right], ids[left + right]]
    return struct.pack(f"<I{len(flat)}i", len(lines), *flat)


def dump(path):
    fields = gguf.GGUFReader(path).fields

    def value(key, default):
        field = fields.get(key)
        return default if field is None else field.contents()

    def texts(key):
        field = fields.get(key)
        return [] if field is None else [field.parts[i].tobytes()
                                         for i in field.data]

    model = value(PREFIX + "model", "no_vocab")
    pre = value(PREFIX + "pre", "")
    ids = [value(f"{PREFIX}{name}_token_id",
                 MODEL_IDS.get(model, {}).get(name, -1)) for name in IDS]
    set_flags = {"normalizer.lowercase", "normalizer.strip_accents"}
    set_flags |= MODEL_FLAGS.get(model, set())
    if model == "gpt2" and pre in PRE_ADD_BOS:
        set_flags.add("add_bos_token")
    flags = sum(bool(value(PREFIX + name, name in set_flags)) << i
                for i, name in enumerate(FLAGS))
    tokens = texts(PREFIX + "tokens")
    scores = value(PREFIX + "scores", [])
    types = value(PREFIX + "token_type", [])
    return b"".join([
        b"SVOC", struct.pack("<I", 1), string(model.encode()),
        string(pre.encode()),
        string(value("tokenizer.chat_template", "").encode()),
        struct.pack("<8iI", *ids, flags),
        strings(tokens), merges(tokens, texts(PREFIX + "merges")),
        struct.pack(f"<I{len(scores)}f", len(scores), *scores),
        struct.pack(f"<I{len(types)}B", len(types), *types),
        struct.pack("<I", 0)])


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:]:
        path = pathlib.Path(name)
        (folder / (path.name + ".svoc")).write_bytes(dump(path))
        for suffix in (".inp", ".out"):
            case = pathlib.Path(name + suffix)
            if case.exists():
                shutil.copy(case, folder)


if __name__ == "__main__":
    main()
