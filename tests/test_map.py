"""The map of Days 4-5: its minutes are those of the pages, its next steps can be begun and missed."""

import re
import tomllib

import pytest
from study.book import Book

import extras
from learner import ROOT
from settings import SIZES

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
COMPARED = (
    r"below|above|within|at least|at most|less than|largest|smaller|equals|more .* than|symbol by"
)


def started(task):
    """The signatures and the commands that a task starts from."""
    pieces = re.findall(r"`([^`]+)`", task)
    signatures = [piece for piece in pieces if re.fullmatch(r"\w+\(.+\)|class \w+", piece)]
    return signatures, [piece for piece in pieces if piece.startswith(COMMANDS)]


@pytest.mark.parametrize("step", MAP["step"], ids=lambda step: step["task"][:24])
def test_a_step_starts_from_something_and_can_be_missed(step):
    signatures, commands = started(step["task"])
    assert signatures or commands, step["task"]
    of_train = (ROOT / "day3" / "settings.py").read_text("utf-8")
    for command in commands:
        for path in re.findall(r" (day\S+\.py)", command):
            source = (ROOT / path).read_text("utf-8") + of_train * ("train.py" in path)
            flags = re.findall(r" --([a-z-]+)", command.split(path)[1])
            assert all(f"    {flag.replace('-', '_')}: " in source for flag in flags), command
    assert re.search(COMPARED, step["done"]), step["done"]


def test_a_step_without_a_start_or_a_measure_is_noticed():
    assert started("Think about `attention`") == ([], [])
    assert not re.search(COMPARED, "you know more")


def step_of(words):
    (step,) = [step for step in MAP["step"] if words in step["task"]]
    return step["task"]


def test_the_runs_of_a_law_read_as_many_characters_a_step():
    task = step_of("Foretell a loss")
    batches = {name: size.batch for name, size in SIZES.items()}
    batches["large"] = int(re.search(r"large, which gets `--batch (\d+)`", task)[1])
    told = int(re.search(r"([\d,]+) characters a step", task)[1].replace(",", ""))
    assert {size.context * batches[name] for name, size in SIZES.items()} == {told}


def test_the_runs_of_one_variant_more_are_counted():
    runs = (len(extras.VARIANTS) + 1) * len(extras.SEEDS)
    assert f"({runs} runs, " in step_of("Beat the book's recipe")


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
