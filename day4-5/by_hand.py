"""The worked examples of gradients.md, computed: small enough for pen and paper. NumPy only.

python day4-5/by_hand.py
"""

import math

import numpy as np

from attention_numpy import attention, causal_mask, softmax
from backward_numpy import (
    attention_backward,
    cross_entropy,
    cross_entropy_backward,
    embedding_backward,
    gelu_backward,
    layer_norm_backward,
    linear_backward,
    softmax_backward,
)


def sentence():
    """Day 1's small dogs bark: -> q (3, 4), k (3, 4), v (3, 2)."""
    q = np.array([[0.0, 2, 0, 0], [2, 0, 0, 2], [0, 2, 2, 0]])
    k = np.array([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1]])
    return q, k, np.array([[1.0, 0], [0, 1], [1, 1]])


def pen_and_paper():
    """One query, two keys, two symbols: every number of the way forward and back, by name.

    The second key is ln 3, and so is a weight of the last map: then the shares are quarters.
    """
    q, k, v = np.array([[1.0]]), np.array([[0], [math.log(3)]]), np.array([[-2.0], [2]])
    w, target = np.array([[math.log(3), 0]]), np.array([0])
    out, weights = attention(q, k, v)
    logits = out @ w
    forward = {"scores": q @ k.T, "weights": weights, "out": out, "logits": logits}
    forward |= {"shares": softmax(logits), "loss": cross_entropy(logits, target)}
    d_logits = cross_entropy_backward(logits, target)
    d_out, d_w, _ = linear_backward(d_logits, out, w)
    d_weights = d_out @ v.T
    d_q, d_k, d_v = attention_backward(d_out, q, k, v)
    backward = {"d_logits": d_logits, "d_w": d_w, "d_out": d_out, "d_v": d_v}
    d_scores = softmax_backward(d_weights, weights)
    backward |= {"d_weights": d_weights, "d_scores": d_scores, "d_k": d_k, "d_q": d_q}
    return forward, backward


def three_words():
    """A loss of the first channel that words gather: -> weights, d_weights, d_scores, d_out."""
    q, k, v = sentence()
    _, weights = attention(q, k, v, causal_mask(3))
    d_out = np.array([[1.0, 0]] * 3)
    d_weights = d_out @ v.T
    return weights, d_weights, softmax_backward(d_weights, weights), d_out


def main():
    np.set_printoptions(precision=3, suppress=True, floatmode="fixed")
    logits = np.array([[2.0, 0, 1]])
    print(f"3. loss: shares of 2, 0, 1\n{softmax(logits)[0]}")
    print(f"slope, where symbol 0 was right\n{cross_entropy_backward(logits, np.array([0]))[0]}")

    x, w = np.array([[1.0, 2], [3, 0]]), np.array([[1.0, 0, 2], [0, 3, 1]])
    d_y = np.array([[1.0, 0, -1], [2, 1, 0]])
    with np.printoptions(precision=0, floatmode="maxprec"):
        for name, value in zip(("d_x", "d_w", "d_b"), linear_backward(d_y, x, w), strict=True):
            print(f"\n4. linear: {name}\n{value}")
        d_x = np.array([[1.0, 2], [10, 20], [5, 5]])
        print(f"\n4. embedding of ids 1, 1, 0\n{embedding_backward(d_x, np.array([1, 1, 0]), 3)}")

    weights = softmax(np.array([0.0, 2, 0]))
    print(f"\n5. softmax: weights\n{weights}")
    d_scores = softmax_backward(np.array([1.0, 0, 0]), weights)
    print(f"slopes, when the loss grows with the first alone\n{d_scores}")

    forward, backward = pen_and_paper()
    print("\n6. pen and paper: forward")
    for name, value in forward.items():
        print(f"{name:9} {np.ravel(value)}")
    print("backward")
    for name, value in backward.items():
        print(f"{name:9} {np.ravel(value)}")

    d_x, d_gain, _ = layer_norm_backward(
        np.array([1.0, 0, 0, 0]), np.array([0.0, 0, 2, 2]), np.ones(4), eps=0
    )
    print(f"\n7. layer norm of 0 0 2 2: d_x\n{d_x + 0.0}\nd_gain\n{d_gain + 0.0}")

    weights, d_weights, d_scores, d_out = three_words()
    d_q, d_k, d_v = attention_backward(d_out, *sentence(), causal_mask(3))
    print(f"\n8. attention: weights\n{weights}\nd_weights\n{d_weights}\nd_scores\n{d_scores + 0.0}")
    print(f"d_q\n{d_q + 0.0}\nd_k\n{d_k + 0.0}\nd_v\n{d_v}")

    slopes = gelu_backward(np.ones(3), np.array([-1.0, 0, 1]))
    print(f"\n10. slopes of GELU at -1, 0, 1\n{slopes}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
