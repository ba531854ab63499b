"""day3/optim.py against torch.optim, torch's clipping, NumPy formulas and singular values."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn as nn

from model import GPT, Config
from optim import AdamW, Muon, clip_gradients, optimizers, orthogonal, warmup_cosine, warmup_linear


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def set_gradients(parameters, step):
    """Gradients of very different sizes, the same for every optimiser at the same step."""
    for i, p in enumerate(parameters):
        p.grad = random(*p.shape, seed=1000 * step + i) * 10.0 ** (i - 2)


def parameters_of(*shapes):
    return [nn.Parameter(random(*shape, seed=i)) for i, shape in enumerate(shapes)]


# ---- AdamW


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adamw_equals_torch(weight_decay):
    settings = {"lr": 0.003, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": weight_decay}
    ours, theirs = parameters_of((7, 3), (5,), (2, 4)), parameters_of((7, 3), (5,), (2, 4))
    mine, torchs = AdamW(ours, **settings), torch.optim.AdamW(theirs, **settings)
    for step in range(100):
        set_gradients(ours, step)
        set_gradients(theirs, step)
        mine.step()
        torchs.step()
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=0)


def test_a_scale_is_a_factor_of_the_learning_rate():
    for make in (AdamW, Muon):
        half, whole = parameters_of((4, 3)), parameters_of((4, 3))
        scaled, plain = make(half, lr=0.2, weight_decay=0.1), make(whole, lr=0.1, weight_decay=0.1)
        for step in range(3):
            set_gradients(half, step)
            set_gradients(whole, step)
            scaled.step(0.5)
            plain.step()
        torch.testing.assert_close(half[0], whole[0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("make", [AdamW, Muon])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(make):
    through = parameters_of((4, 3), (6, 2))
    optimizer = make(through, lr=0.1)
    for step in range(3):
        set_gradients(through, step)
        optimizer.step()
    resumed = [nn.Parameter(p.detach().clone()) for p in through]
    other = make(resumed, lr=0.1)
    other.load(copy.deepcopy(optimizer.state()))
    for step in range(3, 6):
        for parameters, each in ((through, optimizer), (resumed, other)):
            set_gradients(parameters, step)
            each.step()
    for a, b in zip(through, resumed):
        assert torch.equal(a, b)


# ---- Muon


def five_times(values):
    """The polynomial of Jordan et al. 2024 on singular values, five times over."""
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return values


def with_singular_values(rows, columns, values, seed=0):
    u, _ = torch.linalg.qr(random(rows, len(values), seed=seed))
    v, _ = torch.linalg.qr(random(columns, len(values), seed=seed + 1))
    return u, v, u * torch.tensor(values, dtype=torch.float64) @ v.T


@pytest.mark.parametrize(("rows", "columns"), [(4, 9), (9, 4), (4, 4), (1, 6), (6, 1)])
def test_singular_values_end_near_one_and_their_vectors_stay(rows, columns):
    n = min(rows, columns)
    values = [7.0, 0.9, 0.3, 0.05][:n]
    u, v, matrix = with_singular_values(rows, columns, values)
    out = orthogonal(matrix[None])[0]
    assert out.shape == (rows, columns)
    after = torch.linalg.svdvals(out)
    assert 0.6 < after.min() and after.max() < 1.3
    scaled = torch.tensor(values, dtype=torch.float64)
    scaled = five_times(scaled / scaled.norm())
    torch.testing.assert_close(out, u * scaled @ v.T, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("rows", "columns"), [(24, 96), (96, 24), (96, 128)])
def test_singular_values_of_random_matrices_end_near_one(rows, columns):
    after = torch.linalg.svdvals(orthogonal(random(3, rows, columns)))
    assert 0.6 < after.min() and after.max() < 1.3


def test_a_stack_is_made_orthogonal_one_by_one():
    stack = random(3, 5, 4) * torch.tensor([1.0, 100.0, 0.01], dtype=torch.float64)[:, None, None]
    alone = torch.cat([orthogonal(matrix[None]) for matrix in stack])
    torch.testing.assert_close(orthogonal(stack), alone, atol=1e-12, rtol=0)


def test_orthogonal_leaves_its_argument_and_survives_zeros():
    stack = random(2, 3, 5)
    before = stack.clone()
    orthogonal(stack)
    assert torch.equal(stack, before)
    assert not orthogonal(torch.zeros(1, 3, 5)).any()


@pytest.mark.parametrize(("rows", "columns"), [(8, 2), (3, 7), (5, 5)])
def test_muon_equals_numpy(rows, columns):
    lr, momentum, decay = 0.02, 0.9, 0.1
    (p,) = parameters_of((rows, columns))
    muon = Muon([p], lr, momentum, decay)
    w, mean = p.detach().numpy().copy(), np.zeros((rows, columns))
    for step in range(3):
        p.grad = random(rows, columns, seed=10 + step)
        muon.step()
        g = p.grad.numpy()
        mean = momentum * mean + (1 - momentum) * g
        ahead = momentum * mean + (1 - momentum) * g
        u, values, vt = np.linalg.svd(ahead, full_matrices=False)
        update = u * five_times(values / np.sqrt(np.sum(values**2))) @ vt
        update *= max(1.0, rows / columns) ** 0.5
        w = (1 - lr * decay) * w - lr * update
        np.testing.assert_allclose(p.detach().numpy(), w, atol=1e-6, rtol=0)


def test_a_packed_matrix_moves_as_three():
    (packed,) = parameters_of((12, 4))
    apart = [nn.Parameter(part.clone()) for part in packed.detach().chunk(3)]
    together, separate = Muon([packed], 0.1), Muon(apart, 0.1)
    for step in range(3):
        set_gradients([packed], step)
        for p, g in zip(apart, packed.grad.chunk(3)):
            p.grad = g.clone()
        together.step()
        separate.step()
    torch.testing.assert_close(packed, torch.cat(apart), atol=1e-12, rtol=0)


def test_matrices_of_many_shapes_each_move_alone():
    shapes = [(4, 4), (12, 4), (16, 4), (4, 16), (4, 4), (4, 16)]
    together, apart = parameters_of(*shapes), parameters_of(*shapes)
    optimizer, alone = Muon(together, 0.1), [Muon([p], 0.1) for p in apart]
    for step in range(2):
        set_gradients(together, step)
        set_gradients(apart, step)
        optimizer.step()
        for each in alone:
            each.step()
    for a, b in zip(together, apart):
        torch.testing.assert_close(a, b, atol=1e-12, rtol=0)


# ---- schedules


def test_linear_schedule():
    scale = [warmup_linear(step, 200) for step in range(200)]
    assert scale[:4] == [0.25, 0.5, 0.75, 1.0]
    assert scale[3:41] == [1.0] * 38
    assert scale[120] == pytest.approx(0.5)
    assert scale[199] == pytest.approx(1 / 160)
    assert scale[3:] == sorted(scale[3:], reverse=True)
    assert warmup_linear(4, 100, warmup=0.1, decay=0.5) == 0.5
    assert warmup_linear(75, 100, warmup=0.1, decay=0.5) == 0.5


def test_cosine_schedule():
    scale = [warmup_cosine(step, 200) for step in range(200)]
    assert scale[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert scale[199] == pytest.approx(0.1)
    assert scale[4:] == sorted(set(scale[4:]), reverse=True)
    steps = 4 + 2 * 98 + 1  # 4 ahead, and one step in the very middle
    assert warmup_cosine(4 + 98, steps) == pytest.approx(0.55)
    assert warmup_cosine(199, 200, floor=0.0) == pytest.approx(0.0)


@pytest.mark.parametrize("schedule", [warmup_linear, warmup_cosine])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 49, 51, 1000])
def test_schedules_stay_between_nothing_and_the_full_height(schedule, steps):
    scale = [schedule(step, steps) for step in range(steps)]
    assert all(0 < s <= 1 for s in scale)
    assert max(scale) == 1 or steps == 2


# ---- clipping


@pytest.mark.parametrize("ceiling", [0.5, 1.5])
def test_clipping_equals_torch(ceiling):
    ours, theirs = parameters_of((7, 3), (5,), (2, 4)), parameters_of((7, 3), (5,), (2, 4))
    set_gradients(ours, 0)
    set_gradients(theirs, 0)
    norm = clip_gradients([*ours, nn.Parameter(torch.ones(2))], ceiling)  # one has no gradient
    assert norm == pytest.approx(nn.utils.clip_grad_norm_(theirs, ceiling).item(), rel=1e-12)
    assert norm > ceiling
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a.grad, b.grad, atol=1e-12, rtol=0)
    after = math.sqrt(sum((p.grad**2).sum().item() for p in ours))
    assert after == pytest.approx(ceiling, rel=1e-5)


def test_small_gradients_are_left_alone():
    parameters = parameters_of((3, 2), (4,))
    set_gradients(parameters, 0)
    before = [p.grad.clone() for p in parameters]
    clip_gradients(parameters, 1e6)
    for p, g in zip(parameters, before):
        assert torch.equal(p.grad, g)


# ---- who is moved by what


def model(**more):
    return GPT(Config(**{"vocab_size": 11, "context": 7, "n_layer": 2, "n_head": 3} | more))


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_every_parameter_is_moved_by_exactly_one_optimiser(positions, kind):
    gpt = model(n_embd=12, positions=positions)
    for p in gpt.parameters():
        p.grad = torch.ones_like(p)
    names = {id(p): name for name, p in gpt.named_parameters()}
    groups = optimizers(gpt, kind, matrix_lr=0.02, table_lr=0.003, weight_decay=0.1)
    held = [names[id(p)] for group in groups for p in group.parameters]
    assert sorted(held) == sorted(names.values())
    assert len(groups) == 2
    matrices = {names[id(p)] for p in groups[0].parameters}
    assert len(matrices) == 4 * 2, "four matrices a block"
    assert all(name.startswith("blocks.") and name.endswith("weight") for name in matrices)
    assert isinstance(groups[0], Muon if kind == "muon" else AdamW)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_norms_biases_and_tables_do_not_decay(positions, kind):
    gpt = model(n_embd=12, positions=positions)
    with torch.no_grad():
        for p in gpt.parameters():
            p.copy_(torch.randn_like(p))
            p.grad = torch.zeros_like(p)  # then decay is all that moves a weight
    before = {name: p.detach().clone() for name, p in gpt.named_parameters()}
    for optimizer in optimizers(gpt, kind, matrix_lr=0.02, table_lr=0.003, weight_decay=0.1):
        optimizer.step()
    for name, p in gpt.named_parameters():
        matrix = p.ndim == 2 and "embedding" not in name and "position" not in name
        torch.testing.assert_close(p, before[name] * (1 - 0.02 * 0.1 if matrix else 1))
    assert gpt.head.weight is gpt.embedding.weight


def test_frozen_parameters_are_left_out():
    gpt = model(n_embd=12)
    gpt.embedding.requires_grad_(False)
    groups = optimizers(gpt, "muon", matrix_lr=0.02, table_lr=0.003, weight_decay=0.1)
    held = [p for group in groups for p in group.parameters]
    assert all(p.requires_grad for p in held)
    assert len(held) == len(list(gpt.parameters())) - 1
