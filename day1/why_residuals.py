"""Why residuals: what a stack of blocks, still untrained, lets through, backward and forward.

Backward, how much of a gradient at the top arrives at the bottom. Forward, whether the words are
still told apart at the top. The block is block_numpy.py's, pre-norm, with its sum and its norm left
out in turn; its gradient is written by hand.
Letters: B sequences, T positions, C channels, H heads, M hidden width.

    python day1/why_residuals.py     a second
"""

import math

import numpy as np

import pictures
from block_numpy import feed_forward, layer_norm, random_params
from learning import Dot, gather, gather_gradient
from recording import spread

B, T, C, H, M = 2, 8, 16, 4, 64
DEPTHS = (2, 4, 8, 16, 32)
STACKS = {
    "residual and norm": (True, True),
    "residual only": (True, False),
    "norm only": (False, True),
    "neither": (False, False),
}


def parameters(rng):
    """One block as it starts: weights of variance 1 / inputs, gains 1, biases 0."""
    params = random_params(rng, V=1, C=C, M=M, L=1, classes=1)
    own = {k.removeprefix("blocks.0."): p for k, p in params.items() if k.startswith("blocks")}
    fixed = {"gain": np.ones, "bias": np.zeros, "b1": np.zeros, "b2": np.zeros}
    return {k: fixed.get(k.split(".")[1], lambda shape, p=p: p)(p.shape) for k, p in own.items()}


def forward(x, params, residual, norm):
    """The block: x (B, T, C) -> the same shape, and the inputs of its four parts."""
    matrices = {f"w_{name}": params[f"attention.w_{name}"] for name in "qkvo"}
    y = layer_norm(x, 1.0, 0.0) if norm else x
    kept = gather(y, y, matrices, H, Dot())
    middle = kept.out + x if residual else kept.out
    z = layer_norm(middle, 1.0, 0.0) if norm else middle
    out = feed_forward(z, *(params[f"feed_forward.{name}"] for name in ("w1", "b1", "w2", "b2")))
    return out + middle if residual else out, (x, kept, matrices, middle, z)


def backward(d_out, params, kept, residual, norm):
    """From the gradient of the block's output to that of its input, both (B, T, C)."""
    x, attended, matrices, middle, z = kept
    hidden = z @ params["feed_forward.w1"] + params["feed_forward.b1"]
    d_hidden = d_out @ params["feed_forward.w2"].T * gelu_slope(hidden)
    d_z = d_hidden @ params["feed_forward.w1"].T
    d_middle = layer_norm_gradient(d_z, middle) if norm else d_z
    d_middle = d_middle + d_out if residual else d_middle  # the sum hands the gradient on, as it is
    d_x, d_memory, _ = gather_gradient(d_middle, attended, matrices, Dot())
    d_y = d_x + d_memory
    d_y = layer_norm_gradient(d_y, x) if norm else d_y
    return d_y + d_middle if residual else d_y


def layer_norm_gradient(d_y, x, eps=1e-5):
    """From y = layer_norm(x, 1, 0): what would move the mean or the length is taken away."""
    y = layer_norm(x, 1.0, 0.0, eps)
    deviation = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    average, along = (a.mean(axis=-1, keepdims=True) for a in (d_y, d_y * y))
    return (d_y - average - y * along) / deviation


def gelu_slope(x):
    """The slope of x P(x), where P(x) is the probability that a normal number is below x."""
    below = np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2, otypes=[float])
    return below(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def through(seed, depth, residual, norm):
    """What a stack of so many blocks lets through, each with weights of its own.

    -> how long a gradient of length 1 at the output is at the input of layer 1; the share of the
    output that differs between the words, 0 where they have all become one
    """
    rng = np.random.default_rng(seed)
    x, layers = rng.normal(size=(B, T, C)), [parameters(rng) for _ in range(depth)]
    kept = []
    for params in layers:
        x, own = forward(x, params, residual, norm)
        kept.append(own)
    d = rng.normal(size=x.shape)
    d /= np.linalg.norm(d)
    for params, own in zip(layers[::-1], kept[::-1]):
        d = backward(d, params, own, residual, norm)
    return np.linalg.norm(d), np.linalg.norm(x - x.mean(axis=1, keepdims=True)) / np.linalg.norm(x)


def record(seeds):
    """Every depth, with and without."""
    row = {"seeds": list(seeds), "depths": list(DEPTHS)}
    norms, shares = {}, {}
    for name, parts in STACKS.items():
        found = np.array([[through(seed, depth, *parts) for depth in DEPTHS] for seed in seeds])
        norms[name], shares[name] = spread(found[..., 0]), spread(found[..., 1])
    return row | {"gradient norm at layer 1": norms, "differs between words": shares}


def line(row):
    norms, shares = row["gradient norm at layer 1"], row["differs between words"]
    return f"{row['depths'][-1]} layers, gradient and what differs between words: " + ", ".join(
        f"{name} {norms[name]['median'][-1]:.1e} {shares[name]['median'][-1]:.0e}" for name in norms
    )


def draw(row):
    title = "Only sum and norm together keep the gradient in range and the words apart"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.2)
    measures = (left, "gradient norm at layer 1"), (right, "differs between words")
    for panel, measure in measures:
        for n, (name, found) in enumerate(row[measure].items()):
            pictures.line(panel, row["depths"], found, n, name)
        panel.set_xscale("log", base=2)
        panel.set_xticks(row["depths"], row["depths"])
        panel.set(xlabel="layers", yscale="log")
    left.axhline(1, color="gray", linestyle="--", linewidth=1)
    left.set_ylabel("norm of the gradient at layer 1,\nfor a gradient of 1 at the top")
    right.set_ylabel("share of the output\nthat differs between words")
    left.legend(fontsize=9, loc="upper left")
    pictures.save(figure, "residuals")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
