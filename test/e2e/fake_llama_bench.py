#!/usr/bin/env python3
"""Prints what llama-bench prints, for a peer of known speed: `bench_vs` must
find the ratios that follow."""
import argparse
import json

parser = argparse.ArgumentParser()
for flag in ("-m", "-p", "-n", "-t", "-r", "-o"):
    parser.add_argument(flag)
options = parser.parse_args()
assert options.o == "json"
prompt, generate = int(options.p), int(options.n)
print(json.dumps([{"n_prompt": prompt, "n_gen": 0, "avg_ts": 0.5},
                  {"n_prompt": 0, "n_gen": generate, "avg_ts": 0.25}]))
