"""A learner in a copied book: what they write, and what `study` then says and ticks."""

import importlib
import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from study import boxes, judge
from study.asking import Judge
from study.book import Book
from study.exercises import blank

ROOT = Path(__file__).parent.parent
LESSON = "day1/attention_numpy.py"
BLANK = '    raise NotImplementedError("exercise 1.2")'
RIGHT = """
    scores = np.einsum("...td,...sd->...ts", q, k) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, weights
"""


def copied(folder, *days):
    """A copy of these days (without any, of all), as if just cloned: no box is ticked."""
    chosen = [ROOT / day for day in days] or [*ROOT.glob("day*")]
    for part in (*chosen, ROOT / "study"):
        ignored = shutil.ignore_patterns("out", "__pycache__")
        shutil.copytree(part, Path(folder) / part.name, ignore=ignored)
    for name in ("README.md", "requirements.txt"):
        text = (ROOT / name).read_text("utf-8").replace("- [x]", "- [ ]")
        (Path(folder) / name).write_text(text, encoding="utf-8")
    return Book(folder)


def judged(exercise, lesson, text, folder):
    """The verdict on a learner's file with this text, judged in this process."""
    reference, mine = importlib.import_module(lesson.stem), folder / lesson.name
    mine.write_text(text, "utf-8")
    try:
        return judge.verdict(
            exercise, mine, reference, judge.load_check(Book.check(lesson), exercise)
        )
    finally:
        sys.modules[lesson.stem] = reference  # the judge forbids the import


def study(book, *words, **settings):
    """Run the command in a copied book: the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "study", *words],
        cwd=book.root,
        env=os.environ | {"COLUMNS": "80"} | settings,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def write(book, body, exercise="1.2"):
    """Write the body of an exercise of attention_numpy.py into the learner's file."""
    mine = book.root / "my" / LESSON
    text = blank((book.root / LESSON).read_text("utf-8"))
    hole = f'    raise NotImplementedError("exercise {exercise}")'
    assert hole in text
    mine.write_text(text.replace(hole, body), encoding="utf-8")
    return mine


def verdict(book, exercise="1.2"):
    with closing(Judge(book)) as asked:
        return asked.verdict(book.tasks[exercise])


def ticks(book):
    return boxes.ticked((book.root / "README.md").read_text("utf-8"))


def assert_one_slip(book, asked, exercise, right, wrong):
    """The lesson's file with one piece replaced is judged, and named as a single slip."""
    task = book.tasks[exercise]
    text = task.lesson.read_text("utf-8")
    assert text.count(right) == 1, right
    book.mine(task).write_text(text.replace(right, wrong), encoding="utf-8")
    told = asked.verdict(task)
    assert told["kind"] == "slip", told
    assert len(told["slips"]) == 1
