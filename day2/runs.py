"""The recorded runs of Day 2, read and drawn: see experiments.py.

python day2/runs.py     every variant of every experiment, mean and deviation over the seeds
"""

import math
import statistics
from pathlib import Path

import ladder
import pictures
from grids import GRIDS, SEEDS, key, recorded

FIGURES = Path(__file__).parent / "figures"


def variants(experiment):
    """The rows of an experiment: variant -> one row for each seed. KeyError where one is missing."""
    rows = recorded()
    return {
        name: [rows[key(*variant, seed=seed)] for seed in SEEDS]
        for name, variant in GRIDS[experiment].items()
    }


def losses(rows, what="validation"):
    """The losses of some runs in nats; inf for one that broke off."""
    return [math.inf if row[what] is None else row[what] for row in rows]


def mean_and_deviation(numbers):
    """ "2.073 ± 0.004", or how many of the runs gave no number."""
    broken = sum(map(math.isinf, numbers))
    if broken:
        return f"{broken} of {len(numbers)} broke off"
    return f"{statistics.mean(numbers):.3f} ± {statistics.stdev(numbers):.3f}"


def dots(panel, x, rows, n, label=None):
    """A dot for every seed at x, the mean as a line's point: returns the mean."""
    values = losses(rows)
    panel.plot([x] * len(values), values, ".", color=pictures.COLOURS[n], markersize=5)
    return statistics.mean(values)


def draw_remove_one():
    """What each part is worth, on a scale of nats."""
    found = variants("remove one")
    figure, panel = pictures.panels("The classic GPT, and one thing taken out of it", height=4)
    names = list(found)
    healthy = losses(found["nothing"])
    panel.axvspan(min(healthy), max(healthy), color="gray", alpha=0.2)
    for y, name in enumerate(names):
        colour = pictures.COLOURS[1 if name == "the mask" else 0]
        panel.plot(losses(found[name]), [y] * len(SEEDS), "o", color=colour, markersize=5)
        if name == "the mask":
            panel.plot(losses(found[name], "last place"), [y] * len(SEEDS), "x", color=colour)
    panel.set_yticks(range(len(names)), names)
    panel.invert_yaxis()
    panel.set_xlabel("validation loss, nats (x: without the mask, where no future can be read)")
    pictures.save(figure, "remove_one", FIGURES)


def draw_rates():
    """Loss against the learning rate: where it is best, and where it fails."""
    figure, (left, right) = pictures.panels("The rate decides", columns=2, height=4, sharey=True)
    for panel, experiment in ((left, "rate"), (right, "norm order")):
        lines = {}
        for name, rows in variants(experiment).items():
            *line, rate = name.split(", ")
            lines.setdefault(", ".join(line), []).append((float(rate), losses(rows)))
        for n, (line, points) in enumerate(lines.items()):
            rates, values = zip(*points, strict=True)
            spread = {
                "median": list(map(statistics.median, values)),
                "low": list(map(min, values)),
                "high": list(map(max, values)),
            }
            pictures.line(panel, rates, spread, n, line or "pre-norm, warm-up")
        panel.set(xscale="log", xlabel="learning rate")
        panel.minorticks_off()
        panel.set_xticks(rates, [f"{rate:g}" for rate in rates])
        panel.legend(fontsize=9)
    left.set_ylabel("validation loss, nats")
    pictures.save(figure, "rates", FIGURES)


def draw_sizes():
    """Heads, widening, depth and batch, each with the rest held fixed."""
    titles = {
        "heads": "heads, of 64 channels",
        "widening": "M / C, at equal parameters",
        "depth": "blocks, at equal parameters",
        "batch": "sequences in a batch, at equal symbols",
    }
    figure, axes = pictures.panels("Sizes", columns=2, rows=2, height=6, sharey=True)
    for panel, (experiment, title) in zip(axes.flat, titles.items(), strict=True):
        lines = {}
        for name, rows in variants(experiment).items():
            size, _, line = name.partition(", ")
            lines.setdefault(line, []).append((int(size.split(" x ")[0]), losses(rows)))
        for n, (line, points) in enumerate(lines.items()):
            for size, values in points:
                panel.plot([size] * len(values), values, ".", color=pictures.COLOURS[n])
            means = [(size, statistics.mean(values)) for size, values in points]
            label = {"": None, "root": "rate with the root of B"}.get(line, "the same rate")
            panel.plot(*zip(*means, strict=True), "-", color=pictures.COLOURS[n], label=label)
            if label:
                panel.legend(fontsize=9)
        sizes = [size for size, _ in points]
        panel.set_xscale("log", base=2)
        panel.set_xticks(sizes, sizes)
        panel.minorticks_off()
        panel.set_xlabel(title)
    figure.supylabel("validation loss, nats")
    pictures.save(figure, "sizes", FIGURES)


def draw_gallery():
    """Four curves that every trainer has to know apart."""
    found = variants("gallery")
    figure, axes = pictures.panels("Four runs", columns=2, rows=2, height=6, sharey=True)
    for panel, (name, rows) in zip(axes.flat, found.items(), strict=True):
        for seed, row in enumerate(rows):
            steps, training, validation = zip(*row["curve"], strict=True)
            for n, values in enumerate((training, validation)):
                label = None if seed else ("training", "validation")[n]
                panel.plot(steps, values, color=pictures.COLOURS[n], label=label, alpha=0.8)
        panel.set(title=name, ylim=(0, 6))
    axes[0, 0].legend(fontsize=9)
    figure.supxlabel("step")
    figure.supylabel("nats")
    pictures.save(figure, "gallery", FIGURES)


def lettered():
    """The models of loss_blind.py by letter, the highest curve first: letter -> (fault, rows)."""
    found = variants("faults").items()
    ordered = sorted(found, key=lambda item: -item[1][0]["curve"][-1][1])
    return {chr(ord("A") + n): item for n, item in enumerate(ordered)}


def draw_blind():
    """Nine curves of training loss without their names."""
    figure, panel = pictures.panels("One of these models is sound", height=4.5)
    ends = []
    for n, (letter, (_, rows)) in enumerate(lettered().items()):
        steps, values, _ = zip(*rows[0]["curve"], strict=True)
        style = "-" if n < len(pictures.COLOURS) else "--"
        panel.plot(steps, values, style, color=pictures.COLOURS[n % len(pictures.COLOURS)])
        ends.append((values[-1], letter, n))
    lowest = -math.inf
    for value, letter, n in sorted(ends):
        lowest = max(value, lowest + 0.15)
        colour = pictures.COLOURS[n % len(pictures.COLOURS)]
        panel.annotate(
            letter, (steps[-1], value), (1.06 * steps[-1], lowest), color=colour, va="center",
            arrowprops={"arrowstyle": "-", "color": colour},
        )  # fmt: skip
    panel.set(xlabel="step", ylabel="training loss, nats")
    pictures.save(figure, "blind", FIGURES)


def draw_ladder(row):
    rungs = [
        {what: rung[what] for what in ("name", "parameters")}
        | {what: rung[what]["median"] for what in ("seconds", "loss")}
        for rung in row["rungs"]
    ]
    ladder.draw(rungs, FIGURES / "ladder.png")


def draw(climb):
    """All figures that come from runs; `climb` is the recorded row of the ladder."""
    draw_ladder(climb)
    for one in (draw_remove_one, draw_rates, draw_sizes, draw_gallery, draw_blind):
        one()


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    for experiment in GRIDS:
        print(f"\n{experiment}")
        for name, rows in variants(experiment).items():
            print(f"  {name:32}{mean_and_deviation(losses(rows))}")
