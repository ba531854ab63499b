"""Render what pages say in numbers from the records of runs: python -m study.pages

A block between `<!-- begin: NAME -->` and `<!-- end -->` is replaced; all else stays as it is.
"""

import json
import re
import statistics
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = [p for name in ("*.md", "day*/*.md", "resources/**/*.md") for p in ROOT.glob(name)]
BLOCK = re.compile(r"(<!-- begin: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def record():
    return json.loads((ROOT / "day3" / "results" / "bench.json").read_text("utf-8"))


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
    """Loss against minutes given, and what the machine did."""
    table = ["| minutes | size | validation loss | seeds |", "|---|---|---|---|"]
    rows = {float(name.split()[1]): row for name, row in record().items() if "minutes" in name}
    for minutes, row in sorted(rows.items()):
        size = row["runs"][0]["repeat"].split("--size ")[1].split()[0]
        loss = row["loss"]
        span = f"{loss['median']:.4f} ({loss['low']:.4f} to {loss['high']:.4f})"
        table.append(f"| {minutes:g} | {size} | {span} | {len(row['seeds'])} |")
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
    row = json.loads((ROOT / "day3" / "results" / "extras.json").read_text("utf-8"))["all"]
    table = ["| one change | development loss | range |", "|---|---|---|"]
    means = {name: statistics.mean(losses) for name, losses in row["losses"].items()}
    for name, mean in sorted(means.items(), key=lambda item: -item[1]):
        low, high = min(row["losses"][name]), max(row["losses"][name])
        table.append(f"| {name} | {mean:.3f} | {low:.3f} to {high:.3f} |")
    return "\n".join(
        [*table, "", f"Size {row['size']}, {row['steps']} steps, seeds {row['seeds']}."]
    )


BLOCKS = {"extras": extras, "front page": front_page, "minutes": minutes, "readings": readings}


def rendered(text):
    """The text of a page with every block made anew. KeyError names a block nobody makes."""
    return BLOCK.sub(lambda m: m[1] + BLOCKS[m[2]]() + "\n" + m[3], text)


def main():
    for path in PAGES:
        text = path.read_text("utf-8")
        if BLOCK.search(text):
            path.write_text(rendered(text), encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
