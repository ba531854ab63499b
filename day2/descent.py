"""Gradient descent where the answer is known: batches of every size, momentum, and the noise.

The table of bigram.py has a convex loss, and the table of counting.py is its best: how far a
descent still is from there, its excess loss, is exact. One pair (i, j) of neighbours gives row i
the gradient p - y, where p is the softmax of the row and y is 1 at j. NumPy only.
Letters: B pairs in a batch, N pairs in the text, V symbols in the vocabulary.

    python day2/descent.py     half a minute
"""

from itertools import islice
from pathlib import Path

import numpy as np

import corpus
import pictures
from attention_numpy import softmax
from counting import bigram_probabilities, numbered
from recording import rounded, spread

FIGURES = Path(__file__).parent / "figures"
SYMBOLS = 20_000  # of the text, from its beginning
RATES = {  # that are tried for a batch of so many pairs; None is all of them
    1: (0.03, 0.1, 0.3),
    16: (1, 3, 10),
    256: (10, 30, 100),
    2048: (30, 100, 300),
    None: (30, 100, 300),
}
EPOCHS, LEAST_STEPS = 5, 500
MOMENTA, SWEEP, SWEEP_STEPS = (0, 0.5, 0.9, 0.99), np.geomspace(1, 400, 27), 500
BATCHES, REPEATS = (1, 4, 16, 64, 256, 1024), 200


class Problem:
    """A text as pairs of neighbours. `shares` (V, V) is how often each pair is among them."""

    def __init__(self, text):
        symbols, ids = numbered(text)
        self.N, self.V = len(ids) - 1, len(symbols)
        self.pairs = np.stack((ids[:-1], ids[1:]), axis=1)  # (N, 2)
        self.shares = np.zeros((self.V, self.V))
        np.add.at(self.shares, tuple(self.pairs.T), 1 / self.N)
        self.best = np.log(bigram_probabilities(ids, self.V, smoothing=1e-9))
        self.least = loss(self.best, self.shares)

    def excess(self, table):
        """How much more than the counted table does a table of logits lose, in nats per symbol?"""
        return loss(table, self.shares) - self.least


def loss(table, shares):
    """Logits (V, V) and the shares of the pairs (V, V) -> nats per symbol."""
    shifted = table - table.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(shares * log_p).sum()


def gradient(table, shares):
    """The mean of p - y over all pairs, each in its row: (V, V)."""
    return shares.sum(axis=1, keepdims=True) * softmax(table) - shares


def full_batch(shares, rate, momentum=0.0, start=0.0):
    """Yields the table before every step, for ever."""
    table, velocity = np.zeros_like(shares) + start, 0.0
    while True:
        yield table
        velocity = momentum * velocity + gradient(table, shares)
        table = table - rate * velocity


