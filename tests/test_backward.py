"""The gradients of Day 4-5, each against central differences and PyTorch's autograd, in float64."""

import itertools
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from study import judge

import backward_model
import block_numpy
from attention_numpy import attention, causal_mask, multi_head, padding_mask, softmax
from backward_model import block, block_backward, logits, loss_and_gradients
from backward_numpy import (
    attention_backward,
    cross_entropy,
    cross_entropy_backward,
    dropout_backward,
    embedding_backward,
    feed_forward_backward,
    gelu_backward,
    gelu_tanh_backward,
    layer_norm_backward,
    linear_backward,
    multi_head_backward,
    positions_backward,
    relu,
    relu_backward,
    residual_backward,
    softmax_backward,
)
from block_numpy import encoder, gelu, gelu_tanh, layer_norm, random_params
from gradcheck import gradcheck
from positions_numpy import embed

B, T, C, H, S, D, E, M, V = 2, 5, 12, 3, 7, 4, 6, 8, 9
EXACT = {"atol": 1e-8, "rtol": 0}
DAY = Path(backward_model.__file__).parent


def rng(seed=0):
    return np.random.default_rng(seed)


def tensors(*arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def assert_both_agree(forward, gradients, arrays, theirs):
    """gradients(d_out) for arrays, against central differences of forward and torch's of theirs.

    The gradient from above is random: a sum would hide mistakes.
    """
    above = rng(9).normal(size=forward(*arrays).shape)
    found = gradients(above)
    found = found if isinstance(found, tuple) else (found,)
    assert len(found) == len(arrays)
    for n, (array, gradient) in enumerate(zip(arrays, found, strict=True)):

        def f(x, n=n, gradient=gradient):
            return (forward(*arrays[:n], x, *arrays[n + 1 :]) * above).sum(), gradient

        gradcheck(f, array)
    given = tensors(*arrays)
    (theirs(*given) * torch.tensor(above)).sum().backward()
    for tensor, gradient in zip(given, found, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad, **EXACT)


@pytest.mark.parametrize("lead", [(), (T,), (B, T)])
def test_linear(lead):
    x, w, b = rng().normal(size=(*lead, C)), *(rng(1).normal(size=s) for s in ((C, E), (E,)))
    assert_both_agree(
        lambda x, w, b: x @ w + b,
        lambda d: linear_backward(d, x, w),
        [x, w, b],
        lambda x, w, b: F.linear(x, w.T, b),
    )


def test_embedding_counts_every_time_a_symbol_comes():
    ids, table = np.array([[0, 3, 3], [3, 8, 1]]), rng().normal(size=(V, C))
    assert_both_agree(
        lambda table: embed(ids, table),
        lambda d: embedding_backward(d, ids, V),
        [table],
        lambda table: F.embedding(torch.tensor(ids), table),
    )


def test_positions_collect_from_the_batch():
    x, table = rng().normal(size=(B, T, C)), rng(1).normal(size=(T + 2, C))
    assert_both_agree(
        lambda table: x + table[:T],
        lambda d: positions_backward(d, T + 2),
        [table],
        lambda table: torch.tensor(x) + table[:T],
    )


@pytest.mark.parametrize("lead", [(), (T,), (B, H, T)])
def test_softmax(lead):
    x = rng().normal(size=(*lead, S)) * 3
    assert_both_agree(
        softmax,
        lambda d: softmax_backward(d, softmax(x)),
        [x],
        lambda x: x.softmax(-1),
    )


@pytest.mark.parametrize("ignored", [False, True])
def test_cross_entropy(ignored):
    x, targets = rng().normal(size=(B, T, V)) * 3, rng(1).integers(V, size=(B, T))
    if ignored:
        targets[0, 1:] = -100
    assert (
        gradcheck(lambda x: (cross_entropy(x, targets), cross_entropy_backward(x, targets)), x)
        < 1e-7
    )
    (theirs,) = tensors(x)
    loss = F.cross_entropy(theirs.reshape(-1, V), torch.tensor(targets).reshape(-1))
    loss.backward()
    assert cross_entropy(x, targets) == pytest.approx(loss.item(), abs=1e-12)
    np.testing.assert_allclose(cross_entropy_backward(x, targets), theirs.grad, **EXACT)


def test_cross_entropy_of_huge_logits_is_finite():
    huge = np.array([[1e4, -1e4, 0]])
    with np.errstate(all="raise", under="ignore"):
        assert cross_entropy(huge, np.array([1])) == 2e4
        slope = cross_entropy_backward(huge, np.array([1]))
    np.testing.assert_array_equal(slope, [[1, -1, 0]])


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (np.zeros((2, 3)), np.array([-100, -100]), "no target counts"),
        (np.zeros((2, 3)), np.array([0, 3]), r"in 0\.\.2"),
        (np.zeros((2, 3)), np.array([0, -1]), r"in 0\.\.2"),
        (np.zeros((2, 3)), np.array([0]), r"need targets \(2,\)"),
        (np.array([[0.0, math.nan, 1]]), np.array([0]), "NaN"),
    ],
)
def test_cross_entropy_refuses_with_a_sentence(logits, targets, message):
    for function in (cross_entropy, cross_entropy_backward):
        with pytest.raises(ValueError, match=message):
            function(logits, targets)


