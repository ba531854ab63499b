"""The lessons say what is true: worked numbers, folded answers, pitfalls, links to figures."""

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

import day3_tables
import diagram
import project
from attention_numpy import attention, causal_mask, softmax, split_heads
from block_numpy import block, gelu, layer_norm, random_params
from decoding import choose
from model import Config, MultiHeadAttention, causal
from optim import warmup_cosine
from positions_numpy import embed, sinusoidal

ROOT = Path(__file__).parent.parent
DAY1, DAY2, DAY3 = (ROOT / f"day{n}" for n in (1, 2, 3))
LESSONS = [DAY1 / "README.md", DAY1 / "block.md", DAY2 / "README.md", DAY3 / "README.md"]
PAGES = {
    DAY1: ["README.md", "block.md"],
    DAY2: ["README.md", "why.md", "curves.md"],
    DAY3: ["README.md", "around.md", "inside.md", "limits.md"],
}
NUMPY = ("attention_numpy", "positions_numpy", "block_numpy", "toy_tasks", "trace_encoder")
# of the table's training the page shows only what comes before it
BEGINNING = "import bigram; bigram.STEPS = 1; bigram.main([])"
PROGRAMS = {
    DAY1: [[f"{name}.py"] for name in NUMPY],
    DAY2: [["counting.py"], ["-c", BEGINNING], ["averaging.py"], ["shapes.py"]],
    DAY3: [["by_numbers.py"]],
}


@functools.cache
def printed(day):
    """What the programs of a day print."""
    return "\n".join(
        subprocess.run(
            [sys.executable, *words], cwd=day, capture_output=True, text=True, check=True
        ).stdout
        for words in PROGRAMS[day]
    )


def shown(lesson):
    return f"{lesson.parent.name}/{lesson.name}"


@pytest.mark.parametrize("lesson", LESSONS, ids=shown)
def test_worked_numbers_are_printed_by_a_program(lesson, request):
    if lesson.parent == DAY2:
        request.getfixturevalue("shakespeare")
    blocks = re.findall(r"```text\n(.*?)\n```", lesson.read_text("utf-8"), re.DOTALL)
    assert blocks
    for text in blocks:
        assert text.strip("[]") in printed(lesson.parent), text


@pytest.mark.parametrize("lesson", LESSONS, ids=shown)
def test_a_lesson_has_every_part(lesson):
    text = lesson.read_text("utf-8")
    parts = {"an example": "```text", "a figure": "](figures/", "an exercise": "> **Exercise"}
    parts |= {"questions": "## Ask yourself", "reading": "## Reading", "a record": "<!-- begin:"}
    if lesson.name == "README.md":
        parts |= {"a review": "## Before", "a summary": "## Summary", "pitfalls": "## Pitfalls"}
    for what, mark in parts.items():
        assert mark in text, what


@pytest.mark.parametrize("day", PAGES, ids=lambda day: day.name)
def test_lessons_show_every_figure_and_ask_for_every_exercise(day):
    text = "".join((day / name).read_text("utf-8") for name in PAGES[day])
    figures = set(re.findall(r"\]\(figures/(\w+\.png)\)", text))
    assert figures == {path.name for path in (day / "figures").iterdir()}
    for task in Book(ROOT).tasks.values():
        if f"day{task.day}" == day.name and task.lesson and not task.planted:
            assert f"**Exercise {task.id}**" in text
            assert f"`study check {task.id}`" in text


def answers(lesson, heading):
    """The folded answers of a section, without markup."""
    section = lesson.read_text("utf-8").split(heading)[1].split("\n## ")[0]
    found = re.findall(r"<summary>answer</summary>(.*?)</details>", section, re.DOTALL)
    return [" ".join(text.split()) for text in found]


def test_the_questions_before_have_the_right_answers():
    given = answers(LESSONS[0], "## Before")
    x, ones = np.zeros((2, 3, 4)), np.ones(4)
    with np.errstate(over="ignore"):
        computed = [
            str(x.swapaxes(-1, -2).shape),
            f"{np.zeros((2, 3)).sum(axis=-1).shape} and {np.zeros((2, 3)).sum(-1, keepdims=True).shape}",
            f"{np.exp(1000.0)} and {np.exp(-1000.0)}",
            str((np.zeros((5, 1)) < np.zeros(7)).shape),
            f"{ones[0] * 1:.0f} and {np.eye(4)[0] @ np.eye(4)[1]:.0f}",
        ]
    assert len(given) == len(computed)
    for text, wanted in zip(given, computed, strict=True):
        assert text.startswith(wanted), (text, wanted)


