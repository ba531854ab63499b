"""A whole Transformer, backwards: the gradient of every parameter, in NumPy.

The model reads symbols and scores a symbol at every position: embedding, positions, L blocks, a last
norm (with pre-norm only), a linear map. What goes into a block is kept on the way forward; the rest
is computed again on the way back. `params` is Day 1's flat dictionary, and so are the gradients:

    embedding (V, C); positions (longest, C), or none for sinusoidal ones; blocks.0.attention.w_q
    and so on, as in block_numpy.block; norm.gain, norm.bias (C,); head.w (C, N), head.b (N,)

    python day4-5/backward_model.py     gradients beside central differences, and ten steps down
"""

import numpy as np

from attention_numpy import causal_mask, multi_head
from backward_numpy import (
    cross_entropy,
    cross_entropy_backward,
    embedding_backward,
    feed_forward_backward,
    layer_norm_backward,
    linear_backward,
    multi_head_backward,
    positions_backward,
    residual_backward,
)
from block_numpy import gelu, layer_norm, random_params
from positions_numpy import embed, sinusoidal


def loss_and_gradients(params, ids, targets, H, mask=None, norm="pre", bend=gelu):
    """Mean loss of the targets that count, and its gradient for every parameter.

    ids (B, T), targets (B, T) with -100 where nothing is asked, mask that broadcasts to
    (B, H, T, T) or None; norm "pre" or "post"; bend gelu, gelu_tanh (quicker) or relu
    -> loss in nats, {name: gradient, of the shape of params[name]}
    ValueError for ids, targets, mask or norm that do not fit.
    """
    scores, streams = forward(params, ids, H, mask, norm, bend)
    loss = cross_entropy(scores, targets)
    grads = {}
    d_logits = cross_entropy_backward(scores, targets)
    x = last_norm(streams[-1], params, norm)
    d_x, grads["head.w"], grads["head.b"] = linear_backward(d_logits, x, params["head.w"])
    if norm == "pre":
        gain = params["norm.gain"]
        d_x, grads["norm.gain"], grads["norm.bias"] = layer_norm_backward(d_x, streams[-1], gain)
    for layer in reversed(range(len(streams) - 1)):
        own = weights_of(params, layer)
        d_x, found = block_backward(d_x, streams[layer], own, H, mask, norm, bend)
        grads |= {f"blocks.{layer}.{name}": gradient for name, gradient in found.items()}
    grads["embedding"] = embedding_backward(d_x, ids, len(params["embedding"]))
    if "positions" in params:
        grads["positions"] = positions_backward(d_x, len(params["positions"]))
    return loss, grads


def logits(params, ids, H, mask=None, norm="pre", bend=gelu):
    """A score for every symbol at every position: ids (B, T) -> (B, T, N)."""
    return forward(params, ids, H, mask, norm, bend)[0]


def forward(params, ids, H, mask, norm, bend):
    """-> logits (B, T, N), what went into each block and came out of the last: L + 1 (B, T, C)."""
    streams = [read(params, ids)]
    for layer in range(depth(params)):
        own = weights_of(params, layer)
        streams.append(block(streams[-1], own, H, mask, norm, bend))
    return last_norm(streams[-1], params, norm) @ params["head.w"] + params["head.b"], streams


def read(params, ids):
    """Which symbol, and where it stands: ids (B, T) -> (B, T, C)."""
    x, T = embed(ids, params["embedding"]), ids.shape[1]
    if "positions" not in params:
        return x + sinusoidal(T, x.shape[-1])
    if T > len(params["positions"]):
        raise ValueError(f"{T} symbols, but positions for {len(params['positions'])} only")
    return x + params["positions"][:T]


def last_norm(x, params, norm):
    """Pre-norm leaves the stream as it is, so one norm stands before the head; post-norm has it."""
    return layer_norm(x, params["norm.gain"], params["norm.bias"]) if norm == "pre" else x


def depth(params):
    return len({name.split(".")[1] for name in params if name.startswith("blocks.")})


def weights_of(params, layer):
    """The weights of one block by short names."""
    prefix = f"blocks.{layer}."
    return {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}


