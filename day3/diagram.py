"""Draw a GPT from the model object: what stands in it, the shapes between, the parameters.

Every box is a module that was called while the model read a text; its shape and its count come from
that call (day2/shapes.py), so the picture cannot differ from the code.

    python day3/diagram.py     out/model.png, the small model
"""

import itertools
from pathlib import Path

import torch

import shapes
from model import GPT, Config

HERE = Path(__file__).parent
BOXES = {  # what is drawn, from the bottom up: name of the module -> what it does
    "embedding": "a vector for each symbol",
    "blocks.0.norm_1": "mean 0, variance 1",
    "blocks.0.attention": "gathers from its past",
    "blocks.0.norm_2": "mean 0, variance 1",
    "blocks.0.feed_forward": "thinks, alone",
    "norm": "mean 0, variance 1",
    "head": "a logit for each symbol",
}
ADDS = {"blocks.0.attention": "blocks.0.norm_1", "blocks.0.feed_forward": "blocks.0.norm_2"}


def parts(model, ids):
    """The boxes, from the bottom up: (name, class, what it does, shape, its own parameters)."""
    sizes = shapes.sizes_of(model.config, ids)
    steps = {step.name: step for step in shapes.trace(model, ids, sizes)}
    modules = dict(model.named_modules())
    for name, does in BOXES.items():
        inside = [s for n, s in steps.items() if n == name or n.startswith(name + ".")]
        kind = type(modules[name]).__name__
        yield name, kind, does, steps[name], sum(step.parameters for step in inside)


def draw(model, ids, path):
    """The diagram as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.patches import FancyBboxPatch

    figure, axes = plt.subplots(figsize=(8, 9), layout="constrained")
    drawn, y, centre = list(parts(model, ids)), 0.0, 3.2
    L, places = model.config.n_layer, {}
    axes.text(centre, -0.75, f"ids (B, T) = {tuple(ids.shape)}", ha="center", va="center")
    for name, kind, does, step, count in drawn:
        places[name] = y
        box = FancyBboxPatch(
            (centre - 1.9, y - 0.33), 3.8, 0.66, "round,pad=0.02", fc="#eaf2f8", ec="#0072B2"
        )
        axes.add_patch(box)
        axes.text(centre, y + 0.1, kind, ha="center", va="center", fontsize=11, weight="bold")
        axes.text(centre, y - 0.16, does, ha="center", va="center", fontsize=9)
        letters = ", ".join(step.letters.split())
        told = f"({letters}) = {step.shape}\n" + (
            f"{count:,} parameters" if count else "the embedding's table again"
        )
        axes.text(centre + 2.3, y, told, va="center", fontsize=9)
        y += 1.45 if name in ADDS else 1.1
    ys = [-0.55, *places.values(), y - 0.4]
    for low, high in itertools.pairwise(ys):
        start = low + 0.35 if low >= 0 else low
        end = high - 0.35 if high < y - 0.4 else high
        axes.annotate("", (centre, end), (centre, start), arrowprops={"arrowstyle": "->"})
    axes.text(centre, y - 0.25, "logits", ha="center", va="center")
    for branch, norm in ADDS.items():
        low, high = places[norm] - 0.55, places[branch] + 0.62
        axes.plot(
            [centre, centre - 2.3, centre - 2.3, centre], [low, low, high, high], color="black"
        )
        axes.text(centre, high, "+", ha="center", va="center", fontsize=14,
                  bbox={"boxstyle": "circle,pad=0.1", "fc": "white", "ec": "black"})  # fmt: skip
    low, high = places["blocks.0.norm_1"] - 0.6, places["blocks.0.feed_forward"] + 0.85
    axes.plot([centre - 2.7] * 2, [low, high], color="gray", linewidth=4, alpha=0.4)
    axes.text(centre - 2.9, (low + high) / 2, f"{L} times", rotation=90, ha="right", va="center")
    axes.set(xlim=(-0.4, 8.2), ylim=(-1, y))
    axes.axis("off")
    total = sum(p.numel() for p in model.parameters())
    axes.set_title(f"{total:,} parameters in all", fontsize=11)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def small(V=65):
    """The model that train.py picks for two minutes, and a text that fills its context."""
    from settings import SIZES

    size = SIZES["small"]
    config = Config(V, size.context, size.n_layer, size.n_head, size.n_embd)
    return GPT(config).eval(), torch.arange(size.batch * size.context).view(size.batch, -1) % V


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    model, ids = small()
    draw(model, ids, HERE / "out" / "model.png")
    print(f"drawn in {HERE / 'out' / 'model.png'}")
