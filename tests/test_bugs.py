"""The bug lab: every bug is found by a test of the book and by the check, and its repair by both."""

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
from study import boxes
from study.book import Book
from study.exercises import find

from learner import ROOT, copied, judged, study, ticks
from measure_bugs import bugs

BOOK = Book(ROOT)
TOLD = dict(bugs(BOOK))
BUGS = list(TOLD)


@pytest.fixture(params=BUGS, ids=lambda task: task.id)
def bug(request):
    return request.param


def mended(bug):
    text = bug.start()
    for right, wrong in bug.planted:
        assert text.count(wrong) == 1
        text = text.replace(wrong, right)
    return text


def verdict(bug, text, folder):
    return judged(bug.exercise, bug.lesson, text, folder)


def test_there_are_bugs_and_all_are_further():
    assert len(BUGS) >= 3
    assert all(bug.further and bug.symptom for bug in BUGS)


def test_a_bug_changes_the_code_and_nothing_else(bug):
    right = bug.lesson.read_text("utf-8")
    assert mended(bug).endswith(right), "above it stands what is to be seen"
    head = " ".join(mended(bug)[: -len(right)].replace("\n#", "").split())
    assert head.startswith(f"# {bug.id}, {bug.title}. This file holds the answers of")
    assert all(re.search(rf"\b{e.id}[,:]", head) for e in find(right)), "a warning, in time"
    assert ast.dump(ast.parse(bug.start())) != ast.dump(ast.parse(right))
    assert bug.exercise in {exercise.id for exercise in find(right)}


def test_the_check_tells_the_fault_and_passes_its_repair(bug, tmp_path):
    wrong = verdict(bug, bug.start(), tmp_path)
    assert wrong["status"] == "wrong" and wrong["kind"] in ("slip", "property"), wrong
    assert len(wrong["slips"]) == (wrong["kind"] == "slip")
    assert wrong["yours"] != wrong["expected"]
    assert verdict(bug, mended(bug), tmp_path)["status"] == "right"


def pytest_run(bug, text, folder):
    """pytest's exit code of the test that a bug turns red, with this text in the file's place."""
    days = [ROOT / day for day in ("day1", "day2", "day3")]
    copy = folder / bug.lesson.parent.name
    shutil.copytree(bug.lesson.parent, copy, ignore=shutil.ignore_patterns("out", "__pycache__"))
    (copy / bug.lesson.name).write_text(text, "utf-8")
    paths = os.pathsep.join(map(str, [copy, *days, ROOT]))
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-n0",
            "-p",
            "no:cacheprovider",
            "-o",
            f"pythonpath={copy}",
            TOLD[bug]["red"],
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.slow
def test_a_test_of_the_book_is_red_with_it_and_green_without(bug, tmp_path):
    for name, text, code in (("wrong", bug.start(), 1), ("right", mended(bug), 0)):
        run = pytest_run(bug, text, tmp_path / name)
        assert run.returncode == code, run.stdout
        assert not re.search(r"^ERROR", run.stdout, re.MULTILINE), run.stdout


def test_the_words_help_and_do_not_give_it_away(bug):
    assert len(bug.title) <= 40 and 5 <= bug.minutes <= 60
    assert len(bug.hints) == 4
    assert len(textwrap.wrap(bug.symptom, 80)) <= 4
    for text in (bug.symptom, *bug.hints):
        assert not re.search(r"\b(house|door|kill)", text, re.IGNORECASE)
        assert text.endswith((".", "?", "!"))
    names = {exercise.name.split(".")[-1] for exercise in find(bug.lesson.read_text("utf-8"))}
    for text in (bug.symptom, *bug.hints[:2]):
        assert not re.search(r"`|=|\[|_|\w\(", text), text
        assert not any(re.search(rf"\b{name}\b", text) for name in names - {"loss", "forward"})


@pytest.fixture
def lab(tmp_path):
    """A copy of the book in which a learner works on the bugs."""
    return copied(tmp_path)


def test_a_learner_is_shown_what_is_to_be_seen_finds_it_and_is_ticked(lab):
    bug = lab.tasks["bug2"]
    untouched = study(lab, "check", "bug2")
    shown = " ".join(untouched.stdout.split())
    assert untouched.returncode == 1
    assert bug.symptom in shown and "my/day3/bug2.py; nothing was changed there yet" in shown
    assert "targets are" not in shown, "the fault is not named before anything was tried"
    mine = lab.mine(bug)
    mine.write_text(
        bug.start().replace("window[:, :-1], window[:, :-1]", "window, window"), "utf-8"
    )
    assert study(lab, "check", "bug2").returncode == 1
    mine.write_text(mended(bug).replace("\n", "\r\n"), "utf-8")
    right = study(lab, "check", "bug2")
    assert right.returncode == 0 and right.stdout.startswith("bug2 "), right.stdout
    assert "bug2" in ticks(lab)
    assert study(lab, "reset", "bug2").returncode == 0
    assert mine.read_text("utf-8") == bug.start()
    assert "bug2" not in ticks(lab)


def test_where_the_fault_stands_is_not_told(lab):
    boxes.tick(lab, done=[task.id for task in lab.tasks.values() if not task.planted])
    shown = study(lab).stdout
    assert f"Next: {BUGS[0].id}" in shown
    folder = BUGS[0].lesson.parent.name
    assert f"my/{folder}/{BUGS[0].id}.py\n" in shown, "and no line"
    assert BUGS[0].symptom in " ".join(shown.split())
