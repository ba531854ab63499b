"""`study` as a learner meets it: judged, ticked, hinted at, and never surprised."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
from study import boxes, doctor
from study.asking import FORKS
from study.standing import all_ticked

from learner import LESSON, RIGHT, ROOT, study, ticks, write


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
    told = study(book, "check", "1.a", "--json")
    assert json.loads(told.stdout) == [{"exercise": "1.a", "status": "right"}]
    assert "day 1" in ticks(book)
    boxes.tick(book, undone=["1.3"])
    assert ticks(book) == core - {"1.3"}
    further = {task.id for task in book.tasks.values() if task.day == "1" and task.further}
    assert further
    assert not further & core


def test_a_day_is_judged_in_one_go_and_as_json(book):
    shutil.copy(book.root / LESSON, book.root / "my" / LESSON)
    told = study(book, "check", "day1", "--json")
    verdicts = {v["exercise"]: v["status"] for v in json.loads(told.stdout)}
    assert verdicts["1.1"] == verdicts["1.2"] == verdicts["1.5"] == "right"
    assert verdicts["1.6"] == "blank"
    assert told.returncode == 1
    shown = study(book, "check", "day1").stdout.splitlines()
    assert len(shown) == len(verdicts)


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
    boxes.tick(book, done=[task.id for task in book.core("1") if task.lesson])
    assert "Left on it: 1.a read" in all_ticked(book)
    boxes.tick(book, done=[task.id for task in book.core("1")])
    assert "Beyond it: 1.7 padding mask" in all_ticked(book)
    boxes.tick(book, undone=book.tasks)
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
    assert "Do you mean study check 1.2?" in study(book, "1.2").stderr


def test_output_is_plain_when_piped(book):
    write(book, RIGHT.replace("** 0.5", ""))
    told = study(book, "check", "1.2")
    assert "\033" not in told.stdout + told.stderr
    assert len(told.stdout.splitlines()) <= 12
    assert max(map(len, told.stdout.splitlines())) <= 80


@pytest.mark.skipif(not FORKS, reason="a watch is interrupted by a signal here")
@pytest.mark.usefixtures("ctrl_c")
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
        assert process.wait(60) == 130


def test_the_parent_imports_neither_numpy_nor_torch():
    code = (
        "import sys, study.command, study.commands; "
        "print([m for m in ('numpy', 'torch', 'rich') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_doctor_finds_what_is_wrong(book):
    told = study(book, "doctor", TINY_SHAKESPEARE="/nowhere/text")
    assert told.returncode == 1
    assert "unset it" in told.stdout
    shutil.copytree(ROOT / "day3", book.root / "day3", ignore=shutil.ignore_patterns("out", "data"))
    environment = {"TINY_SHAKESPEARE": str(book.root / "README.md")}
    well = study(book, "doctor", **environment)
    assert well.returncode == 0, well.stdout
    assert "after one step" in well.stdout and "a PNG of " in well.stdout


def test_doctor_is_not_deceived(book, monkeypatch):
    """An empty folder holds no text, and what never answers is told in a row."""
    monkeypatch.delenv("TINY_SHAKESPEARE", raising=False)
    data = book.root / "day3" / "data"
    data.mkdir(parents=True)
    assert doctor.text(book)[2].startswith("not here yet")
    (data / "tinyshakespeare.txt").touch()
    assert doctor.text(book)[2] == "in day3/data/"

    def never(*words, **settings):
        raise subprocess.TimeoutExpired("python", 120)

    monkeypatch.setattr(subprocess, "run", never)
    assert doctor.run(book, "figures", "")[:3] == (False, "figures", "no answer within 120 s")
