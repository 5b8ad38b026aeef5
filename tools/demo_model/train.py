"""Trains the demo model on the generated corpus and leaves checkpoints to export.

    python train.py --out /tmp/demo        (then: python export.py --run /tmp/demo …)

The same seed, steps and batch give the same documents in the same order. A run
may be cut and resumed, with another number of steps as long as its decay has
not begun: the rate stays level until then, so the result is as of one run.
"""

import argparse
import importlib
import json
import os
import time
from dataclasses import asdict
from functools import partial

import corpus
import numpy as np
import tokenizer as bpe

# Read by XLA when JAX is first imported, which is later: sums may be vectorised.
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_enable_fast_math=true")

WINDOW = 256
OPEN_WINDOWS = 64
LEADING_END_SHARE = 0.1
MOST_STEPS = 2000
DECAY_SHARE = 0.45
NARROW = 32  # a router's rows, a convolution's taps: no matrix to make orthogonal


def pack(ids, rng, windows):
    """Lays documents into `windows` rows of WINDOW + 1 tokens; first row with room wins.

    Returns (tokens, segments); segment 0 is padding. Some documents begin with the
    end token too, so that the model can also start from it.
    """
    end = 0
    tokens = np.zeros((windows, WINDOW + 1), np.int32)
    segments = np.zeros((windows, WINDOW + 1), np.int32)
    used, numbers = np.zeros(windows, int), np.zeros(windows, int)
    opened, fresh = list(range(min(OPEN_WINDOWS, windows))), min(OPEN_WINDOWS, windows)
    for document in ids:
        document = ([end] if rng.random() < LEADING_END_SHARE else []) + document + [end]
        if len(document) > WINDOW + 1:
            continue
        row = next((r for r in opened if used[r] + len(document) <= WINDOW + 1), None)
        if row is None:
            if fresh == windows:
                break
            row, fresh = fresh, fresh + 1
            opened.remove(max(opened, key=lambda r: used[r]))
            opened.append(row)
        numbers[row] += 1
        stop = used[row] + len(document)
        tokens[row, used[row]:stop] = document
        segments[row, used[row]:stop] = numbers[row]
        used[row] = stop
    order = rng.permutation(windows)
    return tokens[order], segments[order]


def packed(args, learned, mix):
    """(tokens, segments) of one mix for MOST_STEPS steps, from the seed alone."""
    windows = MOST_STEPS * args.batch
    per_window = {"even": 4, "short": 8}[mix]
    seed = args.seed + 1 + list(corpus.MIXES).index(mix)
    texts = list(corpus.documents(seed, windows * per_window, mix))
    ids = [encoding.ids for encoding in learned.encode_batch(texts)]
    tokens, segments = pack(ids, np.random.default_rng(args.seed), windows)
    print(f"{mix}: {len(texts)} documents, {(segments > 0).mean():.1%} of {tokens.size} places "
          f"filled, {(segments.max(1) == 0).sum()} empty windows", flush=True)
    return tokens, segments


def make_data(args, vocabulary):
    """(tokenizer, tokens, segments); --short's steps are of the short mix, the rest even.

    Sentences come first; then answers and sums teach it to look back; then both.
    """
    learned = bpe.train(corpus.documents(args.seed, 20000), vocabulary)
    tokens, segments = packed(args, learned, "even")
    short = slice(*(step * args.batch for step in args.short))
    short_tokens, short_segments = packed(args, learned, "short")
    tokens[short], segments[short] = short_tokens[short], short_segments[short]
    return learned, tokens, segments


def make_step(model, config, optimizer):
    """One jitted update: (weights, state, tokens, segments) -> (weights, state, loss).

    A model with experts has `forward_balanced`, which also gives what their
    imbalance adds to the loss; the loss returned is the text's alone.
    """
    import jax
    import jax.numpy as jnp
    import optax

    def unbalanced(*operands):
        return model.forward(*operands), 0.0

    forward = getattr(model, "forward_balanced", unbalanced)

    def loss(weights, tokens, segments):
        logits, added = forward(config, weights, tokens[:, :-1], segments[:, :-1])
        inside = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] > 0)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:])
        found = jnp.sum(losses * inside) / jnp.sum(inside)
        return found + added, found

    @partial(jax.jit, donate_argnums=(0, 1))
    def step(weights, state, tokens, segments):
        (_, value), gradient = jax.value_and_grad(loss, has_aux=True)(weights, tokens, segments)
        updates, state = optimizer.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state, value

    return step


