# exercises 2.4, 2.6: average_by_matrix, head
"""Four ways to average the past, all equal; the fourth is attention before it has learned to look.

A loop says what is meant. A product with a triangular matrix does it at once. A softmax of masked
scores makes the same matrix. And when the scores come from queries and keys, the average may turn
into a choice. Letters: B sequences, T query positions, S key positions, C channels, D channels of
the head, E channels of a value.

    python day2/averaging.py [FILE or "grammar"]     the first characters of a text, averaged
"""

import math
import sys

import torch

import corpus
from text import Alphabet


def average_by_loop(x):
    """At every position, the mean of x there and at all positions before: (B, T, C) -> (B, T, C).

    ValueError for x of another shape, without a position, or of whole numbers.
    """
    check(x)
    B, T, _ = x.shape
    out = torch.zeros_like(x)
    for b in range(B):
        for t in range(T):
            out[b, t] = x[b, : t + 1].mean(dim=0)
    return out


# exercise 2.4
def average_by_matrix(x):
    """The same by one product of matrices: row t shares 1 out among the positions up to t.

    x (B, T, C) -> (B, T, C). ValueError as average_by_loop.
    """
    check(x)
    T = x.shape[1]
    seen = torch.ones(T, T, dtype=x.dtype, device=x.device).tril()
    weights = seen / seen.sum(dim=-1, keepdim=True)  # (T, T)
    return weights @ x


def average_by_softmax(x):
    """The same by a softmax: equal scores get equal shares, a score of -inf gets none.

    x (B, T, C) -> (B, T, C). ValueError as average_by_loop.
    """
    check(x)
    T = x.shape[1]
    future = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1)
    scores = torch.zeros(T, T, dtype=x.dtype, device=x.device)
    return scores.masked_fill(future, -torch.inf).softmax(dim=-1) @ x


def average_by_head(x):
    """The same by an attention head that asks for nothing: queries and keys of 0, values of x.

    x (B, T, C) -> (B, T, C). ValueError as average_by_loop.
    """
    check(x)
    C = x.shape[-1]
    nothing = torch.zeros(C, C, dtype=x.dtype, device=x.device)
    out, _ = head(x, nothing, nothing, torch.eye(C, dtype=x.dtype, device=x.device))
    return out


# exercise 2.6
def head(x, w_q, w_k, w_v):
    """One attention head: every position gathers from itself and its past what its query asks for.

    x (B, T, C), w_q and w_k (C, D), w_v (C, E)
    -> out (B, T, E), weights (B, T, S) with S = T, 0 in the future, rows that add up to 1
    ValueError for shapes that do not fit, and as average_by_loop.
    Vaswani et al. 2017, equation 1, with the mask of section 3.2.3.
    """
    check(x, w_q, w_k, w_v)
    T, D = x.shape[1], w_q.shape[-1]
    q, k, v = x @ w_q, x @ w_k, x @ w_v  # (B, T, D), (B, T, D), (B, T, E)
    scores = q @ k.transpose(-2, -1) / math.sqrt(D)  # (B, T, S)
    future = torch.ones(T, T, dtype=torch.bool, device=x.device).triu(1)
    scores = scores.masked_fill(future, -torch.inf)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


def check(x, *matrices):
    """ValueError, in one sentence, for what these functions cannot work with."""
    if x.ndim != 3 or x.shape[1] < 1 or not x.is_floating_point():
        raise ValueError(
            f"x is {x.dtype} {tuple(x.shape)}: give floats (B, T, C) with at least one position"
        )
    shapes = [tuple(matrix.shape) for matrix in matrices]
    fit = all(len(shape) == 2 and shape[0] == x.shape[-1] for shape in shapes)
    if not fit or (shapes and shapes[0] != shapes[1]):
        raise ValueError(
            f"w_q, w_k, w_v are {shapes}: each needs {x.shape[-1]} rows, as x has channels, "
            "and w_q and w_k as many columns as each other"
        )


def main(arguments):
    """The first symbols of a text, one-hot: an average of the past is how often each has stood."""
    torch.set_printoptions(precision=3, sci_mode=False)
    name, text = corpus.find(*arguments[:1])
    text = text[:10]
    alphabet, generator = Alphabet(text), torch.Generator().manual_seed(0)
    C = len(alphabet)
    x = torch.eye(C, dtype=torch.float64)[alphabet.encode(text)][None]  # (1, T, C)
    print(f"{name} begins {text!r}; a channel for each of {list(alphabet.symbols)}\n")
    print(f"share of each symbol so far, a row for each position\n{average_by_loop(x)[0]}\n")

    anything = torch.randn(2, 50, 16, dtype=torch.float64, generator=generator)
    print("on random numbers (B, T, C) = (2, 50, 16), away from the loop by at most")
    for way in (average_by_matrix, average_by_softmax, average_by_head):
        away = (way(anything) - average_by_loop(anything)).abs().max().item()
        print(f"    {way.__name__:20}{away:.0e}")

    x = x[:, :5]
    w_q, w_k = (torch.randn(C, 4, dtype=x.dtype, generator=generator) for _ in range(2))
    _, average = head(x, 0 * w_q, w_k, torch.eye(C, dtype=x.dtype))
    _, weights = head(x, w_q, w_k, torch.eye(C, dtype=x.dtype))
    print(f"\n{text[:5]!r}: weights of a head whose queries are 0, the average\n{average[0]}")
    print(f"\nweights of a head with random queries: a choice among the past\n{weights[0]}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotImplementedError as error:
        print(f"averaging.py: {error} is still blank", file=sys.stderr)
        sys.exit(1)
    except (ValueError, OSError) as error:
        print(f"averaging.py: {error}", file=sys.stderr)
        sys.exit(2)
