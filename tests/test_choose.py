"""day3/decoding.py: what may be drawn, and how often."""

import math
from collections import Counter

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from decoding import choose

LOGITS = torch.tensor([0.3, -1.0, 1.2, 0.0, 0.9, -0.4, 0.5])
DRAWS = 10_000


def draws(logits, n=DRAWS, seed=0, **setting):
    """How often each symbol is drawn from logits (V,) in n draws."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.as_tensor(logits).expand(n, -1)
    return Counter(choose(rows, generator=generator, **setting).tolist())


def assert_drawn_by(counts, probabilities):
    """Pearson's chi-square: a fair draw exceeds six sigma about once in a billion."""
    n = sum(counts.values())
    kept = {i: p for i, p in enumerate(probabilities) if p > 0}
    assert counts.keys() <= kept.keys()
    chi_square = sum((counts[i] - n * p) ** 2 / (n * p) for i, p in kept.items())
    freedom = len(kept) - 1
    assert chi_square <= freedom + 6 * math.sqrt(2 * freedom)


def softmax(logits, temperature=1.0):
    powers = [math.exp(float(x) / temperature) for x in logits]
    return [p / sum(powers) for p in powers]


def test_a_row_gives_one_id():
    chosen = choose(torch.randn(3, 5))
    assert chosen.shape == (3,) and chosen.dtype == torch.long


def test_temperature_zero_takes_the_likeliest():
    rows = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(choose(rows, temperature=0), rows.argmax(dim=-1))


@pytest.mark.parametrize("temperature", [1e-3, 1e-6, 1e-30])
def test_a_temperature_near_zero_takes_the_likeliest(temperature):
    assert draws(LOGITS * 100, temperature=temperature) == {2: DRAWS}


@pytest.mark.parametrize("temperature", [1e6, 1e30])
def test_a_high_temperature_draws_all_symbols_alike(temperature):
    assert_drawn_by(draws(LOGITS, temperature=temperature), [1 / 7] * 7)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_symbols_come_as_often_as_the_softmax_says(temperature):
    assert_drawn_by(draws(LOGITS, temperature=temperature), softmax(LOGITS, temperature))


def test_rows_are_drawn_each_by_its_own_logits():
    far = torch.full((3, 5), -40.0)
    far[[0, 1, 2], [4, 0, 3]] = 40.0
    assert choose(far).tolist() == [4, 0, 3]


@pytest.mark.parametrize("k", range(1, 8))
def test_top_k_draws_among_exactly_k(k):
    likeliest = sorted(range(7), key=lambda i: -LOGITS[i])[:k]
    powers = [p if i in likeliest else 0 for i, p in enumerate(softmax(LOGITS))]
    counts = draws(LOGITS, top_k=k)
    assert counts.keys() == set(likeliest)
    assert_drawn_by(counts, [p / sum(powers) for p in powers])


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_top_k_is_exactly_k_where_symbols_tie(k):
    assert len(draws([1.0, 2.0, 1.0, 1.0, 1.0, 0.0], top_k=k)) == k
    assert len(draws([0.0] * 6, top_k=k)) == k


def test_of_symbols_that_tie_the_first_are_kept():
    alike = torch.zeros(1000)
    assert draws(alike, n=200, top_k=3).keys() == {0, 1, 2}
    assert draws(alike, n=10, temperature=0).keys() == {0}


def test_top_k_one_is_greedy_whatever_the_temperature():
    assert draws(LOGITS, top_k=1, temperature=50.0) == {2: DRAWS}


@pytest.mark.parametrize("setting", [{"top_k": 7}, {"top_k": 700}, {"top_p": 1.0}])
def test_settings_that_keep_all_change_no_draw(setting):
    assert draws(LOGITS, **setting) == draws(LOGITS)


