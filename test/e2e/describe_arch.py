#!/usr/bin/env python3
"""Checks `compile --describe-arch` against files that other programs wrote, and
that a file which lacks one of its tensors, or has it in another shape, is
refused by that tensor's name.

    describe_arch.py FOLDER... [--only PATTERN] [--omit TEXT]

Takes the smallest file of each name in the folders' index.json whose family
`compile` has; others are named and skipped. What one file of a family has and
another lacks, as both may, is needed by neither. --omit takes TEXT out of
every description, to see that the check finds it.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from gguf_table import Gguf

F32 = 0


def run(*arguments):
    done = subprocess.run(["compile", *arguments], capture_output=True,
                          text=True)
    return done.returncode, done.stdout, done.stderr


def described(text):
    """Keys with their defaults, tensors with type, shape and need."""
    keys, tensors = {}, {}
    for line in text.splitlines():
        key = re.match(r"  \S+?\.(\S+) +\w+ +(required|default (.*))$", line)
        tensor = re.match(r"  (\S+) +(f32|any format) +\[(.*)\]( optional)?$",
                          line)
        if tensor:
            tensors[tensor[1]] = (tensor[2], tensor[3].split(", "),
                                  bool(tensor[4]))
        elif key:
            keys[key[1]] = key[3]
    return keys, tensors


def evaluate(formula, keys, file, architecture, layer):
    """The number that a formula means in this file, None if it is not made of
    keys alone."""
    numbers = []
    for word in re.split(r"([ ()*/+-]+)", formula):
        if re.fullmatch(r"[ ()*/+-]*|\d+", word):
            numbers.append(word.replace("/", "//"))
            continue
        value = file.keys.get(f"{architecture}.{word}")
        if word == "vocabulary":
            value = file.tensors["token_embd.weight"][0][1]
        if isinstance(value, list):
            value = value[layer] if layer < len(value) else None
        if value is None and keys.get(word):
            value = evaluate(keys[word], keys, file, architecture, layer)
        if not isinstance(value, int):
            return None
        numbers.append(str(value))
    return eval("".join(numbers))  # digits, spaces and operators only


def general_names(file):
    """Its tensors as a description names them."""
    return {re.sub(r"^blk\.\d+\.", "blk.N.", name) for name in file.tensors}


def table_problems(file, architecture, keys, tensors, alternatives):
    """What the file has and the description has not, and the reverse."""
    for name, (dims, kind, *_) in file.tensors.items():
        layer = re.match(r"blk\.(\d+)\.", name)
        general = re.sub(r"^blk\.\d+\.", "blk.N.", name)
        if general not in tensors:
            yield f"tensor {name} is not described"
            continue
        types, shape, _ = tensors[general]
        if types == "f32" and kind != F32:
            yield f"tensor {name} is described as f32"
        numbers = [evaluate(formula, keys, file, architecture,
                            int(layer[1]) if layer else 0)
                   for formula in shape]
        size = max(len(dims), len(shape))
        for number, dim in zip(numbers + [1] * size, dims + [1] * size):
            if number not in (None, dim):
                yield f"tensor {name} is {dims}, described as {shape}"
                break
    names = general_names(file) | alternatives
    for name, (_, _, optional) in tensors.items():
        if not optional and name not in names:
            yield f"tensor {name} is described as needed, the file lacks it"


def refusal_problems(name, file, tensors, alternatives, work):
    """Files that lack a tensor, or have it misshapen, and are not refused by
    its name. One layer stands for all."""
    tried = set()
    for tensor in file.tensors:
        general = re.sub(r"^blk\.\d+\.", "blk.N.", tensor)
        if general in tried or general not in tensors:
            continue
        tried.add(general)
        changes = {"misshapen": file.misshapen(tensor)}
        if not tensors[general][2] and general not in alternatives:
            changes["missing"] = file.without(tensor)
        for what, data in changes.items():
            if data is None:
                continue
            path = work / f"{name}.gguf"
            path.write_bytes(data)
            code, _, errors = run("--emit=graph", str(path))
            refused = [line for line in errors.splitlines() if "error" in line]
            if not code:
                yield f"{what} {tensor} is not refused"
            elif f"tensor '{tensor}'" not in "".join(refused):
                yield f"{what} {tensor} is refused by: {' '.join(refused)}"


def alternatives_of(files):
    """By family, what some of its files have and others lack."""
    found = {}
    for file in files:
        found.setdefault(file.keys["general.architecture"], []).append(
            general_names(file))
    return {architecture: set.union(*names) - set.intersection(*names)
            for architecture, names in found.items()}


def check(path, file, alternatives, options):
    """Why the file is skipped, and what is wrong with it."""
    architecture = file.keys["general.architecture"]
    code, text, errors = run(f"--describe-arch={architecture}")
    if code:
        unknown = "is unknown" in errors
        return (f"family {architecture} is unknown" if unknown else "",
                [] if unknown else [errors])
    if options.omit:
        text = text.replace(options.omit, "")
    keys, tensors = described(text)
    problems = list(table_problems(file, architecture, keys, tensors,
                                   alternatives[architecture]))
    code, _, errors = run("--emit=graph", str(path))
    if found := re.search("key .* not supported in this family yet", errors):
        return found[0], []
    if code:
        return "", problems + [errors.strip()]
    problems += re.findall("tensor .* is not used", errors)
    with tempfile.TemporaryDirectory() as work:
        problems += refusal_problems(path.stem, file, tensors,
                                     alternatives[architecture],
                                     pathlib.Path(work))
    return "", problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--only", default="*", metavar="PATTERN")
    parser.add_argument("--omit", metavar="TEXT")
    options = parser.parse_args()
    smallest = {}
    for folder in options.folders:
        index = json.loads((folder / "index.json").read_text())
        for name, row in index.items():
            path, model = folder / f"{name}.gguf", name.split(".")[0]
            if not fnmatch.fnmatch(model, options.only):
                continue
            if row.get("outputs", "logits") != "logits":
                print(f"{model}: skipped: its outputs are {row['outputs']}")
            elif (model not in smallest or path.stat().st_size
                  < smallest[model].stat().st_size):
                smallest[model] = path
    files = [Gguf(path) for path in smallest.values()]
    alternatives = alternatives_of(files)
    failed = done = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = pool.map(
            lambda path, file: check(path, file, alternatives, options),
            smallest.values(), files)
        for model, (skipped, problems) in zip(smallest, answers):
            if skipped:
                print(f"{model}: skipped: {skipped}")
                continue
            done += 1
            failed += bool(problems)
            print("\n  ".join([f"{model}: {len(problems)} problems"
                               if problems else f"{model}: ok", *problems]))
    print(f"{done} families, {failed} failed")
    sys.exit(1 if failed or not done else 0)


main()
