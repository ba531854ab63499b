"""day4-5/honest_data.py and digit_tasks.py: planted leaks, published intervals, every answer again."""

import math
import random
from collections import Counter

import numpy as np
import pytest

import honest_data
from digit_tasks import END, IGNORED, TASKS, Digits, Reverse, Sums, encode, split
from honest_data import (
    Z,
    alarm,
    breakdown,
    confusion,
    coverage,
    leakage,
    plus_or_minus,
    text_leakage,
    wilson,
)


def keys(task, items):
    return [task.same(question) for _, question, _ in items]


# ---- leakage


@pytest.mark.parametrize("name", TASKS)
def test_our_splits_pass_and_hold_everything_once(name):
    task = TASKS[name]
    parts = split(task)
    everything = sorted(item for part in parts.values() for item in part)
    assert everything == sorted(task.items())
    for part in ("test", "development"):
        others = [k for other in parts if other != part for k in keys(task, parts[other])]
        share, seen = leakage(others, keys(task, parts[part]))
        assert (share, seen, alarm(share)) == (0.0, [], None)
    sizes = {part: len(items) / len(everything) for part, items in parts.items()}
    assert sizes == pytest.approx({"train": 0.7, "test": 0.2, "development": 0.1}, abs=0.03)


@pytest.mark.parametrize("share", [0.8, 0.05])
def test_a_planted_leak_is_measured_and_flagged(share):
    parts = split(TASKS["sums"])
    train, test = (keys(TASKS["sums"], parts[part]) for part in ("train", "test"))
    planted = random.Random(0).sample(sorted(set(test)), round(share * len(set(test))))
    found, seen = leakage(train + planted, test)
    assert found == pytest.approx(share, abs=0.01)
    assert set(seen) <= set(planted) and len(seen) == 5
    assert f"{found:.0%} of the test" in alarm(found)


def test_a_random_split_of_sums_leaks_four_fifths_through_their_twins():
    """12+34 lies in the test; the chance that 34+12 is in the 8000 of 10,000 to train on is 0.8."""
    pairs = [tuple(sorted((a, b))) for a in range(100) for b in range(100)]
    random.Random(0).shuffle(pairs)
    share, _ = leakage(pairs[:8000], pairs[8000:])
    assert share == pytest.approx(0.8 * 0.99, abs=0.03)


def test_text_on_both_sides_is_found():
    draw = random.Random(0)
    text = "".join(draw.choices("abcdefgh", k=3000))
    train, test = text[:2000], text[2000:]
    assert text_leakage(train, test) == 0
    assert text_leakage(train + test[:500], test) == 0.5
    assert text_leakage(train + test[:40], test) == 0  # shorter than a stretch
    with pytest.raises(ValueError, match="no stretch of 50"):
        text_leakage(train, test[:49])


# ---- intervals


def by_halving(right, n, z, low, high):
    """A share at the edge: where right / n is exactly z standard deviations away."""

    def excess(p):
        return (right / n - p) ** 2 - z * z * p * (1 - p) / n

    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(low) * excess(middle) > 0 else (low, middle)
    return (low + high) / 2


@pytest.mark.parametrize(("right", "n"), [(1, 2), (7, 9), (50, 100), (99, 100), (1990, 2016)])
@pytest.mark.parametrize("z", [1.0, Z])
def test_the_interval_is_where_its_definition_says(right, n, z):
    edges = by_halving(right, n, z, 0.0, right / n), by_halving(right, n, z, right / n, 1.0)
    assert wilson(right, n, z) == pytest.approx(edges, abs=1e-12)


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_intervals(right, n, low, high):
    """Newcombe 1998, Statistics in Medicine 17, table I, method 3."""
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson(n - right, n) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_95_percent_are_about_95_percent():
    """Over all accuracies, at 50 items: exact binomial sums. The textbook's interval falls short."""
    shares = (np.arange(200) + 0.5) / 200
    ours, textbook = (
        np.array([coverage(interval, p, 50) for p in shares])
        for interval in (wilson, plus_or_minus)
    )
    assert ours.mean() == pytest.approx(0.95, abs=0.005) and ours.min() > 0.83
    assert textbook.mean() < 0.91 and textbook.min() < 0.3


