# exercises 1.1-1.5, 1.7, 1.14: softmax, attention, causal mask, heads, multi-head, more masks
"""Attention from nothing: a soft look-up, in NumPy.

Letters: B sequences, T query positions, S key positions, C channels, H heads, D = C / H channels of
a head, E channels of a value. `mask` is True where a position may be seen.

    python day1/attention_numpy.py     the worked example of the lesson, step by step
"""

import numpy as np


# exercise 1.1
def softmax(x, axis=-1):
    """Turn scores into shares that add up to 1 along an axis; a larger score gets a larger share.

    x of any shape, whole numbers too -> floats of the same shape. -inf gets a share of 0.

    >>> softmax(np.array([0.0, 2, 0])).round(3)
    array([0.107, 0.787, 0.107])
    """
    # the largest score cancels in the ratio, and without it exp would overflow
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


# exercise 1.2
def attention(q, k, v, mask=None):
    """Mix the values, each query by how well the keys fit it.

    q (..., T, D), k (..., S, D), v (..., S, E), mask (..., T, S) bool or None
    -> out (..., T, E), weights (..., T, S), whose rows add up to 1
    ValueError for shapes that do not fit, a mask that is not bool, a query that may see nothing.
    Vaswani et al. 2017, equation 1.
    """
    check(q, k, v, mask)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])  # (..., T, S)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights


# exercise 1.3
def causal_mask(T):
    """Every position may see itself and what stands before it: -> (T, T) bool.

    >>> causal_mask(2)
    array([[ True, False],
           [ True,  True]])
    """
    return np.tril(np.ones((T, T), dtype=bool))


# exercise 1.4
def split_heads(x, H):
    """Deal the channels out to the heads: (B, T, C) -> (B, H, T, D). ValueError unless H divides C.

    Head h gets the channels from h D to (h + 1) D - 1.
    """
    B, T, C = x.shape
    if C % H:
        raise ValueError(f"{C} channels cannot be dealt out to {H} heads")
    return x.reshape(B, T, H, C // H).swapaxes(1, 2)


# exercise 1.4
def merge_heads(x):
    """Put the heads side by side again, undoing split_heads: (B, H, T, D) -> (B, T, C)."""
    B, H, T, D = x.shape
    return x.swapaxes(1, 2).reshape(B, T, H * D)


# exercise 1.5
def multi_head(x, memory, w_q, w_k, w_v, w_o, H, mask=None):
    """H attentions side by side, each on its own channels, mixed by an output matrix.

    x (B, T, C) asks, memory (B, S, C) answers; w_q, w_k, w_v, w_o (C, C);
    mask bool that broadcasts to (B, H, T, S), or None -> out (B, T, C), weights (B, H, T, S)
    Self-attention: memory is x. Cross-attention: memory comes from elsewhere.
    Vaswani et al. 2017, section 3.2.2, with its matrices W^Q of all heads side by side in w_q.
    """
    q = split_heads(x @ w_q, H)  # (B, H, T, D)
    k = split_heads(memory @ w_k, H)  # (B, H, S, D)
    v = split_heads(memory @ w_v, H)
    out, weights = attention(q, k, v, mask)  # (B, H, T, D), (B, H, T, S)
    return merge_heads(out) @ w_o, weights


# exercise 1.7, further
def padding_mask(lengths, S):
    """Hide the padding, which stands on the right, as keys: lengths (B,) -> (B, 1, 1, S) bool.

    It joins the causal mask by `&`. ValueError for a length below 1 or above S.
    """
    lengths = np.asarray(lengths)
    if lengths.min() < 1 or lengths.max() > S:
        raise ValueError(f"lengths must be in 1..{S}, not {lengths.min()}..{lengths.max()}")
    return (np.arange(S) < lengths[:, None])[:, None, None, :]


# exercise 1.14, further
def window_mask(T, W):
    """Every position may see itself and the W - 1 before it, no more: -> (T, T) bool.

    ValueError for W below 1. Beltagy et al. 2020 (Longformer), section 3.1, without the future.
    """
    if W < 1:
        raise ValueError(f"a window has at least 1 position, not {W}")
    back = np.arange(T)[:, None] - np.arange(T)
    return (back >= 0) & (back < W)


def check(q, k, v, mask):
    """ValueError, in one sentence, for what attention cannot work with."""
    if q.shape[-1] != k.shape[-1] or k.shape[-2] != v.shape[-2]:
        raise ValueError(
            f"q {q.shape}, k {k.shape} and v {v.shape} do not fit: q and k need as many channels, "
            "k and v as many positions"
        )
    if mask is None:
        return
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise ValueError(f"mask must be bool, True where a position may be seen, not {mask.dtype}")
    if not mask.any(axis=-1).all():
        raise ValueError("a query may see nothing: a row of the mask is False everywhere")


def main():
    """The worked example of the lesson, computed."""
    np.set_printoptions(precision=3, suppress=True, floatmode="fixed")
    words = ["small", "dogs", "bark"]
    q = np.array([[0.0, 2, 0, 0], [2, 0, 0, 2], [0, 2, 2, 0]])
    k = np.array([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1]])
    v = np.array([[1.0, 0], [0, 1], [1, 1]])
    scores = q @ k.T
    print("sentence:", " ".join(words))
    print(f"\nscores q @ k.T, a row for each query\n{scores}")
    print(f"\nscaled by the root of D = {q.shape[-1]}\n{scores / np.sqrt(q.shape[-1])}")
    out, weights = attention(q, k, v)
    print(f"\nweights, every row adds up to 1\n{weights}")
    print(f"\nout = weights @ v\n{out}")
    out, weights = attention(q, k, v, causal_mask(3))
    print(f"\nwith the future hidden: weights\n{weights}\nout\n{out}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
