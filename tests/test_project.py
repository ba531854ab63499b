"""The project's scorer: its statistics are right, and a score cannot be had without a measurement."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest

import checkpoint
import grammar
import project
from preflight import preflight
from settings import Settings, with_size

SOURCE = project.BOOKS.read_text("utf-8")
CAUSAL = "torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)"


@pytest.fixture(scope="module")
def text():
    return grammar.plays(20_000, seed=3)


@pytest.mark.parametrize("freedom", project.STUDENT)
def test_the_points_of_students_distribution_leave_a_twentieth(freedom):
    """By its density, integrated."""
    constant = math.gamma((freedom + 1) / 2) / math.gamma(freedom / 2)
    constant /= math.sqrt(freedom * math.pi)
    t = np.linspace(0, project.STUDENT[freedom], 200_001)
    density = constant * (1 + t * t / freedom) ** (-(freedom + 1) / 2)
    inside = 2 * np.trapezoid(density, t)
    assert inside == pytest.approx(0.95, abs=1e-4)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for sample in rng.normal(0.3, 2, size=(4000, 3)).tolist():
        mean, half = project.interval(sample)
        held += abs(mean - 0.3) <= half
    assert 0.94 < held / 4000 < 0.96


def measured(source, folder, text, seeds=(1, 2)):
    path = folder / "model.py"
    path.write_text(source, encoding="utf-8")
    module = checkpoint.load_module(path)
    settings = with_size(Settings(steps=8, precision="float32"), "tiny")
    mine, books = project.compare(module, text, settings, seeds)
    return [a[0] - b[0] for a, b in zip(mine, books, strict=True)], mine[0][2] / books[0][2]


def test_the_books_own_model_is_the_same_and_gets_ten_where_that_was_expected(tmp_path, text):
    differences, size = measured(SOURCE, tmp_path, text)
    assert differences == [0, 0] and size == 1
    rubric = project.points([], "same", differences, size, 1.0)
    assert sum(got for got, _ in rubric.values()) == sum(most for _, most in rubric.values()) == 10
    assert sum(got for got, _ in project.points([], "better", differences, 1, 1).values()) == 8


def test_a_worse_model_is_found_worse(tmp_path, text):
    frozen = SOURCE.replace("x = self.embedding(ids)", "x = 0 * self.embedding(ids) + 1")
    assert frozen != SOURCE
    differences, _ = measured(frozen, tmp_path, text)
    assert min(differences) > 0
    assert project.found([0.2, 0.21, 0.19]) == "worse"
    assert project.found([-0.2, -0.21, -0.19]) == "better"
    assert project.found([-0.2, 0.21, 0.19]) == "same"


def test_an_interval_that_reaches_beyond_the_small_shows_nothing():
    """Both are the same, give or take 0.0095: 0 shows it, 0.009 reaches 0.0185."""
    for mean, score in ((0.0, 10), (0.009, 7)):
        rubric = project.points([], "same", [mean - 0.00382, mean, mean + 0.00382], 1, 1)
        assert sum(got for got, _ in rubric.values()) == score


def test_a_model_that_reads_the_answer_loses_the_points_for_being_sound(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(SOURCE.replace(CAUSAL, CAUSAL.replace("S - T", "S - T + 1")), encoding="utf-8")
    module = checkpoint.load_module(path)
    model = module.GPT(module.Config(**dataclasses.asdict(module.Config(7, context=16))))
    findings = preflight(model, 7, 16)
    assert findings
    rubric = project.points(findings, "better", [-1.0, -1.01], 1, 1)
    assert sum(got for got, _ in rubric.values()) == 7
    wide_and_slow = project.points([], "better", [-1.0, -1.01], 1.2, 1.2)
    assert sum(got for got, _ in wide_and_slow.values()) == 8


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["no.py", "--expect", "better"], "there is no model file no.py"),
        (["model.py", "--expect", "same", "--seeds", "1"], "two to nine different --seeds"),
        (["model.py", "--expect", "same", "--seeds", "1", "1"], "two to nine different --seeds"),
        (["model.py", "--expect", "same", "--steps", "1"], "at least 2 --steps"),
        (["blank.py", "--expect", "same"], "exercise 3.5 is still blank"),
        (["wild.py", "--expect", "same", "--size", "tiny"], "wild.py diverged"),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_sentence(words, said, tmp_path, small_text):
    from study.exercises import blank

    (tmp_path / "model.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "blank.py").write_text(blank(SOURCE), encoding="utf-8")
    wild = SOURCE.replace("self.config", "self.kept").replace(
        "(self.norm(x))", "(self.norm(x) / 0)"
    )
    (tmp_path / "wild.py").write_text(wild, encoding="utf-8")
    program = project.BOOKS.with_name("project.py")
    done = subprocess.run(
        [sys.executable, program, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"TINY_SHAKESPEARE": str(small_text)},
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr
