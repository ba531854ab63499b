"""One look for all pictures of the day: 880 pixels wide, in colours that everybody can tell apart.

Colours and markers go together, so that a line is known by either. Nothing opens a window.
"""

from pathlib import Path

import numpy as np

FIGURES = Path(__file__).parent / "figures"
# Okabe & Ito 2008
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "x"]
MAP = "Blues"  # of weights: white is 0


def panels(title, columns=1, rows=1, height=3.9, **more):
    """A figure with its title, and its axes as plt.subplots gives them."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.rcParams.update(
        {"font.size": 11, "axes.grid": False, "axes.spines.top": False, "axes.spines.right": False}
    )
    figure, axes = plt.subplots(rows, columns, figsize=(8, height), layout="constrained", **more)
    figure.suptitle(title, fontsize=12, fontweight="bold")
    return figure, axes


def save(figure, name, folder=None):
    """Write NAME.png to the folder, day1/figures where none is given, and forget the figure."""
    import matplotlib.pyplot as plt

    folder = folder or FIGURES
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=110)
    plt.close(figure)


def line(axes, x, y, n, label):
    """The n-th line of a panel; `y` is a list, or a spread, whose range is shaded."""
    style = {"color": COLOURS[n], "marker": MARKERS[n], "markersize": 4, "label": label}
    if isinstance(y, dict):
        axes.fill_between(x, y["low"], y["high"], color=COLOURS[n], alpha=0.2, linewidth=0)
        y = y["median"]
    axes.plot(x, y, **style)


def heatmap(axes, weights, rows, columns, numbers=True, limit=1.0):
    """weights (T, S) in shades, with the symbols of its rows and columns; numbers in the cells."""
    weights = np.asarray(weights)
    shown = axes.imshow(weights, cmap=MAP, vmin=0, vmax=limit, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    if numbers:
        for (t, s), w in np.ndenumerate(weights):
            colour = "white" if w > 0.6 * limit else "black"
            axes.text(s, t, f"{w:.2f}", ha="center", va="center", fontsize=8.5, color=colour)
    return shown


def labels(axes, points, words):
    """Write a word beside each of the points (V, 2), where it covers least and fits no other."""
    low, size = points.min(axis=0), np.ptp(points, axis=0)
    axes.set_xlim(low[0] - 0.15 * size[0], low[0] + 1.15 * size[0])
    axes.set_ylim(low[1] - 0.1 * size[1], low[1] + 1.1 * size[1])
    places = (points - low) / size
    taken = [np.array([*p, *p]) for p in places]  # left, bottom, right, top
    for place, word in zip(places, words):
        half = np.array([0.015 * len(word), 0.016])
        ways = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]]) * (half + 0.025)
        boxes = [np.concatenate([place + way - half, place + way + half]) for way in ways]
        covered = [sum(overlap(box, other) for other in taken) for box in boxes]
        for n, way in enumerate(ways):
            nearest = np.linalg.norm(places - place - way, axis=1).min()
            covered[n] += nearest < np.linalg.norm(way)
        box = boxes[np.argmin(covered)]
        taken.append(box)
        x, y = (box[:2] + box[2:]) / 2 * size + low
        axes.text(x, y, word, ha="center", va="center", fontsize=9)


def overlap(a, b):
    """The area that two boxes (left, bottom, right, top) share, each with a margin of 0.003."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + 0.006
    return np.prod(np.maximum(sides, 0))
