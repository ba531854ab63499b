"""Tables for the pages, made from the records of results/: see study/pages.py."""

import json
import statistics
from functools import partial
from pathlib import Path

from loss_blind import QUESTIONS, answers_by_fault, sound
from recording import span, table
from runs import lettered, losses, mean_and_deviation, variants

RECORD = Path(__file__).parent / "results" / "experiments.json"


def record(name):
    return json.loads(RECORD.read_text("utf-8"))[name]


def pairs():
    """The table of pairs, learned and counted."""
    row = record("pairs")
    learned = [span(losses, "{:.3f}") for losses in row["learned"]]
    return table(
        ["nats per symbol", "on its own text", "on the last tenth"],
        [
            [f"learned, {row['steps']} steps", *learned],
            ["counted, one added", *(f"{loss:.4f}" for loss in row["counted"])],
        ],
    )


def ladder():
    """Every rung, and what it changed."""
    row, before, lines = record("ladder"), None, []
    for number, rung in enumerate(row["rungs"]):
        loss = rung["loss"]["median"]
        change = "" if before is None else f"{loss - before:+.3f}"
        shown = [number or "", rung["name"], f"{rung['parameters']:,}"]
        shown += [span(rung["seconds"], "{:.1f}"), span(rung["loss"], "{:.3f}")]
        lines.append([*shown, change])
        before = loss
    head = ["", "rung", "parameters", "seconds", "validation loss", "change"]
    seeds = len(row["seeds"])
    return (
        f"{table(head, lines)}\n\nNetworks: {row['steps']} steps, median of {seeds} seeds (range)."
    )


def losses_of(experiment, first):
    """Mean and deviation of every variant, and its distance from the first one."""
    found = variants(experiment)
    healthy = statistics.mean(losses(next(iter(found.values()))))
    lines = []
    for name, rows in found.items():
        change = f"{statistics.mean(losses(rows)) - healthy:+.3f}"
        lines.append([name, mean_and_deviation(losses(rows)), change])
    return table([first, "validation loss", "against the first"], lines)


def norm_order():
    """A row for each order with and without warm-up, a column for each rate."""
    found = variants("norm order")
    kinds = list(dict.fromkeys(name.rsplit(", ", 1)[0] for name in found))
    rates = list(dict.fromkeys(name.rsplit(", ", 1)[1] for name in found))
    cells = [
        [kind, *(mean_and_deviation(losses(found[f"{kind}, {rate}"])) for rate in rates)]
        for kind in kinds
    ]
    return table(["", *(f"rate {rate}" for rate in rates)], cells)


def sizes(experiment, first):
    """Parameters and loss of every size."""
    lines = [
        [name, f"{rows[0]['parameters']:,}", mean_and_deviation(losses(rows))]
        for name, rows in variants(experiment).items()
    ]
    return table([first, "parameters", "validation loss"], lines)


def blind():
    """The models by letter, what they end at, and which question gives them away."""
    answers = answers_by_fault()
    lines = []
    for letter, (fault, rows) in lettered().items():
        caught = [q for q, a in answers[fault].items() if not sound(q, a)]
        lines.append(
            [
                letter,
                fault,
                mean_and_deviation(losses(rows)),
                mean_and_deviation(losses(rows, "last place")),
                ", ".join(f"{q}: {answers[fault][q]:.2g}" for q in caught) or "none",
            ]
        )
    return table(["", "model", "validation loss", "last place alone", "wrong answers"], lines)


def descent():
    """What a batch of every size comes to."""
    row = record("descent")
    lines = [
        [name, found["rate"], f"{found['steps'][-1]:,}", f"{found['B'] * found['steps'][-1]:,}",
         f"{found['excess']['median'][-1]:.4f}"]
        for name, found in row["sizes"].items()
    ]  # fmt: skip
    head = ["each step sees", "rate", "steps", "pairs read", "nats above the best table"]
    told = f"The first {row['pairs'] + 1:,} characters; the best table has {row['least']:.4f} nats."
    return f"{table(head, lines)}\n\n{told}"


def momentum():
    """Where gradient descent fails, predicted and found."""
    lines = [
        [b, f"{found['limit']:.3g}", f"{found['limit measured']:.3g}", f"{found['best rate']:.3g}"]
        for b, found in record("descent")["sweep"]["momenta"].items()
    ]
    return table(
        ["momentum", "limit, predicted", "measured beside the optimum", "best rate"], lines
    )


def noise():
    """The noise scale on the way down, and whether it foretells the variance of a batch."""
    row = record("descent")["noise"]
    lines = [
        [step, f"{excess:.3f}", f"{scale:,.0f}"]
        for step, excess, scale in zip(row["steps"], row["excess"], row["scale"], strict=True)
    ]
    ratios = [
        ratio
        for name in ("beginning", "end")
        for ratio in row[name]["measured over predicted"]["median"]
    ]
    told = (
        f"Measured variance of a batch's gradient over the predicted one, B = {row['batches'][0]} to "
        f"{row['batches'][-1]}: {min(ratios):.2f} to {max(ratios):.2f}."
    )
    return f"{table(['step', 'nats above the best', 'noise scale, pairs'], lines)}\n\n{told}"


def emergence():
    """When each measure has risen, in steps, for each seed."""
    row = record("emergence")
    lines = [
        [name]
        + [
            ", ".join(map(str, row[share][name]))
            for share in ("a tenth of the way", "half of the way")
        ]
        + [f"{row['measures'][name]['median'][-1]:.2f}"]
        for name in row["half of the way"]
    ]
    falls = ", ".join(f"{first} to {last}" for first, last in row["steepest"])
    loss = row["measures"]["second half"]["median"]
    head = ["measure", "a tenth of its way at step", "half of it", "in the end"]
    told = (
        f"Loss of the second half: {loss[0]:.2f} to {loss[-1]:.2f} nats (ln V = {row['ln V']:.2f}; one "
        f"layer ends at {row['one layer']['median'][-1]:.2f}). It falls most in steps {falls}. "
        f"Seeds {', '.join(map(str, row['seeds']))}."
    )
    return f"{table(head, lines)}\n\n{told}"


def questions():
    return table(["question", "what is measured"], list(QUESTIONS.items()))


TABLES = {
    "pairs": pairs,
    "ladder": ladder,
    "remove one": partial(losses_of, "remove one", "removed"),
    "rate": partial(losses_of, "rate", "rate"),
    "norm order": norm_order,
    "heads 2": partial(sizes, "heads", "heads"),
    "widening": partial(sizes, "widening", "M / C"),
    "depth": partial(sizes, "depth", "blocks x channels"),
    "batch": partial(sizes, "batch", "B, rate"),
    "blind": blind,
    "questions": questions,
    "descent": descent,
    "momentum": momentum,
    "noise": noise,
    "emergence": emergence,
}