def mini_batch(problem, B, rate, rng):
    """The same with B pairs a step; an epoch deals all pairs out in a random order.

    Fewer than B pairs that are left over are not used in that epoch. ValueError for B above N.
    """
    if not 1 <= B <= problem.N:
        raise ValueError(f"a batch has 1 to {problem.N} pairs, as the text has, not {B}")
    table = np.zeros((problem.V, problem.V))
    while True:
        order = rng.permutation(problem.pairs)
        for i, j in order[: problem.N // B * B].reshape(-1, B, 2).swapaxes(1, 2):  # (B,) each
            yield table
            slopes = softmax(table[i])  # (B, V): p - y, for the one row that a pair touches
            slopes[np.arange(B), j] -= 1
            table = table.copy()
            np.subtract.at(table, i, rate / B * slopes)


def picked(tables, marks):
    """The tables after so many steps as the marks say, which rise."""
    return (table for step, table in zip(range(marks[-1] + 1), tables) if step in marks)


def after(tables, steps):
    """The table after so many steps."""
    return next(islice(tables, steps, None))


def curvature(table, shares):
    """The largest eigenvalue of each row's second derivatives, share (diag(p) - p p^T): (V,)."""
    p = softmax(table)
    second = p[:, :, None] * np.eye(len(p)) - p[:, :, None] * p[:, None, :]
    return np.linalg.eigvalsh(shares.sum(axis=1)[:, None, None] * second)[:, -1]


def limit(problem, momentum):
    """The rate above which descent leaves the optimum, were the loss a parabola: 2 (1 + b) / c."""
    return 2 * (1 + momentum) / curvature(problem.best, problem.shares).max()


def measured_limit(problem, momentum, steps=1000):
    """The rate from which on a descent that starts beside the optimum ends farther from it.

    Rows know nothing of each other, so the most curved one stands for all. Halved 12 times.
    """
    row = [curvature(problem.best, problem.shares).argmax()]
    shares, best = problem.shares[row], problem.best[row]
    p = softmax(best)[0]
    aside = 1e-3 * np.linalg.eigh(np.diag(p) - np.outer(p, p))[1][:, -1]
    low, high = (limit(problem, momentum) * factor for factor in (0.5, 1.5))
    for _ in range(12):
        rate = (low + high) / 2
        end = after(full_batch(shares, rate, momentum, best + aside), steps)
        settled = np.linalg.norm(softmax(end) - p) < np.linalg.norm(softmax(best + aside) - p)
        low, high = (rate, high) if settled else (low, rate)
    return low


def noise(table, shares):
    """The variance of one pair's gradient, summed over all entries, and the square of their mean.

    -> tr(Sigma), |G|^2; the first over the second is the simple noise scale, in pairs.
    McCandlish et al. 2018, "An Empirical Model of Large-Batch Training", section 2.2.
    """
    p = softmax(table)
    squares = (p**2).sum(axis=1, keepdims=True) - 2 * p + 1  # |p - y|^2 of each pair
    mean = (gradient(table, shares) ** 2).sum()
    return (shares * squares).sum() - mean, mean


def measured_variance(table, shares, B, rng, repeats=REPEATS):
    """The mean of |g - G|^2, where g is the gradient of B pairs that are drawn from the text."""
    drawn = rng.multinomial(B, shares.ravel(), size=repeats).reshape(repeats, *shares.shape) / B
    exact = gradient(table, shares)
    return np.mean([((gradient(table, each) - exact) ** 2).sum() for each in drawn])


def curves(problem, B, seeds):
    """Excess loss while the table learns, at the rate of RATES[B] with the lowest end (median)."""
    steps = max(LEAST_STEPS, EPOCHS * problem.N // (B or problem.N))
    marks = np.unique(np.geomspace(1, steps, 24).astype(int)).tolist()
    runs = {rate: [] for rate in RATES[B]}
    for rate, found in runs.items():
        for seed in seeds if B else seeds[:1]:  # the full batch leaves nothing to chance
            rng = np.random.default_rng(seed)
            tables = mini_batch(problem, B, rate, rng) if B else full_batch(problem.shares, rate)
            found.append([problem.excess(table) for table in picked(tables, marks)])
    ends = {str(rate): spread([run[-1] for run in found]) for rate, found in runs.items()}
    best = min(runs, key=lambda rate: ends[str(rate)]["median"])
    found = {"B": B or problem.N, "rate": best, "steps": marks, "excess": spread(runs[best])}
    return found | {"end at each rate": ends}


def momenta(problem):
    """For each momentum: how far a full batch comes at every rate, and the limit of the rate."""
    for b in MOMENTA:
        tables = (after(full_batch(problem.shares, rate, b), SWEEP_STEPS) for rate in SWEEP)
        found = {"excess": rounded([problem.excess(table) for table in tables])}
        found["best rate"] = rounded(SWEEP[np.argmin(found["excess"])])
        found["limit"] = rounded(limit(problem, b))
        yield str(b), found | {"limit measured": rounded(measured_limit(problem, b))}


def noises(problem, seeds):
    """The noise of the gradient along a full-batch descent at half the limit of its rate."""
    marks, shares = [0, 1, 3, 10, 30, 100, 300], problem.shares
    tables = list(picked(full_batch(shares, limit(problem, 0) / 2), marks))
    traces, squares = np.transpose([noise(table, shares) for table in tables])
    found = {"steps": marks, "excess": rounded([problem.excess(table) for table in tables])}
    found |= {"scale": rounded(traces / squares), "batches": list(BATCHES)}
    for name, at in (("beginning", 0), ("end", -1)):
        rngs = [np.random.default_rng(seed) for seed in seeds]
        measured = [
            [measured_variance(tables[at], shares, B, rng) for B in BATCHES] for rng in rngs
        ]
        found[name] = {
            "variance over the square": spread(np.divide(measured, squares[at])),
            "measured over predicted": spread(np.multiply(measured, BATCHES) / traces[at]),
        }
    return found


def record(seeds):
    """Batches of every size, every momentum, and the noise, on the first SYMBOLS of the text."""
    problem = Problem(corpus.find()[1][:SYMBOLS])
    names = {B: f"{B} pairs" if B else "full batch" for B in RATES} | {1: "1 pair"}
    return {
        "seeds": list(seeds),
        "pairs": problem.N,
        "V": problem.V,
        "least": rounded(problem.least),
        "sizes": {name: curves(problem, B, seeds) for B, name in names.items()},
        "sweep": {"steps": SWEEP_STEPS, "rates": rounded(SWEEP), "momenta": dict(momenta(problem))},
        "noise": noises(problem, seeds),
    }


def line(row):
    scale, momenta = row["noise"]["scale"], row["sweep"]["momenta"]
    ends = (f"{n} {f['excess']['median'][-1]} ({f['steps'][-1]})" for n, f in row["sizes"].items())
    limits = (
        f"{b}: {f['limit']}, {f['limit measured']}, {f['best rate']}" for b, f in momenta.items()
    )
    return (
        f"excess (after steps): {', '.join(ends)}; momentum: limit of the rate, the same measured, "
        f"best rate from zero: {'; '.join(limits)}; noise scale {scale[0]} to {scale[-1]} pairs"
    )


def draw(row):
    title = "A larger batch saves steps; up to a few hundred pairs it costs no symbols"
    figure, panels = pictures.panels(title, columns=2, height=4.2, sharey=True)
    for n, (name, found) in enumerate(row["sizes"].items()):
        for panel, symbols in zip(panels, (found["B"], 1)):
            steps = [symbols * step for step in found["steps"]]
            pictures.line(panel, steps, found["excess"], n, f"{name}, rate {found['rate']}")
    panels[0].set(xlabel="symbols read", ylabel="loss above the counted table's, nats")
    panels[1].set(xlabel="steps", xscale="log", yscale="log")
    panels[0].set_xscale("log")
    panels[0].legend(fontsize=9, loc="lower left")
    pictures.save(figure, "descent", FIGURES)

    sweep = row["sweep"]
    title = "Without momentum the limit holds; with 0.9 and more, descent breaks down before"
    figure, panel = pictures.panels(title, height=4.2)
    for n, (b, found) in enumerate(sweep["momenta"].items()):
        pictures.line(panel, sweep["rates"], found["excess"], n, f"momentum {b}")
        panel.axvline(found["limit"], color=pictures.COLOURS[n], linestyle="--", linewidth=1)
    panel.set(xlabel="rate; dashed: the limit beside the optimum", ylim=(5e-4, 50))
    panel.set_ylabel(f"loss above the counted table's\nafter {sweep['steps']} steps, nats")
    panel.set(xscale="log", yscale="log")
    panel.legend(fontsize=9, loc="upper left")
    pictures.save(figure, "momentum", FIGURES)

    noise = row["noise"]
    title = "The noise falls as 1 / B, and counts for more the nearer the optimum"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.2)
    labels = ("_", "predicted: noise scale / B")
    for n, name in enumerate(("beginning", "end")):
        measured, scale = noise[name]["variance over the square"], noise["scale"][-n]
        pictures.line(left, noise["batches"], measured, n, f"measured at the {name}")
        predicted = [scale / B for B in noise["batches"]]
        left.plot(noise["batches"], predicted, "--k", linewidth=1, label=labels[n])
    left.axhline(1, color="gray", linewidth=1)
    left.annotate("as much noise as gradient", (1, 0.45), color="dimgray", fontsize=9)
    left.set(xlabel="B, pairs in a batch", ylabel="variance of the gradient, over its square")
    left.legend(fontsize=9, loc="upper left")
    pictures.line(right, noise["excess"], noise["scale"], 2, None)
    right.set(xlabel="loss above the counted table's, nats", ylabel="noise scale, pairs")
    right.invert_xaxis()
    for panel in (left, right):
        panel.set(xscale="log", yscale="log")
    left.set_ylim(0.05, 1e8)
    pictures.save(figure, "gradient_noise", FIGURES)


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))).replace("; ", "\n"))