@pytest.mark.parametrize("eps", [1e-5, 0.3])
@pytest.mark.parametrize("lead", [(), (T,), (B, T)])
def test_layer_norm(lead, eps):
    x, (gain, bias) = rng().normal(size=(*lead, C)) * 2 + 1, rng(1).normal(size=(2, C))
    assert_both_agree(
        lambda x, gain, bias: layer_norm(x, gain, bias, eps),
        lambda d: layer_norm_backward(d, x, gain, eps),
        [x, gain, bias],
        lambda x, gain, bias: F.layer_norm(x, (C,), gain, bias, eps),
    )


@pytest.mark.parametrize(
    ("bend", "backward", "theirs"),
    [
        (relu, relu_backward, F.relu),
        (gelu, gelu_backward, F.gelu),
        (gelu_tanh, gelu_tanh_backward, lambda x: F.gelu(x, approximate="tanh")),
    ],
    ids=["relu", "gelu", "gelu_tanh"],
)
def test_what_bends(bend, backward, theirs):
    x = np.concatenate([rng().normal(size=(T, M)).ravel() * 2, [10, -10, 0.5]])
    assert_both_agree(bend, lambda d: backward(d, x), [x], theirs)


def test_dropout_with_a_given_mask():
    x, kept = rng().normal(size=(B, T)), rng(1).random((B, T)) < 0.7
    assert_both_agree(
        lambda x: x * kept / 0.7,
        lambda d: dropout_backward(d, kept, 0.3),
        [x],
        lambda x: x * torch.tensor(kept) / 0.7,
    )


@pytest.mark.parametrize("bend", [gelu, gelu_tanh, relu])
def test_feed_forward(bend):
    x = rng().normal(size=(B, T, C))
    weights = [rng(n).normal(size=s) for n, s in enumerate([(C, M), (M,), (M, C), (C,)])]
    theirs = {gelu: F.gelu, gelu_tanh: lambda x: F.gelu(x, approximate="tanh"), relu: F.relu}[bend]
    assert_both_agree(
        lambda x, w1, b1, w2, b2: bend(x @ w1 + b1) @ w2 + b2,
        lambda d: feed_forward_backward(d, x, *weights, bend),
        [x, *weights],
        lambda x, w1, b1, w2, b2: theirs(x @ w1 + b1) @ w2 + b2,
    )


MASKS = {
    "none": lambda T, S: None,
    "causal": lambda T, S: np.arange(S) <= np.arange(T)[:, None],
    "padding": lambda T, S: padding_mask([S, 2], S),
    "both": lambda T, S: padding_mask([S, 2], S) & (np.arange(S) <= np.arange(T)[:, None]),
}


@pytest.mark.parametrize("mask", MASKS)
def test_attention(mask):
    seen = MASKS[mask](T, S)
    q, k, v = (rng(n).normal(size=(B, H, *s)) for n, s in enumerate([(T, D), (S, D), (S, E)]))
    assert_both_agree(
        lambda q, k, v: attention(q, k, v, seen)[0],
        lambda d: attention_backward(d, q, k, v, seen),
        [q, k, v],
        lambda q, k, v: F.scaled_dot_product_attention(
            q, k, v, attn_mask=None if seen is None else torch.tensor(seen)
        ),
    )


