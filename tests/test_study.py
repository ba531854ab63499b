"""`study` as a learner meets it: judged, ticked, kept, and never surprised."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from study import boxes, message, pages, work
from study.asking import Judge
from study.book import Book
from study.exercises import blank
from study.server import FORKS

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


@pytest.fixture
def book(tmp_path):
    """A copy of the book, as if just cloned, with my/ made."""
    for name in ("day1", "study"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    text = (tmp_path / "README.md").read_text("utf-8")
    (tmp_path / "README.md").write_text(text.replace("- [x]", "- [ ]"), encoding="utf-8")
    book = Book(tmp_path)
    work.make(book, "1")
    return book


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


def test_a_right_answer_is_ticked_and_a_wrong_one_unticked(book):
    before = (book.root / "README.md").read_bytes()
    write(book, RIGHT)
    good = study(book, "check", "1.2")
    assert good.returncode == 0, good.stdout
    assert good.stdout.startswith("1.2 attention: right  (my/day1/attention_numpy.py)")
    after = (book.root / "README.md").read_bytes()
    assert after == before.replace(b"- [ ] 1.2 ", b"- [x] 1.2 ")
    write(book, RIGHT.replace("softmax(scores)", "softmax(scores, -2)"))
    bad = study(book, "check", "1.2")
    assert bad.returncode == 1
    assert "softmax runs over the queries (axis -2)" in bad.stdout
    assert (book.root / "README.md").read_bytes() == before


def test_the_box_of_a_day_follows_its_core(book):
    core = {task.id for task in book.core("1")}
    assert boxes.tick(book, done=core - {"1.a"}) >= core - {"1.a"}
    assert "day 1" not in ticks(book)
    assert study(book, "check", "1.a").returncode == 0
    assert "day 1" in ticks(book)
    boxes.tick(book, undone=["1.3"])
    assert ticks(book) == core - {"1.3"}
    further = {task.id for task in book.tasks.values() if task.day == "1" and task.further}
    assert further
    assert not further & core


SABOTAGE = {
    "blank": (BLANK, "Still blank"),
    "raises": ("    raise RuntimeError('no')", "RuntimeError: no"),
    "none": ("    softmax(q)", "returns None. Is a `return` missing?"),
    "list": ("    return [q, q]", "returns a list"),
    "one": ("    return softmax(q @ k.swapaxes(-1, -2)) @ v", "not 2 arrays: out, weights"),
    "float32": (
        RIGHT.replace("return weights @ v", "return (weights @ v).astype(np.float32)"),
        "type float32, not float64",
    ),
    "nan": (RIGHT.replace("@ v", "@ v * np.nan"), "holds NaN"),
    "exit": ("    exit()", "calls exit()"),
    "gone": ("    import os; os._exit(0)", "ended the process of the check"),
    "prints": ("    for _ in range(10**7): print('tick')", "characters were printed"),
    "memory": ("    return np.ones((10**6, 10**6)), 1", "more memory than the check allows"),
    "module": ("    import einops", "no module named einops"),
    "imports": ("    import attention_numpy as a; return a.attention(q, k, v)", "Write yours"),
    "reads": ("    exec(open(FILE).read()); return attention(q, k, v)", "Write yours"),
    "changes": ("    v *= 1.0001" + RIGHT, "changes its input v"),
    "counts": (
        "    attention.n = getattr(attention, 'n', 0) + 1"
        + RIGHT.replace("return ", "return attention.n // 20 + "),
        "two answers to the same call",
    ),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_sabotage_gets_one_clear_sentence(book, name):
    body, sentence = SABOTAGE[name]
    write(book, body.replace("FILE", repr(str(book.root / LESSON))))
    told = verdict(book)
    assert told["status"] != "right"
    lines = message.report(told)
    assert len(lines) <= 12
    assert sentence in " ".join(" ".join(lines).split())
    assert "Traceback" not in "\n".join(lines)


WHOLE_FILES = {
    "empty": ("", "There is no function attention in the file. `study reset 1.2` brings it back."),
    "syntax": ("x = 1\ndef attention(:\n", "Line 2 is not Python yet"),
    "bytes": ("\x00", "not Python"),
    "import": ("import nothing_here\n", "no module named nothing_here"),
    "copied": ("from attention_numpy import *\n", "Write yours"),
    "exit": ("exit()\n", "calls exit()"),
}


@pytest.mark.parametrize("name", WHOLE_FILES)
def test_a_file_that_cannot_be_judged_says_why(book, name):
    text, sentence = WHOLE_FILES[name]
    mine = book.root / "my" / LESSON
    mine.write_text(text, encoding="utf-8")
    told = verdict(book)
    assert told["status"] != "right"
    assert sentence in told["message"]
    mine.write_bytes(b"\xff\xfe\xfa")
    assert "not UTF-8" in verdict(book)["message"]


@pytest.mark.slow
def test_an_endless_loop_costs_ten_seconds_and_no_more(book):
    write(book, "    while True: pass")
    start = time.monotonic()
    told = verdict(book)
    assert "did not finish within 10 s" in told["message"] or not FORKS
    assert time.monotonic() - start < 25


def test_an_edited_reference_is_told_from_the_learners_file(book):
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], cwd=book.root, check=True)
    write(book, RIGHT)
    lesson = book.root / LESSON
    lesson.write_text(lesson.read_text("utf-8") + "\n# mine\n", encoding="utf-8")
    told = study(book, "check", "1.2")
    assert told.returncode == 1
    assert "day1/attention_numpy.py is the book's own file, and it was edited" in told.stdout
    assert "1.2" not in ticks(book)
    kept = [p.read_bytes() for p in (book.root / ".study" / "history").rglob("*.py")]
    assert lesson.read_bytes() in kept


def test_a_broken_reference_is_not_the_learners_fault(book):
    write(book, RIGHT)
    (book.root / LESSON).write_text("import nothing_here\n# exercise 1.2\n", encoding="utf-8")
    assert "does not work" in verdict_of(book)["message"]


def verdict_of(book):
    """The verdict on 1.2 with the tasks of the true book, whatever the copy looks like."""
    task = Book(ROOT).tasks["1.2"]
    object.__setattr__(task, "lesson", book.root / LESSON)
    with closing(Judge(book)) as judge:
        return judge.verdict(task)


def test_a_day_is_judged_in_one_go_and_as_json(book):
    shutil.copy(book.root / LESSON, book.root / "my" / LESSON)
    told = study(book, "check", "day1", "--json")
    verdicts = {v["exercise"]: v["status"] for v in json.loads(told.stdout)}
    assert verdicts["1.1"] == verdicts["1.2"] == verdicts["1.5"] == "right"
    assert verdicts["1.6"] == "blank"
    assert told.returncode == 1
    shown = study(book, "check", "day1").stdout.splitlines()
    assert len(shown) == len(verdicts)


def test_every_version_that_was_judged_is_kept_once(book):
    for body in (RIGHT, BLANK, RIGHT):
        write(book, body)
        study(book, "check", "1.2")
    kept = list((book.root / ".study" / "history" / "day1").iterdir())
    assert len(kept) == 2
    assert (book.root / "my" / LESSON).read_bytes() in [path.read_bytes() for path in kept]


def test_random_edits_and_a_new_reference_leave_every_byte(book):
    rng = random.Random(0)
    mine, lesson = book.root / "my" / LESSON, book.root / LESSON
    reference = lesson.read_text("utf-8")
    for number in range(200):
        text = bytearray(mine.read_bytes())
        place = rng.randrange(len(text) + 1)
        text[place : place + rng.randrange(30)] = rng.randbytes(rng.randrange(30))
        mine.write_bytes(text)
        lesson.write_text(reference + f"\n# version {number}\n", encoding="utf-8")
        assert work.make(Book(book.root), "1") == []
        work.keep(book, mine)
        work.renamed(lesson, mine, {"1.2"})
        assert mine.read_bytes() == text
    assert len(list((book.root / ".study" / "history" / "day1").iterdir())) > 190


def test_a_changed_signature_is_told_and_the_file_left_alone(book):
    mine = write(book, RIGHT)
    mine.write_text(mine.read_text("utf-8").replace("mask=None)", "visible=None)"), "utf-8")
    before = mine.read_bytes()
    told = study(book, "check", "1.2")
    assert "Your file has attention(q, k, v, visible=None)" in " ".join(told.stdout.split())
    assert mine.read_bytes() == before


def test_reset_keeps_a_dated_copy(book):
    mine = write(book, RIGHT)
    mine.write_text(mine.read_text("utf-8") + "\n\ndef helper():\n    return 1\n", "utf-8")
    before = mine.read_bytes()
    boxes.tick(book, done=["1.2", "1.3"])
    assert study(book, "reset", "1.2").returncode == 0
    copies = list((book.root / "my" / "kept" / "day1").iterdir())
    assert all(re.search(r"\.\d{4}-\d\d-\d\d-\d{6}\.py$", copy.name) for copy in copies)
    assert [copy.read_bytes() for copy in copies] == [before]
    after = mine.read_text("utf-8")
    assert BLANK in after
    assert "def helper" in after
    assert ticks(book) == {"1.3"}
    before = mine.read_bytes()
    assert study(book, "reset").returncode == 2  # nobody at the keyboard says yes
    assert mine.read_bytes() == before
    assert study(book, "reset", "all").returncode == 0
    assert mine.read_text("utf-8") == blank((book.root / LESSON).read_text("utf-8"))
    assert ticks(book) == set()
    mine.write_text("def (", "utf-8")
    told = study(book, "reset", "1.2")
    assert told.returncode == 2
    assert "line 1 is not Python" in told.stderr
    assert mine.read_text("utf-8") == "def ("


def test_hints_come_one_at_a_time_and_the_answer_after_them(book):
    lines = [study(book, "hint", "1.2").stdout for _ in range(4)]
    hints = book.tasks["1.2"].hints
    for number, text in enumerate(lines):
        flat = " ".join(text.split())
        assert all(" ".join(hint.split()) in flat for hint in hints[: number + 1])
        assert not any(" ".join(hint.split()) in flat for hint in hints[number + 1 :])
    assert study(book, "diff", "1.2").returncode == 1
    shown = study(book, "diff", "1.2", "--reveal").stdout
    assert "np.where(mask, scores, -np.inf)" in shown
    write(book, RIGHT)
    study(book, "check", "1.2")
    assert "einsum" in study(book, "diff", "1.2").stdout


def test_ways_and_progress(book):
    shown = study(book)
    assert shown.returncode == 0
    assert "Next: 1.a" in shown.stdout
    assert "Your way is now attention" in study(book, "--way", "attention").stdout
    assert study(book, "--way", "sideways").returncode == 2
    boxes.tick(book, done=["1.1", "1.2"])
    text = study(book, "progress").stdout
    assert "1.3" in text
    assert " 1.2 " not in text
    assert max(map(len, text.splitlines())) <= 100


def test_wrong_calls_say_what_to_do(book):
    for words in (["chekc"], ["check", "1.99"], ["check", "--jsn"], ["diff", "day1"]):
        told = study(book, *words)
        assert told.returncode == 2, words
        assert "Traceback" not in told.stderr
        assert told.stderr + told.stdout
    assert "1.10" in study(book, "check", "1.100").stderr


def test_output_is_plain_when_piped(book):
    write(book, RIGHT.replace("** 0.5", ""))
    told = study(book, "check", "1.2")
    assert "\033" not in told.stdout + told.stderr
    assert len(told.stdout.splitlines()) <= 12
    assert max(map(len, told.stdout.splitlines())) <= 80


def test_two_at_once_corrupt_nothing(book):
    shutil.copy(book.root / LESSON, book.root / "my" / LESSON)
    before = (book.root / "README.md").read_bytes()
    with ThreadPoolExecutor(4) as pool:
        ids = ["1.1", "1.2", "1.3", "1.4"] * 2
        runs = list(pool.map(lambda id: study(book, "check", id), ids))
    assert [run.returncode for run in runs] == [0] * 8
    expected = before
    for id in ("1.1", "1.2", "1.3", "1.4"):
        expected = expected.replace(f"- [ ] {id} ".encode(), f"- [x] {id} ".encode())
    assert (book.root / "README.md").read_bytes() == expected
    assert not (book.root / ".study" / "lock").exists()


@pytest.mark.skipif(not FORKS, reason="a watch is interrupted by a signal here")
def test_watch_judges_again_at_a_save_and_moves_on(book):
    write(book, RIGHT.replace("softmax(scores)", "softmax(scores, -2)"))
    boxes.tick(book, done=["1.1"])
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "study", "watch"],
        cwd=book.root,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )

    def until(text):
        seen = ""
        while text not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        return seen

    try:
        assert "over the queries" in until("waiting for a save")
        time.sleep(0.5)  # the watcher of the system needs a moment to be there
        write(book, RIGHT)
        seen = until("waiting for a save")
        assert "1.2 attention: right" in seen
        assert "Next: 1.3" in seen
        assert "1.2" in ticks(book)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def test_the_parent_imports_neither_numpy_nor_torch():
    code = "import sys, study.command; print([m for m in ('numpy', 'torch', 'rich') if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_plan_is_complete_and_has_no_circle():
    book = Book(ROOT)
    needs = book.plan["needs"] | {name: day["needs"] for name, day in book.days.items()}
    exercises = {task.id for task in book.tasks.values() if task.lesson}
    assert exercises <= needs.keys() | {"1.1"}
    known = exercises | set(book.days)
    assert all(need in known for wanted in needs.values() for need in wanted)

    def above(name, path=()):
        assert name not in path, f"a circle: {path}"
        for need in needs.get(name, ()):
            above(need, (*path, name))

    for name in needs:
        above(name)
    order = [*book.tasks]
    for name in exercises:
        assert all(order.index(need) < order.index(name) for need in needs.get(name, ()))
    for way in book.plan["ways"]:
        words = book.plan["ways"][way]["takes"]
        assert all(word in book.days or word in book.tasks or word == "further" for word in words)
        assert book.way(way)


def test_what_an_exercise_needs_is_what_its_lesson_imports():
    """A reference that calls another exercise's function says so in the plan."""
    import ast

    book, owner, calls = Book(ROOT), {}, {}
    for lesson in book.lessons("1"):
        text = lesson.read_text("utf-8")
        for exercise in work.find(text):
            owner[exercise.name] = exercise.id
            tree = ast.parse(work.body(text, exercise.name))
            names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
            calls.setdefault(exercise.id, set()).update(names)
    for exercise, names in calls.items():
        used = {owner[name] for name in names if name in owner} - {exercise}
        assert used <= set(book.plan["needs"].get(exercise, ())) | {exercise}, exercise