def test_the_questions_of_day_2_have_the_right_answers():
    given = answers(DAY2 / "README.md", "## Before")
    shares = softmax(np.array([0.0, 2, 0]))
    computed = [
        "The last",
        f"{shares[1]:.3f}: e² over e² + 2",
        f"All {causal_mask(4)[-1].sum()}; {causal_mask(4).sum()} pairs",
        f"{math.sqrt(64 / 4):.0f}, the root of D = 64 / 4 = {64 // 4}",
        f"{math.log(65):.3f} and {math.log(2):.3f} nats",
    ]
    assert len(given) == len(computed)
    for text, wanted in zip(given, computed, strict=True):
        assert text.startswith(wanted), (text, wanted)
    text = (DAY2 / "README.md").read_text("utf-8")
    z = torch.tensor([2.0, 0, 1], requires_grad=True)
    loss = F.cross_entropy(z, torch.tensor(0))
    loss.backward()
    exponentials = " + ".join(f"{math.exp(x):.3f}".replace("1.000", "1") for x in (2, 0, 1))
    assert f"ln({exponentials}) − 2 = {loss.item():.3f}" in text
    slopes = ", ".join(f"{g:.3f}".replace("-", "−") for g in z.grad)
    assert f"so here {slopes}" in text
    asked = answers(DAY2 / "README.md", "## Ask yourself")
    counted = re.search(r"The loss is (\d\.\d+) nats. Among", text)[1]
    assert asked[1] == f"exp({counted}) = {math.exp(float(counted)):.1f}."
    assert asked[2] == f"32 · 64 = {32 * 64}."
    assert F.cross_entropy(torch.tensor([1000.0, 0]), torch.tensor(1)).item() == 1000
    assert asked[3].startswith("1000 nats")
    assert asked[4] == f"1/65 − 1 = −{1 - 1 / 65:.3f}."


def test_the_questions_of_day_3_have_the_right_answers():
    before, asked = (answers(DAY3 / "README.md", h) for h in ("## Before", "## Ask yourself"))
    seven = f"{day3_tables.record()['baselines']['losses']['Kneser-Ney 7-gram']:.4f}"
    assert before[0] == f"ln 65 = {math.log(65):.3f}, and {seven}."
    layer = MultiHeadAttention(Config(65, n_embd=12, n_head=3, positions="learned"))
    layer.watch = True
    layer(torch.randn(2, 5, 12))
    assert before[1].startswith(str(tuple(layer.weights.shape)))
    assert before[3] == f"16 · 128 = {16 * 128}."
    assert before[4].startswith("It falls to 0")
    model, ids = diagram.small()
    counted = sum(p.numel() for p in model.parameters())
    page = (DAY3 / "README.md").read_text("utf-8")
    assert f"65 · 128 + 4 · (12 · 128² + 13 · 128) + 2 · 128 = {counted}" in page
    around = (DAY3 / "around.md").read_text("utf-8")
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05])
    drawn = choose(shares.log().expand(20_000, -1), top_p=0.7).bincount(minlength=4) / 20_000
    assert "Two stay, with 0.625 and 0.375." in around
    assert torch.allclose(drawn, torch.tensor([0.625, 0.375, 0, 0]), atol=0.02)
    quarter = warmup_cosine(999, 1000), warmup_cosine(4 * 250 - 1, 1000)
    assert quarter[0] == quarter[1] and "At its end" in answers(DAY3 / "around.md", "## Ask")[3]
    mean, half = project.interval([-0.02, -0.01, -0.03])
    assert "−0.02 ± 4.303 · 0.01 / √3 = −0.02 ± 0.025" in page
    assert (round(mean, 3), round(half, 3)) == (-0.02, 0.025)
    rubric = project.points([], "same", [0, 0], 1, 1).values()
    section = page.split("## 9.")[1].split("## Summary")[0]
    assert re.findall(r"^\| (\d) \|", section, re.MULTILINE) == [str(most) for _, most in rubric]
    mask = causal(3, 103, "cpu")
    assert asked[3].startswith(str(tuple(mask.shape)))
    assert mask[-1].all() and (~mask[0]).sum() == 2 and not mask[0, -2:].any()
    torch.nn.init.normal_(model.embedding.weight)
    with torch.no_grad():
        logits, loss = model(ids, ids.flip(1))
    own = logits.gather(-1, ids[..., None]).mean().item()
    assert abs(own / model.config.n_embd - 1) < 0.1 and loss > 90


