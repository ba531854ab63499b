"""The four figures of gradients.md, computed and drawn: they come into day4-5/figures.

python day4-5/gradient_figures.py
"""

from pathlib import Path

import numpy as np

import pictures
from autograd import example, gradients
from backward_numpy import cross_entropy, cross_entropy_backward
from by_hand import three_words

FIGURES = Path(__file__).parent / "figures"
WORDS, RED = ["small", "dogs", "bark"], pictures.COLOURS[1]


def graph():
    """The worked graph of autograd.py: values, gradients, and what each road brings back."""
    nodes = example()
    slopes = dict(zip(nodes.values(), gradients(nodes["loss"], nodes.values()), strict=True))
    places = {"w": (0, 2), "x": (0, 1), "b": (1.3, 0), "w x": (1.3, 1.5), "y = w x + b": (2.7, 1)}
    places |= {"y²": (4, 1), "loss": (5.2, 1.5)}
    names, roads = {node: name for name, node in nodes.items()}, []
    for node, name in names.items():
        roads += [
            (names[start], name, back(slopes[node])) for start, back in node.ways if start in names
        ]
    title = "Two roads lead back to w, and it collects what both bring"
    figure, axes = pictures.panels(title, height=3.6)
    for start, end, part in roads:
        (x0, y0), (x1, y1) = places[start], places[end]
        far = (start, end) == ("w", "loss")
        style = {"arrowstyle": "-|>", "color": "dimgray", "shrinkA": 24}
        style |= {"shrinkB": 52 if end.startswith("y =") else 30}
        style["connectionstyle"] = "arc3,rad=-0.32" if far else "arc3"
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=style)
        place = (2.7, 2.72) if far else ((x0 + x1) / 2, (y0 + y1) / 2 + 0.14)
        axes.text(*place, f"{part:.0f}", color=RED, ha="center", fontsize=11)
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "black"}
    for name, (x, y) in places.items():
        two = len(name) > 5
        text = f"{name}{chr(10) if two else ': '}{nodes[name].value:.0f}"
        axes.text(x, y, text, ha="center", va="center", bbox=box)
        low, slope = y - (0.44 if two else 0.34), slopes[nodes[name]]
        axes.text(x, low, f"gradient {slope:.0f}", ha="center", va="center", color=RED, fontsize=10)
    axes.set(xlim=(-0.6, 5.8), ylim=(-0.6, 3))
    axes.axis("off")
    pictures.save(figure, "graph", FIGURES)


def differences():
    """How far one-sided and central differences are off, against the step."""
    logits, targets = np.random.default_rng(0).normal(size=(1, 5)), np.array([2])
    right = cross_entropy_backward(logits, targets)[0, 2]
    steps = 10.0 ** -np.arange(1, 13)

    def loss(h):
        return cross_entropy(logits + h * (np.arange(5) == 2), targets)

    one = [abs((loss(h) - loss(0)) / h - right) / abs(right) for h in steps]
    two = [abs((loss(h) - loss(-h)) / (2 * h) - right) / abs(right) for h in steps]
    figure, axes = pictures.panels(
        "Central differences: small steps help, until rounding takes over"
    )
    pictures.line(axes, steps, one, 1, "(f(x + h) - f(x)) / h")
    pictures.line(axes, steps, two, 0, "(f(x + h) - f(x - h)) / 2h")
    axes.axhline(1e-7, color="gray", linestyle="--", linewidth=1)
    axes.text(1.3e-12, 2.5e-8, "what gradcheck asks for", color="dimgray", fontsize=10)
    axes.set(xscale="log", yscale="log", xlabel="h, the step", ylabel="relative error")
    axes.legend(loc="upper center")
    pictures.save(figure, "differences", FIGURES)


def terms():
    """The three terms of layer norm's gradient for one row, and their sum."""
    x, d_y = np.array([0.0, 0, 2, 2]), np.array([1.0, 0, 0, 0])
    normal = (x - x.mean()) / x.std()
    parts = {"straight through": d_y / x.std()}
    parts["through the mean"] = -d_y.mean() / x.std() * np.ones(4)
    parts["through the variance"] = -normal * (d_y * normal).mean() / x.std()
    figure, axes = pictures.panels("Layer norm: three roads back, and a row that adds up to 0")
    for n, (name, part) in enumerate(parts.items()):
        axes.bar(np.arange(4) + 0.2 * n - 0.3, part, 0.2, color=pictures.COLOURS[n], label=name)
    total = sum(parts.values())
    axes.bar(np.arange(4) + 0.3, total, 0.2, color="black", label="d_x, their sum")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(range(4), [f"channel {n}\nx = {value:.0f}" for n, value in enumerate(x)])
    axes.set(ylabel="part of the gradient", ylim=(-0.6, 1.1))
    axes.legend()
    pictures.save(figure, "terms", FIGURES)


def attention():
    """What comes back through the softmax of the weights, and what the mask hides."""
    weights, d_weights, d_scores, _ = three_words()
    figure, axes = pictures.panels("Back through the softmax: what one key gains, the others lose",
                                   columns=3, height=3.2)  # fmt: skip
    titles = ["weights", "d_weights: what a weight would bring", "d_scores: rows add up to 0"]
    for panel, numbers, title in zip(axes, (weights, d_weights, d_scores), titles, strict=True):
        signed = title.startswith("d_scores")
        limit, colours = (0.4, "RdBu") if signed else (1.0, pictures.MAP)
        panel.imshow(numbers, colours, vmin=-limit if signed else 0, vmax=limit, aspect="auto")
        for (t, s), number in np.ndenumerate(numbers):
            colour = "white" if abs(number) > 0.6 * limit else "black"
            panel.text(s, t, f"{number + 0.0:.2f}", ha="center", va="center", color=colour)
        panel.set_title(title, fontsize=10)
        panel.set_xticks(range(3), WORDS)
        panel.set_yticks(range(3), WORDS)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
    pictures.save(figure, "attention_gradient", FIGURES)


def main():
    for draw in (graph, differences, terms, attention):
        draw()
    print("drawn:", ", ".join(sorted(path.name for path in FIGURES.iterdir())))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