def test_what_is_hidden_gets_no_gradient():
    q, k, v = (rng(n).normal(size=s) for n, s in enumerate([(T, D), (S, D), (S, E)]))
    seen = np.arange(S) < 4
    d_q, d_k, d_v = attention_backward(np.ones((T, E)), q, k, v, np.tile(seen, (T, 1)))
    assert not d_k[4:].any() and not d_v[4:].any()
    assert d_k[:4].all() and d_v[:4].all() and d_q.all()


def attend(x, memory, w_q, w_k, w_v, w_o, mask):
    """multi_head in PyTorch, by its own attention."""
    q, k, v = (
        (a @ w).unflatten(-1, (H, D)).transpose(1, 2)
        for a, w in ((x, w_q), (memory, w_k), (memory, w_v))
    )
    mask = None if mask is None else torch.tensor(mask)
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2) @ w_o


@pytest.mark.parametrize("mask", MASKS)
def test_multi_head(mask):
    seen = MASKS[mask](T, S)
    x, memory = rng().normal(size=(B, T, C)), rng(1).normal(size=(B, S, C))
    matrices = [rng(n).normal(size=(C, C)) / 3 for n in range(2, 6)]
    assert_both_agree(
        lambda *given: multi_head(*given, H, seen)[0],
        lambda d: multi_head_backward(d, x, memory, *matrices, H, seen),
        [x, memory, *matrices],
        lambda *given: attend(*given, seen),
    )


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_residual(norm):
    x, w, (gain, bias) = (
        rng().normal(size=(T, C)),
        rng(1).normal(size=(C, C)),
        rng(2).normal(size=(2, C)),
    )
    pairs = (
        lambda z: np.tanh(z @ w),
        lambda d, z: d * (1 - np.tanh(z @ w) ** 2) @ w.T,
        lambda z: layer_norm(z, gain, bias),
        lambda d, z: layer_norm_backward(d, z, gain)[0],
    )

    def theirs(x):
        def normal(z):
            return F.layer_norm(z, (C,), torch.tensor(gain), torch.tensor(bias))

        if norm == "pre":
            return x + torch.tanh(normal(x) @ torch.tensor(w))
        return normal(x + torch.tanh(x @ torch.tensor(w)))

    assert_both_agree(
        lambda x: x + pairs[0](pairs[2](x)) if norm == "pre" else pairs[2](x + pairs[0](x)),
        lambda d: residual_backward(d, x, *pairs, norm),
        [x],
        theirs,
    )


def block_params(C, M):
    drawn = random_params(rng(3), V=1, C=C, M=M, L=1, classes=1)
    return {k.removeprefix("blocks.0."): v for k, v in drawn.items() if k.startswith("blocks.0.")}


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_the_block_is_day_1s_and_its_gradient_is_right(norm):
    params, x, mask = block_params(6, M), rng().normal(size=(B, T, 6)), causal_mask(T)
    expected = block_numpy.block(x, params, 2, mask, norm)
    np.testing.assert_allclose(block(x, params, 2, mask, norm), expected, atol=1e-12)
    above = rng(1).normal(size=x.shape)

    def f(everything):
        own = {n: v for n, v in everything.items() if n != "x"}
        y = block(everything["x"], own, 2, mask, norm)
        d_x, grads = block_backward(above, everything["x"], own, 2, mask, norm)
        return (y * above).sum(), grads | {"x": d_x}

    assert gradcheck(f, params | {"x": x}) < 1e-7


def in_torch(p, ids, H, mask, norm, bend, longest):
    """The whole model by PyTorch's functions: -> logits."""
    x = F.embedding(ids, p["embedding"])
    x = x + (p["positions"][: ids.shape[1]] if longest else sinusoids(*x.shape[1:]))
    C = x.shape[-1]

    def normal(z, name):
        return F.layer_norm(z, (C,), p[f"{name}.gain"], p[f"{name}.bias"])

    def sublayer(x, f, name):
        return x + f(normal(x, name)) if norm == "pre" else normal(x + f(x), name)

    for layer in range(2):
        own = f"blocks.{layer}."

        def gather(z, own=own):
            q, k, v = (
                (z @ p[f"{own}attention.w_{n}"]).unflatten(-1, (H, -1)).transpose(1, 2)
                for n in "qkv"
            )
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            return mixed.transpose(1, 2).flatten(2) @ p[f"{own}attention.w_o"]

        def think(z, own=own):
            w1, b1, w2, b2 = (p[f"{own}feed_forward.{n}"] for n in ("w1", "b1", "w2", "b2"))
            return bend(z @ w1 + b1) @ w2 + b2

        x = sublayer(x, gather, f"{own}norm_1")
        x = sublayer(x, think, f"{own}norm_2")
    return (normal(x, "norm") if norm == "pre" else x) @ p["head.w"] + p["head.b"]


