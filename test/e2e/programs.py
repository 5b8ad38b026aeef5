"""Runs our programs for the end-to-end tests; a failure ends the test with the
program's last words."""

import subprocess
import sys


def run(*arguments):
    """What the program prints."""
    command = [str(argument) for argument in arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {' '.join(command)} exited {done.returncode}: "
                 f"{done.stderr[-600:]}")
    return done.stdout
