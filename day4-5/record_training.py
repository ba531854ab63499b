"""Record what the page on training by hand says, and draw its figures.

    python day4-5/record_training.py             what is missing in results/training.json, then draw
    python day4-5/record_training.py flow twin   these rows anew, and no figures
    python day4-5/record_training.py figures     draw again from the record

About seven minutes of one core. `cpu` seconds are those of the processor: other programs that run
beside do not count.
"""

import itertools
import sys
import time
from pathlib import Path

import numpy as np

import gradient_flow
import honest_data
import pictures
import recording
from answering import right, write
from digit_tasks import END, TASKS, Reverse, split
from optim_numpy import SGD, AdamW
from train_numpy import SIZES, prepared, training

HERE = Path(__file__).parent
RECORD, FIGURES = HERE / "results" / "training.json", HERE / "figures"
SEEDS, MARKS = (1, 2, 3), 20
RECIPES = {  # task, size and steps, chosen on the development part
    "digits": ("digits", "medium", 400),
    "digits, one layer": ("digits", "small", 800),
    "reverse": ("reverse", "medium", 300),
    "sums": ("sums", "medium", 600),
    "sums-reversed": ("sums-reversed", "medium", 600),
}
LONGER = (7, 8, 9, 10)  # letters; up to 7 are trained on
FLOW_LAYERS, FLOW_STEPS = 16, 120
RATES = {
    "sgd": (0.1, 0.3, 1, 3),
    "momentum 0.9": (0.03, 0.1, 0.3, 1),
    "adam": (0.003, 0.01, 0.03, 0.1),
}
OPTIMISER_STEPS = 200
EARLY = 120  # steps, where mistakes are still made


