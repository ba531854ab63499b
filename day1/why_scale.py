"""Why the products are divided by the root of D: without it, softmax gets stuck as D grows.

Letters: T queries, S keys, D channels of a head.

    python day1/why_scale.py     twenty seconds
"""

import numpy as np

import pictures
from attention_numpy import softmax
from learning import Dot, Model, evaluate, looks
from recall import entropy
from recording import spread
from toy_tasks import Recall, sample

SIZES = [16, 32, 64, 128, 256, 512, 1024]
T, S, REPEATS = 64, 64, 64
TRAINED, STEPS, EVERY, RATES = 128, 200, 20, (0.001, 0.003, 0.01)


class Unscaled:
    """The dot product as it is."""

    def scores(self, q, k):
        return q @ k.swapaxes(-1, -2)

    def gradient(self, d_scores, q, k):
        return d_scores @ k, d_scores.swapaxes(-1, -2) @ q


SIMILARITIES = {"with the scale": Dot(), "without": Unscaled()}


def jacobian_norm(weights):
    """How much a softmax still moves when its scores do: the Frobenius norm of diag(w) - w w^T."""
    square = (weights**2).sum(axis=-1)
    return np.sqrt(np.maximum(square - 2 * (weights**3).sum(axis=-1) + square**2, 0))


def untrained(rng, D):
    """For queries and keys of independent standard normal numbers: what becomes of the softmax."""
    q, k = rng.normal(size=(REPEATS, T, D)), rng.normal(size=(REPEATS, S, D))
    found = {"variance": (q @ k.swapaxes(-1, -2)).var() / D}
    for name, similarity in SIMILARITIES.items():
        weights = softmax(similarity.scores(q, k))
        found |= {f"entropy {name}": entropy(weights).mean()}
        found |= {f"gradient {name}": jacobian_norm(weights).mean()}
    return found


def trained(seed, similarity, rate):
    """Loss and accuracy on unseen items while a model with one head of TRAINED channels learns."""
    task, rng = Recall(), np.random.default_rng(seed)
    model = Model(
        rng, len(task.symbols), TRAINED, 1, task.A, len(task.answers), similarity=similarity
    )
    unseen = sample(task, np.random.default_rng(0), 500, test=True)
    scores = [evaluate(model, unseen) for _ in looks(model, task, rng, STEPS, EVERY, rate)]
    return [each["loss"] for each in scores], scores[-1]["accuracy"]


def record(seeds):
    """Both experiments: numbers drawn at random, and models trained."""
    found = [[untrained(np.random.default_rng(seed), D) for D in SIZES] for seed in seeds]
    runs = {}
    for name, similarity in SIMILARITIES.items():
        for rate in RATES:
            losses, accuracies = zip(*(trained(seed, similarity, rate) for seed in seeds))
            runs[f"{name}, learning rate {rate}"] = {
                "losses": spread(losses),
                "accuracy": spread(accuracies),
            }
    measures = {n: spread([[at[n] for at in sizes] for sizes in found]) for n in found[0][0]}
    steps = list(range(0, STEPS + 1, EVERY))
    row = {"seeds": list(seeds), "sizes": SIZES, "keys": S, "measures": measures}
    return row | {"trained": {"D": TRAINED, "chance": 0.1, "steps": steps, "runs": runs}}


def best(row, name):
    """The run, of those with this name, whose loss ends lowest: it may choose its learning rate."""
    runs = {n: run for n, run in row["trained"]["runs"].items() if n.startswith(name)}
    return min(runs.items(), key=lambda item: item[1]["losses"]["median"][-1])


def line(row):
    variance, entropies = row["measures"]["variance"], row["measures"]["entropy without"]
    parts = [
        (
            f"variance / D {min(variance['low'])} to {max(variance['high'])}; entropy without "
            f"{entropies['median'][0]} (D 16) to {entropies['median'][-1]} nats (D 1024)"
        )
    ]
    for name in SIMILARITIES:
        chosen, run = best(row, name)
        parts.append(f"{chosen}: {run['accuracy']['median']:.1%} right")
    return "; ".join(parts)


def draw(row):
    title = "Without the root of D, softmax gets sharp and deaf as D grows"
    figure, axes = pictures.panels(title, columns=3, height=3.6)
    measures, D = row["measures"], row["sizes"]
    pictures.line(axes[0], D, measures["variance"], 5, "variance of q . k, over D")
    axes[0].set(ylabel="variance of q . k, divided by D", ylim=(0.9, 1.1))
    axes[0].axhspan(0.95, 1.05, color="gray", alpha=0.15)
    for n, name in enumerate(SIMILARITIES):
        pictures.line(axes[1], D, measures[f"entropy {name}"], n, name)
        pictures.line(axes[2], D, measures[f"gradient {name}"], n, name)
    axes[1].axhline(np.log(row["keys"]), color="gray", linestyle="--", linewidth=1)
    axes[1].annotate("ln 64: all alike", (16, np.log(row["keys"]) + 0.08), color="dimgray")
    axes[1].set(ylabel="entropy of the weights, nats", ylim=(0, 4.6))
    axes[2].set(ylabel="norm of the softmax's gradient", ylim=(0, None))
    axes[1].legend(loc="center right", fontsize=9)
    for panel in axes:
        panel.set_xscale("log", base=2)
        panel.set_xticks([16, 64, 256, 1024], ["16", "64", "256", "1024"])
        panel.set_xlabel("D, channels of a head")
    pictures.save(figure, "scale")

    title = f"With D = {row['trained']['D']}, the scale learns faster at every learning rate"
    figure, axes = pictures.panels(title, columns=len(RATES), sharey=True)
    for rate, panel in zip(RATES, axes):
        for n, name in enumerate(SIMILARITIES):
            run = row["trained"]["runs"][f"{name}, learning rate {rate}"]
            right = f"{name}: {run['accuracy']['median']:.0%} right"
            pictures.line(panel, row["trained"]["steps"], run["losses"], n, right)
        panel.set_title(f"learning rate {rate}", fontsize=11)
        panel.set_xlabel("steps")
        panel.legend(fontsize=9, loc="upper right")
    axes[0].set(ylabel="loss on unseen items, nats", ylim=(0, 3.3))
    pictures.save(figure, "scale_trained")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    print(line(record((1, 2, 3))))
