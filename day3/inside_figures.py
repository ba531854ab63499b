"""The pictures of inside.md, drawn from the record that watch_learning.py writes."""

from pathlib import Path

import numpy as np

import heads
import inside_pictures
import pictures
from inside_tables import best_head
from symbols import QUESTIONS

FIGURES = Path(__file__).parent / "figures"


def draw(rows):
    """Every picture, from the rows of the seeds."""
    emergence(rows)
    clusters(rows)
    parts_missed(rows)
    losses(rows)
    first = rows[0]
    end = first["end"]
    points = list(zip(end["points"], end["explained"]))
    alphabet = list(end["near"])
    inside_pictures.symbols(*points, alphabet, FIGURES)
    entropies = [[row["snapshots"]["entropy"][n] for row in rows] for n in (0, -1)]
    inside_pictures.spread(entropies, first["most entropy"], FIGURES)
    weights = np.array(end["weights on the line"])
    inside_pictures.attention(weights, end["line"][: weights.shape[-1]], FIGURES)


def against_steps(panel, steps):
    """A scale of doublings, with a place for step 0."""
    panel.set_xscale("symlog", linthresh=10, linscale=0.4)
    panel.set_xlim(-1, steps[-1] * 1.1)
    panel.set_xticks([0, 10, 100, 1000], ["0", "10", "100", "1000"])
    panel.minorticks_off()


def emergence(rows):
    """Scores of every head against steps, a panel for each kind; the last one shows the loss."""
    title = "What the heads look at, while they learn"
    figure, axes = pictures.panels(title, columns=2, rows=4, height=10.5, sharex=True)
    steps = rows[0]["steps"]
    for panel, kind in zip(axes.flat, heads.KINDS):
        for row in rows:
            curves = np.array(row["snapshots"][kind]).reshape(len(steps), -1)
            panel.plot(steps, curves, color="gray", linewidth=0.5, alpha=0.4)
        for n, row in enumerate(rows):
            curve, layer, head = best_head(row, kind)
            name = f"seed {row['seed']}: layer {layer}, head {head}"
            panel.plot(steps, curve, color=pictures.COLOURS[n], linewidth=1.8, label=name)
        panel.axhline(rows[0]["equal weights"][kind], color="black", linestyle=":", linewidth=1)
        panel.set_title(kind, fontsize=11)
        panel.set_ylim(0, max(0.3, 1.05 * max(np.max(row["snapshots"][kind]) for row in rows)))
        panel.legend(fontsize=7.5, loc="upper left")
    last = axes.flat[-1]
    for n, row in enumerate(rows):
        last.plot(steps, row["snapshots"]["loss"], color=pictures.COLOURS[n])
    last.set_title("loss, nats", fontsize=11)
    for panel in axes.flat:
        against_steps(panel, steps)
    for panel in axes[-1]:
        panel.set_xlabel("steps")
    axes[1, 0].set_ylabel("share of its weight")
    pictures.save(figure, "inside_heads", FIGURES)


def over_seeds(rows, name):
    values = np.array([row["snapshots"][name] for row in rows], dtype=float)
    return {
        "median": np.median(values, axis=0), "low": values.min(axis=0), "high": values.max(axis=0)
    }  # fmt: skip


def clusters(rows):
    """The probes against steps; neighbours, and how far the table has turned from its birth."""
    title = "The table of embeddings, while it is learned"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.4)
    steps = rows[0]["steps"]
    for n, question in enumerate(QUESTIONS):
        pictures.line(left, steps, over_seeds(rows, question), n, question)
    left.axhline(0.5, color="gray", linestyle="--", linewidth=1)
    left.set(ylabel="share that a probe gets right, unseen", ylim=(0.2, 1.03), xlabel="steps")
    left.legend(fontsize=9, loc="lower right")
    names = {
        "same kind": "nearest one is of its kind",
        "own case": "nearest in the other case is itself",
        "cosine with birth": "cosine with the table at birth",
    }
    for n, (name, label) in enumerate(names.items()):
        pictures.line(right, steps, over_seeds(rows, name), n + 3, label)
    for n, name in enumerate(("chance of the same kind", "chance of the own case")):
        right.axhline(rows[0][name], color=pictures.COLOURS[n + 3], linestyle="--", linewidth=1)
    right.set(ylabel="share, or cosine", ylim=(-0.02, 1.3), xlabel="steps")
    right.legend(fontsize=9, loc="upper left")
    for panel in (left, right):
        against_steps(panel, steps)
    pictures.save(figure, "inside_clusters", FIGURES)


def parts_missed(rows):
    """What the loss rises by without each head and each feed-forward, a panel for each seed."""
    title = "What the loss rises by without it, in nats"
    figure, axes = pictures.panels(title, columns=len(rows), height=3.4, squeeze=False)
    for panel, row in zip(axes[0], rows):
        missed = np.array(row["end"]["without head"])
        missed = np.column_stack([missed, row["end"]["without feed-forward"]])
        L, columns = missed.shape
        names = [*(f"head {n}" for n in range(1, columns)), "feed-f."]
        layers = [f"{n}" for n in range(1, L + 1)]
        missed = missed.round(2) + 0.0  # a rise of -0.001 is none
        pictures.heatmap(panel, missed, layers, names, limit=0.3)
        panel.tick_params(labelsize=7.5)
        panel.set_title(f"seed {row['seed']}", fontsize=11)
    axes[0, 0].set_ylabel("layer")
    pictures.save(figure, "inside_missed", FIGURES)


def losses(rows):
    """The loss of each layer's answer against steps; the loss against what came before."""
    title = "The loss, taken apart: by layer, and by how much the model has seen"
    figure, (left, right) = pictures.panels(title, columns=2, height=4.2)
    steps, found = rows[0]["steps"], over_seeds(rows, "lens, loss")
    for n in range(found["median"].shape[1]):
        label = f"after layer {n}" if n else "the embedding alone"
        part = {name: values[:, n] for name, values in found.items()}
        pictures.line(left, steps, part, n, label)
    against_steps(left, steps)
    left.set(xlabel="steps", ylabel="loss if it had to answer there, nats", ylim=(1, 8))
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower left", ncols=5, fontsize=8)
    bins = rows[0]["end"]["by position"]
    x = [(first * last) ** 0.5 for first, last, _ in bins]
    y = np.array([[loss for _, _, loss in row["end"]["by position"]] for row in rows])
    spread = {"median": np.median(y, axis=0), "low": y.min(axis=0), "high": y.max(axis=0)}
    pictures.line(right, x, spread, 0, "three seeds")
    right.set_xscale("log", base=2)
    right.set_xticks(x, [f"{a}" if a == b else f"{a}-{b}" for a, b, _ in bins], fontsize=8)
    right.minorticks_off()
    right.set(xlabel="characters that the model has before it", ylabel="loss, nats")
    pictures.save(figure, "inside_losses", FIGURES)