def test_predictions_and_self_assessment_are_computed():
    text = LESSONS[0].read_text("utf-8")
    equal = attention(np.zeros((1, 4)), np.zeros((3, 4)), np.zeros((3, 1)))[1]
    assert f"e^s / 3 e^s = {equal[0, 0]:.3f}" in text
    q, k = np.random.default_rng(0).normal(size=(2, 200_000, 64))
    assert abs((q * k).sum(axis=-1).var() - 64) < 1
    assert "For D = 64 that is 64." in text
    assert f"100 × 100 × 4 = {100 * 100 * 4} weights" in text
    shares = np.full(8, 1 / 8)
    assert f"ln 8 = {-(shares * np.log(shares)).sum():.3f}" in text
    assert f"4 · 96² = {4 * 96**2}" in " ".join(text.split())
    v = np.random.default_rng(1).normal(size=(3, 2))
    out, _ = attention(*np.random.default_rng(2).normal(size=(2, 3, 4)), v, causal_mask(3))
    np.testing.assert_allclose(out[0], v[0])
    row = attention(np.eye(4)[:1] * 2, np.eye(4)[:3] * 2, np.zeros((3, 1)))[1]
    sharper = attention(np.eye(4)[:1] * 20, np.eye(4)[:3] * 2, np.zeros((3, 1)))[1]
    assert -(sharper * np.log(sharper)).sum() < -(row * np.log(row)).sum() < math.log(3)


def test_the_reshape_of_the_page_deals_out_words():
    x = np.arange(8).reshape(1, 2, 4)
    assert x.reshape(1, 2, 2, 2)[0, 0].tolist() == [[0, 1], [2, 3]]
    assert split_heads(x, 2)[0, 0].tolist() == [[0, 1], [4, 5]]
    text = " ".join(LESSONS[0].read_text("utf-8").split())
    assert "head 0 should get 0 1 and 4 5; that reshape gives it 0 1 and 2 3" in text


def test_equal_words_get_equal_outputs_without_positions():
    x = embed([1, 0, 1], np.random.default_rng(0).normal(size=(2, 4)))
    out, _ = attention(x, x, x)
    np.testing.assert_allclose(out[0], out[2], atol=1e-15)
    x = x + sinusoidal(3, 4)
    assert np.abs(np.subtract(*attention(x, x, x)[0][[0, 2]])).max() > 0.01


def test_the_questions_on_the_block_have_the_right_answers():
    text = " ".join(LESSONS[1].read_text("utf-8").split())
    params = random_params(np.random.default_rng(0), V=2, C=4, M=8, L=1, classes=2)
    own = {k.removeprefix("blocks.0."): v for k, v in params.items() if k.startswith("blocks.0.")}
    still = {k: np.zeros_like(v) if "norm" not in k else v for k, v in own.items()}
    x = np.random.default_rng(1).normal(size=(1, 3, 4))
    np.testing.assert_array_equal(block(x, still, 2), x)
    once = layer_norm(x, own["norm_1.gain"], own["norm_1.bias"])
    twice = layer_norm(once, own["norm_2.gain"], own["norm_2.bias"])
    np.testing.assert_allclose(block(x, still, 2, norm="post"), twice)
    assert f"2 · 64 · 256 + 256 + 64 = {2 * 64 * 256 + 256 + 64}" in text
    assert f"{gelu(np.array([0.0]))[0]:.0f} and {gelu(np.array([-10.0]))[0]:.3f}" in text


HEAD = "masked_fill(future, -torch.inf)\n    weights = scores.softmax(dim=-1)"
SHORT_CUT = """
        if (T == 1 or q.device.type != "cpu") and not self.watch:
            mask = None if T == 1 else causal(T, S, q.device)
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        # on a CPU the fused kernel is no faster in float32, and slower in bfloat16
        scores = q @ k.transpose(-2, -1) / math.sqrt(D)  # (B, H, T, S)
        weights = scores.masked_fill(~causal(T, S, q.device), -torch.inf)"""
LOWER_LEFT = """
        scores = q @ k.transpose(-2, -1) / math.sqrt(D)
        weights = scores.masked_fill(~torch.ones(T, S, dtype=torch.bool).tril(), -torch.inf)"""
