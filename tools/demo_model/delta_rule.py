"""The gated delta rule (arXiv 2412.06464) in JAX, chunk by chunk, for training.

The state of a head forgets by a factor for each token, then is corrected to hold
the token's value at its key; the result is what it holds at the query. Within a
chunk that is a triangular system, so that only chunks follow one another.
"""

import jax
import jax.numpy as jnp

CHUNK = 32  # tokens; 8 times a power of 2


@jax.custom_jvp
def inverse(lower):
    """(1 + lower)⁻¹ of matrices [..., CHUNK, CHUNK] with nothing on or above the diagonal.

    Blocks of 8 by their powers, whose eighth is 0, then two blocks at a time. All
    products: XLA's own triangular solve on a CPU calls out to BLAS, and two such
    calls at once wait for each other for ever when there are two cores.
    """
    size, steps = 8, CHUNK // 8

    def blocks(below):
        return jnp.stack([lower[..., (i + below) * size:(i + below + 1) * size,
                                i * size:(i + 1) * size]
                          for i in range(0, steps - below, 1 + below)], -3)

    power, one = -blocks(0), jnp.eye(size)
    found = one + power
    for _ in range(2):
        power = power @ power
        found = found @ (one + power)
    while steps > 1:
        first, second = found[..., 0::2, :, :], found[..., 1::2, :, :]
        corner = -(second @ blocks(1)) @ first
        found = jnp.concatenate([jnp.concatenate([first, jnp.zeros_like(first)], -1),
                                 jnp.concatenate([corner, second], -1)], -2)
        size, steps = 2 * size, steps // 2
    return found[..., 0, :, :]


@inverse.defjvp
def inverse_jvp(primals, tangents):
    found = inverse(*primals)
    return found, -(found @ jnp.tril(tangents[0], -1)) @ found


def written_in_chunks(k, v, left, carried, beta):
    """(u, w): what a chunk's tokens write is u - w S, S the state before it.

    Each token writes β (v - what the state has at k), where the state holds what
    earlier tokens wrote: a triangular system of the chunk's size.
    """
    scaled = k * beta[..., None]
    solved = inverse(jnp.tril((scaled @ k.swapaxes(-1, -2)) * left, -1))
    return solved @ (v * beta[..., None]), solved @ (scaled * carried[..., None])


def delta_rule(q, k, v, decay, beta, segments):
    """The gated delta rule over [batch, heads, time, width] in chunks of CHUNK tokens.

    With G the running sum of log decays in a chunk, D_ij = exp(G_i - G_j) where j
    is not after i and of its document. Between chunks goes the state alone, and
    only to tokens of the document that it is of.
    """
    batch, heads, time, width = q.shape
    count = -(-time // CHUNK)
    room = count * CHUNK - time

    def chunks(x):
        x = jnp.pad(x, ((0, 0), (0, 0), (0, room)) + ((0, 0),) * (x.ndim - 3))
        return x.reshape(batch, -1, count, CHUNK, *x.shape[3:])

    q, k, v, decay, beta = (chunks(x) for x in (q, k, v, decay, beta))
    segments = chunks(segments[:, None])
    before = jnp.pad(segments[:, :, :-1, -1:], ((0, 0), (0, 0), (1, 0), (0, 0)))
    past = jnp.tril(jnp.ones((CHUNK, CHUNK)))
    total = decay @ past.T  # the gradient of jnp.cumsum is slow on a CPU
    visible = (segments[..., :, None] == segments[..., None, :]) & (past > 0)
    left = jnp.exp(jnp.where(visible, total[..., :, None] - total[..., None, :], -1e9))
    carried = jnp.exp(total) * (segments == before)
    u, w = written_in_chunks(k, v, left, carried, beta)
    seen = (q @ k.swapaxes(-1, -2)) * left
    q = q * carried[..., None]
    k = (k * left[..., -1, :, None]).swapaxes(-1, -2)

    state, found = jnp.zeros((batch, heads, width, v.shape[-1])), []
    for i in range(count):
        new = u[:, :, i] - w[:, :, i] @ state
        found.append(q[:, :, i] @ state + seen[:, :, i] @ new)
        state = state * carried[:, :, i, -1, None, None] + k[:, :, i] @ new
    return jnp.concatenate(found, 2)[:, :, :time]
