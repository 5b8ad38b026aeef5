#!/usr/bin/env python3
"""Computes references again and compares them with the committed outputs.

    reference_outputs.py SOURCE NAME...
"""

import pathlib
import sys

import numpy as np

# Between versions of torch and machines sums differ by their order only.
LIMIT = 1e-9


def main():
    source, names = pathlib.Path(sys.argv[1]), sys.argv[2:]
    sys.path.insert(0, str(source / "tools"))
    from make_reference import make_model, outputs_of
    from references.families import FAMILIES

    folder = source / "test/golden"
    tokens = [int(t) for t in (folder / "tokens.txt").read_text().split()]
    for name in names:
        family = FAMILIES[name]
        golden = np.load(folder / f"{name}.F16.npy").astype(np.float64)
        found = outputs_of(family, family.outputs, tokens)(
            make_model(name, family)).double().numpy()
        error = ((found - golden) ** 2).sum() / (golden ** 2).sum()
        if not error <= LIMIT:
            sys.exit(f"{name}: NMSE {error:.3g} to the committed outputs")
    print(f"{len(names)} references as committed")


main()
