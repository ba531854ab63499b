"""Tables for limits.md, made from results/limits.json: see study/pages.py."""

import json
import math
import statistics
from pathlib import Path

import critic
import floor
import grammar
import limits
import minute
import overfitting
from recording import span, table
from settings import SIZES

BENCH = Path(__file__).parent / "results" / "bench.json"
LOSS = "{:.3f}"


def made_by(rows):
    """The line under a table: what made it."""
    first, seconds = rows[0], sum(row["seconds"] for row in rows)
    seeds = sorted({row["seed"] for row in rows})
    return (
        f"`{first['command']}`, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}, "
        f"{seconds:.0f} seconds in all, {first['precision']}, "
        f"{first['machine']}, {first['versions']}."
    )


def how_near():
    """The floor, what the model came to, and what counting comes to."""
    rows, (longer,) = limits.rows("floor"), limits.rows("longer")
    first, finals = rows[0], [row["final"] for row in rows]
    entropy, floor_here = first["entropy"], first["surprise of the split"]
    lines = [["a shrug: ln V", f"{first['ln V']:.3f}"]]
    lines += [[name, f"{loss:.3f}"] for name, loss in first["counted"].items() if "gram" in name]
    lines += [
        [f"this GPT, {floor.STOPS[-1]} steps", span(finals, LOSS)],
        ["the same, places 1 to 16 of the window", span([r["places 1 to 16"] for r in rows], LOSS)],
        ["the same, places 65 to 127", span([r["places 65 to 127"] for r in rows], LOSS)],
        [f"one run of {floor.LONGER[-1]} steps", f"{longer['final']:.3f}"],
        ["the same, places 1 to 16", f"{longer['places 1 to 16']:.3f}"],
        ["the same, places 65 to 127", f"{longer['places 65 to 127']:.3f}"],
        ["the grammar itself, on this split", f"{floor_here:.3f}"],
        ["its entropy, over all plays", f"{entropy:.3f}"],
    ]
    left = [statistics.median(finals) - floor_here, longer["final"] - floor_here]
    born = statistics.median(row["curve"][0]["loss"] for row in rows) - floor_here
    tail = (
        f"Of {born:.2f} nats above the floor at birth, {left[0]:.2f} are left after "
        f"{floor.STOPS[-1]} steps ({left[0] / born:.0%}), {left[1]:.2f} after {floor.LONGER[-1]} "
        f"({left[1] / born:.0%}). {made_by([*rows, longer])}"
    )
    return table(["validation loss of the plays", "nats per character"], lines) + f"\n\n{tail}"


def names_by_hand():
    """What the first three names of a scene cost: of so many left, any may come."""
    lines = []
    for place in range(3):
        left = len(grammar.NAMES) - place
        lines.append([place + 1, left, f"ln {left} = {math.log(left):.3f}"])
    return table(["name", "names that are left", "nats"], lines)


def which_first():
    """Every skill: its share at some steps, and from which step on it is mostly kept."""
    rows = limits.rows("longer")
    found = floor.pooled(rows)
    steps = [step for step in floor.LONGER if step in (60, 180, 500, 1200)]
    lines = []
    for skill in critic.SKILLS:
        shares = [found[step][skill] for step in steps]
        cells = [f"{share:.0%}" if share is not None else "-" for share, _ in shares]
        marks = [floor.first_step(found, skill, share) for share in (0.5, 0.9)]
        cells += ["not yet" if mark is None else mark for mark in marks]
        lines.append([math.inf if marks[0] is None else marks[0], skill, *cells, shares[-1][1]])
    lines = [line[1:] for line in sorted(lines, key=lambda line: line[0])]
    head = ["rule", *(f"step {step}" for step in steps), "half from", "nine tenths from", "cases"]
    few = f"-: fewer than {floor.ENOUGH} cases."
    return table(head, lines) + f"\n\n{few} {made_by(rows)}"


def cures():
    """The planted run and each change of it."""
    rows = limits.rows("overfitting")
    lines = []
    for name in overfitting.CHANGES:
        runs = [row["runs"][name] for row in rows]
        fires = [str(run["fires"]) if run["fires"] is not None else "never" for run in runs]
        final, best = ([run[what] for run in runs] for what in ("final", "best"))
        gap = statistics.median(run["final"] - run["training"] for run in runs)
        seen, unseen = (statistics.median(run["accuracy"][i] for run in runs) for i in (0, 1))
        cells = [span(final, LOSS), span(best, LOSS), f"{gap:.2f}", f"{seen:.0%}, {unseen:.0%}"]
        lines.append([name, *cells, ", ".join(fires)])
    head = [
        "",
        "loss at the end",
        "stopped early",
        "gap",
        "right, seen and unseen",
        "rule fires at",
    ]
    return table(head, lines) + f"\n\n{made_by(rows)}"


