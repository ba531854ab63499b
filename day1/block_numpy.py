# exercises 1.9-1.13, all further: layer norm, GELU, feed-forward, block, encoder
"""From attention to a Transformer block, and a small encoder of them. NumPy only.

Letters: B sequences, T positions, C channels, H heads, M hidden width, V symbols, L layers.
`params` is a flat dictionary: "blocks.0.attention.w_q" -> array.

    python day1/block_numpy.py
"""

import math

import numpy as np

from attention_numpy import attention, multi_head, padding_mask
from positions_numpy import embed, sinusoidal


# exercise 1.9, further
def layer_norm(x, gain, bias, eps=1e-5):
    """Give every position mean 0 and variance 1 over its channels, then scale and shift.

    x (..., C), gain (C,), bias (C,) -> (..., C). Ba et al. 2016.
    """
    mean = x.mean(axis=-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * gain + bias


# exercise 1.10, further
def gelu(x):
    """x times the probability that a standard normal number is below x. Hendrycks & Gimpel 2016."""
    below = np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2, otypes=[float])
    return x * below(x)


# exercise 1.10, further
def gelu_tanh(x):
    """GPT-2's approximation of gelu, off by less than 0.0005 everywhere."""
    return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2


# exercise 1.11, further
def feed_forward(x, w1, b1, w2, b2):
    """Each position alone: widen, bend, narrow.

    x (..., C), w1 (C, M), b1 (M,), w2 (M, C), b2 (C,) -> (..., C)
    Vaswani et al. 2017, equation 2, with GELU where it has ReLU.
    """
    return gelu(x @ w1 + b1) @ w2 + b2


# exercise 1.12, further
def block(x, params, H, mask=None, norm="pre"):
    """Gather, then think; each adds to the stream that runs past it.

    x (B, T, C), mask that broadcasts to (B, H, T, T) or None -> (B, T, C)
    params: attention.w_q, w_k, w_v, w_o (C, C); feed_forward.w1, b1, w2, b2; norm_1.gain, .bias;
    norm_2.gain, .bias. norm="pre": x + f(norm(x)), as in GPT-2; "post": norm(x + f(x)), as in
    Vaswani et al. 2017. ValueError for another norm.
    """
    if norm not in ("pre", "post"):
        raise ValueError(f'norm is "pre" or "post", not {norm!r}')

    def gather(x):
        matrices = [params[f"attention.w_{name}"] for name in "qkvo"]
        return multi_head(x, x, *matrices, H, mask)[0]

    def think(x):
        return feed_forward(
            x, *(params[f"feed_forward.{name}"] for name in ("w1", "b1", "w2", "b2"))
        )

    for number, sublayer in ((1, gather), (2, think)):
        gain, bias = params[f"norm_{number}.gain"], params[f"norm_{number}.bias"]
        if norm == "pre":
            x = x + sublayer(layer_norm(x, gain, bias))
        else:
            x = layer_norm(x + sublayer(x), gain, bias)
    return x


# exercise 1.13, further
def encoder(ids, params, H, lengths, pool="mean"):
    """Read a padded batch of sentences and give each one a score for every class.

    ids (B, T), lengths (B,) -> logits (B, classes): embed, add positions, L blocks (pre-norm), a last
    norm, pool over the real positions only ("first", "mean" or "max"), a linear map.
    params: embedding (V, C), blocks.0... as in block, norm.gain, norm.bias, head.w (C, classes),
    head.b. ValueError for another pool.
    """
    T = ids.shape[1]
    real = padding_mask(lengths, T)  # (B, 1, 1, T)
    x = embed(ids, params["embedding"])
    x = x + sinusoidal(T, x.shape[-1])
    layers = {name.split(".")[1] for name in params if name.startswith("blocks.")}
    for layer in sorted(layers, key=int):
        prefix = f"blocks.{layer}."
        own = {k.removeprefix(prefix): v for k, v in params.items() if k.startswith(prefix)}
        x = block(x, own, H, real)
    x = layer_norm(x, params["norm.gain"], params["norm.bias"])
    seen = real[:, 0, 0, :, None]  # (B, T, 1)
    if pool == "first":
        pooled = x[:, 0]
    elif pool == "mean":
        pooled = (x * seen).sum(axis=1) / seen.sum(axis=1)
    elif pool == "max":
        pooled = np.where(seen, x, -np.inf).max(axis=1)
    else:
        raise ValueError(f'pool is "first", "mean" or "max", not {pool!r}')
    return pooled @ params["head.w"] + params["head.b"]


def attention_pool(x, query, lengths):
    """A fourth way to pool: let one learned query choose how much of each real position goes in.

    x (B, T, C), query (C,), lengths (B,) -> (B, C). With a query of zeros it is the mean.
    Yang et al. 2016, equations 5 to 7, where a layer more stands before the scores.
    """
    B, T, C = x.shape
    asks = np.broadcast_to(query, (B, 1, C))
    return attention(asks, x, x, padding_mask(lengths, T)[:, 0])[0][:, 0]


def random_params(rng, V, C, M, L, classes):
    """Weights for encoder, drawn from a normal distribution: a dictionary of arrays."""
    shapes = {"embedding": (V, C), "norm.gain": (C,), "norm.bias": (C,)}
    shapes |= {"head.w": (C, classes), "head.b": (classes,)}
    for layer in range(L):
        own = {f"attention.w_{name}": (C, C) for name in "qkvo"}
        own |= {"feed_forward.w1": (C, M), "feed_forward.b1": (M,)}
        own |= {"feed_forward.w2": (M, C), "feed_forward.b2": (C,)}
        own |= {f"norm_{n}.{part}": (C,) for n in (1, 2) for part in ("gain", "bias")}
        shapes |= {f"blocks.{layer}.{name}": shape for name, shape in own.items()}
    return {name: rng.normal(size=shape) / math.sqrt(shape[0]) for name, shape in shapes.items()}


def main():
    """The same sentence, alone and padded by two: the same logits."""
    rng = np.random.default_rng(0)
    params = random_params(rng, V=7, C=6, M=24, L=2, classes=3)
    print("alone ", encoder(np.array([[1, 2, 3]]), params, H=2, lengths=[3]))
    print("padded", encoder(np.array([[1, 2, 3, 0, 0]]), params, H=2, lengths=[3]))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
