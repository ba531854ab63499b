"""The small autograd against torch on random graphs; gradcheck on right and on planted gradients."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
from attention_numpy import causal_mask
from autograd import Tensor, gradients, unbroadcast
from backward_numpy import attention_backward, layer_norm_backward, softmax_backward
from block_numpy import layer_norm
from gradcheck import differences, gradcheck

SHAPES = [(), (3,), (1, 3), (2, 1), (2, 3), (4, 2, 3), (4, 1, 1), (3, 3)]


def ours_and_theirs(array):
    return Tensor(array), torch.tensor(array, dtype=torch.float64, requires_grad=True)


ONE = {  # what can be done to one array; torch has the same names where none is given
    "half": lambda x: x * 0.5,
    "from one": lambda x: 1 - x,
    "negative": lambda x: -x,
    "squared": lambda x: x**2,
    "one over": lambda x: 1 / (x * x + 1),
    "root": lambda x: (x * x + 0.5) ** 0.5,
    "exp": lambda x: (x * 0.1).exp(),
    "log": lambda x: (x * x + 0.5).log(),
    "relu": lambda x: x.relu(),
    "constant": lambda x: np.ones(1) + x if isinstance(x, Tensor) else x + torch.ones(1).double(),
    "sum": lambda x: x.sum(),
    "mean": lambda x: x.mean(),
    "flat": lambda x: x.reshape(-1),
}
LAST = {  # and to one that has an axis
    "sum": lambda x: x.sum(-1),
    "sum, kept": lambda x: x.sum(0, keepdims=True),
    "mean": lambda x: x.mean(-1, keepdims=True),
    "max": lambda x: x.max(-1) if isinstance(x, Tensor) else x.amax(-1),
    "max, kept": lambda x: x.max(0, keepdims=True) if isinstance(x, Tensor) else x.amax(0, True),
    "softmax": lambda x: x.softmax() if isinstance(x, Tensor) else x.softmax(-1),
    "first": lambda x: x[0],
    "twice": lambda x: x[[0, -1, 0]],
    "turned": lambda x: x.swapaxes(0, -1),
}
TWO = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / (y * y + 1),
}


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_random_graphs_are_torchs(seed):
    r = np.random.default_rng(seed)
    pool = [ours_and_theirs(r.normal(size=SHAPES[n])) for n in r.integers(len(SHAPES), size=3)]
    leaves = list(pool)
    for _ in range(r.integers(1, 12)):
        pool.append(step(r, pool))
    (out, theirs), *more = pool[-1:-4:-1]
    out, theirs = out.sum(), theirs.sum()
    for ours, torchs in more:  # so that many nodes are used in several places
        out, theirs = out + ours.mean() * 3, theirs + torchs.mean() * 3
    assert out.value == pytest.approx(theirs.item(), rel=1e-10, abs=1e-10)
    theirs.backward()
    for (_, leaf), found in zip(leaves, gradients(out, [o for o, _ in leaves]), strict=True):
        expected = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def step(r, pool):
    """One more operation on arrays of the pool, in ours and in torch."""
    x, y = (pool[n] for n in r.integers(len(pool), size=2))
    ops = list(ONE.values()) + (list(LAST.values()) if x[0].value.ndim else [])
    a, b = x[0].value.shape, y[0].value.shape
    pairs = list(TWO.values()) if fit(a, b) else []
    if len(a) > 1 < len(b) and a[-1] == b[-2] and fit(a[:-2], b[:-2]):
        pairs += [lambda a, b: a @ b] * 4
    if pairs and r.random() < 0.5:
        made = [pairs[n](a, b) for n in [r.integers(len(pairs))] for a, b in zip(x, y, strict=True)]
    else:
        made = [ops[n](a) for n in [r.integers(len(ops))] for a in x]
    return made if np.abs(made[0].value).max() < 1e3 else [a * 1e-3 for a in made]


def fit(a, b):
    """Whether two shapes broadcast."""
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1], strict=False))


def test_softmax_attention_by_autograd_is_the_gradient_by_hand():
    r = np.random.default_rng(0)
    arrays = [r.normal(size=s) for s in ((2, 5, 4), (2, 5, 4), (2, 5, 3))]
    above, mask = r.normal(size=(2, 5, 3)), causal_mask(5)
    q, k, v = map(Tensor, arrays)
    scores = q @ k.swapaxes(-1, -2) / 2 + np.where(mask, 0, -np.inf)
    out = scores.softmax() @ v
    found = gradients((out * above).sum(), [q, k, v])
    for one, other in zip(found, attention_backward(above, *arrays, mask), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_every_way_is_walked_once_and_a_chain_may_be_long():
    """A walk that follows every road alone needs 2^12 steps here; one that recurses, a deep stack."""
    walked = []
    x = y = Tensor(1.0)
    for _ in range(12):
        y = Tensor(y.value, ((y, lambda g: walked.append(g) or g / 2),) * 2)
    assert gradients(y, [x]) == (1,)
    assert len(walked) == 24
    for _ in range(5000):
        y = y + 1
    assert gradients(y, [x]) == (1,)


def test_a_plain_array_may_stand_on_the_left():
    x = Tensor(np.ones((2, 2)))
    array = np.arange(4.0).reshape(2, 2)
    for made, value in ((array + x, array + 1), (array - x, array - 1), (array / x, array)):
        assert isinstance(made, Tensor)
        np.testing.assert_array_equal(made.value, value)
    np.testing.assert_array_equal((array @ x).value, [[1, 1], [5, 5]])


def test_a_leaf_that_is_not_used_gets_zeros_and_out_itself_one():
    x, y = Tensor([1.0, 2]), Tensor([3.0, 4])
    out = x.sum()
    dx, dy, dout = gradients(out, [x, y, out])
    assert (dx.tolist(), dy.tolist(), float(dout)) == ([1, 1], [0, 0], 1)


def test_autograd_refuses_with_a_sentence():
    x = Tensor(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"not of \(2, 3\): sum it first"):
        gradients(x, [x])
    with pytest.raises(ValueError, match="second axis"):
        x @ Tensor(np.ones(3))


@pytest.mark.parametrize(("shape", "expected"), [((), 24), ((1,), [24]), ((3, 1), [[8], [8], [8]])])
def test_unbroadcast(shape, expected):
    np.testing.assert_array_equal(unbroadcast(np.ones((2, 3, 4)), shape), expected)


def norm_and_gradient(wrong=lambda g: g):
    r = np.random.default_rng(1)
    gain, bias, above = r.normal(size=4), r.normal(size=4), r.normal(size=(3, 4))

    def f(x):
        value = (layer_norm(x, gain, bias) * above).sum()
        return value, wrong(layer_norm_backward(above, x, gain)[0])

    return f, r.normal(size=(3, 4))


def planted(place, amount):
    def wrong(gradient):
        gradient[place] += amount
        return gradient

    return wrong


def test_gradcheck_passes_a_right_gradient_and_says_how_near_it_is():
    f, x = norm_and_gradient()
    before = x.copy()
    assert 0 < gradcheck(f, x) < 1e-8
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("amount", [1e-5, -0.3, np.nan, np.inf])
def test_gradcheck_names_the_entry_of_a_planted_error(amount):
    f, x = norm_and_gradient(planted((2, 1), amount))
    numeric = differences(lambda x: f(x)[0], x)[2, 1]
    with pytest.raises(AssertionError) as told:
        gradcheck(f, x)
    said = f"x[2, 1]: the gradient says {numeric + amount:.4g}"
    assert str(told.value).startswith(said[:-1]), told.value
    assert f"central differences say {numeric:.5g}"[:-1] in str(told.value)
    assert "1 of 12 entries" in str(told.value)


def test_gradcheck_of_a_dictionary_names_the_array():
    def f(params):
        a, b = params["a"], params["b"]
        return (a**2).sum() * b[0], {"a": 2 * a * b[0], "b": (a**2).sum() * np.ones(1)}

    params = {"a": np.array([1.0, 2]), "b": np.array([3.0])}
    assert gradcheck(f, params) < 1e-9
    with pytest.raises(AssertionError, match=r"b\[0\]: the gradient says 0, .* say 5"):
        gradcheck(lambda p: (f(p)[0], f(p)[1] | {"b": np.zeros(1)}), params)
    with pytest.raises(AssertionError, match="differ in: b"):
        gradcheck(lambda p: (f(p)[0], {"a": f(p)[1]["a"]}), params)
    with pytest.raises(AssertionError, match=r"the gradient for b is \(\), not \(1,\)"):
        gradcheck(lambda p: (f(p)[0], f(p)[1] | {"b": np.float64(5)}), params)


def test_gradcheck_of_a_gradient_that_is_zero():
    """The gradient of a sum of softmax is 0, and rounding alone must not turn it red."""
    x = np.random.default_rng(2).normal(size=(2, 5))

    def f(x):
        shares = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
        return shares.sum(), softmax_backward(np.ones_like(shares), shares)

    assert gradcheck(f, x) < 1e-7


def test_gradcheck_refuses_what_it_cannot_judge():
    with pytest.raises(ValueError, match="x is float32"):
        gradcheck(lambda x: (x.sum(), np.ones(3)), np.ones(3, dtype=np.float32))
    with pytest.raises(ValueError, match="x is list"):
        gradcheck(lambda x: (sum(x), np.ones(3)), [1.0, 2, 3])
    r = np.random.default_rng(0)
    with pytest.raises(ValueError, match="random numbers"):
        gradcheck(lambda x: (x.sum() * r.random(), np.ones(3)), np.ones(3))


def test_the_autograd_is_a_program(tmp_path):
    program = Path(autograd.__file__)
    ran = subprocess.run(
        [sys.executable, program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    rows = {line[:12].strip(): line[12:].split() for line in ran.stdout.splitlines()[1:]}
    w, x, b = (torch.tensor(n, requires_grad=True) for n in (2.0, 3.0, -5.0))
    F.mse_loss(w * x + b, torch.zeros(())).add(w).backward()
    for name, tensor in (("w", w), ("x", x), ("b", b)):
        assert [float(n) for n in rows[name]] == [tensor.item(), tensor.grad.item()]
