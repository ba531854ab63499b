"""What the bugs of the lab do to a run: dayN/results/bugs.json, whose numbers their symptoms quote.

    python tests/measure_bugs.py          train with every bug that says how, and record it
    python tests/measure_bugs.py bug2     this one alone

A bug says in `run` how train.py is called. The curve, the sample, and what the planted book answers
when it is asked twice for the loss of the weights that came out, beside what the book answers.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import torch
from study.book import Book

import checkpoint
import corpus
import evaluate
import recording
from text import Alphabet, split

ROOT = Path(__file__).parent.parent


def bugs():
    """Every bug that says how to see it: the task, and what its file says."""
    book = Book(ROOT)
    for task in book.tasks.values():
        if task.planted:
            told = tomllib.loads(
                (task.lesson.parent / "bugs" / f"{task.id}.toml").read_text("utf-8")
            )
            if "run" in told:
                yield task, told


def planted(task, folder):
    """A copy of the days in a folder, with the bug in it: the folder of its day."""
    for day in ROOT.glob("day[1-9]*"):
        shutil.copytree(day, folder / day.name, ignore=shutil.ignore_patterns("out", "__pycache__"))
    day = folder / task.lesson.parent.name
    (day / task.lesson.name).write_text(task.start(), encoding="utf-8")
    return day


def load(path):
    spec = importlib.util.spec_from_file_location(f"planted_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(task, told):
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        day, out, start = planted(task, Path(folder)), Path(folder) / "out", time.perf_counter()
        command = [sys.executable, str(day / "train.py"), *told["run"].split(), "--out", str(out)]
        paths = ":".join(str(part) for part in Path(folder).glob("day*"))
        subprocess.run(command, check=True, env=recording.os.environ | {"PYTHONPATH": paths})
        seconds = time.perf_counter() - start
        lines = (out / "metrics.jsonl").read_text("utf-8").splitlines()
        *curve, final = map(json.loads, lines)
        state = checkpoint.load(out / "gpt.pt")
        model = checkpoint.restore(state, checkpoint.load_module(ROOT / "day3" / "model.py"))
        ids = split(Alphabet(state["alphabet"]).encode(corpus.find()[1]))[1]
        context = state["settings"]["context"]
        wrong = load(day / "evaluate.py")
        torch.manual_seed(1)
        asked = [wrong.loss(model.train(), ids, context) for _ in range(2)]
        return {
            "run": f"python day3/train.py {told['run']}",
            "curve": [[row["step"], row["train"], row["validation"]] for row in curve],
            "whole validation split": round(final["final"], 4),
            "asked again": [round(nats, 4) for nats in asked],
            "as the book counts": round(evaluate.loss(model, ids, context), 4),
            "sample": final["sample"][:200],
            "seconds": round(seconds),
            "torch": torch.__version__,
        }


def main(names):
    for task, told in bugs():
        if not names or task.id in names:
            path = task.lesson.parent / "results" / "bugs.json"
            recording.write(task.id, measured(task, told), path)


if __name__ == "__main__":
    main(sys.argv[1:])
