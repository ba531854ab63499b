"""Tables for the pages, made from the records of results/: see study/pages.py."""

import json
import statistics
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def record():
    return json.loads((RESULTS / "bench.json").read_text("utf-8"))


def front_page():
    """The baselines beside the default run and nanoGPT's CPU recipe, worst first."""
    rows = record()
    default, nano = rows["minutes 2"], rows["training"]
    seconds = [run["seconds"] for run in default["runs"]]
    low, high = default["loss"]["low"], default["loss"]["high"]
    lines = [(loss, name) for name, loss in rows["baselines"]["losses"].items()]
    lines += [
        (
            nano["loss"]["nanoGPT"]["median"],
            f"nanoGPT, its CPU recipe, {nano['seconds']['nanoGPT']['median']:.0f} seconds",
        ),
    ]
    ours = f"**`python day3/train.py`**, {max(seconds):.0f} seconds, {len(seconds)} seeds"
    lines.append((default["loss"]["median"], f"{ours} ({low:.4f} to {high:.4f})"))
    table = ["| | nats per character |", "|---|---|"]
    table += [f"| {name} | {loss:.4f} |" for loss, name in sorted(lines, reverse=True)]
    return "\n".join([*table, "", f"Measured on {default['machine']}, {default['versions']}."])


def minutes():
    """Loss against minutes given, and the seconds that the runs took."""
    table = [
        "| minutes | size | validation loss | seeds | seconds taken |",
        "|---|---|---|---|---|",
    ]
    rows = {float(name.split()[1]): row for name, row in record().items() if "minutes" in name}
    for minutes, row in sorted(rows.items()):
        size = row["runs"][0]["repeat"].split("--size ")[1].split()[0]
        loss, seconds = row["loss"], [run["seconds"] for run in row["runs"]]
        span = f"{loss['median']:.4f} ({loss['low']:.4f} to {loss['high']:.4f})"
        taken = " to ".join(f"{s:.0f}" for s in sorted({min(seconds), max(seconds)}))
        table.append(f"| {minutes:g} | {size} | {span} | {len(row['seeds'])} | {taken} |")
    return "\n".join(table)


def readings():
    """Samples at four losses."""
    parts = []
    for reading in record()["readings"]["readings"]:
        text = "\n".join("    " + line for line in reading["text"].splitlines()).replace(
            "\n    \n", "\n\n"
        )
        parts.append(f"{reading['loss']:.2f} nats, after {reading['step']} steps:\n\n{text}")
    return "\n\n".join(parts)


def extras():
    """What each part buys, development loss, best last."""
    row = json.loads((RESULTS / "extras.json").read_text("utf-8"))["all"]
    table = ["| one change | development loss | range |", "|---|---|---|"]
    means = {name: statistics.mean(losses) for name, losses in row["losses"].items()}
    for name, mean in sorted(means.items(), key=lambda item: -item[1]):
        low, high = min(row["losses"][name]), max(row["losses"][name])
        table.append(f"| {name} | {mean:.3f} | {low:.3f} to {high:.3f} |")
    return "\n".join(
        [*table, "", f"Size {row['size']}, {row['steps']} steps, seeds {row['seeds']}."]
    )


TABLES = {"extras": extras, "front page": front_page, "minutes": minutes, "readings": readings}