def smallest_set(logits, p):
    """The likeliest symbols, one after the other, until together they reach p."""
    probabilities, kept = softmax(logits), []
    for i in sorted(range(len(logits)), key=lambda i: -logits[i]):
        kept.append(i)
        if sum(probabilities[j] for j in kept) >= p:
            break
    return kept


@settings(max_examples=60, deadline=None)
@given(
    logits=st.lists(st.floats(-1.5, 1.5, width=32), min_size=1, max_size=6),
    p=st.floats(0.01, 0.99),
)
def test_top_p_draws_among_the_smallest_set_that_reaches_p(logits, p):
    kept = smallest_set(logits, p)
    # where a sum is at p to the last bit, float32 may keep one symbol more or less
    assume(kept == smallest_set(logits, p - 1e-5) == smallest_set(logits, p + 1e-5))
    assert draws(logits, n=3000, top_p=p).keys() == set(kept)


def test_top_p_shares_out_the_rest_in_proportion():
    kept = [p if i in smallest_set(LOGITS, 0.7) else 0 for i, p in enumerate(softmax(LOGITS))]
    expected = [p / sum(kept) for p in kept]
    assert_drawn_by(draws(LOGITS, top_p=0.7), expected)


@pytest.mark.parametrize("p", [1e-9, 1e-30])
def test_top_p_keeps_at_least_one(p):
    assert draws(LOGITS, top_p=p) == {2: DRAWS}


def test_top_p_counts_after_the_temperature():
    flat = draws(LOGITS, temperature=100.0, top_p=0.9)
    sharp = draws(LOGITS, temperature=0.1, top_p=0.9)
    assert len(flat) == 7 and set(sharp) == {2}


def test_top_p_counts_among_the_top_k():
    # of 0.4, 0.3, 0.2, 0.1 the two likeliest share 1 as 4 : 3, and the first alone reaches 0.55
    logits = torch.tensor([0.4, 0.3, 0.2, 0.1]).log()
    assert set(draws(logits, top_k=2, top_p=0.55)) == {0}
    assert set(draws(logits, top_p=0.55)) == {0, 1}


@pytest.mark.parametrize("setting", [{}, {"top_k": 3}, {"top_p": 0.8}, {"temperature": 0.3}])
def test_a_constant_added_to_all_logits_changes_no_draw(setting):
    logits = torch.tensor([0.25, -1.0, 1.25, 0.0, 0.75])  # exact, and exact after the shift
    for shift in (-4096.0, 1024.0, 65_536.0):
        assert draws(logits + shift, **setting) == draws(logits, **setting)


def test_the_same_seed_gives_the_same_draws():
    rows = LOGITS.expand(50, -1)
    first, second, other = (
        choose(rows, generator=torch.Generator().manual_seed(seed)).tolist() for seed in (5, 5, 6)
    )
    assert first == second != other


def test_a_generator_leaves_the_global_state_alone():
    before = torch.get_rng_state()
    draws(LOGITS, top_k=3, top_p=0.9)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_logits_stay_as_they_are():
    rows = LOGITS.expand(2, -1).clone()
    choose(rows, temperature=0.5, top_k=3, top_p=0.5)
    assert torch.equal(rows, LOGITS.expand(2, -1))


def test_minus_infinity_is_never_drawn():
    logits = LOGITS.clone()
    logits[2] = -torch.inf
    expected = softmax(logits)
    assert_drawn_by(draws(logits), expected)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("setting", [{}, {"temperature": 0}, {"top_k": 1}, {"top_p": 0.5}])
def test_logits_that_are_not_numbers_are_refused(bad, setting):
    rows = LOGITS.expand(3, -1).clone()
    rows[1, 4] = bad
    with pytest.raises(ValueError, match="diverged"):
        choose(rows, **setting)


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": -2}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": -0.5}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_p": math.nan}, "top_p"),
    ],
)
def test_settings_out_of_range_are_refused(setting, word):
    with pytest.raises(ValueError, match=word) as error:
        choose(LOGITS[None], **setting)
    assert "\n" not in str(error.value)
