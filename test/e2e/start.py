#!/usr/bin/env python3
"""Times `compile` and the first token of `run`: start.py MODEL.gguf OUTPUT."""

import json
import subprocess
import sys
import time

COMPILE_SECONDS = 5
FIRST_TOKEN_MS = 50
RUNS = 8


def main():
    model, output = sys.argv[1:]
    seconds = float("inf")
    for _ in range(3):
        start = time.monotonic()
        subprocess.run(["compile", model, "-o", output, "--progress=none"],
                       check=True, stdout=subprocess.DEVNULL)
        seconds = min(seconds, time.monotonic() - start)
        if seconds <= COMPILE_SECONDS:
            break
    first = min(
        json.loads(subprocess.run(
            ["run", output, "-p", "The capital of France is", "-n", "1",
             "--json"], check=True, capture_output=True, text=True).stdout)
        ["timings"]["first_token_ms"] for _ in range(RUNS))
    print(f"compile {seconds:.2f} s, limit {COMPILE_SECONDS}; "
          f"first token {first:.1f} ms, limit {FIRST_TOKEN_MS}")
    sys.exit(0 if seconds <= COMPILE_SECONDS and first <= FIRST_TOKEN_MS else 1)


main()
