"""The lesson on gradients says what is true: worked numbers, answers, pitfalls, figures, minutes."""

import functools
import math
import re
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from study import work
from study.asking import Judge
from study.book import Book

import by_hand
from attention_numpy import softmax
from backward_numpy import cross_entropy_backward, layer_norm_backward, softmax_backward
from learner import assert_one_slip

ROOT = Path(__file__).parent.parent
DAY = ROOT / "day4-5"
TEXT = (DAY / "gradients.md").read_text("utf-8")
CORE = [f"4.{n}" for n in range(1, 7)]


@functools.cache
def printed(program):
    return subprocess.run(
        [sys.executable, DAY / f"{program}.py"], capture_output=True, text=True, check=True
    ).stdout


def test_worked_numbers_are_printed_by_a_program():
    blocks = re.findall(r"```text\n(.*?)\n```", TEXT, re.DOTALL)
    assert len(blocks) > 12
    shown = printed("by_hand") + printed("autograd")
    for text in blocks:
        assert text in shown, text


def test_the_pen_and_paper_example_is_torchs():
    """Every number of it, from autograd."""
    forward, backward = by_hand.pen_and_paper()
    given = {"q": [[1]], "k": [[0], [math.log(3)]], "v": [[-2], [2]], "w": [[math.log(3), 0]]}
    leaves = {
        name: torch.tensor(values, dtype=torch.float64, requires_grad=True)
        for name, values in given.items()
    }
    made = {"scores": leaves["q"] @ leaves["k"].T}
    made["weights"] = made["scores"].softmax(-1)
    made["out"] = made["weights"] @ leaves["v"]
    made["logits"] = made["out"] @ leaves["w"]
    for tensor in made.values():
        tensor.retain_grad()
    loss = F.cross_entropy(made["logits"], torch.tensor([0]))
    loss.backward()
    made |= {"shares": made["logits"].softmax(-1), "loss": loss}
    for name, value in forward.items():
        np.testing.assert_allclose(value, made[name].detach(), atol=1e-12, err_msg=name)
    for name, value in backward.items():
        theirs = (leaves | made)[name.removeprefix("d_")].grad
        np.testing.assert_allclose(value, theirs, atol=1e-12, err_msg=name)
    assert forward["weights"][0] == pytest.approx([0.25, 0.75])
    assert forward["loss"] == pytest.approx(-math.log(0.75))
    assert backward["d_out"][0, 0] == pytest.approx(-math.log(3) / 4)
    assert backward["d_q"][0, 0] == pytest.approx(backward["d_scores"][0, 1] * math.log(3))


def test_the_attention_example_is_torchs():
    q, k, v = (torch.tensor(a, requires_grad=True) for a in by_hand.sentence())
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    out[:, 0].sum().backward()
    for name, tensor in (("d_q", q), ("d_k", k), ("d_v", v)):
        shown = str(np.round(tensor.grad.numpy(), 3) + 0.0)
        numbers = printed("by_hand").split("8. attention")[1].split(f"\n{name}\n")[1]
        assert re.findall(r"-?\d\.\d+", numbers)[: tensor.numel()] == [
            f"{float(n):.3f}" for n in re.findall(r"-?\d\.\d*", shown)
        ]


def folded(heading):
    section = TEXT.split(heading)[1].split("\n## ")[0]
    found = re.findall(r"<summary>answer</summary>(.*?)</details>", section, re.DOTALL)
    return [" ".join(text.split()) for text in found]