def test_times_add_up():
    rows = [
        [float(cell.split()[0]) if cell.strip() else 0 for cell in line.split("|")[2:-1]]
        for line in pages.times().splitlines()[2:]
    ]
    for column in zip(*rows, strict=True):
        assert abs(sum(column[:-1]) - column[-1]) < 0.05 * len(column)


def test_doctor_finds_what_is_wrong(book):
    told = study(book, "doctor", TINY_SHAKESPEARE="/nowhere/text")
    assert told.returncode == 1
    assert "unset it" in told.stdout
    shutil.copytree(ROOT / "day3", book.root / "day3", ignore=shutil.ignore_patterns("out", "data"))
    environment = {"TINY_SHAKESPEARE": str(book.root / "README.md")}
    well = study(book, "doctor", **environment)
    assert well.returncode == 0, well.stdout
    assert "after one step" in well.stdout


def test_reset_leaves_the_rest_of_a_strange_file_alone(book):
    """A form feed is no line end for Python, and Windows' line ends stay."""
    mine = write(book, RIGHT)
    text = mine.read_text("utf-8").replace("# exercise 1.2", "PAGE = 1\x0c\n\n\n# exercise 1.2", 1)
    mine.write_bytes(text.replace("\n", "\r\n").encode())
    boxes.tick(book, done=["1.2"])
    assert study(book, "reset", "1.3").returncode == 0
    hole = '    raise NotImplementedError("exercise 1.3")'
    assert mine.read_bytes().decode() == text.replace("\n", "\r\n")
    assert hole in text
    assert study(book, "reset", "1.2").returncode == 0
    assert RIGHT not in mine.read_text("utf-8")
    assert mine.read_bytes().count(b"\r\n") == mine.read_bytes().count(b"\n")


