"""One layer of attention that learns. Every gradient is written by hand. NumPy only.

Letters: B items, T queries, S places of the memory, C channels, H heads, D = C / H, V symbols,
A answers to each query, N choices for an answer. d_x is the gradient of the loss for x, and has the
shape of x. Two rules make nearly all of them: from y = x @ w come d_x = d_y @ w.T and
d_w = x.T @ d_y, and what is used in two places collects from both.

    python day1/learning.py     a few seconds: it learns to look a letter's digit up
"""

from typing import NamedTuple

import numpy as np

from ascii_map import ascii_map
from attention_numpy import merge_heads, softmax, split_heads
from positions_numpy import embed, one_hot, sinusoidal
from toy_tasks import Recall, sample


class Dot:
    """How well a key fits a query: the scaled dot product. Vaswani et al. 2017, equation 1."""

    def scores(self, q, k):
        """q (..., T, D), k (..., S, D) -> (..., T, S)."""
        return q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])

    def gradient(self, d_scores, q, k):
        """-> d_q, d_k."""
        d_products = d_scores / np.sqrt(q.shape[-1])
        return d_products @ k, d_products.swapaxes(-1, -2) @ q


class Kept(NamedTuple):
    """What the gradients need again from the way forward, and what there is to look at: weights."""

    x: np.ndarray  # (B, T, C)
    memory: np.ndarray  # (B, S, C)
    q: np.ndarray  # (B, H, T, D)
    k: np.ndarray  # (B, H, S, D)
    v: np.ndarray
    weights: np.ndarray  # (B, H, T, S)
    mixed: np.ndarray  # (B, T, C), before w_o
    out: np.ndarray  # (B, T, C)


def gather(x, memory, params, H, similarity):
    """multi_head of attention_numpy.py, with any similarity: -> Kept, whose `out` it is."""
    q = split_heads(x @ params["w_q"], H)
    k = split_heads(memory @ params["w_k"], H)
    v = split_heads(memory @ params["w_v"], H)
    weights = softmax(similarity.scores(q, k))
    mixed = merge_heads(weights @ v)
    return Kept(x, memory, q, k, v, weights, mixed, mixed @ params["w_o"])


def gather_gradient(d_out, kept, params, similarity):
    """The same, backwards: d_out (B, T, C) -> d_x, d_memory, {"w_q": d_w_q, ...}."""
    d_mixed = split_heads(d_out @ params["w_o"].T, kept.q.shape[1])  # (B, H, T, D)
    d_weights = d_mixed @ kept.v.swapaxes(-1, -2)
    d_v = merge_heads(kept.weights.swapaxes(-1, -2) @ d_mixed)
    # a row of weights adds up to 1: what one gains, the others lose
    average = (kept.weights * d_weights).sum(axis=-1, keepdims=True)
    d_scores = kept.weights * (d_weights - average)
    d_q, d_k = map(merge_heads, similarity.gradient(d_scores, kept.q, kept.k))
    grads = {
        "w_q": matrix_gradient(kept.x, d_q),
        "w_k": matrix_gradient(kept.memory, d_k),
        "w_v": matrix_gradient(kept.memory, d_v),
        "w_o": matrix_gradient(kept.mixed, d_out),
    }
    return d_q @ params["w_q"].T, d_k @ params["w_k"].T + d_v @ params["w_v"].T, grads


def matrix_gradient(x, d_y):
    """From y = x @ w: x (B, T, C), d_y (B, T, E) -> d_w (C, E), every position's part added."""
    return x.reshape(-1, x.shape[-1]).T @ d_y.reshape(-1, d_y.shape[-1])


