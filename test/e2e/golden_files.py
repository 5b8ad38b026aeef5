"""What a folder of golden models holds."""

import filecmp


def lies_in(other, folder, name):
    """Whether model, logits and tokens are the same in `other`."""
    return bool(other) and all(
        (other / file).is_file() and filecmp.cmp(folder / file, other / file,
                                                 shallow=False)
        for file in (f"{name}.gguf", f"{name}.npy", "tokens.txt"))
