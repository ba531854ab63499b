"""day4-5/training.md and its record: worked numbers are computed again, claims hold in every run."""

import json
import math
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from study.book import Book

import record_training
import recording
import train_numpy
import training_tables
from attention_numpy import softmax
from backward_numpy import cross_entropy_backward
from digit_tasks import TASKS
from evaluate import overfits
from honest_data import plus_or_minus, wilson
from optim_numpy import adam, clip_factor, inverse_square_root, momentum, sgd, warmup_cosine

DAY = Path(record_training.__file__).parent
PAGE = (DAY / "training.md").read_text("utf-8")
ROWS = json.loads((DAY / "results" / "training.json").read_text("utf-8"))
RUNS = {name: row for name, row in ROWS.items() if ", seed " in name}


def test_the_five_questions_from_before_have_the_right_answers():
    before = PAGE.split("## Before")[1].split("**Predict")[0]
    answers = re.findall(r"<summary>answer</summary>(.*?)</details>", before, re.DOTALL)
    told = [" ".join(text.split()) for text in answers]
    days = re.findall(r"^\d\. (Day [123]|Gradients by hand): ", before, re.MULTILINE)
    assert (len(told), len(days)) == (5, 5)
    (moved,) = sgd(np.zeros(1), np.array([2.0]), 0.1)
    assert told[0].startswith(f"By −{-moved:.1f}:")
    logits = np.array([[2.0, 0, 1]])
    shares = ", ".join(f"{p:.3f}" for p in softmax(logits)[0])
    assert f"have the shares {shares}," in before
    slope = ", ".join(f"{d:.3f}" for d in cross_entropy_backward(logits, np.array([0]))[0])
    assert told[1].startswith(slope.replace("-", "−") + ",")
    assert told[2].startswith(f"0.5⁸ = {0.5**8:.4f}; with residuals 1.5⁸ = {1.5**8:.1f},")
    assert told[3].startswith(f"ln 16 = {math.log(16):.2f} nats.")
    record = [{"train": 1.2, "validation": 1.5}, *[{"train": 1.0, "validation": 1.6}] * 2]
    assert overfits(record) and told[4].startswith("It learns its text by heart.")


def test_every_run_of_every_task_is_recorded():
    assert set(ROWS) == set(record_training.EXPERIMENTS)
    for name, row in RUNS.items():
        recipe = name.partition(", seed")[0]
        task, *planned = record_training.RECIPES[recipe]
        assert [row["size"], row["steps"]] == planned
        hits, asked = map(sum, zip(*row["by kind"].values()))
        assert asked == row["parts"]["test"] and sum(row["parts"].values()) == len(
            list(TASKS[task].items())
        )
        assert hits > (0.97 if "one layer" in recipe else 0.99) * asked, name
        assert row["seconds"]["processor"] < 120, name


def test_minutes_add_up():
    tasks, reading, writing = Book(DAY.parent).tasks, 0, 0
    for heading in re.findall(r"^## .*\)$", PAGE, re.MULTILINE):
        own = re.search(r"exercise (4\.\d+) \(read (\d+), write (\d+)\)$", heading)
        reading += int(own[2] if own else re.search(r"\((\d+) min\)$", heading)[1])
        if own:
            assert int(own[3]) == tasks[own[1]].minutes
            writing += int(own[3])
    assert reading == tasks["4.c"].minutes
    assert writing == sum(tasks[name].minutes for name in ("4.9", "4.10", "4.11"))
    assert f"Reading takes {reading} minutes" in PAGE and f"writing {writing}," in PAGE
    topics = tomllib.loads((DAY / "topics.toml").read_text("utf-8"))["topic"]
    (own,) = (topic for topic in topics if topic["page"] == "training.md")
    assert own["minutes"] == reading + writing


def test_the_commands_of_the_page_are_the_runs_of_its_table():
    commands = re.findall(r"^python day4-5/train_numpy\.py(.*?) +#", PAGE, re.MULTILINE)
    told = [dict(re.findall(r"--(task|steps) (\S+)", command)) for command in commands[:3]]
    assert [found.get("task", "digits") for found in told] == ["digits", "reverse", "sums"]
    for found in told:
        task, size, steps = record_training.RECIPES[found.get("task", "digits")]
        assert size == train_numpy.Settings().size
        assert int(found.get("steps", train_numpy.SIZES[size].steps)) == steps, task


def test_the_share_of_all_seeds_lies_in_its_interval():
    cells = re.findall(
        r"\| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|$", training_tables.tasks(), re.MULTILINE
    )
    assert len(cells) == len(training_tables.TASKS)
    assert all(float(low) <= float(share) <= float(high) for share, low, high in cells)


def test_the_optimisers_example():
    weight = velocity = np.zeros(1)
    seen = []
    for _ in range(60):
        weight, velocity = momentum(weight, np.ones(1), velocity, 0.1, 0.9)
        seen.append((float(velocity[0]), float(weight[0])))
    assert "velocity is 1, 1.9, 2.71" in PAGE and "−0.1, −0.29, −0.561" in PAGE
    np.testing.assert_allclose(seen[:3], [(1, -0.1), (1.9, -0.29), (2.71, -0.561)])
    assert f"After 60 steps the velocity is {seen[-1][0]:.2f}" in PAGE


