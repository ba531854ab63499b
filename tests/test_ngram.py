"""day3/ngram.py against a slow dictionary that follows the formula word by word."""

import math
import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ngram import KneserNey, baselines, discounts, loss

PROGRAM = Path(__file__).parent.parent / "day3" / "ngram.py"
TEXT = os.environ.get("TINY_SHAKESPEARE")


class SlowKneserNey:
    """The same model from tuples and dictionaries; only the formula is shared with ngram.py."""

    def __init__(self, ids, V, order):
        self.V, self.order = V, order
        self.tables = {}
        for k in range(1, order + 1):
            if k == order:
                counts = Counter(tuple(ids[i : i + k]) for i in range(len(ids) - k + 1))
            else:
                preceding = defaultdict(set)
                for i in range(1, len(ids) - k + 1):
                    preceding[tuple(ids[i : i + k])].add(ids[i - 1])
                counts = {gram: len(symbols) for gram, symbols in preceding.items()}
            self.tables[k] = counts, self.discounts(counts.values())

    @staticmethod
    def discounts(counts):
        n = Counter(counts)
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = [c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3)]
            if min(found) > 0:
                return found
        return [0.5, 1.0, 1.5]

    def p(self, symbol, context):
        context = tuple(context)[len(context) - min(self.order - 1, len(context)) :]
        below = self.p(symbol, context[1:]) if context else 1 / self.V
        counts, taken = self.tables[len(context) + 1]
        followers = {gram: c for gram, c in counts.items() if gram[:-1] == context}
        if not followers:
            return below
        total = sum(followers.values())
        rest = sum(taken[min(c, 3) - 1] for c in followers.values()) / total
        c = followers.get((*context, symbol), 0)
        share = (c - taken[min(c, 3) - 1]) / total if c else 0.0
        return share + rest * below


@st.composite
def problems(draw):
    """Two texts over V symbols, of which the first need not hold all, and an order from 1 to 5."""
    V = draw(st.integers(1, 6))
    symbols = st.integers(0, V - 1)
    order = draw(st.integers(1, 5))
    train = draw(st.lists(symbols, min_size=max(2, order), max_size=60))
    other = draw(st.lists(symbols, min_size=2, max_size=12))
    return train, other, V, order


# Catches: a wrong discount, counts instead of kinds (or the reverse), an index shifted by one, a
# rank looked up in the wrong order's table, too short a context at the start of the text.
@settings(deadline=None, max_examples=200)
@given(problems())
def test_equals_the_slow_dictionary(problem):
    train, other, V, order = problem
    slow = SlowKneserNey(train, V, order)
    expected = [math.log(slow.p(other[i], other[:i])) for i in range(1, len(other))]
    found = KneserNey(np.array(train), V, order).log_probabilities(np.array(other))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


# The texts above are mostly too short to estimate discounts from. This one is long enough, so it
# catches a slip in equation 26, at every order, and in the orders that share one count.
def test_equals_the_slow_dictionary_with_estimated_discounts():
    rng = np.random.default_rng(1)
    V, order = 9, 4
    ids = rng.choice(V, size=700, p=1 / np.arange(1, V + 1) / sum(1 / np.arange(1, V + 1)))
    train, other = ids[:600].tolist(), ids[600:].tolist()
    slows = [SlowKneserNey(train, V, k) for k in range(1, order + 1)]
    estimated = [slow.tables[k][1] != [0.5, 1.0, 1.5] for slow in slows for k in slow.tables]
    assert sum(estimated) >= 4, "the text no longer reaches equation 26"
    for slow, found in zip(slows, KneserNey(ids[:600], V, order).every_order(ids[600:])):
        expected = [math.log(slow.p(other[i], other[:i])) for i in range(1, len(other))]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


# Catches: probability that is lost or invented, at a context seen, unseen, empty, or longer than
# the order; a symbol with probability 0; a second path (distribution) that drifts from the first.
@settings(deadline=None, max_examples=200)
@given(problems())
def test_distribution_sums_to_one_and_agrees_with_log_probabilities(problem):
    train, other, V, order = problem
    model = KneserNey(np.array(train), V, order)
    for context in ([], other[:1], other, train, train[-2:]):
        p = model.distribution(np.array(context))
        assert p.shape == (V,)
        assert p.min() > 0
        assert abs(p.sum() - 1) < 1e-12
    chain = [math.log(model.distribution(other[:i])[other[i]]) for i in range(1, len(other))]
    np.testing.assert_allclose(model.log_probabilities(other), chain, rtol=0, atol=1e-12)


# The text a b a b c by hand. Catches what the slow dictionary would get wrong in the same way.
# Bigrams: ab twice, ba, bc. Each of a, b, c is preceded by one kind, so order 1 gives 1/3 to each.
# None was seen three times: the discounts are 0.5 and 1, and both contexts hand on 1/2.
def test_bigram_by_hand():
    model = KneserNey(np.array([0, 1, 0, 1, 2]), V=3, order=2)
    after_a, after_b, after_c = (model.distribution([s]) for s in (0, 1, 2))
    np.testing.assert_allclose(after_a, [1 / 6, (2 - 1) / 2 + 1 / 6, 1 / 6], atol=1e-15)
    np.testing.assert_allclose(after_b, [0.5 / 2 + 1 / 6, 1 / 6, 0.5 / 2 + 1 / 6], atol=1e-15)
    np.testing.assert_allclose(after_c, [1 / 3, 1 / 3, 1 / 3], atol=1e-15)
    assert loss(model, [0, 1, 2]) == pytest.approx(-(math.log(2 / 3) + math.log(5 / 12)) / 2)


