"""The tables of inside.md, made from results/inside.json: see study/pages.py."""

import itertools
import json
import math
import statistics
from pathlib import Path

import numpy as np

from copying import WAYS
from heads import INDUCTION, KINDS
from recording import span, table
from symbols import QUESTIONS

RECORD = Path(__file__).parent / "results" / "inside.json"
APPEARED = 2  # times the weight of a head that reads all keys equally


def record():
    return list(json.loads(RECORD.read_text("utf-8")).values())


def best_head(row, kind):
    """The curve of the head that scores highest at the end, its layer and number, from 1."""
    curves = np.array(row["snapshots"][kind])  # (snapshots, L, H)
    layer, head = np.unravel_index(np.nanargmax(curves[-1]), curves.shape[1:])
    return curves[:, layer, head], int(layer) + 1, int(head) + 1


def steepest(steps, values):
    """Between which two snapshots a measure rises fastest, on a scale of doublings."""
    after = [n for n, step in enumerate(steps) if step > 0]
    rises = {
        (steps[a], steps[b]): (values[b] - values[a]) / math.log(steps[b] / steps[a])
        for a, b in itertools.pairwise(after)
    }
    return max(rises, key=lambda pair: rises[pair])


def half_way(steps, values):
    """The first snapshot at which a measure has made half of its way, from first to last."""
    middle = (values[0] + values[-1]) / 2
    return next(s for s, v in zip(steps, values, strict=True) if v >= middle)


def appears(row, kind):
    """The first snapshot at which some head has twice the weight of an even one, else a dash."""
    most = np.array(row["snapshots"][kind]).max(axis=(1, 2))
    steps = np.array(row["steps"])[most > APPEARED * row["equal weights"][kind]]
    return str(steps[0]) if len(steps) else "--"


def rise(rows, curves):
    """Cells: half of the way at step, and the steepest rise, of every seed that has a curve."""
    steps, cells = rows[0]["steps"], []
    for curve in curves:
        shown = (
            (half_way(steps, curve), "{}-{}".format(*steepest(steps, curve)))
            if curve is not None
            else ["--", "--"]
        )
        cells.append([str(cell) for cell in shown])
    return [", ".join(column) for column in zip(*cells, strict=True)]


def heads():
    """For every kind of head: its best head at the end, and when that score rose."""
    rows, lines = record(), []
    for kind in KINDS:
        found = [best_head(row, kind) for row in rows]
        even, ends = rows[0]["equal weights"][kind], [curve[-1] for curve, _, _ in found]
        where = ", ".join(f"{layer}.{head}" for _, layer, head in found)
        curves = [curve if curve[-1] > APPEARED * even else None for curve, _, _ in found]
        when = rise(rows, curves) if any(c is not None for c in curves) else ["", ""]
        first = ", ".join(appears(row, kind) for row in rows)
        lines.append([kind, f"{even:.2f}", span(ends, "{:.2f}"), where, first, *when])
    head = ["kind of head", "all keys equally", "best head", "layer.head", "appears"]
    return table([*head, "half of its way", "steepest"], lines)


def worked():
    """Three rows of weights of the first seed's best head for the previous character."""
    row, lines = record()[0], []
    _, layer, head = best_head(row, KINDS[0])
    weights, text = (
        np.array(row["end"]["weights on the line"])[layer - 1, head - 1],
        row["end"]["line"],
    )
    for t in (3, 8, 11):
        w = weights[t, : t + 1]
        nats = -sum(x * math.log(x) for x in w if x > 0)
        cells = [
            f"`{text[: t + 1]}`",
            f"{w[t - 1]:.2f}",
            f"{w[t]:.2f}",
            f"{1 - w[t - 1] - w[t]:.2f}",
        ]
        lines.append([*cells, f"{nats:.2f}", f"{math.log(t + 1):.2f}"])
    head = [
        f"head {layer}.{head}, after",
        "on the one before",
        "on itself",
        "on all others",
        "entropy",
    ]
    return table([*head, "the most, ln n"], lines)