def copied():
    """The longest piece that each run copied, beside what chance copies."""
    rows, lines = limits.rows("overfitting"), []
    for name in ("planted", overfitting.HEALTHY):
        runs = [row["runs"][name] for row in rows]
        lengths = [[len(run[what]) for run in runs] for what in ("copied", "copied by Shakespeare")]
        longest = max((run["copied"] for run in runs), key=len).replace("\n", " / ")
        lines.append([name, *(", ".join(map(str, each)) for each in lengths), f"`{longest}`"])
    head = ["run", "its longest copy, characters", "Shakespeare's own, as control", "the longest"]
    return table(head, lines)


def predictions():
    """What can be known before the first step, and what came."""
    (row,), size = limits.rows("minute"), SIZES["small"]
    bench = json.loads(BENCH.read_text("utf-8"))
    speed = bench["machine"]["torch.mm, GFLOP/s"]["torch.bfloat16"]
    symbols = size.batch * size.context
    idle = [symbols / run["characters_per_second"] for run in bench["minutes 2"]["runs"]]
    guess, mebibytes = minute.step_flops(size) / speed / 1e9, minute.cache_bytes(size) / 2**20
    count = f"{minute.parameters(size):,}"
    lines = [
        ["loss at birth", f"ln {minute.V}", f"{math.log(minute.V):.4f}", f"{row['at birth']:.4f}"],
        ["parameters", "V C + L (12 C² + 13 C) + 2 C", count, f"{row['parameters']:,}"],
        [
            "keys and values, MiB",
            "2 L T C · 4 bytes",
            f"{mebibytes:.2f}",
            f"{row['cache MiB']:.2f}",
        ],
        [
            "seconds a step",
            f"{minute.step_flops(size) / 1e9:.1f} GFLOP at {speed:.0f} a second, as torch.mm",
            f"{guess:.3f}",
            f"{row['seconds a step']:.3f}; {statistics.median(idle):.3f} on the front page",
        ],
    ]
    return table(["", "formula", "predicted", "came"], lines)


def by_the_clock():
    """The screen of a run: second, step, loss, and a line of the sample where one is shown."""
    (row,) = limits.rows("minute")
    lines = [[f"{row['first line']:.1f}", "", "", "", "the first line of the screen"]]
    for r in row["evaluations"]:
        sample = f"`{r['sample']}`" if r["sample"] else ""
        loss = f"{r['loss']:.2f}"
        lines.append([f"{r['second']:.0f}", r["step"], f"{r['train']:.2f}", loss, sample])
    end = f"{row['final']:.4f} on the whole validation split"
    lines.append([f"{row['wall']:.0f}", "", "", "", f"the command ends: {end}"])
    head = ["second", "step", "training", "validation, a part", "what it writes"]
    return table(head, lines) + f"\n\n`{row['repeat']}`; {made_by([row])}"


def four_sizes():
    """Two minutes with each size: how long a step takes, how many fit, what they reach."""
    rows, lines = json.loads(BENCH.read_text("utf-8")), []
    for name, size in SIZES.items():
        row = rows[f"size {name}"]
        symbols, runs = size.batch * size.context, row["runs"]
        steps = [int(run["repeat"].split("--steps ")[1].split()[0]) for run in runs]
        lines.append(
            [
                f"{name}: {size.n_layer} layers, {size.n_embd} channels, context {size.context}",
                f"{minute.parameters(size):,}",
                span([symbols / run["characters_per_second"] for run in runs], LOSS),
                f"{statistics.median(steps):,.0f}",
                max(run["MiB"] for run in runs),
                span([run["loss"] for run in runs], LOSS),
            ]
        )
    head = ["size", "parameters", "seconds a step", "steps", "MiB", "validation loss"]
    seeds = ", ".join(map(str, row["seeds"]))
    made = f"`{row['command']}`, seeds {seeds}, {row['machine']}, {row['versions']}."
    return table(head, lines) + f"\n\n{made}"


def tasks():
    """Answers right among those never seen, by step."""
    rows = limits.rows("own task")
    first = rows[0]["tasks"]
    shown = [i for i in range(10) if i in (1, 3, 5, 7, 9)]
    steps = [next(iter(first.values()))["curve"][i]["step"] for i in shown]
    lines = []
    for name in first:
        runs = [row["tasks"][name] for row in rows]
        cells = [span([run["curve"][i]["right"] for run in runs], "{:.0%}") for i in shown]
        loss = statistics.median(run["curve"][-1]["loss"] for run in runs)
        lines.append([name, *cells, f"{loss:.3f}", f"{runs[0]['floor']:.3f}"])
    head = ["task", *(f"step {step}" for step in steps), "loss", "floor"]
    return table(head, lines) + f"\n\n{made_by(rows)}"


def wrong():
    """What a run answers that does not add."""
    found = limits.rows("own task")[0]["tasks"]["added"]["curve"][-1]["wrong"]
    return "\n".join(f"    {got.strip()}   (right: {line.strip()})" for got, line in found)


TABLES = {
    "how near": how_near,
    "names by hand": names_by_hand,
    "which first": which_first,
    "cures": cures,
    "copied": copied,
    "predictions": predictions,
    "by the clock": by_the_clock,
    "four sizes": four_sizes,
    "tasks": tasks,
    "wrong sums": wrong,
}