STRANGE_BUT_RIGHT = {
    "byte order mark": ("\ufeff", ""),
    "dataclass": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n",
        "\n\n@dataclass\nclass Point:\n    x: int\n",
    ),
    "a helper beside it": ("from helpers_of_mine import two\n", ""),
    "lambda": (
        "",
        "\n\nright = attention\nattention = lambda q, k, v, mask=None: right(q, k, v, mask)\n",
    ),
}


@pytest.mark.parametrize("name", STRANGE_BUT_RIGHT)
def test_a_right_answer_in_a_strange_file_passes(book, name):
    before, after = STRANGE_BUT_RIGHT[name]
    mine = write(book, RIGHT)
    (mine.parent / "helpers_of_mine.py").write_text("two = 2\n", encoding="utf-8")
    mine.write_text(before + mine.read_text("utf-8") + after, encoding="utf-8")
    told = verdict(book)
    assert told["status"] == "right", told


def test_a_stop_that_is_not_the_learners_leaves_the_box(book):
    write(book, RIGHT)
    boxes.tick(book, done=["1.2"])
    (book.root / LESSON).write_text("import nothing_here\n# exercise 1.2\n", encoding="utf-8")
    shutil.copy(ROOT / LESSON, book.root / LESSON)
    (book.root / "json.py").write_text("x = 1\n", encoding="utf-8")
    assert verdict(book)["status"] == "right"
    (book.root / "README.md").write_text(
        (book.root / "README.md").read_text("utf-8") + "\n```\n- [x] 1.3 an example\n```\n", "utf-8"
    )
    assert ticks(book) == {"1.2"}


