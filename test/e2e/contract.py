"""The numeric contract (docs/testing.md) as arithmetic: how far a model's
logits may lie from the golden ones."""

import json
import pathlib
import re

# Families with routed experts or a recurrent state, by the model's name.
AMPLIFYING = re.compile(
    "moe|^(gpt-oss|deepseek2|minimax-m2|qwen3next|qwen35|mamba2?|nemotron_h|"
    "granitehybrid|falcon-h1|lfm2)\\.")


def limit(name, peer):
    """The contract's ceiling for this model."""
    kind = name.split(".")[1]
    amplifies = bool(AMPLIFYING.search(name))
    exact = 3e-5 if amplifies else 1e-5
    return {"F32": exact, "F16": exact, "BF16": 1e-4}.get(
        kind, (2 if amplifies else 1.1) * peer)


def known_misses():
    """Models known to miss the contract: by how much at most, and why."""
    return json.loads((pathlib.Path(__file__).parent / "known_misses.json")
                      .read_text())


def judge(name, peer, error):
    """What is wrong with this error, or None. A known miss may not grow, and
    once it is mended it may not stay on the list."""
    known = known_misses().get(name)
    ceiling = known["times_peer"] * peer if known else limit(name, peer)
    if not error <= ceiling:
        return f"NMSE {error:.3g} is over {ceiling:.3g}"
    if known and error <= limit(name, peer):
        return "keeps the contract, but is in known_misses.json"
    return None
