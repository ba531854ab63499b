"""A learner in a copied book: what they write, and what `study` then says and ticks."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from study import boxes
from study.asking import Judge
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
    with closing(Judge(book)) as judge:
        return judge.verdict(book.tasks[exercise])


def ticks(book):
    return boxes.ticked((book.root / "README.md").read_text("utf-8"))


def assert_one_slip(book, judge, exercise, right, wrong):
    """The lesson's file with one piece replaced is judged, and named as a single slip."""
    task = book.tasks[exercise]
    text = task.lesson.read_text("utf-8")
    assert text.count(right) == 1, right
    book.mine(task).write_text(text.replace(right, wrong), encoding="utf-8")
    told = judge.verdict(task)
    assert told["kind"] == "slip", told
    assert len(told["slips"]) == 1
