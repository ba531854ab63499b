"""Where a wrong answer leaves the book's way is told by name and line, whatever its axes and scale."""

import time

import numpy as np
import pytest
from study.book import Book
from study.parting import factor, numbers, steps

from learner import ROOT, judged

BOOK = Book(ROOT)


def way(exercise, body, folder, name):
    """What is said of the way of an answer: the reference's file, with one function's body new."""
    source = BOOK.tasks[exercise].lesson.read_text("utf-8")
    first = source.index(f"def {name}(")
    head = source[first : source.index('"""', source.index('"""', first) + 3) + 4]
    text = source[:first] + head + body + source[source.index("\n\n\n", first) :]
    return told_of(exercise, text, folder)


def told_of(exercise, text, folder):
    """What is said of the way of a file that answers wrong, and all that is told."""
    told = judged(exercise, BOOK.tasks[exercise].lesson, text, folder)
    assert told["status"] == "wrong", told
    return told.get("way"), told


ATTENTION = """
    {first}
    scores = {scores}
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    weights = softmax(scores){bent}
    return {out}, weights
"""
PARTS = {
    "first": "D = q.shape[-1]",
    "scores": "q @ k.swapaxes(-1, -2) / np.sqrt(D)",
    "bent": "",
    "out": "weights @ v",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"bent": "**1.1"},
            (
                "On the way `scores` agrees with the book's. `weights` does not: "
                "line {line}, `weights = softmax(scores)**1.1`"
            ),
        ),
        # another order of the axes is the same way
        (
            {
                "scores": "np.swapaxes(k @ q.swapaxes(-1, -2) / np.sqrt(D), -1, -2)",
                "bent": " + 0.01",
            },
            (
                "On the way `scores` agrees with the book's. `weights` does not: "
                "line {line}, `weights = softmax(scores) + 0.01`"
            ),
        ),
        (
            {"out": "1.01 * weights @ v"},
            (
                "On the way `scores`, `weights` and `out` agree with the book's, up to a factor: "
                "`out` is 1.01 times the book's."
            ),
        ),
    ],
)
def test_the_step_is_named_where_the_ways_part(changed, said, tmp_path):
    parts = PARTS | changed
    sentence, _ = way("1.2", ATTENTION.format(**parts), tmp_path, "attention")
    mine = (tmp_path / "attention_numpy.py").read_text("utf-8").split("\n")
    line = next((n for n, text in enumerate(mine, 1) if "weights = softmax(scores)" in text), 0)
    assert sentence == said.format(line=line)


@pytest.mark.parametrize(
    ("exercise", "line", "changed", "said"),
    [
        (
            "3.3",
            "return weights @ v",
            "return weights @ v.sin()",
            "`scores` and `weights` agree with the book's. `the result` does not: line {line}",
        ),
        (
            "3.5",
            "        x = self.dropout(x)\n        for",
            "        x = self.dropout(x).tanh()\n        for",
            "`x` agrees with the book's. `x` does not: line {line}",
        ),
        (
            "5.3",
            "scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)",
            "scores.masked_fill(~mask, -torch.inf).softmax(dim=-1) ** 1.1",
            "`q`, `k`, `v` and `scores` agree with the book's. `weights` does not: line {line}",
        ),
        (  # right where it is watched, which the check does after the first run
            "5.3",
            "        if self.watch:\n            self.weights",
            (
                "        weights = weights if self.watch else weights**1.1\n"
                "        if self.watch:\n            self.weights"
            ),
            "and `weights` agree with the book's. `the result` does not: line {line}",
        ),
    ],
)
def test_modules_are_followed_through_their_first_run(exercise, line, changed, said, tmp_path):
    """Checks of modules run an answer several times, whole, in pieces, for its slope: one is its way."""
    source = BOOK.tasks[exercise].lesson.read_text("utf-8")
    assert source.count(line) == 1
    number = source[: source.index(line)].count("\n") + 1
    assert said.format(line=number) in told_of(exercise, source.replace(line, changed), tmp_path)[0]


def test_nothing_is_said_of_what_is_drawn(tmp_path):
    """Two ways that draw agree in nothing but by chance."""
    source = BOOK.tasks["2.7"].lesson.read_text("utf-8")
    text = source.replace("shifted.softmax(dim=-1), 1", "shifted.sin().softmax(dim=-1), 1")
    assert text != source
    assert told_of("2.7", text, tmp_path)[0] is None


