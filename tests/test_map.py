"""The map of Days 4-5: its minutes are those of the pages, its next steps can be begun and missed."""

import re
import tomllib

import pytest
from study.book import Book

import limits_tables
import settings
from learner import ROOT

DAY = ROOT / "day4-5"
MAP = tomllib.loads((DAY / "topics.toml").read_text("utf-8"))
PAGE = (DAY / "advanced_topics.md").read_text("utf-8")
WRITTEN = [topic for topic in MAP["topic"] if (DAY / topic["page"]).exists()]
TASKS = Book(ROOT).tasks


@pytest.mark.parametrize("topic", WRITTEN, ids=lambda topic: topic["page"])
def test_the_minutes_of_a_topic_are_to_read_its_page_and_to_write_all_its_exercises(topic):
    text = (DAY / topic["page"]).read_text("utf-8")
    heads = re.findall(r"^## .*\((?:read )?(\d+)(?: min|, write \d+)\)$", text, re.MULTILINE)
    exercises = re.findall(r"^> \*\*Exercise (\d\.\d+)", text, re.MULTILINE)
    assert len(exercises) >= 3 and len(set(exercises)) == len(exercises)
    writing = sum(TASKS[name].minutes for name in exercises)
    assert topic["minutes"] == sum(map(int, heads)) + writing


def test_the_map_says_what_its_minutes_mean():
    assert len(WRITTEN) == 3
    text = " ".join(PAGE.split())
    assert "The time is for reading a page and writing all its exercises, core and further" in text


COMMANDS = ("python ", "torchrun ", "git ", "study ")
COMPARED = r"below|above|within|at least|at most|less than|largest|smaller|equals|more|symbol by"


@pytest.mark.parametrize("step", MAP["step"], ids=lambda step: step["task"][:24])
def test_a_step_starts_from_something_and_can_be_missed(step):
    pieces = re.findall(r"`([^`]+)`", step["task"])
    signatures = [piece for piece in pieces if re.fullmatch(r"(class )?\w+(\(.+\))?|\w+", piece)]
    commands = [piece for piece in pieces if piece.startswith(COMMANDS)]
    assert signatures or commands, step["task"]
    of_train = (ROOT / "day3" / "settings.py").read_text("utf-8")
    for command in commands:
        for path in re.findall(r" (day\S+\.py)", command):
            source = (ROOT / path).read_text("utf-8") + of_train * ("train.py" in path)
            flags = re.findall(r" --([a-z-]+)", command.split(path)[1])
            assert all(f"    {flag.replace('-', '_')}: " in source for flag in flags), command
    assert re.search(COMPARED, step["done"]), step["done"]


def test_the_bytes_of_a_billion_are_bounded_by_what_was_measured():
    (step,) = [step for step in MAP["step"] if "billion" in step["task"]]
    row = next(line for line in limits_tables.four_sizes().splitlines() if "large" in line)
    _, _, parameters, _, _, measured, *_ = (cell.strip() for cell in row.split("|"))
    printed = settings.bytes_to_train(int(parameters.replace(",", ""))) / 2**20
    assert f"above the {printed:.0f} MiB that `train.py` prints for large" in step["done"]
    assert f"below the {measured} that" in step["done"]


def test_the_next_steps_have_what_is_asked_of_every_level():
    asked = {
        "beginner": ["reverse a string", "gpt.html"],
        "intermediate": ["Beam search", "real set", "Fine-tune", "what a layer knows"],
        "advanced": ["Reinforcement", "billion", "Distributed", "Experts"],
        "research": ["Reproduce"],
    }
    for level, words in asked.items():
        tasks = " ".join(step["task"] for step in MAP["step"] if step["level"] == level)
        assert all(word in tasks for word in words), level