# Catches: equation 26 with a factor or an index off, in both implementations at once. n = 8 grams
# seen once, 2 twice, 1 three times, 1 four times: y = 8 / 12.
def test_discounts_by_hand():
    counts = np.array([1] * 8 + [2] * 2 + [3, 4, 7])
    np.testing.assert_allclose(discounts(counts), [0, 2 / 3, 1, 1 / 3], atol=1e-15)
    np.testing.assert_array_equal(discounts(np.array([5, 5])), [0, 0.5, 1, 1.5])


# Catches: codes built as a power of V (65536 ** 4 is beyond int64), in 32 bits (the last ranks
# times V are beyond them), or in the type of the ids.
def test_a_large_alphabet_and_a_high_order_do_not_overflow():
    V, order = 65536, 20
    text = np.random.default_rng(2).integers(0, V, 40_000).astype(np.uint16)
    text = np.append(text, text[:100])
    model, slow = KneserNey(text, V, order), SlowKneserNey(text.tolist(), V, order)
    found = model.log_probabilities(text)
    for i in (1, 10, 60, 20_000, 39_999, 40_060):
        expected = math.log(slow.p(int(text[i]), text[:i].tolist()))
        assert found[i - 1] == pytest.approx(expected, abs=1e-12)
    assert model.distribution(text[-25:]).argmax() == text[100]


# Catches: a baseline under another's name, a lower order that is not the model of that order, a
# symbol that training lacks (3) with an infinite loss.
def test_baselines_are_the_models_of_each_order():
    ids = np.random.default_rng(3).integers(0, 3, 200)
    validation = np.append(ids[150:], 3)
    found = baselines(ids[:150], validation, V=4, orders=(1, 2, 3))
    assert list(found) == ["uniform guess", "unigram", "bigram", "Kneser-Ney 3-gram"]
    assert found["uniform guess"] == pytest.approx(math.log(4))
    for k, name in enumerate(["unigram", "bigram", "Kneser-Ney 3-gram"], start=1):
        assert found[name] == loss(KneserNey(ids[:150], 4, k), validation)
        assert math.isfinite(found[name])


# Catches: a draw from the wrong context. After a, the text always goes on with b, then c.
def test_sample_follows_the_text():
    model = KneserNey(np.tile([0, 1, 2], 400), V=3, order=3)
    ids = model.sample(200, np.random.default_rng(4))
    assert ids.shape == (200,)
    assert np.mean((ids[1:] - ids[:-1]) % 3 == 1) > 0.95


@pytest.mark.parametrize(
    ("ids", "V", "order", "says"),
    [
        ([0, 1, 3], 3, 2, "0 to 2"),
        ([0, -1, 1], 3, 2, "-1"),
        ([0, 1, 2], 3, 0, "order 0 does not fit"),
        ([0], 3, 1, "short"),
        ([0, 1, 2], 3, 4, "order 4 does not fit"),
        ([0.5, 1.0], 3, 1, "whole numbers"),
        ([[0, 1], [1, 0]], 3, 1, "1-D"),
    ],
)
def test_refuses_with_one_sentence(ids, V, order, says):
    with pytest.raises(ValueError, match=says) as error:
        KneserNey(np.array(ids), V, order)
    assert "\n" not in str(error.value)


def test_refuses_what_it_cannot_score():
    model = KneserNey([0, 1, 0, 1], V=2, order=2)
    for ids in ([0, 2], [-1, 0], [0]):
        with pytest.raises(ValueError, match="give"):
            model.log_probabilities(np.array(ids))


def run(*arguments):
    environment = {name: value for name, value in os.environ.items() if name != "TINY_SHAKESPEARE"}
    command = [sys.executable, str(PROGRAM), *map(str, arguments)]
    return subprocess.run(
        command, check=False, capture_output=True, encoding="utf-8", env=environment, timeout=60
    )


# Catches: a traceback where a sentence belongs, and exit code 1, which means a failed check.
@pytest.mark.parametrize("content", [None, b"", b"too short", b"\xff\xfe" * 100, "no argument"])
def test_program_refuses_with_exit_code_2(tmp_path, content):
    file = tmp_path / "text.txt"
    if isinstance(content, bytes):
        file.write_bytes(content)
    result = run() if content == "no argument" else run(file)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("ngram.py: ") and result.stderr.count("\n") == 1


def test_program_prints_a_finite_table_and_a_sample_for_a_text_of_20_symbols(tmp_path):
    file = tmp_path / "text.txt"
    file.write_bytes(b"abcd efgh ijkl mnop\n")
    result = run(file)
    assert result.returncode == 0, result.stderr
    assert "Kneser-Ney 7-gram" in result.stdout and "writes:" in result.stdout
    assert "inf" not in result.stdout and "nan" not in result.stdout


# Catches: anything that the small texts are too small to show. The bounds are what this file gave
# when it was written, to four decimals.
@pytest.mark.skipif(not TEXT, reason="TINY_SHAKESPEARE does not name the file")
def test_tiny_shakespeare():
    symbols, ids = np.unique(list(Path(TEXT).read_bytes().decode()), return_inverse=True)
    split = int(0.9 * len(ids))
    found = baselines(ids[:split], ids[split:], len(symbols))
    assert {name: round(nats, 4) for name, nats in found.items()} == {
        "uniform guess": 4.1744,
        "unigram": 3.3473,
        "bigram": 2.4835,
        "Kneser-Ney 4-gram": 1.7190,
        "Kneser-Ney 7-gram": 1.5165,
    }
