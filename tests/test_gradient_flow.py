"""day4-5/gradient_flow.py: its gradients by differences, its alarms on planted faults and without."""

import math
import re

import numpy as np
import pytest

import backward_model
import gradient_flow
import training_tables
from attention_numpy import causal_mask
from backward_numpy import relu
from digit_tasks import TASKS, encode, split
from gradient_flow import STACKS, H, alarms, at_birth, curve, loss_and_gradients, model
from optim_numpy import SGD, AdamW
from step_by_step import norms_by_layer

IDS, TARGETS = (part[:16] for part in encode(TASKS["digits"], split(TASKS["digits"])["train"]))


def moved(L, seed=0, by=0.1):
    """A stack whose gains and biases are no longer 1 and 0, and no weight is."""
    rng = np.random.default_rng(seed)
    params = model(rng, L)
    return {name: p + by * rng.normal(size=p.shape) for name, p in params.items()}


def test_with_sum_and_norm_it_is_the_model():
    params = moved(3)
    loss, grads = loss_and_gradients(params, IDS, TARGETS)
    given = IDS, TARGETS, H, causal_mask(IDS.shape[1])
    whole, theirs = backward_model.loss_and_gradients(params, *given, bend=relu)
    assert (
        loss == pytest.approx(whole, rel=1e-13) and grads.keys() == theirs.keys() == params.keys()
    )
    for name, d in grads.items():
        np.testing.assert_allclose(d, theirs[name], atol=1e-13)


@pytest.mark.parametrize("parts", [*STACKS.values(), (2, True)], ids=[*STACKS, "planted"])
def test_gradients_of_every_stack_by_central_differences(parts):
    params = moved(2)
    _, grads = loss_and_gradients(params, IDS, TARGETS, *parts)
    rng, h = np.random.default_rng(1), 1e-6
    for name, p in params.items():
        way = rng.normal(size=p.shape)
        up, down = (
            loss_and_gradients(params | {name: p + step * way}, IDS, TARGETS, *parts)[0]
            for step in (h, -h)
        )
        slope = (grads.get(name, 0 * way) * way).sum()  # what is left out has none
        assert slope == pytest.approx((up - down) / (2 * h), rel=1e-5, abs=1e-8)


# ---- alarms: planted faults


@pytest.mark.parametrize("L", [1, 2, 8, 32])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_healthy_model_raises_none(L, seed):
    norms = at_birth(seed, L, 1, True)
    assert alarms(norms) == alarms(norms, norms) == []


def test_none_while_a_healthy_model_learns():
    params = model(np.random.default_rng(1), 6)
    optimizer, born, losses = AdamW(params, 1e-3, (0.9, 0.99)), None, []
    for _ in range(60):
        loss, grads = loss_and_gradients(params, IDS, TARGETS)
        norms = norms_by_layer(grads)
        born = born or norms
        assert alarms(norms, born) == []
        optimizer.step(params, grads)
        losses.append(loss)
    assert losses[-1] < losses[0] / 5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stack_without_sum_and_norm_vanishes(seed):
    (told,) = alarms(at_birth(seed, 32, 0, False))
    assert told.startswith("vanishing: block 0 gets")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_stream_that_is_added_twice_explodes(seed):
    (told,) = alarms(at_birth(seed, 16, 2, True))
    assert told.startswith("exploding: block 0 gets")


def test_a_rate_that_is_far_too_high_explodes():
    params = model(np.random.default_rng(1), 4)
    optimizer, born, told = SGD(params, 30.0), None, []
    for _ in range(20):
        _, grads = loss_and_gradients(params, IDS, TARGETS, 1, False)
        norms = norms_by_layer(grads)
        born = born or norms
        told += alarms(norms, born)
        if told:
            break
        optimizer.step(params, grads)
    assert "times as long as at birth" in told[0]


def test_a_block_that_lets_nothing_through_is_named():
    params = model(np.random.default_rng(1), 4)
    params["blocks.2.feed_forward.b1"] -= 1e6  # no unit of it is ever above 0
    _, grads = loss_and_gradients(params, IDS, TARGETS, 0, True)
    (told,) = alarms(norms_by_layer(grads))
    assert told.startswith("no gradient at all reaches block")


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_what_is_no_number_is_named_first(number):
    norms = at_birth(1, 4, 1, True) | {"block 1": number, "block 3": 0.0}
    (told,) = alarms(norms)
    assert told.startswith("the gradient of block 1 is no number")


def test_the_edges_of_the_alarm():
    for first, fires in ((1.1e-3, False), (0.9e-3, True), (900.0, False), (1100.0, True)):
        assert bool(alarms({"block 0": first, "block 1": 5.0, "block 2": 1.0})) == fires
    born = {"block 0": 3.0, "head": 4.0}
    assert alarms({"block 0": 300.0, "head": 390.0}, born) == []
    assert "times as long as at birth" in alarms({"block 0": 300.0, "head": 410.0}, born)[0]


# ---- what it does to training


def test_sixteen_layers_learn_with_both_and_not_with_neither():
    ends = {
        name: np.mean(curve(1, 16, *STACKS[name], 60)[-5:])
        for name in ("residual and norm", "neither")
    }
    assert ends["residual and norm"] < 1.3 and ends["neither"] > 1.7


def test_the_program(capsys):
    gradient_flow.main()
    out = capsys.readouterr().out
    assert out.count(" none\n") == 3 and "vanishing" in out


def test_the_program_prints_the_table_of_the_page(capsys):
    gradient_flow.main()
    out = capsys.readouterr().out.split("\n\n")[0]
    for line in training_tables.flow().splitlines()[2:]:
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        row = re.search(rf"^{name} +(.*)$", out, re.MULTILINE)[1]
        assert row.split() == cells[: len(gradient_flow.DEPTHS)]
