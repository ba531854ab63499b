"""What an embedding table learns: words of a kind come to lie together.

Letters: V symbols, C channels.

    python day1/embedding_space.py     a second
"""

import time

import numpy as np

import pictures
from learning import Model, evaluate, training
from positions_numpy import embed, one_hot
from recording import rounded, spread
from toy_tasks import Kinds, sample

TASK, C, STEPS = Kinds(), 32, 300
WORDS = len(TASK.answers)
KIND = np.repeat(np.arange(len(TASK.kinds)), WORDS // len(TASK.kinds))  # of every word


def principal_components(x, n=2):
    """Where the rows of x (V, C) lie along the n directions in which they differ most.

    -> points (V, n), share of the variance that each of the C directions explains, most first
    The directions are the right singular vectors of the centred rows. Pearson 1901.
    """
    _, sizes, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return (x - x.mean(axis=0)) @ directions[:n].T, sizes**2 / (sizes**2).sum()


def between_kinds(x):
    """Share of the words' variance that lies between the kinds' means: 1 if a kind is one point."""
    means = np.stack([x[kind == KIND].mean(axis=0) for kind in range(KIND.max() + 1)])
    return float(means[KIND].var(axis=0).sum() / x.var(axis=0).sum())


def same_kind_neighbours(x):
    """Share of words whose nearest other word, by cosine, is of their kind."""
    long = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = long @ long.T
    np.fill_diagonal(cosines, -np.inf)  # a word is not its own neighbour
    return float((KIND[cosines.argmax(axis=1)] == KIND).mean())


def structure(table):
    """What can be said of a table's words: points to draw, and three shares."""
    words = table[:WORDS]
    points, explained = principal_components(words)
    return {
        "points": rounded(points),
        "explained": rounded(explained[:4]),
        "first two explain": float(explained[:2].sum()),
        "between kinds": between_kinds(words),
        "same-kind neighbours": same_kind_neighbours(words),
    }


def look_up_or_product(V=5000, channels=64, n=1000, repeats=5):
    """Seconds of a look-up and of the same as a product with one-hot rows; are they equal?"""
    rng = np.random.default_rng(0)
    table, ids, seconds = rng.normal(size=(V, channels)), rng.integers(V, size=n), [[], []]
    ways = (lambda: embed(ids, table), lambda: one_hot(ids, V) @ table)
    for _ in range(repeats):
        found = []
        for way, times in zip(ways, seconds):
            before = time.perf_counter()
            found.append(way())
            times.append(time.perf_counter() - before)
    quick, slow = map(min, seconds)
    return {
        "V": V,
        "C": channels,
        "ids": n,
        "equal": bool(np.array_equal(*found)),
        "look-up, s": rounded(quick),
        "product, s": rounded(slow),
        "times slower": rounded(slow / quick),
    }


def record(seeds):
    """Train on words of four kinds; the table before and after."""
    before, after, accuracy = [], [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        model = Model(rng, len(TASK.symbols), C, 1, TASK.A, WORDS)
        # small at first, or what is learned would hide under what was drawn
        model.params["embedding"] *= 0.1
        unseen = sample(TASK, np.random.default_rng(0), 500, test=True)
        before.append(structure(model.params["embedding"]))
        steps = training(model, TASK, rng)
        for _ in range(STEPS):
            next(steps)
        after.append(structure(model.params["embedding"]))
        accuracy.append(evaluate(model, unseen)["accuracy"])
    row = {"seeds": list(seeds), "accuracy": spread(accuracy), "steps": STEPS}
    for name, runs in (("before", before), ("after", after)):
        measures = {key: spread([run[key] for run in runs]) for key in runs[0] if key != "points"}
        row[name] = measures | {"points": runs[0]["points"]}
    chance = (WORDS / len(TASK.kinds) - 1) / (WORDS - 1)
    return row | {"chance of a same-kind neighbour": chance, "one-hot": look_up_or_product()}


def line(row):
    parts = []
    for name in ("before", "after"):
        found = row[name]
        parts.append(
            f"{name}: between kinds {found['between kinds']['median']:.0%}, same-kind neighbour "
            f"{found['same-kind neighbours']['median']:.0%}"
        )
    return "; ".join(parts) + f"; one-hot product {row['one-hot']['times slower']:.0f} x slower"


def draw(row):
    title = "Nobody said what a fruit is: the table sorts its words by what the task asks"
    figure, axes = pictures.panels(title, columns=2, height=5.2)
    for panel, name in zip(axes, ("before", "after")):
        points = np.array(row[name]["points"])
        for n, kind in enumerate(TASK.kinds):
            x, y = points[n == KIND].T
            label = kind.strip("?")
            panel.scatter(x, y, color=pictures.COLOURS[n], marker=pictures.MARKERS[n], label=label)
        pictures.labels(panel, points, TASK.answers)
        first, second = row[name]["explained"]["median"][:2]
        shown = "untrained" if name == "before" else f"after {row['steps']} steps"
        panel.set_title(shown, fontsize=11)
        panel.set(
            xlabel=f"component 1 ({first:.0%} of the variance)",
            ylabel=f"component 2 ({second:.0%})",
        )
    axes[0].legend(fontsize=9)
    pictures.save(figure, "embedding")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