def block(x, params, H, mask=None, norm="pre", bend=gelu):
    """Day 1's block, with a choice of what bends: x (B, T, C) -> (B, T, C)."""
    sublayers, _ = both(params, H, mask, bend)
    for f, _, normal, _ in sublayers:
        x = residual(x, f, normal, norm)
    return x


def block_backward(d_y, x, params, H, mask=None, norm="pre", bend=gelu):
    """y = block(x, params, H, mask, norm, bend): d_y, x (B, T, C) -> d_x, {name: gradient}."""
    (gather, think), grads = both(params, H, mask, bend)
    middle = residual(x, gather[0], gather[2], norm)
    d_middle = residual_backward(d_y, middle, *think, norm)
    return residual_backward(d_middle, x, *gather, norm), grads


def residual(x, f, normal, norm):
    """x + f(normal(x)), or normal(x + f(x)). ValueError for another norm than pre and post."""
    if norm not in ("pre", "post"):
        raise ValueError(f'norm is "pre" or "post", not {norm!r}')
    return x + f(normal(x)) if norm == "pre" else normal(x + f(x))


def both(params, H, mask, bend):
    """The two sub-layers of a block: ((f, f_backward, normal, normal_backward), ...), grads.

    A backward function leaves the gradients of its weights in the dictionary `grads`.
    """
    grads = {}
    matrices = {name: params[name] for name in (f"attention.w_{n}" for n in "qkvo")}
    linears = {name: params[f"feed_forward.{name}"] for name in ("w1", "b1", "w2", "b2")}

    def gather(x):
        return multi_head(x, x, *matrices.values(), H, mask)[0]

    def gather_backward(d, x):
        d_x, d_memory, *found = multi_head_backward(d, x, x, *matrices.values(), H, mask)
        grads.update(zip(matrices, found, strict=True))
        return d_x + d_memory  # x asks and answers: two roads lead back to it

    def think(x):
        return bend(x @ linears["w1"] + linears["b1"]) @ linears["w2"] + linears["b2"]

    def think_backward(d, x):
        d_x, *found = feed_forward_backward(d, x, *linears.values(), bend)
        grads.update({f"feed_forward.{n}": g for n, g in zip(linears, found, strict=True)})
        return d_x

    def norm(number):
        gain, bias = params[f"norm_{number}.gain"], params[f"norm_{number}.bias"]

        def normal(x):
            return layer_norm(x, gain, bias)

        def normal_backward(d, x):
            d_x, d_gain, d_bias = layer_norm_backward(d, x, gain)
            grads.update({f"norm_{number}.gain": d_gain, f"norm_{number}.bias": d_bias})
            return d_x

        return normal, normal_backward

    return ((gather, gather_backward, *norm(1)), (think, think_backward, *norm(2))), grads


def main():
    """A few gradients beside central differences; then ten steps against the gradient."""
    rng = np.random.default_rng(0)
    params = random_params(rng, V=7, C=8, M=16, L=2, classes=7)
    ids = rng.integers(7, size=(3, 6))
    given = (ids[:, :-1], ids[:, 1:], 2, causal_mask(5))
    loss, grads = loss_and_gradients(params, *given)
    print(f"{'the largest entry of the gradient for':38} {'by hand':>13} {'by differences':>15}")
    for name in ("embedding", "blocks.0.attention.w_q", "blocks.1.norm_2.gain", "head.w"):
        place, h = np.unravel_index(np.abs(grads[name]).argmax(), grads[name].shape), 1e-5
        losses = []
        for step in (h, -h):
            moved = params[name].copy()
            moved[place] += step
            losses.append(loss_and_gradients(params | {name: moved}, *given)[0])
        numeric = (losses[0] - losses[1]) / (2 * h)
        print(f"{name:38} {grads[name][place]:13.9f} {numeric:15.9f}")
    print("\nten steps of 0.1 against the gradient: loss", end="")
    for _ in range(10):
        print(f" {loss:.3f}", end="")
        params = {name: value - 0.1 * grads[name] for name, value in params.items()}
        loss, grads = loss_and_gradients(params, *given)
    print(f" {loss:.3f}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
