"""The model of Day 3 by the functions of Day 1: what gpt.html computes, in NumPy.

share.py compares it with PyTorch before it writes a page.
"""

import numpy as np

from attention_numpy import attention, causal_mask, merge_heads, split_heads
from block_numpy import gelu, gelu_tanh, layer_norm
from positions_numpy import embed


def unpack(data, parameters):
    """The bytes of the page -> its weights by name, in float64."""
    numbers, weights = np.frombuffer(data, "<f4").astype(np.float64), {}
    for name, shape in parameters:
        weights[name], numbers = np.split(numbers, [int(np.prod(shape))])
        weights[name] = weights[name].reshape(shape)
    return weights


def logits(weights, ids, config):
    """What the page computes, by the functions of Day 1: ids (B, T) -> logits (B, T, V)."""
    T, H = ids.shape[1], config["n_head"]
    bend = gelu_tanh if config["gelu"] == "tanh" else gelu
    rotary = config["positions"] == "rotary"
    x = embed(ids, weights["embedding.weight"])  # (B, T, C)
    if not rotary:
        x = x + weights["position.weight"][:T]
    for layer in range(config["n_layer"]):

        def linear(x, name, prefix=f"blocks.{layer}."):
            return x @ weights[f"{prefix}{name}.weight"].T + weights[f"{prefix}{name}.bias"]

        def norm(x, name, prefix=f"blocks.{layer}."):
            return layer_norm(x, weights[f"{prefix}{name}.gain"], weights[f"{prefix}{name}.bias"])

        qkv = np.split(linear(norm(x, "norm_1"), "attention.query_key_value"), 3, axis=-1)
        q, k, v = (split_heads(part, H) for part in qkv)  # (B, H, T, D)
        if rotary:
            q, k = rotate(q), rotate(k)
        out, _ = attention(q, k, v, causal_mask(T))
        x = x + linear(merge_heads(out), "attention.project")
        wide = bend(linear(norm(x, "norm_2"), "feed_forward.widen"))
        x = x + linear(wide, "feed_forward.project")
    x = layer_norm(x, weights["norm.gain"], weights["norm.bias"])
    return x @ weights["embedding.weight"].T


def rotate(x):
    """Turn each pair of neighbouring channels by position times speed: x (B, H, T, D)."""
    T, D = x.shape[-2:]
    speeds = 10000.0 ** (-np.arange(0, D, 2) / D)
    pairs = x[..., 0::2] + 1j * x[..., 1::2]
    turned = pairs * np.exp(1j * np.arange(T)[:, None] * speeds)
    return np.stack((turned.real, turned.imag), axis=-1).reshape(x.shape)
