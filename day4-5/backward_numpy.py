# exercises 4.1-4.7: the gradient of every part of a Transformer, written by hand
"""Every part of a Transformer, backwards, in NumPy.

d_x is the gradient of the loss for x, and has the shape of x. A backward function takes the gradient
of what its part gave, then what the part was given, and computes again whatever it needs of the way
forward. Letters as on Day 1; M hidden width, V symbols.

    python day4-5/backward_numpy.py     layer norm's gradient, of one row
"""

import math

import numpy as np

from attention_numpy import attention, merge_heads, softmax, split_heads
from block_numpy import gelu, gelu_tanh

IGNORED = -100  # a target that does not count, as PyTorch's ignore_index


def cross_entropy(logits, targets):
    """Mean surprise at the targets that count: logits (..., V), targets (...) -> loss in nats."""
    counts = counted(logits, targets)
    rows, right = logits[counts], targets[counts]  # (n, V), (n,)
    highest = rows.max(axis=-1)
    total = np.log(np.exp(rows - highest[:, None]).sum(axis=-1)) + highest
    return (total - rows[np.arange(len(right)), right]).mean()


def counted(logits, targets):
    """Which targets count: True where one is not -100. ValueError for what has no loss."""
    if logits.shape[:-1] != targets.shape:
        raise ValueError(
            f"logits {logits.shape} need targets {logits.shape[:-1]}, {targets.shape} given"
        )
    if not np.isfinite(logits).all():
        raise ValueError(
            "logits hold NaN or infinity: look at the weights, then at the learning rate"
        )
    counts, V = targets != IGNORED, logits.shape[-1]
    if not counts.any():
        raise ValueError(f"no target counts: all of them are {IGNORED}")
    if targets[counts].min() < 0 or targets[counts].max() >= V:
        raise ValueError(f"targets are {IGNORED} or in 0..{V - 1}")
    return counts


# exercise 4.1
def cross_entropy_backward(logits, targets):
    """The slope of cross_entropy, the mean loss of the targets that count.

    logits (..., V), targets (...) whole numbers, -100 where a target does not count
    -> d_logits (..., V)
    ValueError, by counted, where no target counts or one is outside 0..V-1.
    """
    counts = counted(logits, targets)
    d_logits = softmax(logits) * counts[..., None]
    d_logits[counts, targets[counts]] -= 1
    return d_logits / counts.sum()


# exercise 4.2
def linear_backward(d_y, x, w):
    """y = x @ w + b: d_y (..., E), x (..., C), w (C, E) -> d_x (..., C), d_w (C, E), d_b (E,)."""
    C, E = w.shape
    rows = d_y.reshape(-1, E)  # (n, E)
    return d_y @ w.T, x.reshape(-1, C).T @ rows, rows.sum(axis=0)


# exercise 4.2
def embedding_backward(d_x, ids, V):
    """x = table[ids]: d_x (..., C), ids (...) in 0..V-1 -> d_table (V, C)."""
    d_table = np.zeros((V, d_x.shape[-1]))
    np.add.at(d_table, ids, d_x)  # += would count a symbol that comes twice only once
    return d_table


# exercise 4.2
def positions_backward(d_x, longest):
    """x = words + table[:T], words (B, T, C): d_x (B, T, C) -> d_table (longest, C)."""
    T, C = d_x.shape[1:]
    return np.concatenate([d_x.sum(axis=0), np.zeros((longest - T, C))])


# exercise 4.3
def softmax_backward(d_weights, weights):
    """weights = softmax(scores): d_weights (..., S), weights (..., S) -> d_scores (..., S)."""
    # a row of weights adds up to 1: what one gains, the others lose
    average = (weights * d_weights).sum(axis=-1, keepdims=True)
    return weights * (d_weights - average)