def skills():
    """When the loss and the table of embeddings learn, on the same clock."""
    rows, lines = record(), []
    losses = [[-loss for loss in row["snapshots"]["loss"]] for row in rows]
    ends = span([row["snapshots"]["loss"][-1] for row in rows], "{:.3f}")
    first = span([row["snapshots"]["loss"][0] for row in rows], "{:.3f}")
    lines.append(["loss, nats", first, ends, *rise(rows, losses)])
    names = {f"probe: {question}": question for question in QUESTIONS}
    names |= {
        "nearest is of its kind": "same kind",
        "nearest in the other case is itself": "own case",
    }
    for name, key in names.items():
        curves = [row["snapshots"][key] for row in rows]
        ends = (span([100 * curve[n] for curve in curves], "{:.0f}") + " %" for n in (0, -1))
        lines.append([name, *ends, *rise(rows, curves)])
    return table(["measure", "untrained", "trained", "half of its way", "steepest"], lines)


def probes():
    """Probes of the table beside their controls: share with interval, of every seed."""
    rows, lines = record(), []
    for question in QUESTIONS:
        for row in rows:
            found = row["end"]["probes"][question]
            shown = ("{:.0%} ({:.0%} to {:.0%})".format(*found[name]) for name in
                     ("trained", "untrained", "how often", "shuffled"))  # fmt: skip
            lines.append([question, row["seed"], *shown])
    head = ["", "seed", "trained", "untrained", "told how often it occurs", "shuffled answers"]
    return table(head, lines)


def missed():
    """Loss without each feed-forward, and with the heads of a layer switched off one at a time."""
    rows, lines = record(), []
    whole = [np.array(row["end"]["without head"]) for row in rows]
    for layer in range(len(whole[0])):
        worst = [each[layer].max() for each in whole]
        least = [each[layer].min() for each in whole]
        feed = [row["end"]["without feed-forward"][layer] for row in rows]
        active = span([100 * row["end"]["active"][layer] for row in rows], "{:.0f}") + " %"
        silent = ", ".join(str(row["end"]["silent"][layer]) for row in rows)
        cells = [span(values, "{:+.3f}") for values in (worst, least, feed)]
        lines.append([layer + 1, *cells, active, silent])
    head = [
        "layer",
        "its dearest head",
        "its cheapest head",
        "its feed-forward",
        "outputs that fire",
    ]
    return table([*head, f"silent units of {rows[0]['end']['units']}"], lines)


def induction():
    """Repeated text: the losses of its halves, and what the top induction head is worth there."""
    rows, lines = record(), []
    for text in ("repeated at random", "repeated text"):
        for row in rows:
            first, second = row["snapshots"][text][-1]
            rises = np.array(row["end"][f"without head, {text}"])
            _, layer, head = best_head(row, INDUCTION)
            own = rises[layer - 1, head - 1]
            others = np.delete(rises.flatten(), (layer - 1) * rises.shape[1] + head - 1)
            spread = f"{np.median(others):+.3f} ({others.min():+.3f} to {others.max():+.3f})"
            kind = "random symbols" if text == "repeated at random" else "real text"
            cells = [f"{first:.3f}", f"{second:.3f}", f"{layer}.{head}", f"{own:+.3f}", spread]
            lines.append([kind, row["seed"], *cells])
    head = ["text", "seed", "first half", "second half", "top induction head", "without it"]
    return table([*head, "without another: median (range)"], lines)


def layers():
    """What each layer's answer loses, and how often it is the final one."""
    rows, lines = record(), []
    for n in range(len(rows[0]["snapshots"]["lens, loss"][-1])):
        cells = [
            span([row["snapshots"]["lens, loss"][-1][n] for row in rows], "{:.3f}"),
            span([100 * row["snapshots"]["lens, agrees"][-1][n] for row in rows], "{:.0f}") + " %",
        ]
        if n:
            shares = [np.mean(row["snapshots"]["entropy, share"][-1][n - 1]) for row in rows]
            apart = [row["snapshots"]["difference of heads"][-1][n - 1] for row in rows]
            born = [np.mean(row["snapshots"]["entropy, share"][0][n - 1]) for row in rows]
            cells += [span(born, "{:.2f}"), span(shares, "{:.2f}"), span(apart, "{:.2f}")]
        lines.append(
            [f"layer {n}" if n else "the embedding alone", *cells, *[""] * (5 - len(cells))]
        )
    head = ["answer after", "loss, nats", "is the final answer", "spread, untrained"]
    return table([*head, "spread, trained", "difference of its heads"], lines)


def positions():
    """Loss by how many characters the model has before it."""
    rows = record()
    bins = [(first, last) for first, last, _ in rows[0]["end"]["by position"]]
    names = [str(a) if a == b else f"{a}-{b}" for a, b in bins]
    cells = [
        span([row["end"]["by position"][n][2] for row in rows], "{:.3f}") for n in range(len(bins))
    ]
    return table(["characters before it", "loss, nats"], zip(names, cells, strict=True))


def writing():
    """The ways of writing, beside real text: median and range of all texts."""
    rows, lines = record(), []
    medians = [f"distinct {n}" for n in (1, 2, 3, 4)]
    keys = dict.fromkeys(medians, "{:.2f}")
    keys |= {"repeated": "{:.2f}", "known words": "{:.2f}", "copied": "{:.0f}", "loss": "{:.2f}"}
    for way in ("real text", "real text, words shuffled", *WAYS):
        texts = [text for row in rows for text in row["written"][way]]
        cells = [
            span([text[key] for text in texts], form)
            if key not in medians
            else form.format(statistics.median(text[key] for text in texts))
            for key, form in keys.items()
        ]
        seconds = [text["seconds for 1000"] for text in texts if "seconds for 1000" in text]
        lines.append([way, *cells, span(seconds, "{:.1f}") if seconds else ""])
    head = ["", *medians, "repeated", "known words", "copied"]
    return table([*head, "loss, nats", "seconds for 1000 characters"], lines)


def copies():
    """The longest copy of each way, in words."""
    rows, lines = record(), []
    for way in ("real text", *WAYS):
        texts = [text for row in rows for text in row["written"][way]]
        longest = max(texts, key=lambda text: text["copied"])
        lines.append(
            [way, f"{longest['copied']:.0f}", "`" + longest["copy"].replace("\n", "↵") + "`"]
        )
    return table(["", "characters", "longest piece that stands in the training text"], lines)


def lens():
    return f"```\n{record()[0]['end']['lens']}\n```"


def near():
    """The three nearest symbols of some, in the first seed."""
    near = record()[0]["end"]["near"]
    lines = [[f"`{s}`", " ".join(f"`{other}`" for other in near[s])] for s in "aebtzAR.,"]
    return table(["symbol", "its three nearest"], lines)


def run():
    """What was trained, and where it ended."""
    rows = record()
    losses = span([row["end"]["validation"] for row in rows], "{:.4f}")
    seeds = ", ".join(str(row["seed"]) for row in rows)
    return (
        f"The default small model, {rows[0]['steps'][-1]} steps, seeds {seeds}: validation loss "
        f"{losses} nats. {rows[0]['machine']}, {rows[0]['versions']}, torch {rows[0]['torch']}."
    )


TABLES = {
    "inside heads": heads,
    "inside worked": worked,
    "inside skills": skills,
    "inside probes": probes,
    "inside missed": missed,
    "inside induction": induction,
    "inside layers": layers,
    "inside positions": positions,
    "inside writing": writing,
    "inside copies": copies,
    "inside lens": lens,
    "inside near": near,
    "inside run": run,
}