# a day -> the row of its table, and what to write into a right answer to see it
PITFALLS: dict[Path, dict[str, tuple]] = {
    DAY1: {
        "softmax(scores, axis=-2)": ("1.2", "softmax(scores)", "softmax(scores, axis=-2)"),
        "/ np.sqrt(q.shape[-1])": ("1.2", " / np.sqrt(q.shape[-1])", ""),
        "q @ k.T": ("1.2", "k.swapaxes(-1, -2)", "k.T"),
        "softmax(scores) * mask": (
            "1.2",
            "np.where(mask, scores, -np.inf)\n    weights = softmax(scores)",
            "scores\n    weights = softmax(scores) * (1 if mask is None else mask)",
        ),
        "np.where(mask, scores, 0)": ("1.2", "-np.inf", "0"),
        "x.reshape(B, H, T, D)": (
            "1.4",
            "x.reshape(B, T, H, C // H).swapaxes(1, 2)",
            "x.reshape(B, H, T, C // H)",
        ),
        "2 * (channels // 2 * 2) / C": (
            "1.6",
            "channels // 2 * 2 / C",
            "2 * (channels // 2 * 2) / C",
        ),
    },
    DAY2: {
        "smoothed.sum(axis=0)": ("2.1", "smoothed.sum(axis=1", "smoothed.sum(axis=0"),
        "probabilities[ids[1:], ids[:-1]]": (
            "2.2",
            "probabilities[ids[:-1], ids[1:]]",
            "probabilities[ids[1:], ids[:-1]]",
        ),
        "windows[:, :-1], windows[:, :-1]": (
            "2.3",
            "windows[:, :-1], windows[:, 1:]",
            "windows[:, :-1], windows[:, :-1]",
        ),
        "weights = seen": (
            "2.4",
            "weights = seen / seen.sum(dim=-1, keepdim=True)",
            "weights = seen",
        ),
        "shifted = logits": (
            "2.5",
            "shifted = logits - logits.amax(dim=-1, keepdim=True)\n    log_p",
            "shifted = logits\n    log_p",
        ),
        "masked_fill(future, 0)": ("2.6", HEAD, HEAD.replace("-torch.inf", "0")),
        "softmax(dim=-2)": ("2.6", HEAD, HEAD.replace("dim=-1", "dim=-2")),
    },
    DAY3: {
        "x.var(dim=-1)": (
            "3.1",
            "F.layer_norm(x, self.gain.shape, self.gain, self.bias, eps=1e-5)",
            (
                "(x - x.mean(-1, keepdim=True)) / (x.var(dim=-1, keepdim=True) + 1e-5).sqrt()"
                " * self.gain + self.bias"
            ),
        ),
        "slice(0, x.shape[-2])": (
            "3.2",
            "slice(start, start + x.shape[-2])",
            "slice(0, x.shape[-2])",
        ),
        "out.reshape(B, T, C)": ("3.3", "out.transpose(1, 2).reshape", "out.reshape"),
        ".tril()": ("3.3", SHORT_CUT, LOWER_LEFT),
        "x = self.norm_1(x)": (
            "3.4",
            "x = x + self.dropout(self.attention(self.norm_1(x), cache))",
            "x = self.norm_1(x)\n        x = x + self.dropout(self.attention(x, cache))",
        ),
        "logits.softmax(-1)": (
            "3.5",
            "F.cross_entropy(logits.flatten(0, 1)",
            "F.cross_entropy(logits.softmax(-1).flatten(0, 1)",
        ),
        "logits[:, 0]": ("3.6", "logits[:, -1]", "logits[:, 0]"),
    },
}


@pytest.mark.parametrize("day", PITFALLS, ids=lambda day: day.name)
def test_every_pitfall_is_named_by_the_check(day, book):
    page = (day / "README.md").read_text("utf-8")
    section = page.split("## Pitfalls")[1].split("## Reading")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(PITFALLS[day])
    shutil.copytree(day, book.root / day.name, dirs_exist_ok=True)
    book = Book(book.root)
    work.make(book, day.name.removeprefix("day"))
    with closing(Judge(book)) as judge:
        for (code, (exercise, right, wrong)), row in zip(PITFALLS[day].items(), rows, strict=True):
            assert f"`{code}" in row
            assert f"in {exercise} |" in row
            task = book.tasks[exercise]
            text = task.lesson.read_text("utf-8")
            assert text.count(right) >= 1, right
            book.mine(task).write_text(text.replace(right, wrong, 1), encoding="utf-8")
            told = judge.verdict(task)
            assert told["kind"] == "slip", told
            assert len(told["slips"]) == 1