def test_the_questions_have_the_right_answers():
    before, after = folded("## Before"), folded("## Ask yourself")
    assert (len(before), len(after)) == (5, 8)
    asked = TEXT.split("## Before")[1].split("\n## ")[0]
    assert len(re.findall(r"^\d\. Day [123]: ", asked, re.MULTILINE)) >= 2
    p = torch.tensor(0.25, requires_grad=True)
    (-p.log()).backward()
    assert before[0].startswith(f"{p.grad:.0f},".replace("-", "−"))
    assert before[1].startswith(f"{3 * 4}:")
    x = torch.tensor(2.0, requires_grad=True)
    (x + 3 * x).backward()
    assert before[2].startswith(f"{x.grad:.0f} times as fast: 1 straight, 3 through f")
    assert ", ".join(f"{p:.3f}" for p in softmax(np.array([0.0, 2, 0]))) in before[3]
    assert before[4].startswith("(5, 7), (5, 3), (3, 7)")
    assert not softmax_backward(np.ones(4), np.full(4, 0.25)).any()
    assert not softmax_backward(np.array([3.0, 1, 2]), np.array([0.0, 1, 0])).any()
    logits, targets = np.random.default_rng(0).normal(size=(3, 4)), np.array([0, 3, 1])
    once = cross_entropy_backward(logits, targets)
    twice = cross_entropy_backward(np.tile(logits, (2, 1)), np.tile(targets, 2))
    np.testing.assert_allclose(twice[:3] + twice[3:], once)
    assert f"√D = {math.sqrt(4):.0f}" in after[5]
    d_x, _, _ = layer_norm_backward(np.full(4, 3.0), np.array([1.0, 2, 5, 3]), np.ones(4))
    np.testing.assert_allclose(d_x, 0, atol=1e-12)
    assert np.finfo(np.float32).eps == pytest.approx(1e-7, rel=0.5)


def rows(text):
    """1 0 / 0 1 -> an array."""
    return np.array([[float(n) for n in row.split()] for row in text.split("/")])


def test_the_attention_example_can_be_done_on_paper():
    """The values and scores that the page gives are those of the program: w and d_s follow."""
    text = " ".join(TEXT.split())
    v = rows(re.search(r"The values are ([\d /]+),", text)[1])
    scores = rows(re.search(r"queries and keys is ([\d /]+)\.", text)[1])
    q, k, theirs = by_hand.sentence()
    np.testing.assert_array_equal(v, theirs)
    np.testing.assert_array_equal(scores, q @ k.T / 2)
    weights, d_weights, _, _ = by_hand.three_words()
    assert f"average is {weights[2, 0]:.3f} + {weights[2, 2]:.3f}" in text
    assert weights[2] @ d_weights[2] == weights[2, 0] + weights[2, 2]


def test_the_learners_own_function_is_checked_by_differences(book):
    """The program of the page, as it stands there: it asks my/, says right, and finds a fault."""
    shutil.copytree(DAY, book.root / DAY.name, dirs_exist_ok=True)
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (book.root / "my" / "look.py").write_text(program, "utf-8")
    mine = book.root / "my" / DAY.name / "backward_numpy.py"
    mine.parent.mkdir(parents=True, exist_ok=True)
    text, right = (DAY / mine.name).read_text("utf-8"), "return weights * (d_weights - average)"
    for body, error in ((right, ""), ("return weights * d_weights", "the gradient says")):
        mine.write_text(text.replace(right, body), "utf-8")
        call = [sys.executable, "my/look.py"]
        run = subprocess.run(call, cwd=book.root, capture_output=True, text=True, check=False)
        assert (float(run.stdout) < 1e-8) if not error else error in run.stderr, run.stderr


def test_the_sums_in_the_text_are_right():
    shares = softmax(np.array([0.0, 2, 0]))
    by_itself = shares * [1, 0, 0]
    assert f"w · d_w alone adds up to {by_itself.sum():.3f}" in TEXT
    slope = cross_entropy_backward(np.array([[2.0, 0, 1]]), np.array([0]))[0]
    assert f"pushes the right score up by {-slope[0]:.3f}" in TEXT
    assert np.abs(slope).max() < 1
    _, backward = by_hand.pen_and_paper()
    weighted = backward["d_weights"][0] @ [0.25, 0.75]
    assert f"average −{-weighted:.3f}" in TEXT
    assert f"({backward['d_weights'][0, 0]:.3f} > 0)" in TEXT


