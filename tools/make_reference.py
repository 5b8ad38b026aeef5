#!/usr/bin/env python3
"""Makes golden models and logits that know nothing of this project: a tiny
random model of Hugging Face transformers, its outputs in float32, and its GGUF
by llama.cpp's public converter. Docs: docs/testing.md

    make_reference.py OUT --converter LLAMA_CPP [--only PATTERN]...
                      [--tokens FILE] [--peer] [--effects]

Writes OUT/NAME.F32.gguf, NAME.F16.gguf, one .npy each, and adds them to
OUT/index.json. The weights are numbers that F16 holds exactly, so that both
files have the same outputs. LLAMA_CPP is a checkout; --peer compares with its
library, see references/peer_logits.py; --effects names every tensor whose loss
would not show. Families: references/families.py, second_opinions.py. Needs
torch, transformers.
"""

import argparse
import fnmatch
import json
import logging
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zlib

import numpy as np

from references.families import FAMILIES, NO, VOCABULARY, YES
from references.second_opinions import SECOND_OPINIONS

HERE = pathlib.Path(__file__).resolve().parent
FORMATS = {"F32": "f32", "F16": "f16"}


def make_model(name, family):
    """The class filled with weights; the same on every run."""
    import torch
    import transformers

    from references import jina_bert_v2
    from references.weights import randomise

    torch.manual_seed(0)
    config = getattr(transformers, family.config)(**family.settings())
    config._attn_implementation = "eager"
    home = jina_bert_v2 if hasattr(jina_bert_v2, family.model) else transformers
    model = getattr(home, family.model)(config).float().eval()
    if hasattr(model, "pooler"):
        model.pooler = None  # BERT's is for its training only
    randomise(model, family.embedding, zlib.crc32(name.encode()))
    return model


def outputs_of(family, kind, tokens):
    """A function from a model to what it says to the tokens."""
    import torch

    def outputs(model):
        part = model.base_model if kind == "embeddings" else model
        with torch.no_grad():
            found = part(input_ids=torch.tensor([tokens]))
        if kind == "embeddings":
            return found.last_hidden_state[0]
        if kind == "rank" and found.logits.dim() == 3:
            return found.logits[0, -1, [YES, NO]].softmax(-1)
        return found.logits[0]
    return outputs


def pooled(family, rows):
    """The embedding of the whole text."""
    return {"mean": rows.mean(0), "cls": rows[0], "last": rows[-1]}[
        family.pooling]


def rename_tensors(path, rename):
    """Gives tensors the names of the published checkpoints."""
    import torch
    from safetensors.torch import load_file, save_file

    found = {}
    for name, tensor in load_file(path).items():
        place = next((i for i, (old, _) in enumerate(rename)
                      if old in name), -1)
        if place >= 0:
            name = name.replace(*rename[place])
        found.setdefault(name, {})[place] = tensor
    save_file({name: torch.cat([parts[i] for i in sorted(parts)])
               for name, parts in found.items()}, path, {"format": "pt"})


def save(model, family, folder):
    """A folder as the converter expects it: a vocabulary is only counted."""
    model.save_pretrained(folder)
    if family.rename:
        rename_tensors(folder / "model.safetensors", family.rename)
    config = model.config.to_dict() | family.published
    if family.architecture:
        config["architectures"] = [family.architecture]
    vocabulary = {str(i): i for i in range(VOCABULARY)}
    files = {
        "config.json": {key: value for key, value in config.items()
                        if key not in family.unpublished},
        "published.json": {"published": family.published,
                           "unpublished": family.unpublished},
        "tokenizer.json": {"model": {"type": "WordPiece", "vocab": vocabulary},
                           "added_tokens": []}}
    if family.outputs == "embeddings":
        files["modules.json"] = [{"type": "Pooling", "path": "pooling"}]
        files["pooling/config.json"] = {
            "pooling_mode": family.pooling.replace("last", "lasttoken")}
        (folder / "pooling").mkdir()
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content))


