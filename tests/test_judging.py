"""Strange and hostile files: every one is judged, and gets one clear sentence."""

import shutil
import subprocess
import time
from contextlib import closing

import pytest
from study import boxes, message, work
from study.asking import FORKS, LONGEST, Judge
from study.book import Book

from learner import BLANK, LESSON, RIGHT, ROOT, copied, study, ticks, verdict, write

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
    write(book, body)
    told = verdict(book)
    assert told["status"] != "right"
    lines = message.report(told | {"exercise": "1.2", "title": "attention", "file": LESSON})
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


def test_results_that_cannot_be_compared_are_told_by_their_form(book):
    for body, told in (
        ("    return 'weights', 'out'", "is a str, not an array of numbers"),
        ("    return (x for x in q), v", "is a generator"),
        ("    raise TypeError(f'{object()}')", "TypeError"),
    ):
        write(book, body)
        assert told in verdict(book)["message"]


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


@pytest.mark.slow
def test_an_endless_loop_costs_ten_seconds_of_the_processor_and_no_more(book):
    write(book, "    while True: pass")
    start = time.monotonic()
    told = verdict(book)
    assert "did not finish within 10 s" in told["message"] or not FORKS
    assert time.monotonic() - start < LONGEST + 15


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


def test_who_has_day_1_alone_is_told_what_day_2_needs(tmp_path):
    book = copied(tmp_path, "day1", "day2")
    work.make(book, "2")
    missing = "raise ModuleNotFoundError('No module named torch', name='torch')\n"
    (book.root / "torch.py").write_text(missing, encoding="utf-8")
    told = verdict(book, "2.3")
    assert told["message"] == "torch is not installed: pip install -r requirements.txt"


def verdict_of(book):
    """The verdict on 1.2 with the tasks of the true book, whatever the copy looks like."""
    task = Book(ROOT).tasks["1.2"]
    object.__setattr__(task, "lesson", book.root / LESSON)
    with closing(Judge(book)) as judge:
        return judge.verdict(task)


def test_a_stop_that_is_not_the_learners_leaves_the_box(book):
    write(book, RIGHT)
    boxes.tick(book, done=["1.2"])
    lesson = book.root / LESSON
    lesson.write_text("import nothing_here\n" + lesson.read_text("utf-8"), encoding="utf-8")
    assert "does not work" in study(book, "check", "1.2").stdout
    assert ticks(book) == {"1.2"}
    shutil.copy(ROOT / LESSON, lesson)
    (book.root / "json.py").write_text("x = 1\n", encoding="utf-8")
    assert verdict(book)["status"] == "right"
    (book.root / "README.md").write_text(
        (book.root / "README.md").read_text("utf-8") + "\n```\n- [x] 1.3 an example\n```\n", "utf-8"
    )
    assert ticks(book) == {"1.2"}


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


def test_short_arguments_are_told_by_their_numbers_beside_a_long_way(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    example = {"weight": "[0.7 2.3]", "gradient": "[1e-06 -1]", "mean": "[0 0]", "square": "[0 0]"}
    told = {
        "exercise": "4.10", "title": "Adam", "file": "my/x.py", "status": "wrong",
        "message": "The first step is too long.", "way": "On the way it parts from the book's. " * 6,
        "example": example | {"t": "5", "lr": "0.5"}, "part": "weight", "yours": "1", "expected": "2",
        "shapes": dict.fromkeys(example, "an array of shape (2,)"),
    }  # fmt: skip
    lines = message.report(told)
    assert len(lines) <= message.LINES
    shown = "\n".join(lines)
    assert "an array" not in shown and "t = 5   lr = 0.5" in shown and "weight = [0.7 2.3]" in shown


def test_a_long_argument_goes_on_in_the_next_line_where_there_is_room(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    model = (
        "GPT(Config(positions='learned', vocab_size=4, context=6, n_layer=1, n_head=2, n_embd=6))"
    )
    told = {"exercise": "3.5", "title": "t", "file": "f", "status": "wrong", "message": "One."}
    told |= {
        "example": {"self": model},
        "shapes": {},
        "part": "result",
        "yours": "1",
        "expected": "2",
    }
    lines = message.report(told)
    assert "n_embd=6))" in " ".join(lines) and "…" not in " ".join(lines)
    lines = message.report(told | {"message": "A sentence of some length, said again. " * 7})
    assert sum("Config(" in line and line.endswith("…") for line in lines) == 1
    assert len(lines) <= 12 and max(map(len, lines)) <= 80


FORWARD = "return self.project(out.transpose(1, 2).reshape(B, T, C))"
ATTEND = "scores = q @ k.transpose(-2, -1) / math.sqrt(D)  # (B, H, T, S)"


@pytest.mark.parametrize(
    ("right", "wrong", "earlier", "said"),
    [
        (FORWARD, FORWARD.replace("(out", "(1.01 * out"), "", "what your attend gives: look in fo"),
        (ATTEND, ATTEND.replace("D)", "D + 0.3)"), "", "something else than your attend: begin"),
        (ATTEND, ATTEND.replace("D)", "D + 0.3)"), "    raise ValueError\n", None),
        (ATTEND, ATTEND.replace("D)", "D + 0.3)"), "    q = 2 * q\n", None),
    ],
)
def test_ones_own_attention_of_day_1_is_a_second_oracle_where_it_is_right(
    right, wrong, earlier, said, tmp_path
):
    book = copied(tmp_path, "day1", "day2", "day3")
    task, before = book.tasks["3.3"], book.tasks["1.2"]
    for one in (task, before):
        book.mine(one).parent.mkdir(parents=True)
    text = before.lesson.read_text("utf-8")
    body = "    scores = q @ k.swapaxes(-1, -2)"
    assert text.count(body) == 1
    book.mine(before).write_text(text.replace(body, earlier + body), encoding="utf-8")
    text = task.lesson.read_text("utf-8")
    assert text.count(right) == 1
    text = text.replace(right, wrong).replace("and not self.watch:", "and False:")
    book.mine(task).write_text(text, encoding="utf-8")
    told = verdict(book, "3.3")
    assert told["status"] == "wrong"
    assert (said or "Day 1") in told.get("way", "") or said is None, told
    assert said or "Day 1" not in told.get("way", ""), told
