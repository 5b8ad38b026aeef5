"""Random weights with which every tensor of a model matters, and the check that
each of them does."""

import torch

# An error of 1e-5 is what golden logits forgive; a tensor whose loss moves the
# logits by less than ten times as much would not be tested by them.
LEAST_EFFECT = 1e-4
# Weights are multiples of 1/GRID, so that F16 holds their halves exactly, too:
# some converters multiply the weights.
GRID = 2 ** 18


def randomise(model, embedding, seed):
    """Fills the model with weights that F16 holds exactly.

    Matrices keep the scale of what passes through them; vectors (norms, biases,
    decays) stay near what the class gives them.
    """
    random = torch.Generator().manual_seed(seed)
    vectors = list(model.named_parameters()) + [
        (name, buffer) for name, buffer in model.named_buffers()
        if name in model.state_dict()]
    with torch.no_grad():
        for name, tensor in vectors:
            if not tensor.is_floating_point():
                continue
            noise = torch.randn(tensor.shape, generator=random)
            if name.endswith(("dt_bias", "A_log")):
                # A state that forgets over some ten tokens.
                value = noise - 1
            elif name.endswith(".D"):
                value = noise
            elif tensor.dim() < 2:
                value = tensor + 0.2 * noise
            elif "embed" in name and tensor.dim() == 2:
                value = embedding * noise
            else:
                value = noise / tensor.shape[-1] ** 0.5
            tensor.copy_(value.mul(GRID).round().div(GRID).half().float())
    tied = getattr(model, "tie_weights", None)
    if tied:
        tied()


def nmse(a, b):
    a, b = a.double(), b.double()
    return float(((a - b) ** 2).sum() / (b ** 2).sum())


def silent(model, outputs):
    """The tensors whose loss does not show in the outputs: names and effect."""
    golden = outputs(model)
    found = {}
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            kept = tensor.clone()
            if tensor.dim() < 2:
                tensor.copy_(kept.mean().expand_as(kept) if tensor.numel() > 1
                             else kept * 1.1)
            else:
                tensor.copy_(kept.flip(tuple(range(kept.dim()))))
            effect = nmse(outputs(model), golden)
            tensor.copy_(kept)
            if not effect >= LEAST_EFFECT:
                found[name] = effect
    return found