def cross_entropy(logits, targets):
    """How surprising the targets are: logits (..., N), targets (...) -> loss in nats, d_logits."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    right = one_hot(targets, logits.shape[-1])
    loss = -(right * log_shares).sum(axis=-1).mean()
    return loss, (np.exp(log_shares) - right) / targets.size


class Model:
    """Embedding and positions, one layer of multi-head attention, a linear read-out.

    params: embedding (V, C); w_q, w_k, w_v, w_o (C, C); readout (C, A N), bias (A N,); and
    positions (longest, C) where they are learned.
    `positions` is None, "sinusoidal" or "learned"; `longest` the places that they are made for.
    ValueError for other positions, and for a sentence longer than they were made for.
    """

    def __init__(self, rng, V, C, H, A, N, positions=None, longest=0, similarity=None):
        if positions not in (None, "sinusoidal", "learned"):
            raise ValueError(f'positions is None, "sinusoidal" or "learned", not {positions!r}')
        self.H, self.A, self.similarity = H, A, similarity or Dot()
        shapes = {f"w_{name}": (C, C) for name in "qkvo"} | {"readout": (C, A * N)}
        self.params = {n: rng.normal(size=s) / np.sqrt(s[0]) for n, s in shapes.items()}
        self.params |= {"embedding": rng.normal(size=(V, C)), "bias": np.zeros(A * N)}
        self.fixed = sinusoidal(longest, C) if positions == "sinusoidal" else None
        if positions == "learned":
            self.params["positions"] = rng.normal(size=(longest, C))

    def read(self, ids):
        """Which symbol, and where it stands: ids (B, T) -> (B, T, C)."""
        x = embed(ids, self.params["embedding"])
        table, T = self.params.get("positions", self.fixed), ids.shape[1]
        if table is None:
            return x
        if len(table) < T:
            raise ValueError(
                f"{T} symbols, but positions were made for {len(table)}: raise longest"
            )
        return x + table[:T]

    def forward(self, queries, memory):
        """queries (B, T), memory (B, S) -> logits (B, T, A, N) and what was kept on the way."""
        kept = gather(self.read(queries), self.read(memory), self.params, self.H, self.similarity)
        logits = kept.out @ self.params["readout"] + self.params["bias"]
        return logits.reshape(*queries.shape, self.A, -1), kept

    def gradients(self, queries, memory, targets):
        """-> loss in nats per answer, {name: gradient} for every parameter. targets (B, T, A)."""
        logits, kept = self.forward(queries, memory)
        loss, d_logits = cross_entropy(logits, targets)
        d_logits = d_logits.reshape(*queries.shape, -1)  # (B, T, A N)
        grads = {"readout": matrix_gradient(kept.out, d_logits), "bias": d_logits.sum(axis=(0, 1))}
        d_out = d_logits @ self.params["readout"].T
        d_x, d_memory, more = gather_gradient(d_out, kept, self.params, self.similarity)
        grads |= more
        tables = {"embedding", "positions"} & self.params.keys()
        grads |= {name: np.zeros_like(self.params[name]) for name in tables}
        for ids, d in ((queries, d_x), (memory, d_memory)):
            # a symbol that stands there twice collects twice, which `+=` would forget
            np.add.at(grads["embedding"], ids, d)
            if "positions" in tables:
                grads["positions"][: ids.shape[1]] += d.sum(axis=0)
        return loss, grads


class Adam:
    """Steps of about the learning rate, whatever the gradient's size. Kingma & Ba 2015."""

    def __init__(self, params, lr, beta_1=0.9, beta_2=0.999, eps=1e-8):
        self.lr, self.beta_1, self.beta_2, self.eps, self.t = lr, beta_1, beta_2, eps, 0
        self.mean = {name: np.zeros_like(p) for name, p in params.items()}
        self.square = {name: np.zeros_like(p) for name, p in params.items()}

    def step(self, params, grads):
        """Change every parameter in place."""
        self.t += 1
        for name, d in grads.items():
            self.mean[name] += (1 - self.beta_1) * (d - self.mean[name])
            self.square[name] += (1 - self.beta_2) * (d**2 - self.square[name])
            mean = self.mean[name] / (1 - self.beta_1**self.t)  # both began at 0
            square = self.square[name] / (1 - self.beta_2**self.t)
            params[name] -= self.lr * mean / (np.sqrt(square) + self.eps)


def training(model, task, rng, lr=0.01, B=64):
    """One step on B new items each time it is asked: yields the loss before the step, in nats."""
    optimizer = Adam(model.params, lr)
    while True:
        items = sample(task, rng, B)
        loss, grads = model.gradients(items.queries, items.memory, items.targets)
        optimizer.step(model.params, grads)
        yield float(loss)


def looks(model, task, rng, steps, every, lr=0.01):
    """Train for so many steps: yields before the first, after every `every` steps, and at the end."""
    taken = training(model, task, rng, lr)
    for step in range(steps + 1):
        if step % every == 0:
            yield step
        if step < steps:
            next(taken)


def evaluate(model, items):
    """-> loss in nats, share of right answers, share of queries whose answers are all right."""
    logits, _ = model.forward(items.queries, items.memory)
    right = logits.argmax(axis=-1) == items.targets
    return {
        "loss": float(cross_entropy(logits, items.targets)[0]),
        "accuracy": float(right.mean()),
        "all right": float(right.all(axis=-1).mean()),
    }


def main():
    """Train on one task, and look at what it looks at."""
    task, rng = Recall(), np.random.default_rng(1)
    model = Model(rng, V=len(task.symbols), C=32, H=1, A=task.A, N=len(task.answers))
    unseen = sample(task, rng, 500, test=True)
    for step, loss in enumerate(training(model, task, rng)):
        if step % 50 == 0:
            share = evaluate(model, unseen)["accuracy"]
            print(f"step {step:4}  loss {loss:6.4f} nats  right on unseen items {share:6.1%}")
        if step == 400:
            break
    weights = model.forward(unseen.queries, unseen.memory)[1].weights[0, 0]
    rows, columns = ([task.symbols[i] for i in ids[0]] for ids in (unseen.queries, unseen.memory))
    print(f"\nwhere it looks, darker is more\n{ascii_map(weights, rows, columns)}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