def test_a_step_down_does_what_the_page_says():
    """d_scores is the slope of the loss: a step against it lowers the score that brings more loss."""
    scores, d_weights = np.array([0.0, 2, 0]), np.array([1.0, 0, 0])
    d_scores = softmax_backward(d_weights, softmax(scores))
    stepped = scores - 0.1 * d_scores
    assert softmax(stepped) @ d_weights < softmax(scores) @ d_weights
    assert list(stepped > scores) == [False, True, True]
    assert "lowers the first score and raises the two others" in TEXT
    weights, _, d_scores, _ = by_hand.three_words()
    assert (
        f"loss would grow ({d_scores[1, 0]:.3f}): a step down makes it look more at itself" in TEXT
    )
    stepped = softmax(np.log(weights[1, :2]) - 0.1 * d_scores[1, :2])
    assert stepped[1] > weights[1, 1]


def test_the_page_has_every_part():
    for mark in (
        "## Before",
        "## Summary",
        "## Ask yourself",
        "## Pitfalls",
        "## Reading",
        "**Derived",
    ):
        assert mark in TEXT, mark
    assert "[training by hand](training.md)" in TEXT and "study check bug5" in TEXT
    figures = set(re.findall(r"\]\(figures/(\w+\.png)\)", TEXT))
    assert len(figures) == 4
    assert all((DAY / "figures" / name).exists() for name in figures)
    tasks = Book(ROOT).tasks
    for name in (*CORE, "4.7", "4.8"):
        assert f"**Exercise {name}" in TEXT
        assert f"`study check {name}`" in TEXT
        assert tasks[name].further == (name not in CORE)


def test_minutes_add_up():
    tasks, sections = Book(ROOT).tasks, []
    for heading in re.findall(r"^## .*\)$", TEXT, re.MULTILINE):
        own = re.search(r"[Ee]xercise (4\.\d) \(read (\d+), write (\d+)\)$", heading)
        sections.append(int(own[2] if own else re.search(r"\((\d+) min\)$", heading)[1]))
        assert own is None or int(own[3]) == tasks[own[1]].minutes
    assert len(re.findall(r", write \d+\)$", TEXT, re.MULTILINE)) == len(CORE)
    assert sum(sections) == tasks["4.b"].minutes
    rows = re.findall(r"^\| (\d+) \| \[", TEXT, re.MULTILINE)
    assert sum(map(int, rows)) == sections[-1]
    everything = sum(sections) + sum(tasks[name].minutes for name in CORE)
    further = sum(tasks[name].minutes for name in ("4.7", "4.8"))
    assert (everything, further) == (7 * 60, 75)
    told = (
        "with the reading seven hours, so a day of its own, or two half ones; two are further, an"
    )
    assert f"{told} hour and a quarter more." in " ".join(TEXT.split())


# a row of the table: the exercise, and what to write into a right answer to see it
PITFALLS = {
    "the division": ("4.1", "return d_logits / counts.sum()", "return d_logits"),
    "d_table[ids] = d_x": ("4.2", "np.add.at(d_table, ids, d_x)", "d_table[ids] = d_x"),
    "return weights * d_weights": (
        "4.3",
        "return weights * (d_weights - average)",
        "return weights * d_weights",
    ),
    "the term through the variance": ("4.4", "- by_mean - by_variance)", "- by_mean)"),
    "/ np.sqrt(q.shape[-1])": ("4.5", " / np.sqrt(q.shape[-1])", ""),
    "the values alone as d_memory": ("4.6", "d_x, by_key + by_value,", "d_x, by_value,"),
}


def test_every_pitfall_is_named_by_the_check(book):
    section = TEXT.split("## Pitfalls")[1].split("## Reading")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(PITFALLS)
    shutil.copytree(DAY, book.root / DAY.name, dirs_exist_ok=True)
    book = Book(book.root)
    work.make(book, "4-5")
    with closing(Judge(book)) as judge:
        for (code, (exercise, right, wrong)), row in zip(PITFALLS.items(), rows, strict=True):
            assert code in row
            assert f"in {exercise} |" in row
            assert_one_slip(book, judge, exercise, right, wrong)


def test_the_figures_are_drawn_anew(tmp_path, monkeypatch):
    import gradient_figures

    monkeypatch.setattr(gradient_figures, "FIGURES", tmp_path)
    gradient_figures.main()
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn == set(re.findall(r"figures/(\w+\.png)", TEXT))
