"""Attention as a memory: trained to look a digit up, does it look where the letter stands?

The trained weights of the first seed go to results/recall.npz; its picture is of an unseen item.

    python day1/recall.py     five seconds
"""

from pathlib import Path

import numpy as np

import pictures
from ascii_map import ascii_map
from learning import Model, evaluate, looks
from recording import spread
from toy_tasks import Recall, sample

WEIGHTS = Path(__file__).parent / "results" / "recall.npz"
STEPS, EVERY, UNSEEN = 1500, 75, 1000
TASK = Recall()


def new_model(rng):
    """One head of 32 channels, before it has learned anything."""
    return Model(rng, V=len(TASK.symbols), C=32, H=1, A=TASK.A, N=len(TASK.answers))


def entropy(weights):
    """How widely attention is spread: weights (..., S) -> (...), in nats.

    0 where all weight lies on one place, ln S where all places get the same; never outside.
    """
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)  # 0 ln 0 counts as 0
    return -(weights * logs).sum(axis=-1)


def pointing(weights, places):
    """Share of queries whose largest weight lies where the answer stands.

    weights (B, 1, T, S), places (B, T, 1) -> a number in 0..1
    """
    return float((weights[:, 0].argmax(axis=-1) == places[..., 0]).mean())


def learn(seed):
    """-> the model, the unseen items, and what was measured on them while it learned."""
    rng = np.random.default_rng(seed)
    model, unseen = new_model(rng), sample(TASK, np.random.default_rng(0), UNSEEN, test=True)
    curves = {}
    for _ in looks(model, TASK, rng, STEPS, EVERY):
        weights = model.forward(unseen.queries, unseen.memory)[1].weights
        found = {k: v for k, v in evaluate(model, unseen).items() if k != "all right"}
        found |= {"pointing": pointing(weights, unseen.places)}
        found |= {"entropy": float(entropy(weights).mean())}
        curves = {name: [*curves.get(name, []), value] for name, value in found.items()}
    return model, unseen, curves


def record(seeds):
    """Train with every seed; keep one model, and the weights of one unseen item."""
    everything = []
    for seed in seeds:
        model, unseen, curves = learn(seed)
        everything.append(curves)
        if seed == seeds[0]:
            WEIGHTS.parent.mkdir(exist_ok=True)
            np.savez(WEIGHTS, **model.params)
            queries, memory = unseen.queries[:1], unseen.memory[:1]
            weights = model.forward(queries, memory)[1].weights[0, 0]
            item = {
                "memory": memory[0].tolist(),
                "queries": queries[0].tolist(),
                "places": unseen.places[0, :, 0].tolist(),
                "weights": weights.tolist(),
            }
    curves = {name: spread([run[name] for run in everything]) for name in everything[0]}
    final = {name: spread([run[name][-1] for run in everything]) for name in everything[0]}
    return {
        "seeds": list(seeds),
        "chance": 0.1,
        "unseen items": UNSEEN,
        "bounds of entropy": [0, float(np.log(TASK.S))],
        "entropy before": spread([run["entropy"][0] for run in everything]),
        "entropy after": spread([run["entropy"][-1] for run in everything]),
        "final": final,
        "steps": list(range(0, STEPS + 1, EVERY)),
        "curves": curves,
        "item": item,
    }


def line(row):
    final = {name: found["low"] for name, found in row["final"].items()}
    before, after = row["entropy before"]["median"], row["entropy after"]["median"]
    return (
        f"right on unseen items {final['accuracy']:.2%}, pointing at the key "
        f"{final['pointing']:.2%} (lowest of {len(row['seeds'])}); entropy {before} -> {after} "
        f"nats, at most {row['bounds of entropy'][1]:.3f}"
    )


def item_weights(row):
    """The recorded item through the recorded model: weights (T, S), and the labels of both sides.

    ValueError where the weights are not those of the record.
    """
    model = new_model(np.random.default_rng(0))
    with np.load(WEIGHTS) as saved:
        model.params = dict(saved)
    item = row["item"]
    queries, memory = np.array([item["queries"]]), np.array([item["memory"]])
    weights = model.forward(queries, memory)[1].weights[0, 0]
    if not np.allclose(weights, item["weights"], rtol=0, atol=1e-9):
        raise ValueError(f"{WEIGHTS} is not of this record: run python day1/experiments.py")
    return weights, *([TASK.symbols[i] for i in ids[0]] for ids in (queries, memory))


def draw(row):
    weights, rows, columns = item_weights(row)
    title = "Each query puts its weight on the pair with its letter"
    figure, axes = pictures.panels(title, height=3.4)
    shown = pictures.heatmap(axes, weights, rows, columns)
    axes.set(xlabel="keys: pairs in the memory", ylabel="queries")
    figure.colorbar(shown, ax=axes, label="weight; a row adds up to 1")
    pictures.save(figure, "recall")

    title = "While it learns, attention narrows down to the one key that matters"
    figure, (left, right) = pictures.panels(title, columns=2)
    steps, curves = row["steps"], row["curves"]
    pictures.line(left, steps, curves["accuracy"], 0, "digit is right")
    pictures.line(left, steps, curves["pointing"], 1, "largest weight on its pair")
    left.axhline(row["chance"], color="gray", linestyle="--", linewidth=1)
    left.annotate("chance", (steps[-1], row["chance"] + 0.02), ha="right", color="dimgray")
    left.set(xlabel="steps", ylabel="share of queries, unseen items", ylim=(0, 1.03))
    left.legend(loc="center right")
    pictures.line(right, steps, curves["entropy"], 2, "entropy")
    uniform = row["bounds of entropy"][1]
    right.axhline(uniform, color="gray", linestyle="--", linewidth=1)
    right.annotate("ln 6: all six alike", (steps[-1], uniform - 0.12), ha="right", color="dimgray")
    right.set(xlabel="steps", ylabel="entropy of the weights, nats", ylim=(0, uniform + 0.1))
    pictures.save(figure, "recall_learning")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    WEIGHTS = WEIGHTS.parent.parent / "out" / WEIGHTS.name  # what is recorded stays as it is
    row = record((1, 2, 3))
    print(line(row))
    print(ascii_map(*item_weights(row)))
