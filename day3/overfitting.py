"""Learning by heart: planted, noticed, and what cures it, one change at a time.

The planted run reads 20,000 characters fifteen times over, without dropout or weight decay. Each
cure changes one thing. The text to judge by comes from the training part, so the book's validation
split stays unread: its first 8,192 characters draw the curve and choose where to stop early, the
next 16,384, which choose nothing, give the losses of the table.

    python day3/overfitting.py        the planted and the healthy run, half a minute
"""

import copy
import statistics
from pathlib import Path

import torch

import checkpoint
import corpus
import evaluate
import pictures
from copying import longest_copy
from run import Run
from settings import Settings, with_size
from text import Batches, split

HERE = Path(__file__).parent
STEPS, EVERY = 300, 25  # twelve evaluations, as train.py has them
SHORT = 20_000  # characters of a planted run
PART = 8192
PLANTED = {"batch": 16, "dropout": 0.0, "weight_decay": 0.0}
CHANGES = {
    "planted": {},
    "the whole text": {"characters": None},
    "dropout 0.3": {"dropout": 0.3},
    "weight decay 0.1": {"weight_decay": 0.1},
    "weight decay 2": {"weight_decay": 2.0},
    "a quarter of the channels": {"n_embd": 24},
    "half the steps": {"steps": STEPS // 2},
}
HEALTHY = "the whole text"


def start(text, seed=1, precision="float32", characters=SHORT, steps=STEPS, **changes):
    """A run of size tiny that reads so many characters, all where None is given."""
    settings = Settings(steps=steps, seed=seed, precision=precision, **(PLANTED | changes))
    module = checkpoint.load_module(HERE / "model.py")
    run = Run(with_size(settings, "tiny"), module, text, "cpu")
    run.training = run.training[:characters]
    run.batches = Batches(run.training, run.settings.batch, run.settings.context, seed)
    return run


@torch.no_grad()
def accuracy(run, ids):
    """The share of next symbols that the model holds likeliest, over whole windows of ids (N,)."""
    run.model.eval()
    T = run.settings.context
    windows = ids[: (len(ids) - 1) // T * T + 1]
    right = run.model(windows[:-1].view(-1, T))[0].argmax(dim=-1) == windows[1:].view(-1, T)
    return right.float().mean().item()


def follow(run, every=EVERY):
    """Train to the end -> the evaluations, and the weights of the best of them.

    Early stopping is no more than this: keep a copy of the best weights, and go back to it.
    """
    records, best = [], {}
    losses = [run.loss(run.training[:PART])]
    while True:
        record = {
            "step": run.step,
            "train": round(statistics.mean(losses), 4),
            "validation": round(run.loss(run.validation[: PART + 1]), 4),
        }
        if record["validation"] < min((r["validation"] for r in records), default=99):
            best = copy.deepcopy(run.model.state_dict())
        records.append(record)
        if run.step >= run.settings.steps:
            return records, best
        losses = [run.take_step()[0] for _ in range(every)]


def fires(records):
    """The step at which evaluate.overfits first says so, None where it never does."""
    for n in range(1, len(records) + 1):
        if evaluate.overfits(records[:n]):
            return records[n - 1]["step"]
    return None


def record(seed, precision):
    """Every change with one seed."""
    text = split(corpus.find()[1])[0]  # the validation split stays unread
    found = {}
    for name, changes in CHANGES.items():
        run = start(text, seed, precision, **changes)
        records, best = follow(run)
        seen, judge = run.training[:SHORT], run.validation[PART : 3 * PART]
        row = {
            "fires": fires(records),
            "final": round(run.loss(judge), 4),
            "training": round(run.loss(seen), 4),
            "accuracy": [round(accuracy(run, ids), 4) for ids in (seen, judge)],
            "records": records,
        }
        if name in ("planted", HEALTHY):
            read = run.alphabet.decode(run.training)
            unread = run.alphabet.decode(judge[:2000])
            row["copied"] = longest_copy(run.write(2000, temperature=1.0), read)
            row["copied by Shakespeare"] = longest_copy(unread, read)
        best_step = min(records, key=lambda r: r["validation"])["step"]
        run.model.load_state_dict(best)
        found[name] = row | {"best step": best_step, "best": round(run.loss(judge), 4)}
        print(f"{name}: {row['final']}, stopped early {found[name]['best']}", flush=True)
    return {"runs": found}


def draw(rows, folder=None):
    """overfitting.png: the curves of six of the runs, training and validation, every seed."""
    names = [name for name in CHANGES if name != "weight decay 0.1"]
    figure, axes = pictures.panels(
        "Learned by heart, and what helps", columns=3, rows=2, height=5.4, sharey=True
    )
    for panel, name in zip(axes.flat, names, strict=True):
        for seed, row in enumerate(rows):
            records = row["runs"][name]["records"]
            for n, what in enumerate(("train", "validation")):
                line = [r["step"] for r in records], [r[what] for r in records]
                panel.plot(*line, color=pictures.COLOURS[n], label=None if seed else what)
            if row["runs"][name]["fires"] is not None:
                panel.axvline(row["runs"][name]["fires"], color="gray", linestyle=":")
        panel.set(ylim=(0, 4.3), xlim=(0, STEPS))
        panel.set_title(name, fontsize=11)
    axes[0, 0].legend(fontsize=9, loc="lower left")
    figure.supylabel("loss, nats per character", fontsize=11)
    figure.supxlabel("steps (dotted: the rule fires)", fontsize=11)
    pictures.save(figure, "overfitting", folder or HERE / "figures")


def main():
    text = split(corpus.find()[1])[0]
    for name in ("planted", HEALTHY):
        run = start(text, **CHANGES[name])
        records, best = follow(run)
        print(f"{name}: {len(run.training):,} characters, rule fires at step {fires(records)}")
        for r in records[::2]:
            print(f"  step {r['step']:3}  train {r['train']:.3f}  validation {r['validation']:.3f}")
        run.model.load_state_dict(best)
        print(f"  the best weights, restored: {run.loss(run.validation[: PART + 1]):.3f}")


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