def peer_nmse(family, kind, model, tokens, golden):
    """How far llama.cpp is from the golden outputs."""
    from references.weights import nmse
    import torch

    with tempfile.TemporaryDirectory() as work:
        found = pathlib.Path(work) / "peer.npy"
        subprocess.run([sys.executable, str(HERE / "references/peer_logits.py"),
                        str(model), str(tokens), str(found), "--outputs", kind,
                        "--override", family.override], check=True)
        values = np.load(found)
    if values.shape != golden.shape:
        raise SystemExit(f"{model}: the peer says {values.shape}, not "
                         f"{golden.shape}")
    same = float((values.argmax(-1) == golden.argmax(-1)).mean())
    return nmse(torch.tensor(values), torch.tensor(golden)), same


def values_of(path):
    """Every tensor of a GGUF as float32."""
    import gguf

    return {tensor.name: gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            for tensor in gguf.GGUFReader(path).tensors}


def check_same_values(out, name):
    """F16 must have lost nothing, for both files share their outputs."""
    wide, half = (values_of(out / f"{name}.{kind}.gguf") for kind in FORMATS)
    for tensor, values in wide.items():
        if not np.array_equal(values, half[tensor]):
            raise SystemExit(f"{name}: F16 changes {tensor}")


def row_of(family, path, arrays, options):
    """What the index says of one file; `arrays` by what the peer calls them."""
    row = dict(bytes=path.stat().st_size, nmse_peer=0.0, same_top_peer=1.0)
    if family.outputs != "logits":
        row |= dict(outputs=family.outputs, pooling=family.pooling)
    for kind, golden in reversed(arrays.items()):
        error, same = (peer_nmse(family, kind, path, options.tokens, golden)
                       if options.peer and family.peer else (0.0, 1.0))
        if kind != family.outputs:
            row[f"nmse_peer_{kind}"] = error
        else:
            row |= dict(nmse_peer=error, same_top_peer=same)
        print(f"{path.stem} {kind}: {row['bytes']} bytes, peer {error:.2e}",
              flush=True)
    return row


def make(name, family, options):
    """All files of one family; its rows of the index."""
    model = make_model(name, family)
    tokens = [int(word) for word in options.tokens.read_text().split()]
    kinds = [family.outputs] + ["embeddings"] * (family.outputs == "rank")
    outputs = {kind: outputs_of(family, kind, tokens) for kind in kinds}
    arrays = {kind: says(model).numpy() for kind, says in outputs.items()}
    if family.outputs == "embeddings":
        arrays["pooled"] = pooled(family, arrays["embeddings"])
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise SystemExit(f"{name}: outputs are not finite")
    if options.effects:
        from references.weights import silent
        for tensor, effect in silent(model, outputs[family.outputs]).items():
            print(f"  {name}: {tensor} has an effect of {effect:.1e}")
    from references.convert import convert
    rows = {}
    with tempfile.TemporaryDirectory() as work:
        save(model, family, pathlib.Path(work))
        for kind, outtype in FORMATS.items():
            path = options.out / f"{name}.{kind}.gguf"
            convert(work, outtype, path, name)
            for array, values in arrays.items():
                suffix = f".{array}.npy" if array != family.outputs else ".npy"
                np.save(path.with_suffix(suffix), values)
            rows[path.stem] = row_of(family, path, arrays, options)
    check_same_values(options.out, name)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--converter", type=pathlib.Path, required=True)
    parser.add_argument("--only", action="append", metavar="PATTERN")
    parser.add_argument("--tokens", type=pathlib.Path,
                        default=HERE.parent / "test/golden/tokens.txt")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--effects", action="store_true")
    options = parser.parse_args()
    sys.path[:0] = [str(options.converter), str(options.converter / "gguf-py")]
    logging.basicConfig(level=logging.ERROR)
    options.out.mkdir(parents=True, exist_ok=True)
    if not (options.out / "tokens.txt").exists():
        shutil.copy(options.tokens, options.out / "tokens.txt")
    index = options.out / "index.json"
    for name, family in (FAMILIES | SECOND_OPINIONS).items():
        if options.only and not any(fnmatch.fnmatch(name, pattern)
                                    for pattern in options.only):
            continue
        rows = make(name, family, options)
        known = json.loads(index.read_text()) if index.exists() else {}
        known |= rows
        index.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