def test_nothing_is_said_of_an_answer_without_steps_or_of_a_named_slip(tmp_path):
    one_line = "\n    return softmax(q @ k.swapaxes(-1, -2)) @ v * 1.3, softmax(q @ v)\n"
    assert way("1.2", "\n    return q * 1.3, k\n", tmp_path, "attention")[0] is None
    assert way("1.2", one_line, tmp_path, "attention")[0] is None
    sentence, told = way(
        "1.2",
        ATTENTION.format(**PARTS | {"scores": "q @ k.swapaxes(-1, -2)"}),
        tmp_path,
        "attention",
    )
    assert (sentence, told["kind"]) == (None, "slip")


def test_a_part_of_the_result_has_its_own_name_and_a_step_the_learners(tmp_path):
    body = """
    flat = d_y.reshape(-1, d_y.shape[-1])
    return d_y @ w.T, 1.1 * np.abs(x.reshape(-1, x.shape[-1])).T @ flat, flat.sum(axis=0)
"""
    sentence, _ = way("4.2", body, tmp_path, "linear_backward")
    assert "`flat`" in sentence and "`d_x`" in sentence and "the result" not in sentence
    assert sentence.count("`d_w`") == 1
    body = """
    _, weights = attention(q, k, v, mask)
    d_scores = softmax_backward(d_out @ v.swapaxes(-1, -2), weights)
    d_k = d_scores.swapaxes(-1, -2) @ q
    return d_scores @ k / np.sqrt(q.shape[-1]), d_k, weights.swapaxes(-1, -2) @ d_out
"""
    sentence, told = way("4.5", body, tmp_path, "attention_backward")
    assert "`d_q`" in sentence and "the result" not in sentence and "`d_k`" not in sentence
    assert told["message"].startswith("d_q and d_v are right. d_k is 2 times")


def test_helpers_of_the_learner_are_looked_into(tmp_path):
    body = """
    q, k, v = parts(x, memory, w_q, w_k, w_v, H)
    out, weights = attention(q, k, v, mask)
    joined = merge_heads(out * out)
    return joined @ w_o, weights


def parts(x, memory, w_q, w_k, w_v, H):
    queries = split_heads(x @ w_q, H)
    return queries, split_heads(memory @ w_k, H), split_heads(memory @ w_v, H)
"""
    sentence, _ = way("1.5", body, tmp_path, "multi_head")
    assert "`q`, `k`, `v`, `out` and `weights` agree" in sentence
    assert sentence.endswith("`joined = merge_heads(out * out)`")


def test_values_agree_up_to_axes_sign_and_scale_and_no_further():
    a = np.random.default_rng(0).normal(size=(3, 4))
    assert factor(numbers(a.T), numbers(a)) == pytest.approx(1)
    assert factor(numbers(2 * a.T), numbers(a)) == pytest.approx(0.5)
    assert factor(numbers(-a), numbers(a)) == pytest.approx(-1)
    b = a.copy()
    b[1, 2] += 0.01
    assert factor(numbers(b), numbers(a)) is None
    assert factor(numbers(a[:2]), numbers(a)) is None
    hidden = np.where(np.tri(4, dtype=bool), np.arange(16.0).reshape(4, 4), -np.inf)
    assert factor(numbers(hidden), numbers(np.where(np.isinf(hidden), -1e9, hidden))) == 1


def test_a_mask_or_a_count_says_too_little():
    assert numbers(np.tri(5)) is None
    assert numbers(np.arange(10)) is None
    assert numbers(3.5) is None


def test_changes_in_place_are_steps_too():
    def f(x):
        y = np.zeros_like(x)
        y += x
        y *= x
        return y

    x = np.random.default_rng(1).normal(size=(2, 3))
    made = steps(lambda call: f(*call[1:]), ("f", x), {f.__code__})
    assert [name for name, _, _ in made] == ["y", "y"]
    np.testing.assert_allclose(made[1][2], np.sort(x**2, axis=None))


def test_a_loop_of_many_steps_is_looked_at_for_a_second_and_no_longer():
    def many(n):
        total = np.arange(5.0)
        for step in range(n):
            total = total + step
        return total

    start = time.process_time()
    made = steps(lambda call: many(*call), (4000,), {many.__code__})
    assert 10 < len(made) < 4000
    assert time.process_time() - start < 3