def test_coverage_is_what_throwing_shows():
    draws = np.random.default_rng(0).binomial(30, 0.9, size=20_000)
    held = [wilson(int(k), 30)[0] <= 0.9 <= wilson(int(k), 30)[1] for k in draws]
    assert np.mean(held) == pytest.approx(coverage(wilson, 0.9, 30), abs=0.01)


@pytest.mark.parametrize(("right", "n"), [(3, 2), (-1, 5), (0, 0), (math.nan, 5)])
def test_counts_that_are_none_are_refused(right, n):
    with pytest.raises(ValueError, match="counts are"):
        wilson(right, n)


# ---- by kind, by answer


def test_the_breakdown_counts_each_kind():
    kinds, right = ["a", "b", "a", "a", "b"], np.array([True, False, True, False, False])
    assert breakdown(kinds, right) == {"a": (2, 3, *wilson(2, 3)), "b": (0, 2, *wilson(0, 2))}
    for bad in (right[:4], right.astype(float)):
        with pytest.raises(ValueError, match="5 kinds need"):
            breakdown(kinds, bad)


def test_rows_of_the_confusion_are_the_right_answers():
    draw = random.Random(0)
    answers = draw.choices(["12", "7", "046"], k=300)
    guesses = draw.choices([*answers[:3], "x"], k=300)
    labels, counts = confusion(answers, guesses)
    assert labels == sorted(set(answers) | set(guesses))
    assert dict(zip(labels, counts.sum(axis=1))) == {n: answers.count(n) for n in labels}
    assert dict(zip(labels, counts.sum(axis=0))) == {n: guesses.count(n) for n in labels}
    pairs = Counter(zip(answers, guesses))
    assert all(counts[labels.index(a), labels.index(g)] == n for (a, g), n in pairs.items())
    assert counts.trace() == sum(a == g for a, g in zip(answers, guesses))


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="2 answers, but 1 guesses"):
        confusion("12", "1")
    with pytest.raises(ValueError, match="there is NaN among the answers"):
        confusion([1.0, 2.0], [1.0, float("nan")])
    with pytest.raises(ValueError, match="nothing to test with"):
        leakage([1], [])


# ---- the tasks themselves


def test_every_answer_is_right():
    by_kind = {
        "first": lambda t: t[0],
        "second": lambda t: t[1],
        "last": lambda t: t[-1],
        "max": lambda t: str(np.max([int(digit) for digit in t])),
        "min": lambda t: str(np.min([int(digit) for digit in t])),
    }
    items = list(Digits().items())
    assert len(set(items)) == 5000
    signs = {(kind, question[0]) for kind, question, _ in items}
    assert len(signs) == 5
    assert all(answer == by_kind[kind](question[1:]) for kind, question, answer in items)
    for kind, question, answer in Reverse(count=300).items():
        assert kind == f"{len(question)} letters"
        assert "".join(reversed(answer)) == question
    for turned in (False, True):
        for kind, question, answer in Sums(turned).items():
            a, b = question.split("+")
            assert int(answer[::-1] if turned else answer) == int(a) + int(b)
            assert len(a) == len(b) == 2 and len(answer) == 3
            by_columns = sum((int(a) % 10**n + int(b) % 10**n) >= 10**n for n in (1, 2))
            assert kind == ("no carry", "one carry", "two carries")[by_columns]


def test_targets_are_the_answer_and_its_end():
    task = Reverse()
    items = [("3 letters", "abc", "cba"), ("2 letters", "ja", "aj")]
    ids, targets = encode(task, items)
    assert ids.shape == targets.shape == (2, 7)
    shown = ["".join(task.symbols[i] for i in row) for row in ids]
    assert shown == ["abc=cba", "ja=aj. "]
    asked = ["".join("_" if t == IGNORED else task.symbols[t] for t in row) for row in targets]
    assert asked == [f"___cba{END}", f"__aj{END}__"]
    with pytest.raises(ValueError, match=r"\['z'\] are no symbols"):
        encode(task, [("1 letters", "z", "z")])


def test_the_programs_say_what_is_true(capsys):
    honest_data.main()
    out = capsys.readouterr().out
    assert "79% of the test stands in the training part" in out
    assert out.count(": 0% of") == 4
    assert "99 of 100: 94.6% to 99.8%   (textbook: 97.0% to 101.0%)" in out
