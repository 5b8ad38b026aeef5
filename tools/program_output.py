"""What a program prints, for the tools that measure programs: one that fails, or
says something else than expected, ends the tool with a message."""

import json
import pathlib
import subprocess
import sys


def complain(message):
    sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {message}")


def run(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        complain(f"cannot run {command[0]}: {error.strerror}")
    if result.returncode != 0:
        complain(f"{' '.join(command)} ended with {result.returncode}: "
                 f"{result.stderr.strip()[-300:]}")
    return result.stdout


def run_json(command):
    output = run(command)
    try:
        return json.loads(output)
    except json.JSONDecodeError:
        complain(f"{command[0]} printed no JSON: {output[:200]!r}")