def test_results_that_cannot_be_compared_are_told_by_their_form(book):
    for body, told in (
        ("    return 'weights', 'out'", "is a str, not an array of numbers"),
        ("    return (x for x in q), v", "is a generator"),
        ("    raise TypeError(f'{object()}')", "TypeError"),
    ):
        write(book, body)
        assert told in verdict(book)["message"]


def test_broken_files_of_the_machinery_are_made_anew(book):
    folder = book.root / ".study"
    folder.mkdir(exist_ok=True)
    (folder / "hints.json").write_text("[]", "utf-8")
    (folder / "way").write_bytes(b"\xff")
    assert "3 more" in study(book, "hint", "1.2").stdout
    assert study(book).returncode == 0
    (book.root / "README.md").unlink()
    write(book, RIGHT)
    told = study(book, "check", "1.2")
    assert "1.2 attention: right" in told.stdout
    assert "git restore README.md" in told.stdout


def test_boxes_ticked_by_many_at_once_are_all_ticked(book):
    ids = [task.id for task in book.tasks.values() if task.day == "1"]
    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(lambda id: boxes.tick(book, done=[id]), ids))
    assert ticks(book) >= set(ids)


def test_a_report_has_twelve_lines_whatever_there_is_to_say(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    told = {
        "exercise": "1.5",
        "title": "multi-head attention",
        "file": "my/day1/attention_numpy.py",
        "status": "wrong",
        "message": "One of these sentences. " * 9,
        "example": {f"argument_{n}": "[1 2 3 4 5 6 7 8 9]" * 4 for n in range(8)},
        "shapes": {f"argument_{n}": "an array of shape (3, 4)" for n in range(8)},
        "part": "weights",
        "yours": "[0.1 0.2]" * 20,
        "expected": "[0.3 0.4]" * 20,
        "prints": "printed\n" * 50,
    }
    lines = message.report(told)
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 80
    assert any(line.lstrip().startswith("weights, yours") for line in lines)
    assert lines[-1].startswith("study hint 1.5")