def test_the_adam_example():
    first, *_ = adam(np.zeros(3), np.array([0.001, -5, 1000]), np.zeros(3), np.zeros(3), 1, 0.1)
    np.testing.assert_allclose(first, [-0.1, 0.1, -0.1], atol=1e-5)
    weight = mean = square = np.zeros(1)
    steps = []
    for t, g in enumerate((2.0, 4.0, -6.0), start=1):
        moved, mean, square = adam(weight, np.array([g]), mean, square, t, 0.1)
        steps.append(float((moved - weight)[0]))
        weight = moved
    first, second, third = steps
    told = f"first step is −{-first:.1f}, the second −{-second:.3f}, the third +{third:.3f}"
    assert told in " ".join(PAGE.split())
    assert 0.1 / math.sqrt(0.001) == pytest.approx(3.2, abs=0.05)


def test_the_schedules_of_the_page():
    shares = ", ".join(f"{round(warmup_cosine(step, 10, 4, 0.2), 3):g}" for step in range(1, 11))
    assert shares in " ".join(PAGE.split())
    rates = [inverse_square_root(step, 512, 4000) for step in (1000, 4000, 16_000)]
    assert [round(rate, 5) for rate in rates] == [0.00017, 0.0007, 0.00035]
    assert clip_factor({"a": np.array([3.0]), "b": np.array([4.0])}, 1.0) == pytest.approx((0.2, 5))


def test_intervals_of_the_page():
    for right, n in ((99, 100), (20, 20)):
        low, high = wilson(right, n)
        assert f"{100 * low:.1f} % to {100 * high:.3g} %" in " ".join(PAGE.split())
    low, high = (100 * share for share in plus_or_minus(99, 100))
    assert f"says {low:.1f} % to {high:.1f} %. Wilson" in " ".join(PAGE.split())
    for right in (1990, 1996):
        low, high = wilson(right, 2000)
        assert f"{100 * low:.2f} to {100 * high:.2f}" in PAGE
        assert training_tables.interval(right, 2000) == f"{100 * low:.2f} to {100 * high:.2f}"


def test_what_the_page_says_of_gradient_flow():
    stacks, L = ROWS["flow"]["stacks"], ROWS["flow"]["layers"]
    ends = {name: found["losses"] for name, found in stacks.items()}
    assert L == 16 and ends["residual and norm"]["high"][-1] < 0.6
    shrug = math.log(2) + math.log(10) / 2
    assert f"{shrug:.2f}\nnats" in PAGE
    assert f"after 32 blocks {0.7**32:.5f} is left" in PAGE
    for name in ("residual only", "norm only", "neither"):
        assert abs(ends[name]["median"][-1] - shrug) < 0.06
    alarms = {name: found["alarms"][-1] for name, found in stacks.items()}
    assert alarms == {"residual and norm": 0, "residual only": 0, "norm only": 0, "neither": 3}


def test_what_the_page_says_of_optimisers():
    ends = {name: found["median"][-1] for name, found in ROWS["optimisers"]["losses"].items()}
    best = {kind: min(v for n, v in ends.items() if n.startswith(kind)) for kind in ("mom", "adam")}
    assert abs(best["mom"] - best["adam"]) < 0.05
    for kind in record_training.RATES:  # the best rate lies between others that were tried
        own = [v for n, v in ends.items() if n.startswith(kind)]
        assert 0 < int(np.argmin(own)) < len(own) - 1, kind


def test_what_the_page_says_of_the_twin_and_of_leaks():
    assert max(ROWS["twin"]["apart"].values()) < 1e-6
    leaks = ROWS["honest"]["leaks"]
    assert leaks["ours"]["look-up"][0] == 0
    assert leaks["dealt out at random"]["share"] == pytest.approx(0.79, abs=0.01)


def test_the_confusion_is_near_its_diagonal():
    counts = np.array(ROWS["honest"]["confusion"]["counts"])
    rows, columns = np.indices(counts.shape)
    wrong = counts * (rows != columns)
    assert counts.sum() == 380 and 0 < wrong.sum() < counts.trace()
    assert wrong[abs(rows - columns) <= 2].sum() > 0.6 * wrong.sum()


def test_figures_are_drawn_from_the_record(tmp_path, monkeypatch):
    monkeypatch.setattr(record_training, "FIGURES", tmp_path)
    record_training.draw(recording.read(record_training.RECORD))
    drawn = {path.stem for path in tmp_path.glob("*.png")}
    assert drawn == set(re.findall(r"figures/(\w+)\.png", PAGE))
    assert all((DAY / "figures" / f"{name}.png").exists() for name in drawn)


def test_the_program_refuses_a_wrong_call(capsys):
    assert record_training.main(["dance"]) == 2
    assert "results/training.json" in capsys.readouterr().err
