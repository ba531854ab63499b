"""Tables for training.md, made from results/training.json: see study/pages.py."""

import json
import math
from pathlib import Path

from recording import span, table

RECORD = Path(__file__).parent / "results" / "training.json"
TASKS = ("digits", "digits, one layer", "reverse", "sums", "sums-reversed")
Z = 1.959963984540054


def record():
    return json.loads(RECORD.read_text("utf-8"))


def interval(right, n):
    """Wilson's, in per cent; honest_data.py says why, and a test that it is the same."""
    share, less = right / n, Z * Z / n
    half = Z * math.sqrt(share * (1 - share) / n + less / (4 * n)) / (1 + less)
    middle = (share + less / 2) / (1 + less)
    return f"{100 * max(0, middle - half):.2f} to {100 * min(1, middle + half):.2f}"


def runs(name):
    """The rows of a task, seed by seed."""
    return [row for key, row in record().items() if key.startswith(f"{name}, seed ")]


def tasks():
    """What each task took, and how much of its test is right."""
    lines = []
    for name in TASKS:
        own = runs(name)
        shares, counted = [], (0, 0)
        for run in own:
            hits, n = map(sum, zip(*run["by kind"].values()))
            shares.append(100 * hits / n)
            counted = counted[0] + hits, counted[1] + n
        first = own[0]
        seconds = [run["seconds"]["processor"] for run in own]
        lines.append(
            [name, f"{first['size']}, {first['parameters']:,}", first["steps"]]
            + [span(seconds, "{:.0f}"), span(shares, "{:.2f}")]
            + [f"{100 * counted[0] / counted[1]:.2f} ({interval(*counted)})"]
        )
    head = ["task", "size, parameters", "steps", "seconds of one core"]
    head += ["per cent right: median of 3 seeds (range)", "all seeds together (95 % interval)"]
    first = next(iter(record().values()))
    return table(head, lines) + f"\n\nMeasured on {first['machine']}."


def kinds():
    """Right answers by kind of question, all seeds together."""
    lines = []
    for name in TASKS:
        own = runs(name)
        for kind in sorted(own[0]["by kind"]):
            hits, n = (sum(run["by kind"][kind][k] for run in own) for k in (0, 1))
            lines.append([name, kind, f"{hits} of {n}", interval(hits, n)])
    return table(["task", "kind", "right, three seeds", "95 % interval, per cent"], lines)


def lengths():
    """Strings that are longer than any of training."""
    own, lines = runs("reverse"), []
    for kind in ("learned", "sinusoidal"):
        each = zip(*(row[f"longer, {kind}"] for row in own))  # a length: [right, of] for each seed
        sums = (map(sum, zip(*length)) for length in each)
        lines.append([kind, *(f"{100 * hits / n:.0f} %" for hits, n in sums)])
    return table(["positions", "7 letters, as trained", "8", "9", "10"], lines)


def twin():
    """How far the two losses are apart in fifty steps."""
    apart = record()["twin"]["apart"]
    return table(["task", "largest distance, nats"], [[f"`{n}`", d] for n, d in apart.items()])


def optimisers():
    """Loss at the end for every optimiser and rate."""
    row, lines = record()["optimisers"], []
    for name, found in row["losses"].items():
        end = [found[key][-1] for key in ("low", "median", "high")]
        lines.append([name, span(end, "{:.3f}")])
    return table(["optimiser, rate", f"loss after {row['steps']} steps"], lines)


def flow():
    """The first block's gradient at each depth, the alarms, and where the deep stack ends."""
    row, lines = record()["flow"], []
    for name, found in row["stacks"].items():
        norms = [f"{norm:.2g}" for norm in found["first block"]["median"]]
        end = [found["losses"][key][-1] for key in ("low", "median", "high")]
        lines.append([name, *norms, f"{found['alarms'][-1]} of 3", span(end, "{:.2f}")])
    depths = [f"{depth} layers" for depth in row["depths"]]
    return table(
        ["", *depths, f"alarm at {row['depths'][-1]}", f"loss, {row['layers']} layers"], lines
    )


def leaks():
    """What a table of answers is worth to each split."""
    lines = []
    for name, found in record()["honest"]["leaks"].items():
        hits, n = found["look-up"]
        lines.append([name, f"{found['share']:.0%}", f"{hits} of {n}"])
    return table(["split", "of the test seen in training", "right by looking up"], lines)


TABLES = {
    "training tasks": tasks,
    "training kinds": kinds,
    "training lengths": lengths,
    "training twin": twin,
    "training optimisers": optimisers,
    "training flow": flow,
    "training leaks": leaks,
}
