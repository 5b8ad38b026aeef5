"""Reads npy files of logits and measures their distance, with the standard
library alone. As a program: logits.py OURS.npy GOLDEN.npy LIMIT."""

import array
import pathlib
import sys


def read_npy(path):
    """The float32 values of an npy file, flat."""
    data = pathlib.Path(path).read_bytes()
    if data[:6] != b"\x93NUMPY" or data[6] != 1:
        sys.exit(f"logits.py: error: {path} is not an npy file of version 1")
    start = 10 + int.from_bytes(data[8:10], "little")
    if b"'descr': '<f4'" not in data[10:start]:
        sys.exit(f"logits.py: error: {path} does not hold float32")
    return array.array("f", data[start:])


def nmse(ours, golden):
    """Σ(a−b)² / Σb²; NaN where a value is NaN, infinite if sizes differ."""
    if len(ours) != len(golden):
        return float("inf")
    error = sum((a - b) ** 2 for a, b in zip(ours, golden))
    return error / sum(b * b for b in golden)


def main():
    error, limit = nmse(read_npy(sys.argv[1]), read_npy(sys.argv[2])), \
        float(sys.argv[3])
    print(f"NMSE {error:.3e}, limit {limit:.3e}")
    sys.exit(0 if error <= limit else 1)


if __name__ == "__main__":
    main()