def make_optimizer(args, shapes):
    """Muon for the blocks' matrices, AdamW for embeddings, norms and narrow weights.

    Muon (https://kellerjordan.github.io/posts/muon) makes a step's update of a
    matrix orthogonal; here it needs far fewer tokens than AdamW alone before the
    model copies names. Both warm up linearly, stay level, and then follow a
    cosine to nothing over the last DECAY_SHARE of the steps.
    """
    import optax
    import optax.contrib

    def schedule(peak):
        decay = int(args.steps * DECAY_SHARE)
        return optax.join_schedules(
            [optax.linear_schedule(0.0, peak, args.warmup), optax.constant_schedule(peak),
             optax.cosine_decay_schedule(peak, decay)],
            [args.warmup, args.steps - decay])

    def matrices(weights):
        rows_out = optax.contrib.MuonDimensionNumbers(reduction_axis=-1, output_axis=-2)
        return {name: rows_out if min(shapes[name][-2:]) >= NARROW and name.startswith("blk.")
                and shapes[name][1:] else None for name in weights}

    muon = optax.contrib.muon(
        schedule(args.rate), adam_learning_rate=schedule(args.adam_rate), adam_b2=0.98,
        weight_decay=0.01, muon_weight_dimension_numbers=matrices)
    return optax.chain(optax.clip_by_global_norm(1.0), muon)


def write_arrays(path, arrays):
    """Writes an npz under a temporary name, then renames it."""
    with open(path + ".part", "wb") as file:
        np.savez(file, **{name: np.asarray(value) for name, value in arrays.items()})
    os.replace(path + ".part", path)


def save(folder, step, weights, state):
    """Leaves checkpoint.npz, which export.py reads, and all that resuming needs."""
    import jax

    write_arrays(os.path.join(folder, "checkpoint.npz"), weights)
    leaves = {f"leaf{i}": leaf for i, leaf in enumerate(jax.tree.leaves((weights, state)))}
    write_arrays(os.path.join(folder, "resume.npz"), {"step": step, **leaves})


def resume(folder, weights, state):
    """(step, weights, state) as `save` left them."""
    import jax

    stored = np.load(os.path.join(folder, "resume.npz"))
    _, structure = jax.tree.flatten((weights, state))
    leaves = [stored[f"leaf{i}"] for i in range(structure.num_leaves)]
    return (int(stored["step"]), *jax.tree.unflatten(structure, leaves))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="qwen3", help="trains model_<family>.py")
    parser.add_argument("--out", required=True, help="folder for tokenizer and checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=850)
    parser.add_argument("--batch", type=int, default=8, help="windows of 256 tokens per step")
    parser.add_argument("--rate", type=float, default=0.02, help="Muon's peak")
    parser.add_argument("--adam-rate", type=float, default=3e-3, help="AdamW's peak")
    parser.add_argument("--warmup", type=int, default=60)
    parser.add_argument("--short", type=int, nargs=2, default=(300, 600), metavar=("FROM", "TO"),
                        help="the steps of the short mix")
    parser.add_argument("--save-every", type=int, default=50)
    parser.add_argument("--resume", action="store_true", help="go on from --out's checkpoint")
    args = parser.parse_args()
    if args.steps > MOST_STEPS:
        parser.error(f"--steps is {args.steps}, the corpus is made for {MOST_STEPS} at most")

    model = importlib.import_module("model_" + args.family)
    config = model.Config()
    os.makedirs(args.out, exist_ok=True)
    learned, tokens, segments = make_data(args, config.vocabulary)
    learned.save(os.path.join(args.out, "tokenizer.json"))
    with open(os.path.join(args.out, "config.json"), "w") as file:
        json.dump({"family": args.family, **asdict(config)}, file, indent=1)

    optimizer = make_optimizer(args, model.shapes(config))
    weights = model.initial(config, args.seed)
    print(f"{sum(w.size for w in weights.values())} parameters", flush=True)
    state = optimizer.init(weights)
    step = make_step(model, config, optimizer)
    first = 0
    if args.resume:
        first, weights, state = resume(args.out, weights, state)
    started, recent = time.time(), []
    for i in range(first, args.steps):
        rows = slice(i * args.batch, (i + 1) * args.batch)
        weights, state, loss = step(weights, state, tokens[rows], segments[rows])
        recent.append(loss)
        if (i + 1) % 20 == 0:
            mean = float(np.mean([float(value) for value in recent]))
            speed = (i + 1 - first) * args.batch * WINDOW / (time.time() - started)
            print(f"step {i + 1} loss {mean:.4f} {speed:.0f} tokens/s", flush=True)
            recent = []
        if (i + 1) % args.save_every == 0 or i + 1 == args.steps:
            save(args.out, i + 1, weights, state)
    print(f"{time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
