"""Without positions attention is blind to order: the same words shuffled give the same, shuffled.

Letters: T positions, C channels.

    python day1/why_positions.py     five seconds
"""

import numpy as np

import pictures
from attention_numpy import multi_head
from learning import Model, evaluate, looks
from positions_numpy import sinusoidal
from recording import rounded, spread
from toy_tasks import Before, sample

KINDS = {"without positions": None, "sinusoidal": "sinusoidal", "learned": "learned"}
TASK, C, H = Before(), 32, 1
STEPS, EVERY = 400, 20


def shuffling_error(rng, T=12, H=4):
    """Shuffle the words, and undo the shuffle behind attention: how far off is the output?

    -> largest difference without positions, and with sinusoidal ones
    """
    x, order = rng.normal(size=(1, T, C)), rng.permutation(T)
    matrices = [rng.normal(size=(C, C)) / np.sqrt(C) for _ in range(4)]
    errors = []
    for places in (0, sinusoidal(T, C)):
        plain, shuffled = (
            multi_head(y + places, y + places, *matrices, H)[0] for y in (x, x[:, order])
        )
        errors.append(abs(plain[:, order] - shuffled).max())
    return errors


def equal_words(rng, T=8):
    """Weights (T, T) of a sentence that says one word T times: without positions, and with."""
    x = np.repeat(rng.normal(size=(1, 1, C)), T, axis=1)
    matrices = [rng.normal(size=(C, C)) / np.sqrt(C) for _ in range(4)]
    return [multi_head(y, y, *matrices, 1)[1][0, 0] for y in (x, x + sinusoidal(T, C))]


def learn(seed, kind):
    """-> accuracy on unseen items while it learns, and the mean weights (T, T) at the end."""
    rng = np.random.default_rng(seed)
    model = Model(
        rng, len(TASK.symbols), C, H, TASK.A, len(TASK.answers), positions=kind, longest=TASK.S
    )
    unseen = sample(TASK, np.random.default_rng(0), 500, test=True)
    looked = looks(model, TASK, rng, STEPS, EVERY)
    curve = [evaluate(model, unseen)["accuracy"] for _ in looked]
    return curve, model.forward(unseen.queries, unseen.memory)[1].weights[:, 0].mean(axis=0)


def record(seeds):
    """The property, measured; and a task that needs order, trained in three ways."""
    errors = np.array([shuffling_error(np.random.default_rng(seed)) for seed in seeds])
    equal = [equal_words(np.random.default_rng(seed)) for seed in seeds]
    off = np.array([[abs(w - 1 / len(w)).max() for w in pair] for pair in equal])
    trained = {}
    for name, kind in KINDS.items():
        curves, weights = zip(*(learn(seed, kind) for seed in seeds))
        trained[name] = {
            "curve": spread(curves),
            "accuracy": spread([curve[-1] for curve in curves]),
            "weights": rounded(weights[0]),
        }
    return {
        "seeds": list(seeds),
        "shuffling error": dict(zip(("without", "with"), map(spread, errors.T))),
        "equal words, off uniform": dict(zip(("without", "with"), map(spread, off.T))),
        "chance": 1 / (TASK.S - 1),
        "steps": list(range(0, STEPS + 1, EVERY)),
        "trained": trained,
    }


def line(row):
    errors, trained = row["shuffling error"], row["trained"]
    parts = [f"shuffled: off by {errors['without']['high']:.0e}, with {errors['with']['low']:.1f}"]
    parts += [f"{name} {found['accuracy']['median']:.1%}" for name, found in trained.items()]
    return "; ".join(parts) + f"; chance {row['chance']:.1%}"


def draw(row):
    title = "Which symbol stood before? Without positions it stays at chance"
    figure, (left, right) = pictures.panels(title, columns=2, width_ratios=(1.25, 1))
    for n, (name, found) in enumerate(row["trained"].items()):
        pictures.line(left, row["steps"], found["curve"], n, name)
    left.axhline(row["chance"], color="gray", linestyle="--", linewidth=1)
    left.annotate("chance, 1/7", (STEPS, row["chance"] - 0.07), ha="right", color="dimgray")
    left.set(xlabel="steps", ylabel="right on unseen items", ylim=(0, 1.03))
    left.legend(loc="center right")
    places = range(1, TASK.S + 1)
    shown = pictures.heatmap(
        right, row["trained"]["sinusoidal"]["weights"], places, places, numbers=False
    )
    right.set(xlabel="looked at: place", ylabel="looking: place")
    right.set_title("weights learned, sinusoidal", fontsize=11)
    figure.colorbar(shown, ax=right)
    pictures.save(figure, "order")

    title = "One word eight times: without positions nothing tells the places apart"
    figure, axes = pictures.panels(title, columns=2, height=3.4)
    weights = equal_words(np.random.default_rng(row["seeds"][0]))
    for panel, w, name in zip(axes, weights, ("without positions", "with sinusoidal positions")):
        shown = pictures.heatmap(panel, w, places, places, numbers=False, limit=0.25)
        panel.set_title(name, fontsize=11)
        panel.set(xlabel="looked at: place", ylabel="looking: place")
    figure.colorbar(shown, ax=axes, label="weight")
    pictures.save(figure, "equal_words")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