def record_run(name, seed):
    """One run of a task: what it ends with, and what it took. Strings also of untrained lengths."""
    name, size, steps = RECIPES[name]
    task, size, row = TASKS[name], SIZES[size], {"seeds": [seed], "size": size, "steps": steps}
    for learned in (True, False) if name == "reverse" else (True,):
        parts, params, ids, targets, rng = prepared(task, size, seed, learned)
        wall, cpu = time.perf_counter(), time.process_time()
        losses = [step.loss for step in training(params, ids, targets, size.H, steps, rng)]
        spent = time.perf_counter() - wall, time.process_time() - cpu
        if name == "reverse":
            row["longer, learned" if learned else "longer, sinusoidal"] = by_length(params, size.H)
        if not learned:
            break
        told = right(params, task, parts["test"], size.H)
        row |= {
            "parameters": sum(p.size for p in params.values()),
            "parts": {part: len(items) for part, items in parts.items()},
            "seconds": {"wall": round(spent[0], 1), "processor": round(spent[1], 1)},
            "losses": recording.rounded(losses[:: max(1, steps // MARKS)]),
            "by kind": {
                kind: counts[:2]
                for kind, counts in honest_data.breakdown(
                    [k for k, *_ in parts["test"]], told
                ).items()
            },
        }
    return row


def by_length(params, H):
    """Right answers of 200 strings of each length that no run was trained on, from 7 letters up.

    Where positions are learned, those past the longest line of the training part are as they were
    drawn.
    """
    found = []
    for length in LONGER:
        task = Reverse(length, length, 200, seed=length)
        known = {question for _, question, _ in split(TASKS["reverse"])["train"]}
        items = [item for item in task.items() if item[1] not in known]
        found.append([int(right(params, task, items, H).sum()), len(items)])
    return found


def record_flow():
    """Gradient norms of the first layer at birth, and the loss of a deep stack while it learns."""
    row = {"seeds": list(SEEDS), "depths": list(gradient_flow.DEPTHS), "stacks": {}}
    row |= {"layers": FLOW_LAYERS, "steps": FLOW_STEPS}
    for name, parts in gradient_flow.STACKS.items():
        first, told = [], []
        for seed in SEEDS:
            norms = [gradient_flow.at_birth(seed, L, *parts) for L in gradient_flow.DEPTHS]
            first.append([own["block 0"] for own in norms])
            told.append([bool(gradient_flow.alarms(own)) for own in norms])
        curves = [gradient_flow.curve(seed, FLOW_LAYERS, *parts, FLOW_STEPS) for seed in SEEDS]
        row["stacks"][name] = {
            "first block": recording.spread(first),
            "alarms": np.sum(told, axis=0).tolist(),
            "losses": recording.spread([losses[::6] + losses[-1:] for losses in curves]),
        }
    return row


def record_twin():
    """How far the loss by hand is from PyTorch's in fifty steps."""
    from train_twin import side_by_side

    apart = {
        name: max(abs(a - b) for a, b in side_by_side(name, SIZES["medium"], 1, 50))
        for name in TASKS
    }
    return {"seeds": [1], "apart": {name: float(f"{far:.1e}") for name, far in apart.items()}}


def record_optimisers():
    """Three digits, one layer: each optimiser at four rates."""
    size, task, makers = SIZES["small"], TASKS["digits"], {
        "sgd": lambda p, rate: SGD(p, rate),
        "momentum 0.9": lambda p, rate: SGD(p, rate, 0.9),
        "adam": lambda p, rate: AdamW(p, rate, (0.9, 0.99)),
    }  # fmt: skip
    found = {}
    for name, rates in RATES.items():
        for rate in rates:
            runs = []
            for seed in SEEDS:
                _, params, ids, targets, rng = prepared(task, size, seed)
                optimizer = makers[name](params, rate)
                given = params, ids, targets, size.H, OPTIMISER_STEPS, rng
                losses = [step.loss for step in training(*given, optimizer=optimizer)]
                runs.append([*losses[::10], np.mean(losses[-10:])])
            found[f"{name}, {rate:g}"] = recording.spread(runs)
    return {"seeds": list(SEEDS), "steps": OPTIMISER_STEPS, "losses": found}


def record_honest():
    """What a leak is worth to a table of answers; what intervals hold; who is taken for whom."""
    row = {"seeds": [1], "leaks": {}}
    task, rng = TASKS["sums"], np.random.default_rng(0)
    parts, everything = split(task), list(task.items())
    order = rng.permutation(len(everything))
    dealt = [everything[n] for n in order]
    for name, train, test in (
        ("ours", parts["train"], parts["test"]),
        ("dealt out at random", dealt[:8000], dealt[8000:]),
    ):
        keys = [[task.same(question) for _, question, _ in part] for part in (train, test)]
        table = {task.same(question): answer for _, question, answer in train}
        known = sum(table.get(task.same(question)) == answer for _, question, answer in test)
        share = honest_data.leakage(*keys)[0]
        row["leaks"][name] = {"share": recording.rounded(share), "look-up": [known, len(test)]}
    shares = [round(0.5 + n / 200, 3) for n in range(100)]
    row["true"] = shares
    intervals = {"Wilson": honest_data.wilson, "textbook": honest_data.plus_or_minus}
    row["held"] = {
        name: recording.rounded([honest_data.coverage(interval, p, 50) for p in shares])
        for name, interval in intervals.items()
    }
    size, digits = SIZES["small"], TASKS["digits"]
    parts, params, ids, targets, rng = prepared(digits, size, 1)
    for _ in itertools.islice(training(params, ids, targets, size.H, 1500, rng), EARLY):
        pass
    asked = [item for item in parts["test"] if item[0] in ("max", "min")]
    guesses = [
        write(params, digits, question, size.H).removesuffix(END) for _, question, _ in asked
    ]
    labels, counts = honest_data.confusion([answer for *_, answer in asked], guesses)
    return row | {"confusion": {"labels": labels, "counts": counts.tolist(), "steps": EARLY}}


EXPERIMENTS = {
    "flow": record_flow,
    "twin": record_twin,
    "optimisers": record_optimisers,
    "honest": record_honest,
} | {
    f"{name}, seed {seed}": lambda name=name, seed=seed: record_run(name, seed)
    for seed in SEEDS
    for name in RECIPES
}


def draw(rows):
    """Four figures."""
    title = "Four tasks, learned by gradients that were written by hand"
    figure, panel = pictures.panels(title)
    for n, name in enumerate(RECIPES):
        runs = [rows[f"{name}, seed {seed}"] for seed in SEEDS]
        losses = recording.spread([run["losses"] for run in runs])
        steps = np.arange(len(losses["low"])) * max(1, runs[0]["steps"] // MARKS)
        pictures.line(panel, steps, losses, n, name)
    panel.set(xlabel="steps of 64 items", ylabel="loss, nats per symbol of an answer", yscale="log")
    panel.legend(fontsize=9)
    pictures.save(figure, "training_tasks", FIGURES)

    flow = rows["flow"]
    title = "Sixteen layers learn with residual and norm together, and with nothing less"
    figure, (left, right_one) = pictures.panels(title, columns=2, height=4.2)
    for n, (name, found) in enumerate(flow["stacks"].items()):
        pictures.line(left, flow["depths"], found["first block"], n, name)
        steps = [*range(0, flow["steps"], 6), flow["steps"] - 1]
        pictures.line(right_one, steps, found["losses"], n, name)
    left.set_xscale("log", base=2)
    left.set_xticks(flow["depths"], flow["depths"])
    left.set(xlabel="layers", ylabel="gradient norm of the first block's weights", yscale="log")
    right_one.set(xlabel="steps", ylabel=f"loss of {flow['layers']} layers, nats", ylim=(0, 3.5))
    left.legend(fontsize=9)
    pictures.save(figure, "gradient_flow", FIGURES)

    title = "Three ways down, each at its best rate of four"
    figure, panel = pictures.panels(title)
    found, steps = rows["optimisers"]["losses"], rows["optimisers"]["steps"]
    for n, name in enumerate(RATES):
        own = {key: f for key, f in found.items() if key.startswith(name)}
        best = min(own, key=lambda key: own[key]["median"][-1])
        pictures.line(panel, [*range(0, steps, 10), steps], own[best], n, best)
    panel.set(xlabel="steps", ylabel="loss on three digits, nats")
    panel.legend(fontsize=9)
    pictures.save(figure, "optimisers", FIGURES)

    honest = rows["honest"]
    title = "An interval that says 95 %, and how often it holds the truth"
    figure, (left, right_one) = pictures.panels(title, columns=2, height=4.2)
    for n, (name, held) in enumerate(honest["held"].items()):
        left.plot(honest["true"], held, color=pictures.COLOURS[n], label=name)
    left.axhline(0.95, color="gray", linestyle="--", linewidth=1)
    left.set(xlabel="true accuracy", ylabel="held by the interval, 50 items", ylim=(0.3, 1.02))
    left.legend(fontsize=9, loc="lower left")
    counts = np.array(honest["confusion"]["counts"])
    labels = [label or "none" for label in honest["confusion"]["labels"]]
    pictures.heatmap(right_one, counts, labels, labels, numbers=False, limit=counts.max())
    for (row, column), count in np.ndenumerate(counts):
        if count and row != column:
            right_one.text(column, row, count, ha="center", va="center", fontsize=9)
    right_one.set(xlabel="answered", ylabel="asked for")
    right_one.set_title(
        f"largest and smallest of three digits,\nafter {EARLY} steps; the mistakes in numbers",
        fontsize=10,
    )
    pictures.save(figure, "honest", FIGURES)


def main(arguments):
    """Record what is missing or named, and draw; 2 for a call that is neither."""
    if not set(arguments) <= EXPERIMENTS.keys() and arguments != ["figures"]:
        print(__doc__, file=sys.stderr)
        return 2
    known = recording.read(RECORD) if RECORD.exists() else {}
    missing = [name for name in EXPERIMENTS if name not in known]
    for name in [] if arguments == ["figures"] else arguments or missing:
        before = time.process_time()
        found = EXPERIMENTS[name]()
        recording.write(name, found | {"cpu": round(time.process_time() - before, 1)}, RECORD)
        print(f"{name}: {time.process_time() - before:.0f} s", flush=True)
    if arguments in ([], ["figures"]):
        draw(recording.read(RECORD))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
