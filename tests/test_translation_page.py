"""What translation.md says holds: its worked numbers, its answers, its record."""

import functools
import json
import math
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import torch
from study import work
from study.asking import Judge
from study.book import Book

from beam import length_penalty
from encoder_decoder import Attention, Config, EncoderDecoder
from paper_sizes import TABLE_3, parameters
from sequences import decoder_mask

DAY = Path(__file__).parent.parent / "day4-5"
PAGE = (DAY / "translation.md").read_text("utf-8")
RECORD = json.loads((DAY / "results" / "translation.json").read_text("utf-8"))
PROGRAMS = ("number_words", "sequences", "encoder_decoder", "beam", "bleu", "word_by_word")


@functools.cache
def printed():
    return "\n".join(
        subprocess.run(
            [sys.executable, DAY / f"{name}.py"], capture_output=True, text=True, check=True
        ).stdout
        for name in PROGRAMS
    )


def test_worked_numbers_are_printed_by_a_program():
    blocks = re.findall(r"```text\n(.*?)\n```", PAGE, re.DOTALL)
    assert len(blocks) > 8
    for text in blocks:
        assert text in printed(), text


def test_the_page_shows_every_figure_and_every_exercise():
    figures = set(re.findall(r"\]\(figures/(\w+\.png)\)", PAGE))
    assert figures <= {path.name for path in (DAY / "figures").iterdir()}
    assert len(figures) == 4
    for n in range(1, 7):
        assert f"**Exercise 5.{n}**" in PAGE
        assert f"`study check 5.{n}`" in PAGE
        assert any(f"# exercise 5.{n}\n" in path.read_text("utf-8") for path in DAY.glob("*.py"))
    for part in ("## Before", "## Summary", "## Ask yourself", "## Pitfalls", "## Reading"):
        assert part in PAGE


def answers(heading):
    section = PAGE.split(heading)[1].split("\n## ")[0]
    found = re.findall(r"<summary>answer</summary>(.*?)</details>", section, re.DOTALL)
    return [" ".join(text.split()) for text in found]


def test_the_answers_are_right():
    before = answers("## Before")
    assert len(before) == 5
    assert before[2].startswith(f"{-math.log(0.5):.3f}")
    assert before[4] == f"{64 * 64 + 64} = 64 · 64 + 64."
    asked = answers("## Ask yourself")
    cross = Attention(4, 1)
    cross.watch = True
    cross(torch.randn(1, 5, 4), torch.randn(1, 7, 4), decoder_mask(torch.tensor([7]), 7)[:, :, -1:])
    assert str(tuple(cross.weights[0, 0].shape)) in asked[0]
    for ln_p, T in ((-1.2, 2), (-1.5, 8)):
        value = f"{ln_p / length_penalty(T, 1):.3f}".replace("-", "−")
        assert f"{ln_p} / {length_penalty(T, 1):.3f}".replace("-", "−") in asked[4]
        assert (
            f"= {value}" in asked[4].replace("against", "=").replace("  ", " ") or value in asked[4]
        )


# a row of the table: the exercise, and what to write into a right answer to see it
PITFALLS = {
    "reads = target": ("5.2", "return torch.cat((start, target[:, :-1]), dim=1)", "return target"),
    "target[:, 1:]": ("5.2", "(start, target[:, :-1])", "(target[:, 1:], start)"),
    "ignore_index": ("5.2", ", ignore_index=PAD", ""),
    "~mask": ("5.3", "masked_fill(~mask", "masked_fill(mask"),
    "self.value(x)": ("5.3", "self.value(memory)", "self.value(x)"),
}


def test_the_pitfalls_are_named_by_the_checks(book):
    section = PAGE.split("## Pitfalls")[1].split("## Reading")[0]
    shutil.copytree(DAY, book.root / DAY.name, dirs_exist_ok=True)
    book = Book(book.root)
    work.make(book, "4-5")
    with closing(Judge(book)) as judge:
        for code, (exercise, right, wrong) in PITFALLS.items():
            assert f"`{code}" in section, code
            task = book.tasks[exercise]
            text = task.lesson.read_text("utf-8")
            assert text.count(right) == 1, right
            book.mine(task).write_text(text.replace(right, wrong), encoding="utf-8")
            told = judge.verdict(task)
            assert told["kind"] == "slip", told
            assert len(told["slips"]) == 1


def test_the_main_row_is_what_was_promised():
    row = RECORD["translation"]
    assert len(row["seeds"]) == 3
    assert row["unseen sentences"] == 2000
    assert row["exact"]["low"] > 0.97
    assert row["seconds of training"]["high"] < 240
    assert RECORD["back"]["exact"]["low"] > 0.97
    assert row["baselines"]["copy"]["exact"] == 0
    assert row["ablations"]["nothing"]["exact"]["low"] > 0.97
    for name, found in row["ablations"].items():
        if name != "nothing":
            assert found["exact"]["high"] < row["ablations"]["nothing"]["exact"]["low"], name
    assert row["padding"]["by length"] < row["padding"]["at random"] / 3


def test_the_reverse_row_is_what_was_promised():
    row = RECORD["reverse"]
    assert len(row["seeds"]) == 3
    for name in ("sinusoidal, 1500 steps", "relative, 3000 steps"):
        found = row["kinds"][name]
        assert found["exact"]["median"] > 0.99, name
        assert found["seconds of training"]["low"] < 120  # other programs ran beside
        assert found["on the anti-diagonal"]["low"] > 0.8
    weights = torch.tensor(row["item"]["weights"])
    assert (weights[:-1].argmax(dim=-1) == torch.arange(8).flip(0)).double().mean() > 0.8


def test_the_designs_are_equal_in_size_and_measured_with_three_seeds():
    row = RECORD["designs"]
    counts = [found["parameters"] for found in row["designs"].values()]
    assert len(counts) == 3
    assert max(counts) / min(counts) < 1.01
    assert len(row["seeds"]) == 3


def test_the_recorded_counts_are_those_of_the_models():
    for name, *_, tied, paper, _ in RECORD["sizes"]["models"]:
        assert (parameters(TABLE_3[name][0]), TABLE_3[name][1]) == (tied, paper)
    row = RECORD["translation"]
    model = EncoderDecoder(Config(*row["symbols"], context=32))
    assert sum(p.numel() for p in model.parameters()) == row["parameters"]


@pytest.mark.parametrize("name", ["translation", "back", "reverse", "designs", "sizes"])
def test_a_row_says_how_it_was_made(name):
    row = RECORD[name]
    assert {"command", "date", "machine", "versions", "torch", "seconds"} <= row.keys()
    if name == "translation":
        weights = torch.tensor(row["item"]["weights"])
        torch.testing.assert_close(
            weights.sum(dim=-1), torch.ones(weights.shape[:-1]), atol=2e-3, rtol=0
        )