def sinusoids(T, C):
    t, c = (torch.arange(n, dtype=torch.float64) for n in (T, C))
    angles = t[:, None] / 10000 ** (c // 2 * 2 / C)
    return torch.where(c % 2 == 0, angles.sin(), angles.cos())


def a_model(longest=None, norm="pre"):
    params = random_params(rng(4), V=V, C=6, M=5, L=2, classes=V)
    if longest:
        params["positions"] = rng(5).normal(size=(longest, 6))
    if norm == "post":
        params = {n: v for n, v in params.items() if not n.startswith("norm.")}
    ids, targets = rng(6).integers(V, size=(2, B, T))
    targets[0, :2] = -100
    return params, ids, targets


MODELS = {
    "causal, sinusoidal, pre-norm": (causal_mask(T), None, "pre", gelu, F.gelu),
    "padded, learned, pre-norm": (
        padding_mask([T, 3], T),
        T + 2,
        "pre",
        gelu_tanh,
        lambda x: F.gelu(x, approximate="tanh"),
    ),
    "all seen, learned, post-norm": (None, T, "post", relu, F.relu),
    "causal and padded, post-norm": (
        padding_mask([T, 3], T) & causal_mask(T),
        None,
        "post",
        gelu,
        F.gelu,
    ),
}


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_of_a_two_block_model(model):
    """Against autograd to 1e-8, against central differences to 1e-7."""
    mask, longest, norm, bend, theirs = MODELS[model]
    params, ids, targets = a_model(longest, norm)
    given = (ids, targets, 2, mask, norm, bend)
    loss, grads = loss_and_gradients(params, *given)
    assert grads.keys() == params.keys()

    p = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    seen = None if mask is None else torch.tensor(mask)
    scores = in_torch(p, torch.tensor(ids), 2, seen, norm, theirs, longest)
    np.testing.assert_allclose(
        logits(params, ids, 2, mask, norm, bend), scores.detach(), atol=1e-10
    )
    expected = F.cross_entropy(scores.reshape(-1, V), torch.tensor(targets).reshape(-1))
    expected.backward()
    assert loss == pytest.approx(expected.item(), abs=1e-10)
    for name, gradient in grads.items():
        np.testing.assert_allclose(gradient, p[name].grad, err_msg=name, **EXACT)

    def f(params):
        return cross_entropy(logits(params, ids, 2, mask, norm, bend), targets), grads

    assert gradcheck(f, params) < 1e-7


def test_the_model_is_day_1s_encoder_up_to_its_pooling():
    params, ids, _ = a_model()
    lengths = [T, 3]
    theirs = encoder(ids, params, 2, lengths, pool="first")
    np.testing.assert_allclose(
        logits(params, ids, 2, padding_mask(lengths, T))[:, 0], theirs, atol=1e-12
    )


def test_the_future_gets_no_gradient_from_the_past():
    params, ids, targets = a_model(longest=T)
    targets[:, 2:] = -100
    _, grads = loss_and_gradients(params, ids, targets, 2, causal_mask(T))
    assert grads["positions"][:2].all() and not grads["positions"][2:].any()


def test_nothing_is_changed_and_two_calls_agree():
    params, ids, targets = a_model(longest=T)
    before = {name: value.copy() for name, value in params.items()}
    first = loss_and_gradients(params, ids, targets, 2)
    second = loss_and_gradients(params, ids, targets, 2)
    assert first[0] == second[0]
    for name, value in params.items():
        np.testing.assert_array_equal(value, before[name])
        np.testing.assert_array_equal(first[1][name], second[1][name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.full((B, T), V)}, "ids must be in"),
        ({"targets": np.zeros((B, T - 1), int)}, "need targets"),
        ({"mask": np.ones((T, T))}, "must be bool"),
        ({"norm": "both"}, '"pre" or "post"'),
        ({"ids": np.zeros((B, T + 3), int), "targets": np.zeros((B, T + 3), int)}, "positions for"),
        ({"H": 5}, "cannot be dealt out"),
        ({"nan": True}, "NaN"),
    ],
)
def test_the_model_refuses_with_a_sentence(change, message):
    params, ids, targets = a_model(longest=T)
    if change.pop("nan", False):
        params["head.w"][0, 0] = math.nan
    given = {"ids": ids, "targets": targets, "H": 2} | change
    with pytest.raises(ValueError, match=message):
        loss_and_gradients(params, **given)


