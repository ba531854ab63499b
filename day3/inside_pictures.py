"""The pictures of what is inside, drawn from numbers that were measured elsewhere."""

import numpy as np

import pictures
from lens import visible
from symbols import KINDS, kinds


def attention(weights, text, folder, name="inside_attention"):
    """Every head of every layer on one line of text, all in one scale: weights (L, H, T, T)."""
    L, H, T, _ = weights.shape
    title = "What each head reads on this line: rows read, columns are read"
    figure, axes = pictures.panels(title, columns=H, rows=L, height=0.6 + 2 * L, squeeze=False)
    symbols = [visible(symbol) for symbol in text]
    for layer, row in enumerate(axes):
        for head, panel in enumerate(row):
            shown = pictures.heatmap(panel, weights[layer, head], symbols, symbols, numbers=False)
            panel.tick_params(labelsize=min(9, 110 / T), pad=1)
            panel.set_title(f"layer {layer + 1}, head {head + 1}", fontsize=9)
    figure.colorbar(shown, ax=axes, shrink=0.4, label="weight")
    pictures.save(figure, name, folder)


def symbols(before, after, alphabet, folder, name="inside_symbols"):
    """The symbols in the two directions in which they differ most.

    before, after: points (V, 2) and the share of the variance of each direction, as
    `principal_components` gives them
    """
    title = "The table of embeddings, before training and after"
    figure, axes = pictures.panels(title, columns=2, height=5)
    kind = kinds(alphabet)
    for panel, (points, shares), when in zip(axes, (before, after), ("untrained", "trained")):
        points = np.asarray(points)
        far = np.linalg.norm(points - np.median(points, axis=0), axis=1)
        near = far <= 3 * np.median(far)  # a few rare symbols far off would squeeze all others
        if not near.all():
            outside = " ".join(visible(s) for s, here in zip(alphabet, near) if not here)
            panel.text(0.98, 0.02, f"outside: {outside}", ha="right", transform=panel.transAxes)
        for symbol, n, point in zip(alphabet, kind, points):
            panel.text(
                *point, visible(symbol), color=pictures.COLOURS[n], ha="center", va="center",
                fontsize=10 if symbol.isalnum() else 14, fontweight="bold", clip_on=True,
            )  # fmt: skip
        low, size = points[near].min(axis=0), np.ptp(points[near], axis=0)
        panel.set(
            xlim=(low[0] - 0.05 * size[0], low[0] + 1.05 * size[0]),
            ylim=(low[1] - 0.05 * size[1], low[1] + 1.05 * size[1]),
            xlabel=f"component 1 ({shares[0]:.0%} of the variance)",
            ylabel=f"component 2 ({shares[1]:.0%})",
        )
        panel.set_title(when, fontsize=11)
    named = [axes[0].scatter([], [], color=pictures.COLOURS[n]) for n in range(len(KINDS))]
    figure.legend(named, KINDS, loc="outside lower center", ncols=len(KINDS), fontsize=9)
    pictures.save(figure, name, folder)


def spread(models, most, folder, name="inside_spread"):
    """Entropy of every head by layer, untrained and trained.

    models: of each, runs of (L, H) in nats; most: the mean entropy of a head that reads all equally
    """
    figure, axes = pictures.panels("How far the heads spread, layer by layer", height=3.6)
    for n, (runs, label) in enumerate(zip(models, ("untrained", "trained"))):
        values = np.array(runs)  # (runs, L, H)
        layers = np.arange(1, values.shape[1] + 1)
        axes.scatter(
            np.broadcast_to(layers[:, None], values.shape), values, color=pictures.COLOURS[n],
            marker=pictures.MARKERS[n], s=16, alpha=0.5, linewidth=0, label=f"{label}, every head",
        )  # fmt: skip
        axes.plot(layers, values.mean(axis=(0, 2)), color=pictures.COLOURS[n], label="mean")
    axes.axhline(most, color="gray", linestyle="--", linewidth=1)
    axes.annotate("the most: all keys equally", (1, most), xytext=(0, 4), fontsize=9,
                  textcoords="offset points", color="dimgray")  # fmt: skip
    axes.set(xlabel="layer", ylabel="entropy, nats", xticks=layers, ylim=(0, most * 1.12))
    axes.legend(fontsize=9, loc="lower left", ncols=2)
    pictures.save(figure, name, folder)
