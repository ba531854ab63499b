"""Descent.py against autograd, torch's optimiser, slow loops and its own predictions."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

import corpus
import descent
import recording
from attention_numpy import softmax
from bigram import cross_entropy
from counting import bigram_probabilities, numbered, table_loss
from descent import (
    BATCHES,
    MOMENTA,
    Problem,
    after,
    curvature,
    full_batch,
    gradient,
    limit,
    loss,
    measured_limit,
    measured_variance,
    mini_batch,
    noise,
    picked,
)

RECORD = Path(descent.__file__).parent / "results" / "experiments.json"
EXACT = {"atol": 1e-12, "rtol": 0}


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def text(small_text):
    return small_text.read_text("utf-8")[:3000]


@pytest.fixture
def problem(text):
    return Problem(text)


@pytest.fixture
def table(problem):
    return rng().normal(size=(problem.V, problem.V))


def torchs_loss(table, pairs):
    first, second = torch.tensor(pairs).T
    return cross_entropy(table[first], second)


# the problem


def test_the_excess_is_the_distance_from_the_counted_table(text, problem, table):
    ids = numbered(text)[1]
    counted = bigram_probabilities(ids, problem.V, smoothing=1e-9)
    assert problem.least == pytest.approx(table_loss(counted, ids), abs=1e-9)
    assert loss(table, problem.shares) == pytest.approx(table_loss(softmax(table), ids))
    assert problem.excess(table) == pytest.approx(table_loss(softmax(table), ids) - problem.least)
    assert problem.excess(problem.best) == pytest.approx(0, abs=1e-12)
    assert problem.excess(problem.best + 0.01 * table) > 0
    assert loss(np.zeros_like(table), problem.shares) == pytest.approx(np.log(problem.V))


def test_the_gradient_is_autograds(problem, table):
    leaf = torch.tensor(table, requires_grad=True)
    torchs_loss(leaf, problem.pairs).backward()
    np.testing.assert_allclose(gradient(table, problem.shares), leaf.grad, **EXACT)
    assert np.abs(gradient(problem.best, problem.shares)).max() < 1e-7


@pytest.mark.parametrize("momentum", MOMENTA)
def test_a_full_batch_descends_as_torchs_optimiser_does(problem, momentum):
    leaf = torch.zeros(problem.V, problem.V, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([leaf], lr=3.0, momentum=momentum)
    for table in picked(full_batch(problem.shares, 3.0, momentum), range(20)):
        np.testing.assert_allclose(table, leaf.detach(), atol=1e-10)
        optimizer.zero_grad()
        torchs_loss(leaf, problem.pairs).backward()
        optimizer.step()


def test_a_batch_of_all_pairs_is_the_full_batch(problem):
    mini = after(mini_batch(problem, problem.N, 5.0, rng()), 6)
    np.testing.assert_allclose(mini, after(full_batch(problem.shares, 5.0), 6), atol=1e-10)


def test_a_mini_batch_takes_the_gradient_of_its_pairs(problem):
    B, rate = 7, 2.0
    dealt = rng(3).permutation(problem.pairs)
    tables = list(picked(mini_batch(problem, B, rate, rng(3)), range(4)))
    for n, (before, then) in enumerate(pairwise(tables)):
        leaf = torch.tensor(before, requires_grad=True)
        torchs_loss(leaf, dealt[n * B : n * B + B]).backward()
        np.testing.assert_allclose(then, before - rate * leaf.grad.numpy(), **EXACT)


def test_an_epoch_deals_every_pair_once(problem):
    # so small a rate that the table hardly moves: the steps add up to the gradient of all pairs
    rate = 1e-9
    end = after(mini_batch(problem, 1, rate, rng()), problem.N) / (-rate * problem.N)
    np.testing.assert_allclose(end, gradient(np.zeros_like(end), problem.shares), atol=1e-6)


@pytest.mark.parametrize("B", [0, 3000])
def test_a_batch_has_to_fit_the_text(problem, B):
    with pytest.raises(ValueError, match=f"1 to {problem.N} pairs"):
        next(mini_batch(problem, B, 1.0, rng()))


# the limit of the rate


def test_the_curvature_is_that_of_autograds_second_derivatives():
    problem = Problem("abracadabra")
    table, V = rng().normal(size=(problem.V, problem.V)), problem.V
    second = torch.func.hessian(lambda t: torchs_loss(t, problem.pairs))(torch.tensor(table))
    blocks = [np.linalg.eigvalsh(second[i, :, i])[-1] for i in range(V)]
    np.testing.assert_allclose(curvature(table, problem.shares), blocks, **EXACT)
    # rows know nothing of each other, so the largest of the blocks is the largest of all
    whole = np.linalg.eigvalsh(second.reshape(V * V, V * V))[-1]
    assert whole == pytest.approx(max(blocks))


@pytest.mark.parametrize("momentum", MOMENTA)
def test_beside_the_optimum_the_limit_is_that_of_a_parabola(problem, momentum):
    assert measured_limit(problem, momentum) == pytest.approx(limit(problem, momentum), rel=2e-3)
    row = [curvature(problem.best, problem.shares).argmax()]
    shares, best = problem.shares[row], problem.best[row]
    start = best + 1e-3 * rng().normal(size=best.shape)
    distances = [
        np.linalg.norm(
            softmax(
                after(full_batch(shares, share * limit(problem, momentum), momentum, start), 2000)
            )
            - softmax(best)
        )
        for share in (0.97, 1.03)
    ]
    beside = np.linalg.norm(softmax(start) - softmax(best))
    assert distances[0] < 0.2 * beside < 5 * beside < distances[1]


def test_from_zero_a_rate_above_the_limit_does_not_arrive(problem):
    below, above = (share * limit(problem, 0) for share in (0.9, 1.5))
    ends = [
        [problem.excess(table) for table in picked(full_batch(problem.shares, rate), (1000, 2000))]
        for rate in (below, above)
    ]
    assert ends[0][1] < 0.6 * ends[0][0]
    assert min(ends[1]) > 3 * ends[0][1]


# the noise


def test_the_noise_is_that_of_a_loop_over_the_pairs(problem, table):
    rows = []
    for first, second in problem.pairs:
        one = np.zeros_like(table)
        one[first] = softmax(table[first])
        one[first, second] -= 1
        rows.append(one.ravel())
    mean = np.mean(rows, axis=0)
    trace = np.mean([((one - mean) ** 2).sum() for one in rows])
    assert noise(table, problem.shares) == pytest.approx((trace, (mean**2).sum()))


@pytest.mark.parametrize("B", [1, 8, 64])
def test_the_variance_of_a_batch_is_that_of_one_pair_over_B(problem, table, B):
    trace, _ = noise(table, problem.shares)
    measured = measured_variance(table, problem.shares, B, rng(1), repeats=2000)
    assert measured == pytest.approx(trace / B, rel=0.05)


# the record


def test_everything_can_be_recorded_and_drawn(text, monkeypatch, tmp_path):
    monkeypatch.setattr(corpus, "find", lambda: ("plays", text))
    monkeypatch.setattr(descent, "RATES", {1: (0.1, 1), 16: (3,), None: (30, 3)})
    monkeypatch.setattr(descent, "LEAST_STEPS", 30)
    monkeypatch.setattr(descent, "SWEEP", np.geomspace(1, 100, 3))
    monkeypatch.setattr(descent, "SWEEP_STEPS", 20)
    monkeypatch.setattr(descent, "FIGURES", tmp_path)
    row = json.loads(json.dumps(descent.record((1, 2, 3))))
    assert row["sizes"].keys() == {"1 pair", "16 pairs", "full batch"}
    for found in row["sizes"].values():
        ends = found["end at each rate"]
        assert found["excess"]["median"][-1] == ends[str(found["rate"])]["median"]
        assert found["excess"]["median"][-1] == min(end["median"] for end in ends.values())
    assert 30 < len(descent.line(row)) < 400
    descent.draw(row)
    assert {path.stem for path in tmp_path.iterdir()} == {"descent", "momentum", "gradient_noise"}


@pytest.fixture(scope="module")
def row():
    if not RECORD.exists() or "descent" not in recording.read(RECORD):
        pytest.skip("not recorded yet: run python day2/experiments.py")
    return recording.read(RECORD)["descent"]


def reading(found, excess):
    """Symbols that had been read when the median first was below this excess."""
    reached = (s for s, e in zip(found["steps"], found["excess"]["median"]) if e < excess)
    return next(reached) * found["B"]


def test_larger_batches_need_fewer_steps_and_from_some_size_on_more_symbols(row):
    symbols = {name: reading(found, 0.1) for name, found in row["sizes"].items()}
    steps = {name: symbols[name] / found["B"] for name, found in row["sizes"].items()}
    assert list(steps.values()) == sorted(steps.values(), reverse=True)
    small = [symbols[name] for name in ("1 pair", "16 pairs", "256 pairs")]
    assert max(small) < 2 * min(small)
    assert symbols["2048 pairs"] > 1.3 * max(small)
    assert symbols["full batch"] > 8 * max(small)
    for found in row["sizes"].values():
        assert found["rate"] == sorted(map(float, found["end at each rate"]))[1]  # not at an edge


def test_the_limit_of_the_rate_is_exact_beside_the_optimum_and_not_from_afar(row):
    momenta = row["sweep"]["momenta"]
    for b, found in momenta.items():
        assert found["limit measured"] == pytest.approx(found["limit"], rel=2e-3)
        assert found["limit"] == pytest.approx((1 + float(b)) * momenta["0"]["limit"], rel=1e-3)
    share = {b: found["best rate"] / found["limit"] for b, found in momenta.items()}
    assert share["0"] == pytest.approx(1, abs=0.15)
    assert share["0.9"] < 0.7
    assert share["0.99"] < 0.5


def test_the_noise_falls_with_the_batch_and_grows_towards_the_optimum(row):
    found = row["noise"]
    assert found["batches"] == list(BATCHES)
    for name in ("beginning", "end"):
        ratios = found[name]["measured over predicted"]
        assert 0.9 < min(ratios["low"]) <= max(ratios["high"]) < 1.1
    assert (np.diff(found["scale"]) > 0).all()
    assert found["scale"][-1] > 100 * found["scale"][0]
