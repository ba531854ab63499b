"""day4-5/optim_numpy.py against torch.optim, its schedulers and its clipping, step for step."""

import math

import numpy as np
import pytest
import torch

import optim_numpy
from optim_numpy import (
    SGD,
    AdamW,
    clip_factor,
    inverse_square_root,
    matrices,
    warmup_cosine,
    warmup_cosine_of,
)

SHAPES = {"embedding": (7, 3), "head.w": (3, 5), "norm.gain": (3,), "deep": (2, 3, 4)}


def arrays(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    return {name: scale * rng.normal(size=shape) for name, shape in SHAPES.items()}


def gradients(step):
    """Of very different sizes from array to array, and one number that is nearly always 0."""
    found = {n: d * 10.0 ** (1 - 2 * i) for i, (n, d) in enumerate(arrays(1000 + step).items())}
    found["head.w"][0, 0] *= step % 17 == 16
    return found


def follow(ours, make_torch, schedule=None, steps=100):
    """The largest distance between our arrays and torch's, after every one of so many steps."""
    params = arrays(0)
    theirs = {name: torch.nn.Parameter(torch.tensor(p)) for name, p in params.items()}
    optimizer, torchs = ours(params), make_torch(list(theirs.values()))
    scheduler = torch.optim.lr_scheduler.LambdaLR(torchs, schedule) if schedule else None
    apart = 0.0
    for step in range(steps):
        grads = gradients(step)
        for name, d in grads.items():
            theirs[name].grad = torch.tensor(d)
        optimizer.step(params, grads, schedule(step) if schedule else 1.0)
        torchs.step()
        if scheduler:
            scheduler.step()
        gaps = [np.abs(params[n] - theirs[n].detach().numpy()).max() for n in params]
        apart = max(apart, *gaps)
    moved = min(np.abs(params[n] - before).max() for n, before in arrays(0).items())
    assert moved > 1e-7, "every array moves"
    return apart


@pytest.mark.parametrize("beta", [0.0, 0.9, 0.99])
def test_sgd_and_momentum_are_torchs(beta):
    torchs = lambda p: torch.optim.SGD(p, lr=0.01, momentum=beta)
    assert follow(lambda p: SGD(p, 0.01, beta), torchs) < 1e-10


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.8, 0.95)])
def test_adam_is_torchs(betas):
    torchs = lambda p: torch.optim.Adam(p, lr=0.01, betas=betas)
    assert follow(lambda p: AdamW(p, 0.01, betas), torchs) < 1e-10


@pytest.mark.parametrize("eps", [1e-8, 1e-2])
def test_adamw_is_torchs(eps):
    torchs = lambda p: torch.optim.AdamW(p, lr=0.01, eps=eps, weight_decay=0.3)
    assert follow(lambda p: AdamW(p, 0.01, eps=eps, weight_decay=0.3), torchs) < 1e-10


def test_decay_pulls_the_named_arrays_alone():
    def groups(p):
        decayed, others = [p[1]], [p[0], p[2], p[3]]
        held = [{"params": decayed, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0}]
        return torch.optim.AdamW(held, lr=0.01)

    assert matrices(arrays(0)) == ["head.w"]
    ours = lambda p: AdamW(p, 0.01, weight_decay=0.3, decayed=matrices(p))
    assert follow(ours, groups) < 1e-10


@pytest.mark.parametrize(
    "schedule",
    [lambda s: warmup_cosine(s + 1, 90, 10, 0.1), lambda s: inverse_square_root(s + 1, 16, 20)],
)
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_schedule_scales_each_step_as_lambda_lr_does(kind, schedule):
    ours, torchs = {
        "sgd": (lambda p: SGD(p, 0.01, 0.9), lambda p: torch.optim.SGD(p, 0.01, momentum=0.9)),
        "adamw": (
            lambda p: AdamW(p, 0.01, weight_decay=0.3),
            lambda p: torch.optim.AdamW(p, 0.01, weight_decay=0.3),
        ),
    }[kind]
    assert follow(ours, torchs, schedule) < 1e-10


# ---- schedules


@pytest.mark.parametrize(("steps", "warmup", "floor"), [(50, 10, 0.1), (37, 5, 0.0), (8, 1, 0.5)])
def test_warm_up_and_cosine_are_torchs_two_schedulers_joined(steps, warmup, floor):
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    made = torch.optim.lr_scheduler
    up = made.LinearLR(optimizer, 1 / warmup, 1.0, max(1, warmup - 1))
    down = made.CosineAnnealingLR(optimizer, steps - warmup, eta_min=floor)
    both = made.SequentialLR(optimizer, [up, down], [warmup - 1])
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    ours = [warmup_cosine(step, steps, warmup, floor) for step in range(1, steps + 1)]
    np.testing.assert_allclose(ours, rates, atol=1e-12)


