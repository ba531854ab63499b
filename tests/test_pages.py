"""What the pages say holds: numbers from records, links that lead somewhere, commands that parse."""

import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tyro
from study import pages

import bench
import day3_tables
import inside
import sample
import settings
import share

ROOT = Path(__file__).parent.parent
PAGES = pages.PAGES
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_numbers_are_those_of_the_records(page):
    text = page.read_text("utf-8")
    assert pages.rendered(text, page.parent) == text, "run: python -m study.pages"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_within_the_book_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_every_file_of_day_3_stands_in_the_table():
    table = (ROOT / "day3" / "README.md").read_text("utf-8").split("## The files")[1]
    for path in (ROOT / "day3").glob("*.py"):
        assert f"({path.name})" in table, path.name


def test_the_steps_of_more_minutes_are_those_of_the_record():
    rows = day3_tables.record()
    ten, thirty = (
        [int(re.search(r"--steps (\d+)", run["repeat"])[1]) for run in rows[f"minutes {m}"]["runs"]]
        for m in (10, 30)
    )
    told = f"{min(thirty):,} to {max(thirty):,} steps, against {ten[0]:,} in the 10"
    assert told in " ".join(README.split())


def test_commands_of_the_readme_are_accepted():
    programs = {"train.py": settings.Settings, "sample.py": sample.Settings}
    programs |= {"share.py": share.Settings, "inside.py": inside.Settings}
    commands = re.findall(r"python (?:-m \S+ )?day3/(\w+\.py)([^`\n#&]*)", README)
    commands += re.findall(r"torchrun \S+ \d+ day3/(train\.py)([^`\n#]*)", README)
    assert len(commands) > 10
    for program, words in commands:
        if "--help" not in words:
            tyro.cli(programs[program], args=shlex.split(words.strip(" *")))


def test_the_answers_before_day_1_are_right():
    a, b = np.zeros((5, 3)), np.zeros((3, 7))
    answers = [
        [2 * x for x in range(3)],
        (a @ b).shape,
        a.T.shape,
        np.dot([1, 2, 3], [4, 5, 6]),
        (np.zeros((4, 1)) + np.zeros(5)).shape,
        f"ln 65 = {math.log(65):.2f}",
        f"{((3 + 1e-6) ** 2 - (3 - 1e-6) ** 2) / 2e-6:.0f}",
    ]
    section = README.split("## Before Day 1")[1].split("## The plan")[0]
    folded = re.findall(r"</summary>(.*?)</details>", section, re.DOTALL)
    assert len(folded) == 6
    for answer in answers:
        assert any(str(answer) in text for text in folded), answer


def test_the_record_has_what_the_front_page_needs():
    rows = day3_tables.record()
    assert bench.RECORD == ROOT / "day3" / "results" / "bench.json"
    assert rows["baselines"]["losses"]["uniform guess"] == pytest.approx(math.log(65), abs=1e-4)
    for name, row in rows.items():
        assert {"command", "date", "machine", "versions"} <= row.keys(), name
        if name.startswith("minutes"):
            assert len(row["runs"]) == len(row["seeds"])
            assert row["loss"]["low"] <= row["loss"]["median"] <= row["loss"]["high"]
