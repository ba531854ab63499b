"""What the bugs of the lab do: shown to a learner, or recorded for the numbers that symptoms quote.

    python tests/measure_bugs.py bug8              see it again: nothing is recorded
    python tests/measure_bugs.py --record          run every bug that is not quick: dayN/results/bugs.json
    python tests/measure_bugs.py --record bug6     this one alone

The days are copied to a folder of their own, and the bug is planted there; where my/ has the
learner's file of the bug, that file is seen. A bug says in dayN/bugs/bugN.toml: `look`, what is
looked at (the function of its name in bug_looks.py, or the curve of its run); `run`, how train.py is
called before (`late`: with the book's own files); `beside`, that these are run and looked at in the
same way; `quick`, that a test looks anew each time, so that no record is needed.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

from study.book import Book

import bug_looks
import corpus
import recording
from learner import ROOT, copied


def bugs(book):
    """Every bug of the lab: the task, and what its file says."""
    for task in book.tasks.values():
        if task.planted:
            path = task.lesson.parent / "bugs" / f"{task.id}.toml"
            yield task, tomllib.loads(path.read_text("utf-8"))


def load(path):
    spec = importlib.util.spec_from_file_location(f"planted_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(task, told, text):
    """What is seen of one bug with this text in the lesson's place, as figures."""
    with tempfile.TemporaryDirectory() as name:
        folder, figures = Path(name), {}
        copied(folder)
        days = [*sorted(folder.glob("day*")), ROOT]  # day4-5 is a leaf, but not for its own modules
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, days))}
        out, start = folder / "out", time.perf_counter()
        day = folder / task.lesson.parent.name
        if not told.get("late"):
            (day / task.lesson.name).write_text(text, encoding="utf-8")
        if "run" in told:
            program = str(folder / "day3" / "train.py")
            command = [sys.executable, program, *told["run"].split(), "--out", str(out)]
            subprocess.run(command, check=True, env=environment)
            figures = trained(day, out)
        (day / task.lesson.name).write_text(text, encoding="utf-8")
        if hasattr(bug_looks, task.id):
            command = [sys.executable, str(Path(bug_looks.__file__)), task.id, str(out)]
            look = subprocess.run(
                command, check=True, env=environment, stdout=subprocess.PIPE, encoding="utf-8"
            )
            figures |= json.loads(look.stdout.splitlines()[-1])
        return figures | {"seconds": round(time.perf_counter() - start)}


def trained(day, out):
    """The curve of a run, its sample, and the loss of the weights that came out: asked of the planted
    book twice more, and of the book.
    """
    import torch  # here: who has Day 1 alone has none

    import checkpoint
    import evaluate
    from text import Alphabet, split

    *curve, final = map(json.loads, (out / "metrics.jsonl").read_text("utf-8").splitlines())
    state = checkpoint.load(out / "gpt.pt")
    model = checkpoint.restore(state, checkpoint.load_module(ROOT / "day3" / "model.py"))
    ids = split(Alphabet(state["alphabet"]).encode(corpus.find()[1]))[1]
    context = state["settings"]["context"]
    wrong = load(day / "evaluate.py")
    torch.manual_seed(1)
    asked = [wrong.loss(model.train(), ids, context) for _ in range(2)]
    return {
        "curve": [[row["step"], row["train"], row["validation"]] for row in curve],
        "whole validation split": round(final["final"], 4),
        "asked again": [round(nats, 4) for nats in asked],
        "as the book counts": round(evaluate.loss(model, ids, context), 4),
        "baselines": {name: round(nats, 4) for name, nats in final["baselines"].items()},
        "sample": final["sample"][:200],
        "torch": torch.__version__,
    }


def seen(task, told, text):
    """The figures of a text in the lesson's place and, where the bug says so, of the book beside."""
    figures = {"run": f"python day3/train.py {told['run']}"} if "run" in told else {}
    figures |= {"look": told["look"]} | measured(task, told, text)
    if told.get("beside"):
        figures["the book"] = measured(task, told, task.lesson.read_text("utf-8"))
    return figures


def show(figures, indent=""):
    """Figures, one a line; those of the book stand below, further to the right."""
    for name, figure in figures.items():
        if isinstance(figure, dict):
            print(f"{indent}{name}:")
            show(figure, indent + "    ")
        elif name != "curve":  # train.py has shown it
            print(f"{indent}{name}: {figure!r}")


def main(words):
    """The command: exit code 0, 1 for a run that failed, 2 for a wrong call."""
    book = Book(ROOT)
    recorded, names = "--record" in words, {word for word in words if word != "--record"}
    known = sorted((task.id for task, _ in bugs(book)), key=lambda name: (len(name), name))
    if names - set(known) or not (names or recorded):
        print(f"measure_bugs.py: name one of {', '.join(known)}", file=sys.stderr)
        return 2
    for task, told in bugs(book):
        if task.day == "3" and (task.id in names or not names):
            corpus.find()  # a download goes to the book, not to its copy
        if recorded and not told.get("quick") and (not names or task.id in names):
            figures = seen(task, told, task.start())
            recording.write(task.id, figures, task.lesson.parent / "results" / "bugs.json")
        elif not recorded and task.id in names:
            mine = book.mine(task)
            text = mine.read_text("utf-8") if mine.exists() else task.start()
            source = book.short(mine) if mine.exists() else "the bug"
            print(f"{source}, in the place of {book.short(task.lesson)}", flush=True)
            try:
                show(seen(task, told, text))
            except subprocess.CalledProcessError:  # it has said why
                print(f"measure_bugs.py: nothing is to be seen, {source} stops", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
