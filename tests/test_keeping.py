"""What a learner has is kept: every version, every byte, every box, by one `study` or by many."""

import random
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
from study import boxes, work
from study.book import Book
from study.exercises import blank

from learner import BLANK, LESSON, RIGHT, study, ticks, write


def test_every_version_that_was_judged_is_kept_once(book):
    for body in (RIGHT, BLANK, RIGHT):
        write(book, body)
        study(book, "check", "1.2")
    kept = list((book.root / ".study" / "history" / "day1").iterdir())
    assert len(kept) == 2
    assert (book.root / "my" / LESSON).read_bytes() in [path.read_bytes() for path in kept]


@pytest.mark.slow
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
    assert all(re.search(r"\.\d{4}-\d\d-\d\d-\d{6}-\d{6}\.py$", copy.name) for copy in copies)
    assert [copy.read_bytes() for copy in copies] == [before]
    after = mine.read_text("utf-8")
    assert BLANK in after
    assert "def helper" in after
    assert ticks(book) == {"1.3"}
    before = mine.read_bytes()
    assert "study reset all" in study(book, "reset").stderr
    assert mine.read_bytes() == before
    assert study(book, "reset", "all").returncode == 0
    assert mine.read_text("utf-8") == blank((book.root / LESSON).read_text("utf-8"))
    assert ticks(book) == set()
    mine.write_text("def (", "utf-8")
    told = study(book, "reset", "1.2")
    assert told.returncode == 2
    assert "line 1 is not Python" in told.stderr
    assert mine.read_text("utf-8") == "def ("


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


def test_boxes_ticked_by_many_at_once_are_all_ticked(book):
    ids = [task.id for task in book.tasks.values() if task.day == "1"]
    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(lambda id: boxes.tick(book, done=[id]), ids))
    assert ticks(book) >= set(ids)


def test_broken_files_of_the_machinery_are_made_anew(book):
    folder = book.root / ".study"
    folder.mkdir(exist_ok=True)
    (folder / "hints").mkdir()
    (folder / "hints" / "1.2").write_bytes(b"\xff")
    (folder / "way").write_bytes(b"\xff")
    assert "2 more" in study(book, "hint", "1.2").stdout
    assert study(book).returncode == 0
    (book.root / "README.md").unlink()
    write(book, RIGHT)
    told = study(book, "check", "1.2")
    assert "1.2 attention: right" in told.stdout
    assert "git restore README.md" in told.stdout
