"""The numeric contract (docs/testing.md) as arithmetic: how far a model's
logits may lie from the golden ones."""

import json
import pathlib
import re

# Families with routed experts or a recurrent state, by the model's name.
AMPLIFYING = re.compile(
    "moe|^(gpt-oss|deepseek2|minimax-m2|qwen3next|qwen35|mamba2?|nemotron_h|"
    "granitehybrid|falcon-h1|lfm2)\\.")


# What a cache of bytes may add, which its user asked for: to a dense model, and
# to one that amplifies it, by a third more than the worst measured
# (docs/accuracy.md).
CACHE_NOISE = {"q8_0": (2.5e-4, 2.7e-2), "fp8": (6e-3, 0.12)}
# Random models whose scores are not divided by the root of a head's width.
SHARP = re.compile("^gemma4")


def limit(name, peer, cache="auto"):
    """The contract's ceiling for this model."""
    kind = name.split(".")[1]
    amplifies = bool(AMPLIFYING.search(name))
    exact = 3e-5 if amplifies else 1e-5
    own = {"F32": exact, "F16": exact, "BF16": 1e-4}.get(
        kind, (2 if amplifies else 1.1) * peer)
    noise = CACHE_NOISE.get(cache, (0, 0))
    return own + noise[amplifies or bool(SHARP.search(name))]


def known_misses():
    """Models known to miss the contract: by how much at most, and why."""
    return json.loads((pathlib.Path(__file__).parent / "known_misses.json")
                      .read_text())


def judge(name, peer, error, cache="auto"):
    """What is wrong with this error, or None. A known miss may not grow, and
    once it is mended it may not stay on the list."""
    known = known_misses().get(name)
    ceiling = limit(name, peer, cache)
    if known:
        ceiling += known["times_peer"] * peer - limit(name, peer)
    if not error <= ceiling:
        return f"NMSE {error:.3g} is over {ceiling:.3g}"
    if known and cache == "auto" and error <= limit(name, peer):
        return "keeps the contract, but is in known_misses.json"
    return None
