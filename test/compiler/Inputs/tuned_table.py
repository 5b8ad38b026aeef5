"""Writes a table of tuned tiles by hand, as `compile --tune` would.

    tuned_table.py CACHE MODULE.mlir halved  half the tokens for its first gemv
    tuned_table.py CACHE MODULE.mlir experts half the row groups for its experts
    tuned_table.py CACHE MODULE.mlir wrong   a tile that it may not have
    tuned_table.py CACHE --text TEXT         whatever a file may hold

CACHE holds a table already, whose name says which processor this is.
"""
import json
import pathlib
import re
import sys

cache, source, what = sys.argv[1:]
[path] = pathlib.Path(cache).glob("sinter/tiles/*.json")
if source == "--text":
    path.write_text(what)
    sys.exit()
module = pathlib.Path(source).read_text()
target = re.search(r"#sinter\.target<[^>]*>", module)[0]
kind = "grouped_gemm" if what == "experts" else "gemm"
skeleton, tile = re.search(
    rf"tile\.kernel @\w+ (#tile\.{kind}<.*decode = true>) config <(.*?)>",
    module).groups()
tokens = int(re.search(r"tokens = (\d+)", tile)[1])
other = (f"rowGroups = 3, tokens = {tokens}" if what == "wrong" else
         tile.replace("rowGroups = 4", "rowGroups = 2") if what == "experts" else
         tile.replace(f"tokens = {tokens}", f"tokens = {tokens // 2}"))
table = json.loads(path.read_text())
table["tiles"] = [{"target": target, "kernel": skeleton, "tokens": 8,
                   "tile": other, "instead_of": tile, "gain": 0.1}]
path.write_text(json.dumps(table))