def test_every_small_step_against_the_gradient_lowers_the_loss():
    params, ids, _ = a_model()
    losses = []
    for _ in range(20):
        loss, grads = loss_and_gradients(params, ids[:, :-1], ids[:, 1:], 2, causal_mask(T - 1))
        params = {name: value - 0.1 * grads[name] for name, value in params.items()}
        losses.append(loss)
    assert all(now < before for before, now in itertools.pairwise(losses))


@pytest.mark.parametrize("program", ["backward_numpy", "backward_model", "gradcheck"])
def test_the_modules_are_programs(program, tmp_path):
    ran = subprocess.run(
        [sys.executable, DAY / f"{program}.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(ran.stdout.splitlines()) > 2
    if program == "backward_model":
        found = re.findall(r"(-?\d\.\d{9}) +(-?\d\.\d{9})", ran.stdout)
        assert len(found) == 4
        for by_hand, numeric in found:
            assert float(by_hand) == pytest.approx(float(numeric), abs=1e-8)


CHECKS = DAY / "checks" / "backward_numpy.py"


def norm_by(straight, by_mean, by_variance):
    """layer_norm_backward with its three terms weighed."""

    def layer_norm_backward(d_y, x, gain, eps=1e-5):
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
        d, n = d_y * gain, centred / deviation
        mean, product = (a.mean(axis=-1, keepdims=True) for a in (d, d * n))
        d_x = (straight * d - by_mean * mean - by_variance * n * product) / deviation
        return d_x, (d_y * n).sum(axis=0), d_y.sum(axis=0)

    return layer_norm_backward


@pytest.mark.parametrize(
    ("weighed", "said"),
    [
        ((1, 1, 1), None),
        ((1, 1, 0), "In d_x the term through the variance is missing."),
        ((1, 0, 1), "In d_x the term through the mean is missing."),
        ((1, 1, 1.2), "In d_x the term through the variance counts 1.2 times, not once."),
        ((1, -1, 1), "In d_x the term through the mean has the wrong sign."),
        ((0, 1, 1), "In d_x the road straight through is missing."),
        ((4, 4, 4), "In d_x everything counts 4 times, not once."),
    ],
)
def test_a_wrong_layer_norm_gradient_is_named_by_its_terms(weighed, said):
    """By regression on the closed form: a fault needs to be in no bank."""
    terms = judge.load_check(CHECKS, "4.4").properties.terms
    f = SimpleNamespace(layer_norm_backward=norm_by(*weighed))
    assert terms(f, None, *rng().normal(size=(3, 2, 4))) == said


@pytest.mark.parametrize(
    ("backward", "said"),
    [
        (softmax_backward, None),
        (lambda d, w: w * d, "In d_scores the average that is taken away is missing."),
        (lambda d, w: w * (d - d.mean(-1, keepdims=True)), "comes in -1 times, and should not"),
        (
            lambda d, w: w * (1 - w) * d,
            "the average that is taken away is missing; a share's square comes in -1 times",
        ),
        (lambda d, w: softmax_backward(d, w) / 3, "In d_scores everything counts 0.333 times"),
        (lambda d, w: np.tanh(d), None),  # not made of these terms: nothing is guessed
    ],
)
def test_a_wrong_softmax_gradient_is_named_by_its_terms(backward, said):
    terms = judge.load_check(CHECKS, "4.3").properties.terms
    told = terms(SimpleNamespace(softmax_backward=backward), None, np.ones(3), np.ones(3) / 3)
    assert told == said if said is None else said in told
