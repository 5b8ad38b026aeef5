#!/usr/bin/env python3
"""Checks the table of tools/make_reference.py, and that each committed golden
model, second opinions among them, is the one that the table describes. Needs
neither torch nor a compiler.

    reference_families.py SOURCE [--break KEY=VALUE]

--break changes one argument of every family first: then it must complain.
"""

import argparse
import dataclasses
import json
import pathlib
import sys

from gguf_table import Gguf
from logits import read_npy

# Widths that the rows of blocked formats, and so our kernels, divide.
WIDTHS = ("hidden_size", "intermediate_size", "moe_intermediate_size",
          "shared_expert_intermediate_size", "hidden_size_per_layer_input",
          "kv_lora_rank", "q_lora_rank", "mamba_d_ssm")
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts",
           "moe_num_experts")
USED = ("num_experts_per_tok", "top_k_experts", "moe_k")


def complaints(family, tokens):
    """What is wrong with one row of the table."""
    said = family.settings()
    for key in WIDTHS:
        if (said.get(key) or 0) % 32:
            yield f"{key} is {said[key]}, no multiple of 32"
    heads, kv_heads = said.get("num_attention_heads"), said.get(
        "num_key_value_heads")
    if heads and kv_heads and heads % kv_heads:
        yield f"{heads} heads share {kv_heads} of keys"
    if said.get("sliding_window", 1) >= len(tokens):
        yield f"a window of {said['sliding_window']} hides nothing"
    if tokens and max(tokens) >= said["vocab_size"]:
        yield f"token {max(tokens)} is outside the vocabulary"
    special = {said[key] for key in ("pad_token_id", "bos_token_id",
                                     "eos_token_id")}
    if special & set(tokens):
        yield f"{special & set(tokens)} mean more than a token"
    experts = max((said.get(key) or 0 for key in EXPERTS), default=0)
    used = max((said.get(key) or 0 for key in USED), default=0)
    if experts and not 0 < used < experts:
        yield f"uses {used} of {experts} experts"
    kinds = said.get("layer_types")
    if kinds and len(set(kinds)) < 2:
        yield "names layers of one kind only"


def differences(name, family, folder, tokens):
    """Where the committed model and its outputs are not the table's."""
    keys = Gguf(folder / f"{name}.gguf").keys
    said = family.settings()
    architecture = keys["general.architecture"]
    layers = len(said.get("layer_types") or []) or said["num_hidden_layers"]
    for key, expected in (("block_count", layers),
                          ("embedding_length", said["hidden_size"])):
        found = keys[f"{architecture}.{key}"]
        if found != expected:
            yield f"{key} is {found}, the table says {expected}"
    if keys["tokenizer.ggml.model"] != "no_vocab":
        yield "has a vocabulary"
    width = {"logits": said["vocab_size"], "rank": 0,
             "embeddings": said["hidden_size"]}[family.outputs]
    found = len(read_npy(folder / f"{name}.npy"))
    if width and found != len(tokens) * width:
        yield f"holds {found} outputs, not {len(tokens)} x {width}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--break", dest="change", metavar="KEY=VALUE")
    options = parser.parse_args()
    sys.path.insert(0, str(options.source / "tools"))
    from references.families import FAMILIES
    from references.second_opinions import SECOND_OPINIONS

    folder = options.source / "test/golden"
    tokens = [int(t) for t in (folder / "tokens.txt").read_text().split()]
    index = json.loads((folder / "index.json").read_text())
    change = {}
    if options.change:
        key, value = options.change.split("=")
        change[key] = json.loads(value)
    found = []
    for name, family in FAMILIES.items():
        family = dataclasses.replace(family,
                                     arguments=family.arguments | change)
        found += [f"{name}: {c}" for c in complaints(family, tokens)]
        if f"{name}.F16" in index:
            found += [f"{name}.F16: {d}" for d in differences(
                f"{name}.F16", family, folder, tokens)]
        else:
            found.append(f"{name}: has no golden model in {folder}")
    opinions = [n for n in SECOND_OPINIONS if f"{n}.F16" in index]
    for name in opinions:
        family = SECOND_OPINIONS[name]
        family = dataclasses.replace(family,
                                     arguments=family.arguments | change)
        found += [f"{name}.F16: {d}" for d in differences(
            f"{name}.F16", family, folder, tokens)]
    print("\n".join(found) or f"{len(FAMILIES)} + {len(opinions)} families as "
          "the tables say")
    sys.exit(1 if found else 0)


main()
