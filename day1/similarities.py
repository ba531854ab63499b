"""Three ways to say how well a key fits a query, trained on the same task.

Letters: T queries, S keys, D channels of a head.

    python day1/similarities.py     twenty seconds
"""

import time

import numpy as np

import pictures
from learning import Dot, Model, evaluate, looks
from recording import spread
from toy_tasks import Recall, sample

STEPS, EVERY = 1500, 75


class Cosine:
    """The angle alone: `sharpness` times the cosine, a temperature of 1 / sharpness.

    Cosines lie in -1..1. As they are, even a perfect match gets little more than the others.
    """

    def __init__(self, sharpness=10.0):
        self.sharpness = sharpness

    def scores(self, q, k):
        return self.sharpness * unit(q) @ unit(k).swapaxes(-1, -2)

    def gradient(self, d_scores, q, k):
        d_unit_q = self.sharpness * d_scores @ unit(k)
        d_unit_k = self.sharpness * d_scores.swapaxes(-1, -2) @ unit(q)
        return unit_gradient(d_unit_q, q), unit_gradient(d_unit_k, k)


def unit(x):
    """x (..., D) made 1 long."""
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def unit_gradient(d_unit, x):
    """From d_unit, the gradient for unit(x), to d_x: what points along x changes nothing."""
    along = (d_unit * unit(x)).sum(axis=-1, keepdims=True)
    return (d_unit - along * unit(x)) / np.linalg.norm(x, axis=-1, keepdims=True)


class Distance:
    """The negative squared Euclidean distance, over 2 sqrt(D).

    It is the scaled dot product less half the squared lengths: long keys get no advantage.
    """

    def scores(self, q, k):
        lengths = (q**2).sum(axis=-1)[..., :, None] + (k**2).sum(axis=-1)[..., None, :]
        return (q @ k.swapaxes(-1, -2) - lengths / 2) / np.sqrt(q.shape[-1])

    def gradient(self, d_scores, q, k):
        d = d_scores / np.sqrt(q.shape[-1])
        d_q = d @ k - d.sum(axis=-1)[..., None] * q
        return d_q, d.swapaxes(-1, -2) @ q - d.sum(axis=-2)[..., None] * k


SIMILARITIES = {
    "scaled dot product": Dot(),
    "10 x cosine": Cosine(10.0),
    "1 x cosine": Cosine(1.0),
    "- squared distance": Distance(),
}


def run(seed, similarity):
    """-> losses while it learns, accuracy at the end, seconds, mean weight on the matching key."""
    task, rng = Recall(), np.random.default_rng(seed)
    model = Model(rng, len(task.symbols), 32, 1, task.A, len(task.answers), similarity=similarity)
    unseen = sample(task, np.random.default_rng(0), 1000, test=True)
    losses, seconds, before = [], 0.0, time.perf_counter()
    rows, queries = np.ogrid[: len(unseen.memory), : task.T]
    for _ in looks(model, task, rng, STEPS, EVERY):
        seconds += time.perf_counter() - before
        scores = evaluate(model, unseen)
        losses.append(scores["loss"])
        before = time.perf_counter()
    weights = model.forward(unseen.queries, unseen.memory)[1].weights[:, 0]
    matched = weights[rows, queries, unseen.places[..., 0]]
    return losses, scores["accuracy"], seconds, matched.mean()


def record(seeds):
    """Every similarity from the same starts, on the same items."""
    rows = {}
    for name, similarity in SIMILARITIES.items():
        losses, accuracies, seconds, matched = zip(*(run(seed, similarity) for seed in seeds))
        rows[name] = {
            "losses": spread(losses),
            "loss": spread([curve[-1] for curve in losses]),
            "accuracy": spread(accuracies),
            "weight on the match": spread(matched),
            "training, s": spread(seconds),
        }
    steps = list(range(0, STEPS + 1, EVERY))
    return {"seeds": list(seeds), "D": 32, "chance": 0.1, "steps": steps, "similarities": rows}


def line(row):
    parts = []
    for name, found in row["similarities"].items():
        accuracy, loss, seconds = (
            found[key]["median"] for key in ("accuracy", "loss", "training, s")
        )
        parts.append(f"{name}: {accuracy:.1%}, loss {loss:.4f}, {seconds:.1f} s")
    return "; ".join(parts)


def draw(row):
    title = "Dot product, distance and a sharp cosine learn it; a blunt cosine stops short"
    figure, axes = pictures.panels(title)
    for n, (name, found) in enumerate(row["similarities"].items()):
        label = f"{name}: {found['accuracy']['median']:.1%} right"
        pictures.line(axes, row["steps"], found["losses"], n, label)
    axes.set(xlabel="steps", ylabel="loss on unseen items, nats", yscale="log")
    axes.legend(fontsize=9)
    pictures.save(figure, "similarity")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