def test_the_ends_of_the_cosine():
    assert [warmup_cosine(step, 10, 4) for step in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1.0]
    assert warmup_cosine(7, 10, 4, 0.2) == pytest.approx(0.6)
    assert warmup_cosine(10, 10, 4, 0.2) == warmup_cosine(99, 10, 4, 0.2) == pytest.approx(0.2)
    assert warmup_cosine(1, 10, 0) < 1 and warmup_cosine(5, 4, 4, 0.3) == pytest.approx(0.3)


@pytest.mark.parametrize("parts", [1, 4])
def test_micro_batches_of_a_step_share_its_rate_as_torchs_scheduler_gives_it(parts):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: warmup_cosine(s + 1, 9, 3))
    for micro_batch in range(1, 9 * parts + 1):
        rate = optimizer.param_groups[0]["lr"]
        assert warmup_cosine_of(micro_batch, parts, 9, 3) == pytest.approx(rate)
        if micro_batch % parts == 0:
            optimizer.step()
            scheduler.step()


def test_the_rate_of_the_paper():
    """The published numbers: C = 512, 4000 steps of warm-up: a peak of 0.0007 at step 4000."""
    rates = [inverse_square_root(step, 512, 4000) for step in range(1, 20_001)]
    assert np.argmax(rates) + 1 == 4000
    assert rates[3999] == pytest.approx((512 * 4000) ** -0.5) == pytest.approx(6.99e-4, rel=1e-3)
    assert rates[1999] == pytest.approx(rates[3999] / 2)
    assert rates[15_999] == pytest.approx(rates[3999] / 2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: warmup_cosine(0, 10, 4),
        lambda: inverse_square_root(0, 16, 4),
        lambda: inverse_square_root(1, 16, 0),
    ],
)
def test_steps_count_from_1(call):
    with pytest.raises(ValueError, match="count from 1"):
        call()


# ---- clipping


@pytest.mark.parametrize("ceiling", [1e-3, 1.0, 50.0, 1e6])
def test_clipping_is_torchs(ceiling):
    grads = gradients(4)
    theirs = [torch.nn.Parameter(torch.zeros(d.shape, dtype=torch.float64)) for d in grads.values()]
    for p, d in zip(theirs, grads.values()):
        p.grad = torch.tensor(d)
    norm = torch.nn.utils.clip_grad_norm_(theirs, ceiling).item()
    factor, ours = clip_factor(grads, ceiling)
    assert ours == pytest.approx(norm, rel=1e-12)
    for p, d in zip(theirs, grads.values()):
        np.testing.assert_allclose(factor * d, p.grad.numpy(), rtol=1e-10)


def test_nothing_to_clip():
    assert clip_factor({"a": np.zeros(3)}, 1.0) == (1.0, 0.0)
    assert clip_factor({}, 1.0) == (1.0, 0.0)


# ---- what is refused, and what the program says


@pytest.mark.parametrize("make", [lambda p: SGD(p, 0.1), lambda p: AdamW(p, 0.1)])
@pytest.mark.parametrize(
    ("grads", "said"),
    [
        ({"head.w": np.ones((5, 3))}, r"head.w is \(3, 5\), but its gradient \(5, 3\)"),
        ({"tail.w": np.ones((3, 5))}, "no such parameter"),
        ({"norm.gain": np.array([1, np.nan, 2])}, "norm.gain holds NaN or infinity"),
    ],
)
def test_gradients_that_do_not_fit_are_refused_before_anything_moves(make, grads, said):
    params = arrays(0)
    with pytest.raises(ValueError, match=said):
        make(params).step(params, {"embedding": np.ones((7, 3))} | grads)
    for name, before in arrays(0).items():
        np.testing.assert_array_equal(params[name], before)


def test_the_ravine(capsys):
    """Past 2 / curvature plain descent grows; below, the loss is what the closed form says."""
    optim_numpy.main()
    assert "1.08e+00" in capsys.readouterr().out
    x = np.array([10.0, 1.0]) * (1 - 0.019 * np.array([1.0, 100.0])) ** 100
    assert (np.array([1.0, 100.0]) * x**2).sum() / 2 == pytest.approx(1.08, rel=1e-2)
    for lr, grows in ((0.0199, False), (0.0201, True)):
        params = {"x": np.array([0.0, 1.0])}
        optimizer = SGD(params, lr)
        for _ in range(100):
            optimizer.step(params, optim_numpy.ravine(params)[1])
        assert (math.fabs(params["x"][1]) > 1) == grows