# exercise 4.4
def layer_norm_backward(d_y, x, gain, eps=1e-5):
    """y = layer_norm(x, gain, bias, eps): d_y (..., C), x (..., C), gain (C,)
    -> d_x (..., C), d_gain (C,), d_bias (C,).
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    normal = centred / deviation
    d_normal = d_y * gain
    by_mean = d_normal.mean(axis=-1, keepdims=True)
    by_variance = normal * (d_normal * normal).mean(axis=-1, keepdims=True)
    rows = tuple(range(x.ndim - 1))
    d_x = (d_normal - by_mean - by_variance) / deviation
    return d_x, (d_y * normal).sum(axis=rows), d_y.sum(axis=rows)


# exercise 4.5
def attention_backward(d_out, q, k, v, mask=None):
    """out, weights = attention(q, k, v, mask), and the loss takes out alone.

    d_out (..., T, E), q (..., T, D), k (..., S, D), v (..., S, E), mask (..., T, S) bool or None
    -> d_q (..., T, D), d_k (..., S, D), d_v (..., S, E)
    """
    _, weights = attention(q, k, v, mask)  # (..., T, S)
    d_v = weights.swapaxes(-1, -2) @ d_out
    # a hidden score has the weight 0, so its gradient is 0 without a mask
    d_scores = softmax_backward(d_out @ v.swapaxes(-1, -2), weights) / np.sqrt(q.shape[-1])
    return d_scores @ k, d_scores.swapaxes(-1, -2) @ q, d_v


# exercise 4.6
def multi_head_backward(d_out, x, memory, w_q, w_k, w_v, w_o, H, mask=None):
    """out, weights = multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask); the loss takes out alone.

    d_out (B, T, C), x (B, T, C), memory (B, S, C), matrices (C, C), mask that broadcasts to
    (B, H, T, S) or None -> d_x, d_memory, d_w_q, d_w_k, d_w_v, d_w_o
    x and memory count as two arrays, even where they hold the same numbers.
    """
    q, k, v = split_heads(x @ w_q, H), split_heads(memory @ w_k, H), split_heads(memory @ w_v, H)
    mixed = merge_heads(attention(q, k, v, mask)[0])
    d_mixed, d_w_o, _ = linear_backward(d_out, mixed, w_o)
    d_heads = attention_backward(split_heads(d_mixed, H), q, k, v, mask)
    d_q, d_k, d_v = (merge_heads(d) for d in d_heads)
    d_x, d_w_q, _ = linear_backward(d_q, x, w_q)
    by_key, d_w_k, _ = linear_backward(d_k, memory, w_k)
    by_value, d_w_v, _ = linear_backward(d_v, memory, w_v)
    return d_x, by_key + by_value, d_w_q, d_w_k, d_w_v, d_w_o


# exercise 4.6
def residual_backward(d_y, x, f, f_backward, normal, normal_backward, norm="pre"):
    """norm="pre": y = x + f(normal(x)); norm="post": y = normal(x + f(x)).

    f(z) and normal(z) give an array of z's shape; f_backward(d, z) and normal_backward(d, z) take
    the gradient of that back to z. d_y, x of one shape -> d_x of that shape.
    """
    if norm == "pre":
        return d_y + normal_backward(f_backward(d_y, normal(x)), x)
    d_sum = normal_backward(d_y, x + f(x))
    return d_sum + f_backward(d_sum, x)


# exercise 4.7, further
def gelu_backward(d_y, x):
    """y = gelu(x), the exact one with erf: d_y, x of one shape -> d_x."""
    below = np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2, otypes=[float])
    density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
    return d_y * (below(x) + x * density)


# exercise 4.7, further
def gelu_tanh_backward(d_y, x):
    """y = gelu_tanh(x), GPT-2's approximation: d_y, x of one shape -> d_x."""
    root, a = math.sqrt(2 / math.pi), 0.044715
    square = x * x  # x**3 takes many times as long
    bent = np.tanh(root * (x + a * x * square))
    return d_y * (1 + bent + x * (1 - bent * bent) * root * (1 + 3 * a * square)) / 2


def relu(x):
    """What is below 0 becomes 0."""
    return np.maximum(x, 0)


def relu_backward(d_y, x):
    """y = relu(x): d_y, x of one shape -> d_x. At 0 itself the slope is taken to be 0."""
    return d_y * (x > 0)


def dropout_backward(d_y, kept, p):
    """y = x * kept / (1 - p), kept bool of the shape of x, p the share dropped -> d_x."""
    return d_y * kept / (1 - p)


BACKWARD = {gelu: gelu_backward, gelu_tanh: gelu_tanh_backward, relu: relu_backward}


def feed_forward_backward(d_y, x, w1, b1, w2, b2, bend=gelu):
    """y = bend(x @ w1 + b1) @ w2 + b2: d_y (..., C) -> d_x, d_w1, d_b1, d_w2, d_b2.

    bend is gelu, gelu_tanh or relu.
    """
    wide = x @ w1 + b1
    d_bent, d_w2, d_b2 = linear_backward(d_y, bend(wide), w2)
    d_x, d_w1, d_b1 = linear_backward(BACKWARD[bend](d_bent, wide), x, w1)
    return d_x, d_w1, d_b1, d_w2, d_b2


def main():
    """What layer norm sends back for one row."""
    np.set_printoptions(precision=3, suppress=True, floatmode="fixed")
    rng = np.random.default_rng(0)
    d_y, x, gain = rng.normal(size=4), rng.normal(size=4), np.ones(4)
    d_x, d_gain, d_bias = layer_norm_backward(d_y, x, gain)
    print(f"x       {x}\nd_y     {d_y}\nd_x     {d_x}\nd_gain  {d_gain}\nd_bias  {d_bias}")
    print(f"\nd_x adds up to {abs(d_x.sum()):.3f}: adding a number to all of x changes nothing")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
